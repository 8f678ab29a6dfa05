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
	version->options = (struct guest_options){ 0 }; /* the defaults do not reset places */
	guest_init(version);
	if (file->size)
		read_guest_file(&reading, file, version);
	arena_free(&reading.trees);
	return version;
}

/* ---- the names of cluster.fw ---- */

struct cluster_names {
	struct config *config; /* with the names and options of the cluster's file, and nothing else */
	const struct source *source;
	struct diags found; /* in the cluster's file: shown only if they make a line of another file wrong */
};

struct cluster_names *cluster_names_read(struct arena *arena, struct source *cluster, const struct inputs *inputs,
					 struct source_map *map)
{
	struct cluster_names *names = ARENA_NEW(arena, struct cluster_names);
	struct reading reading = { .arena = arena, .diags = &names->found };
	struct resolver r;

	diags_init(&names->found, arena, map);
	names->source = cluster;
	names->config = reading.config = config_new(inputs, &names->found);
	cluster->unasked = true;
	r = read_file_start(&reading, cluster, FILE_CLUSTER, &names->config->cluster);
	r.written = names->config->cluster_written;
	options_read(&r, &names->config->cluster_options);
	arena_free(&reading.trees);
	return names;
}

void cluster_names_free(struct cluster_names *names)
{
	config_free_cluster(names->config);
}

/* ---- one file ---- */

/* A diagnostic of the cluster's file serves many files: each gets a copy, as labels are added to it. */
static struct diagnostic *add_copy(struct diags *diags, const struct diagnostic *d)
{
	struct diagnostic *copy = ARENA_NEW(diags->arena, struct diagnostic);

	*copy = *d;
	copy->owner = diags;
	copy->parts = NULL;
	copy->last_part = &copy->parts;
	for (const struct diag_part *part = d->parts; part; part = part->next) {
		*copy->last_part = ARENA_NEW(diags->arena, struct diag_part);
		**copy->last_part = *part;
		copy->last_part = &(*copy->last_part)->next;
	}
	diags_add(diags, copy);
	return copy;
}

/* Reports the mistakes of the cluster's file that make a line of this file wrong: those with a label here. */
static void report_causes(struct diags *diags, const struct cluster_names *cluster, struct late_label *labels)
{
	uint32_t left = 0;

	for (const struct late_label *label = labels; label; label = label->next)
		left += label->d->owner == &cluster->found;
	for (const struct diagnostic *d = cluster->found.first; d && left; d = d->next) {
		struct diagnostic *copy = NULL;

		for (struct late_label *label = labels; label; label = label->next) {
			if (label->d != d)
				continue;
			copy = copy ? copy : add_copy(diags, d);
			label->d = copy;
			left--;
		}
	}
}

static struct span span_moved(struct span span, const struct source *from, const struct source *to)
{
	if (span.begin < from->base || span.begin > from->base + from->size)
		return span;
	return (struct span){ span.begin - from->base + to->base, span.end - from->base + to->base };
}

/* Lets diagnostics name the cluster's file as this file refers to it. */
static void move_places(struct diags *diags, const struct source *from, const struct source *to)
{
	for (struct diagnostic *d = diags->first; d && from != to; d = d->next) {
		d->span = span_moved(d->span, from, to);
		for (struct diag_part *part = d->parts; part; part = part->next)
			part->span = span_moved(part->span, from, to);
	}
}

/* The configuration that the file is read into. */
static struct config *config_for(const struct cluster_names *cluster, const struct inputs *inputs,
				 struct arena *arena, struct diags *diags)
{
	struct diags own;
	struct config *config;

	diags_init(&own, arena, diags->map);
	config = cluster ? ARENA_NEW(arena, struct config) : config_new(inputs, &own);
	if (cluster)
		*config = *cluster->config;
	config->arena = arena;
	config->diags = diags;
	config->sdn = inputs->sdn;
	return config;
}

void compile_single(const struct single_compilation *single, struct diags *diags)
{
	enum file_kind kind = single->kind;
	const struct cluster_names *cluster = kind == FILE_CLUSTER ? NULL : single->cluster;
	struct diags found;
	struct config *config;
	struct guest guest = { 0 };
	struct vnet_options vnet;
	struct scope *scope;
	struct span written[OPTION_COUNT] = { 0 };
	struct reading reading = { .arena = &single->memory->arena, .diags = &found, .trees = single->memory->trees };
	struct rule_list rules;
	struct resolver r;

	diags_init(&found, diags->arena, diags->map);
	reading.config = config = config_for(cluster, single->inputs, reading.arena, &found);
	guest_init(&guest);
	options_defaults(FILE_VNET, &vnet);
	rule_list_init(&rules);
	scope = kind == FILE_CLUSTER ? &config->cluster : kind == FILE_GUEST ? &guest.scope : NULL;
	r = read_file_start(&reading, single->source, kind, scope);
	r.cluster_unknown = kind != FILE_CLUSTER && !cluster;
	r.guest = kind == FILE_GUEST ? &guest.options : NULL;
	r.vnet = kind == FILE_VNET ? &vnet : NULL;
	r.written = written;
	options_read(&r, kind == FILE_CLUSTER ? (void *)&config->cluster_options
			 : kind == FILE_HOST  ? (void *)&config->host_options
			 : kind == FILE_GUEST ? (void *)&guest.options
					      : (void *)&vnet);
	read_file_finish(&r, &rules);
	if (cluster)
		report_causes(&found, cluster, reading.late);
	late_labels_add(config->arena, reading.late);
	if (cluster)
		move_places(&found, cluster->source, single->cluster_source);
	diags_append(diags, &found);
	scope_free(&guest.scope);
	if (!cluster)
		config_free_cluster(config);
	single->memory->trees = reading.trees;
	arena_reset(&single->memory->trees);
	arena_reset(&single->memory->arena);
}

void single_memory_free(struct single_memory *memory)
{
	arena_free(&memory->arena);
	arena_free(&memory->trees);
}
