/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running the checks, and what several of them need: the list of files, the
 * chains of rules, where an option stands.
 *
 * The checks report into a list of their own.  What they say of a line that has
 * a diagnostic already, or that one points to, is a consequence of that mistake,
 * and is dropped.
 */
#include "lint_check.h"

#include <stdlib.h>

#include "folder.h"
#include "lint_space.h"

const struct lint_row lint_table[] = {
#define LINT(name, function, text) { name, text },
#include "lint.def"
#undef LINT
};

const unsigned lint_count = sizeof(lint_table) / sizeof(lint_table[0]);

static void (*const checks[])(struct lint *lint) = {
#define LINT(name, function, text) lint_##function,
#include "lint.def"
#undef LINT
};

/* ---- files ---- */

static void add_file(struct lint *lint, enum file_kind kind, const struct source *source,
		     const struct guest *guest)
{
	if (source)
		lint->files[lint->file_count++] = (struct lint_file){ kind, source, guest };
}

static void list_files(struct lint *lint)
{
	const struct config *config = lint->config;
	uint32_t room = 2;

	for (const struct input_file *f = lint->inputs->guest_files; f; f = f->next)
		room++;
	for (const struct vnet *v = config->vnets; v; v = v->next)
		room++;
	lint->files = ARENA_ARRAY(&lint->scratch, struct lint_file, room);
	add_file(lint, FILE_CLUSTER, lint->inputs->cluster, NULL);
	add_file(lint, FILE_HOST, lint->inputs->host, NULL);
	for (const struct guest *g = config->guests; g; g = g->next)
		add_file(lint, FILE_GUEST, g->file, g);
	for (const struct guest *g = config->strangers; g; g = g->next)
		add_file(lint, FILE_GUEST, g->file, g);
	for (const struct vnet *v = config->vnets; v; v = v->next)
		add_file(lint, FILE_VNET, v->file, NULL);
}

const struct lint_file *lint_find_file(const struct lint *lint, const struct source *source)
{
	for (uint32_t i = 0; i < lint->file_count; i++)
		if (lint->files[i].source == source)
			return &lint->files[i];
	return NULL;
}

bool lint_has_errors(const struct lint *lint, const struct source *source)
{
	for (const struct diagnostic *d = source ? lint->told->first : NULL; d; d = d->next)
		if (d->severity == SEVERITY_ERROR && d->span.begin >= source->base &&
		    d->span.begin <= source->base + source->size)
			return true;
	return false;
}

const char *lint_guest_name(struct lint *lint, const struct guest *guest)
{
	return arena_printf(lint->arena, "%s %.*s", guest->type == GUEST_VM ? "VM" : "container",
			    TEXT_ARG(guest->vmid_text));
}

struct span lint_option_place(const struct lint_file *file, const char *key)
{
	struct span place = { file->source->base, file->source->base };
	struct arena trees = { 0 };
	/* The parser changes nothing of the source. */
	struct ast_file *ast = ast_parse(&trees, (struct source *)file->source, file->kind);

	for (const struct ast_section *s = ast->sections; s; s = s->next)
		for (const struct ast_line *l = s->lines; l && s->kind == SECTION_OPTIONS; l = l->next) {
			const struct ast_option *option = (const struct ast_option *)l;

			if (l->kind == LINE_OPTION && text_equal_nocase(word_text(option->key), text_of(key)))
				place = l->span;
		}
	arena_free(&trees);
	return place;
}

/* ---- the other nodes ---- */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The VMIDs of the configurations in a folder; *room of them fit. */
static void add_guests(struct lint *lint, const struct folder *node, const char *name, uint32_t *room)
{
	struct folder folder = folder_open(node, name);

	for (uint32_t i = 0; i < folder.count; i++) {
		struct text stem = folder.names[i];
		uint64_t vmid;

		stem.len = stem.len > 5 ? stem.len - 5 : 0;
		if (!text_is((struct text){ stem.ptr + stem.len, folder.names[i].len - stem.len }, ".conf") ||
		    !text_to_number(stem, UINT32_MAX, &vmid))
			continue;
		if (lint->other_guest_count == *room) {
			uint32_t *more = ARENA_ARRAY(&lint->scratch, uint32_t, *room * 2 + 64);

			if (*room)
				memcpy(more, lint->other_guests, *room * sizeof(*more));
			lint->other_guests = more;
			*room = *room * 2 + 64;
		}
		lint->other_guests[lint->other_guest_count++] = (uint32_t)vmid;
	}
	folder_close(&folder);
}

