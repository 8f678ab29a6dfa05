/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiling one file alone: for lint of a file, and for another version of a guest's file. */
#include "resolve/compile.h"
#include "resolve/file_passes.h"
#include "resolve/read_file.h"

struct guest *compile_guest(struct config *config, const struct guest *guest, struct source *file)
{
	struct reading reading = { .config = config, .arena = config->arena, .diags = config->diags };
	struct guest *version = ARENA_NEW(config->arena, struct guest);

	*version = *guest;
	version->next = NULL;
	version->has_file = false;
	version->file = NULL;
	version->written = NULL;
	guest_init(version);
	if (file->size)
		read_guest_file(&reading, file, version);
	arena_free(&reading.trees);
	return version;
}

/* Reports the mistakes of the cluster file that make a line of this file wrong: those with a label here. */
static void report_causes(struct diags *diags, const struct diags *unseen, const struct late_label *labels)
{
	struct diagnostic *next;
	struct diags causes;

	diags_init(&causes, diags->arena, diags->map);
	for (struct diagnostic *d = unseen->first; d; d = next) {
		const struct late_label *label = labels;

		next = d->next;
		while (label && label->d != d)
			label = label->next;
		if (label)
			diags_add(&causes, d);
	}
	diags_append(diags, &causes);
}

void compile_single(struct source *source, enum file_kind kind, struct source *cluster, const struct inputs *inputs,
		    struct diags *diags)
{
	struct config *config = config_new(inputs, diags);
	struct guest guest = { 0 };
	struct vnet_options vnet;
	struct scope *scopes[FILE_KINDS] = { [FILE_CLUSTER] = &config->cluster, [FILE_GUEST] = &guest.scope };
	void *const options[FILE_KINDS] = { &config->cluster_options, &config->host_options, &guest.options, &vnet };
	struct span written[OPTION_COUNT] = { 0 };
	struct reading reading = { .config = config, .arena = config->arena, .diags = diags };
	struct rule_list rules;
	struct diags unseen;
	struct resolver r;

	guest_init(&guest);
	options_defaults(FILE_VNET, &vnet);
	rule_list_init(&rules);
	diags_init(&unseen, diags->arena, diags->map);
	if (cluster && kind != FILE_CLUSTER) {
		reading.diags = &unseen;
		cluster->unasked = true;
		r = read_file_start(&reading, cluster, FILE_CLUSTER, &config->cluster);
		r.written = config->cluster_written;
		options_read(&r, &config->cluster_options);
		reading.diags = diags;
	}
	r = read_file_start(&reading, source, kind, scopes[kind]);
	r.cluster_unknown = kind != FILE_CLUSTER && !cluster;
	r.guest = kind == FILE_GUEST ? &guest.options : NULL;
	r.vnet = kind == FILE_VNET ? &vnet : NULL;
	r.written = written;
	options_read(&r, options[kind]);
	read_file_finish(&r, &rules);
	late_labels_add(config->arena, reading.late);
	report_causes(diags, &unseen, reading.late);
	arena_free(&reading.trees);
	scope_free(&guest.scope);
	config_free(config);
}
