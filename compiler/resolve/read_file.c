/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "resolve/read_file.h"

#include <stdlib.h>

#include "resolve/implicit.h"
#include "resolve/file_passes.h"
#include "resolve/scope.h"

struct config *config_new(const struct inputs *inputs, struct diags *diags)
{
	struct config *config = ARENA_NEW(diags->arena, struct config);

	config->arena = diags->arena;
	config->diags = diags;
	config->netdb = inputs->netdb;
	config->node = inputs->node;
	config->now = inputs->now;
	config->forwards = inputs->forwards;
	config->plain_lists = inputs->plain_lists;
	config->left_out = inputs->left_out;
	config->cluster.kind = SCOPE_CLUSTER;
	config->sdn = inputs->sdn;
	config->corosync = inputs->corosync;
	config->altnames = inputs->altnames;
	options_defaults(FILE_CLUSTER, &config->cluster_options);
	options_defaults(FILE_HOST, &config->host_options);
	rule_list_init(&config->cluster_rules);
	rule_list_init(&config->host_rules);
	return config;
}

void rule_list_init(struct rule_list *rules)
{
	*rules = (struct rule_list){ .last = &rules->first };
}

void guest_init(struct guest *guest)
{
	options_defaults(FILE_GUEST, &guest->options);
	guest->scope = (struct scope){ .kind = SCOPE_GUEST, .vmid = guest->vmid };
	rule_list_init(&guest->rules);
}

struct resolver read_file_start(struct reading *reading, struct source *source, enum file_kind kind, struct scope *own)
{
	struct resolver r = { .config = reading->config, .arena = reading->arena, .scratch = &reading->trees,
			      .cache = &reading->cache, .diags = reading->diags, .late = &reading->late, .own = own };

	source->is_fw = true;
	r.file = ast_parse(r.scratch, source, kind);
	r.lost = encoding_check(r.scratch, r.diags, r.file);
	names_define(&r);
	return r;
}

void read_file_finish(struct resolver *r, struct rule_list *rules)
{
	for (const struct ast_section *s = r->file->sections; s; s = s->next) {
		if (s->kind == SECTION_RULES) {
			rules_read(r, s, rules);
		} else if (s->kind == SECTION_IPSET && section_has_valid_name(s)) {
			set_entries_read(r, s);
		} else if (s->kind == SECTION_GROUP && section_has_valid_name(s)) {
			struct text name = arena_lower(r->arena, word_text(s->name));
			struct group *group = scope_find_group(r->config, name);

			/* Rules of an earlier definition of the same name are lost. */
			rule_list_init(&group->rules);
			rules_read(r, s, &group->rules);
		}
	}
}

void read_guest_file(struct reading *reading, struct source *source, struct guest *guest)
{
	struct resolver r;

	guest->has_file = true;
	guest->file = source;
	r = read_file_start(reading, source, FILE_GUEST, &guest->scope);
	r.guest = &guest->options;
	r.written = ARENA_ARRAY(reading->arena, struct span, OPTION_COUNT);
	guest->written = r.written;
	options_read(&r, &guest->options);
	read_file_finish(&r, &guest->rules);
	implicit_filters(reading->arena, guest);
	arena_reset(&reading->trees);
}

static int compare_late_labels(const void *a, const void *b)
{
	const struct late_label *x = *(const struct late_label *const *)a;
	const struct late_label *y = *(const struct late_label *const *)b;

	return x->span.begin < y->span.begin ? -1 : x->span.begin > y->span.begin;
}

void late_labels_add(struct arena *arena, struct late_label *labels)
{
	struct late_label **sorted;
	unsigned count = 0;

	for (struct late_label *l = labels; l; l = l->next)
		count++;
	sorted = ARENA_ARRAY(arena, struct late_label *, count);
	count = 0;
	for (struct late_label *l = labels; l; l = l->next)
		sorted[count++] = l;
	qsort(sorted, count, sizeof(*sorted), compare_late_labels);
	for (unsigned i = 0; i < count; i++)
		diag_label(sorted[i]->d, sorted[i]->span, "this is ignored, too");
}