bool lint_has_guest(const struct lint *lint, uint64_t vmid)
{
	uint32_t key = (uint32_t)vmid;

	for (const struct guest *g = lint->config->guests; g; g = g->next)
		if (g->vmid == vmid)
			return true;
	return lint->other_guest_count &&
	       bsearch(&key, lint->other_guests, lint->other_guest_count, sizeof(key), by_number);
}

static void read_other_nodes(struct lint *lint)
{
	struct folder root, nodes;
	uint32_t room = 0;

	if (!folder_open_root(lint->diags, lint->inputs->root, &root))
		return;
	nodes = folder_open(&root, "nodes");
	lint->other_hosts = ARENA_ARRAY(&lint->scratch, struct source *, nodes.count);
	for (uint32_t i = 0; i < nodes.count; i++) {
		struct folder node;

		if (text_equal(nodes.names[i], lint->inputs->node) || nodes.names[i].ptr[0] == '.' ||
		    !folder_is_folder(&nodes, nodes.names[i].ptr))
			continue;
		node = folder_open(&nodes, nodes.names[i].ptr);
		lint->other_hosts[lint->other_host_count] = folder_load(&node, "host.fw");
		lint->other_host_count += lint->other_hosts[lint->other_host_count] != NULL;
		add_guests(lint, &node, "qemu-server", &room);
		add_guests(lint, &node, "lxc", &room);
		folder_close(&node);
	}
	folder_close(&nodes);
	folder_close(&root);
	if (lint->other_guest_count)
		qsort(lint->other_guests, lint->other_guest_count, sizeof(uint32_t), by_number);
}

/* ---- chains ---- */

const char *lint_policy_key(enum direction direction)
{
	static const char *const keys[] = { "policy_in", "policy_out", "policy_forward" };

	return keys[direction];
}

static void host_policies(const struct config *config, struct lint_chain *chain)
{
	const struct cluster_options *cluster = &config->cluster_options;
	const struct host_options *host = &config->host_options;

	chain->policy[DIRECTION_IN] = &cluster->policy_in;
	chain->policy[DIRECTION_OUT] = &cluster->policy_out;
	chain->policy[DIRECTION_FORWARD] = &cluster->policy_forward;
	chain->policy_logs[DIRECTION_IN] = host->log_level_in != LOG_NOLOG;
	chain->policy_logs[DIRECTION_OUT] = host->log_level_out != LOG_NOLOG;
	chain->policy_logs[DIRECTION_FORWARD] = host->log_level_forward != LOG_NOLOG;
	chain->host = true;
}

static struct lint_chain guest_chain(const struct guest *guest)
{
	const struct guest_options *options = &guest->options;

	return (struct lint_chain){
		.rules = &guest->rules,
		.policy = { [DIRECTION_IN] = &options->policy_in, [DIRECTION_OUT] = &options->policy_out },
		.policy_logs = { [DIRECTION_IN] = options->log_level_in != LOG_NOLOG,
				 [DIRECTION_OUT] = options->log_level_out != LOG_NOLOG },
	};
}

static struct lint_chain vnet_chain(const struct vnet *vnet)
{
	return (struct lint_chain){
		.rules = &vnet->rules,
		.policy = { [DIRECTION_FORWARD] = &vnet->options.policy_forward },
		.policy_logs = { [DIRECTION_FORWARD] = vnet->options.log_level_forward != LOG_NOLOG },
	};
}

static void call(struct lint *lint, struct lint_chain chain,
		 void (*each)(struct lint *lint, const struct lint_chain *chain))
{
	if (chain.rules->first)
		each(lint, &chain);
}

void lint_each_chain(struct lint *lint, void (*each)(struct lint *lint, const struct lint_chain *chain))
{
	const struct config *config = lint->config;
	struct lint_chain host = { .rules = &config->host_rules, .then = &config->cluster_rules };
	struct lint_chain cluster = { .rules = &config->cluster_rules };

	host_policies(config, &host);
	host_policies(config, &cluster);
	for (const struct group *g = config->groups; g; g = g->hh.next)
		call(lint, (struct lint_chain){ .rules = &g->rules }, each);
	call(lint, cluster, each);
	call(lint, host, each);
	for (uint32_t i = 0; i < lint->file_count; i++)
		if (lint->files[i].guest)
			call(lint, guest_chain(lint->files[i].guest), each);
	for (const struct vnet *v = config->vnets; v; v = v->next)
		call(lint, vnet_chain(v), each);
}

/* ---- running ---- */

/* Lines, each as its file and number, sorted. */
struct line_set {
	uint64_t *lines;
	uint32_t count;
};

static uint64_t line_of(const struct source_map *map, uint32_t position)
{
	const struct source *source = position ? source_find(map, position) : NULL;

	return source ? (uint64_t)source->base << 32 | source_line_number(map, position) : 0;
}

static int by_line(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool has_line(const struct line_set *set, uint64_t line)
{
	return line && set->count && bsearch(&line, set->lines, set->count, sizeof(line), by_line);
}

/* The lines that diagnostics are about; with `labels`, those they point to as well. */
static struct line_set reported_lines(struct arena *arena, const struct diags *diags, enum severity least,
				      bool labels)
{
	struct line_set set = { .count = 0 };
	uint32_t room = 0;

	for (const struct diagnostic *d = diags->first; d; d = d->next) {
		room++;
		for (const struct diag_part *p = d->parts; p; p = p->next)
			room++;
	}
	set.lines = ARENA_ARRAY(arena, uint64_t, room);
	for (const struct diagnostic *d = diags->first; d; d = d->next) {
		if (d->severity < least)
			continue;
		set.lines[set.count++] = line_of(diags->map, d->span.begin);
		for (const struct diag_part *p = d->parts; labels && p; p = p->next)
			if (p->kind == DIAG_LABEL)
				set.lines[set.count++] = line_of(diags->map, p->span.begin);
	}
	if (set.count)
		qsort(set.lines, set.count, sizeof(*set.lines), by_line);
	return set;
}

/* What is told already: the line has a diagnostic, or what it is put down to is an error. */
static bool is_consequence(const struct diagnostic *d, const struct source_map *map,
			   const struct line_set *told, const struct line_set *errors)
{
	if (has_line(told, line_of(map, d->span.begin)))
		return true;
	for (const struct diag_part *p = d->parts; p; p = p->next)
		if (p->kind == DIAG_LABEL && has_line(errors, line_of(map, p->span.begin)))
			return true;
	return false;
}

/* Moves to `diags` what was found and is no consequence of what they tell, and notes about
 * lines only that have no warning. */
static void take(struct lint *lint, struct diags *diags)
{
	struct line_set told = reported_lines(&lint->scratch, diags, SEVERITY_NOTE, true);
	struct line_set errors = reported_lines(&lint->scratch, diags, SEVERITY_ERROR, false);
	struct line_set warned = reported_lines(&lint->scratch, lint->diags, SEVERITY_WARNING, false);
	struct diagnostic *next;
	struct diags taken;

	diags_init(&taken, diags->arena, diags->map);
	for (struct diagnostic *d = lint->diags->first; d; d = next) {
		next = d->next;
		if (is_consequence(d, diags->map, &told, &errors) ||
		    (d->severity == SEVERITY_NOTE && has_line(&warned, line_of(diags->map, d->span.begin))))
			continue;
		d->next = NULL;
		*taken.last = d;
		taken.last = &d->next;
		taken.counts[d->severity]++;
	}
	taken.unreadable = lint->diags->unreadable;
	diags_append(diags, &taken);
}

void lint_run(const struct config *config, const struct inputs *inputs, struct diags *diags)
{
	struct diags found;
	struct lint lint = {
		.config = config, .inputs = inputs, .diags = &found, .told = diags, .arena = diags->arena
	};

	diags_init(&found, diags->arena, diags->map);
	list_files(&lint);
	read_other_nodes(&lint);
	lint.space = space_new(&lint.scratch);
	for (unsigned i = 0; i < lint_count; i++)
		checks[i](&lint);
	take(&lint, diags);
	space_free(lint.space);
	arena_free(&lint.scratch);
}
