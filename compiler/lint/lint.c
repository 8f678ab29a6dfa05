/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of checks, and running them: once for each node and once for the tree, at the same time.
 *
 * Checks report into a list of their own.  A finding about a line that has a diagnostic already, or that is labelled
 * with an error, follows from that mistake and is dropped.
 */
#include "lint/lint_context.h"

#include <stdlib.h>

#include "inputs/directory.h"
#include "lint/lint_packets.h"
#include "base/parallel_for.h"

const struct lint_row lint_table[] = {
#define LINT(name, function, view, text) { name, text },
#include "lint/lint.def"
#undef LINT
};

const unsigned lint_count = sizeof(lint_table) / sizeof(lint_table[0]);

static const struct {
	void (*run)(struct lint *lint);
	enum lint_view view;
} checks[] = {
#define LINT(name, function, view, text) { lint_##function, LINT_##view },
#include "lint/lint.def"
#undef LINT
};

/* ---- files ---- */

static void lint_add_file(struct lint *lint, enum file_kind kind, const struct source *source,
		     const struct span *written, const struct guest *guest)
{
	if (source)
		lint->files[lint->file_count++] = (struct lint_file){ kind, source, written, guest };
}

static uint32_t count_guests(const struct config *config)
{
	uint32_t count = 0;

	for (const struct guest *g = config->guests; g; g = g->next)
		count++;
	for (const struct guest *g = config->strangers; g; g = g->next)
		count++;
	return count;
}

/* The file of a guest that several nodes have is listed with the first of them. */
static void add_guests_files(struct lint *lint, const struct guest *guests, unsigned node)
{
	for (const struct guest *g = guests; g; g = g->next)
		if (lint->view != LINT_TREE || !g->file || !node || !node_set_has_earlier(g->file->nodes, node))
			lint_add_file(lint, FILE_GUEST, g->file, g->written, g);
}

static int compare_file_places(const void *a, const void *b)
{
	uint32_t x = ((const struct lint_file *)a)->source->base, y = ((const struct lint_file *)b)->source->base;

	return (x > y) - (x < y);
}

/* Lists cluster, hosts, guests, vnets.  Guests are in the order of their files, whichever nodes they are on: so a finding
 * that goes to the first of them is the same for every node. */
static void list_files(struct lint *lint, const struct node_inputs *all)
{
	uint32_t room = 1 + lint->node_count, guests;

	for (unsigned i = 0; i < lint->node_count; i++)
		room += count_guests(lint->nodes[i]);
	for (const struct vnet *v = lint->config->vnets; v; v = v->next)
		room++;
	lint->files = ARENA_ARRAY(&lint->scratch, struct lint_file, room);
	lint_add_file(lint, FILE_CLUSTER, lint->inputs->cluster, lint->config->cluster_written, NULL);
	for (unsigned i = 0; i < lint->node_count; i++)
		lint_add_file(lint, FILE_HOST, lint->view == LINT_TREE ? all->inputs[i].host : lint->inputs->host,
			 lint->nodes[i]->host_written, NULL);
	guests = lint->file_count;
	for (unsigned i = 0; i < lint->node_count; i++)
		add_guests_files(lint, lint->nodes[i]->guests, i);
	for (unsigned i = 0; i < lint->node_count; i++)
		add_guests_files(lint, lint->nodes[i]->strangers, i);
	if (lint->file_count > guests)
		qsort(lint->files + guests, lint->file_count - guests, sizeof(*lint->files), compare_file_places);
	for (const struct vnet *v = lint->config->vnets; v; v = v->next)
		lint_add_file(lint, FILE_VNET, v->file, v->written, NULL);
}

/* ---- the other nodes ---- */

static void add_other_guest(struct lint *lint, uint32_t vmid, uint32_t *room)
{
	if (lint->other_guest_count == *room) {
		uint32_t *more = ARENA_ARRAY(&lint->scratch, uint32_t, *room * 2 + 64);

		if (*room)
			memcpy(more, lint->other_guests, *room * sizeof(*more));
		lint->other_guests = more;
		*room = *room * 2 + 64;
	}
	lint->other_guests[lint->other_guest_count++] = vmid;
}

/* Adds the VMIDs of the configurations in a folder. */
static void add_guest_numbers(struct lint *lint, const struct folder *node, const char *name, uint32_t *room)
{
	struct folder folder = folder_open(node, name);

	for (uint32_t i = 0; i < folder.count; i++) {
		struct text stem = folder.names[i];
		uint64_t vmid;

		stem.len = stem.len > 5 ? stem.len - 5 : 0;
		if (text_is((struct text){ stem.ptr + stem.len, folder.names[i].len - stem.len }, ".conf") &&
		    text_to_number(stem, UINT32_MAX, &vmid))
			add_other_guest(lint, (uint32_t)vmid, room);
	}
	folder_close(&folder);
}

/* Reads host.fw and the VMIDs of the nodes that are not checked; adds the VMIDs of those that are, if there are several. */
static void read_other_nodes(struct lint *lint, const struct node_inputs *all)
{
	struct folder root, nodes;
	uint32_t room = 0;

	if (!folder_open_root(lint->diags, all->inputs[0].root, &root))
		return;
	nodes = folder_open(&root, "nodes");
	lint->other_hosts = ARENA_ARRAY(&lint->scratch, struct source *, nodes.count);
	for (uint32_t i = 0; i < nodes.count; i++) {
		struct source *host;
		struct folder node;
		bool checked = false;

		for (unsigned j = 0; j < all->count; j++)
			checked |= text_equal(all->inputs[j].node, nodes.names[i]);
		if (checked || nodes.names[i].ptr[0] == '.' ||
		    !folder_is_folder(&nodes, nodes.names[i].ptr))
			continue;
		node = folder_open(&nodes, nodes.names[i].ptr);
		host = folder_load(&node, "host.fw");
		if (host) {
			host->unasked = true;
			lint->other_hosts[lint->other_host_count++] = host;
		}
		add_guest_numbers(lint, &node, "qemu-server", &room);
		add_guest_numbers(lint, &node, "lxc", &room);
		folder_close(&node);
	}
	folder_close(&nodes);
	folder_close(&root);
	for (unsigned i = 0; i < all->count && all->count > 1; i++)
		for (const struct guest_config *g = all->inputs[i].guests; g; g = g->next)
			add_other_guest(lint, g->vmid, &room);
	if (lint->other_guest_count)
		qsort(lint->other_guests, lint->other_guest_count, sizeof(uint32_t), compare_u32);
}

/* ---- running ---- */

/* A line (file << 32 | number) and the nodes for which it has a diagnostic. */
struct line {
	uint64_t line;
	const struct node_set *nodes;
};

/* Sorted. */
struct line_set {
	struct line *lines;
	uint32_t count;
};

static uint64_t line_of_position(const struct source_map *map, uint32_t position)
{
	const struct source *source = position ? source_find(map, position) : NULL;

	return source ? (uint64_t)source->base << 32 | source_line_number(map, position) : 0;
}

/* Removes from the nodes of a diagnostic those for which the set has the line; false if none is left. */
static bool leave_nodes(struct arena *arena, struct diagnostic *d, const struct line_set *set, uint64_t line)
{
	uint32_t low = 0, high = set->count;
	bool left = true;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (set->lines[middle].line < line)
			low = middle + 1;
		else
			high = middle;
	}
	for (; line && left && low < set->count && set->lines[low].line == line; low++)
		if (!set->lines[low].nodes)
			left = false;
		else if (node_set_overlap(set->lines[low].nodes, d->nodes))
			d->nodes = node_set_without(arena, d->nodes, set->lines[low].nodes, &left);
	return left;
}

static void line_set_add(struct line_set *set, const struct diags *diags, uint32_t position, const struct node_set *nodes)
{
	set->lines[set->count++] = (struct line){ line_of_position(diags->map, position), nodes };
}

/* The lines of diagnostics; with `labels` also those of their labels. */
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
	set.lines = ARENA_ARRAY(arena, struct line, room);
	for (const struct diagnostic *d = diags->first; d; d = d->next) {
		if (d->severity < least)
			continue;
		line_set_add(&set, diags, d->span.begin, d->nodes);
		for (const struct diag_part *p = d->parts; labels && p; p = p->next)
			if (p->kind == DIAG_LABEL)
				line_set_add(&set, diags, p->span.begin, d->nodes);
	}
	if (set.count)
		qsort(set.lines, set.count, sizeof(*set.lines), compare_u64);
	return set;
}

/* Whether the line has a diagnostic, or a label of the finding is on a line with an error.  If that is so for some nodes
 * only, the finding stays for the others. */
static bool is_consequence(struct arena *arena, struct diagnostic *d, const struct source_map *map,
			   const struct line_set *told, const struct line_set *errors)
{
	if (!leave_nodes(arena, d, told, line_of_position(map, d->span.begin)))
		return true;
	for (const struct diag_part *p = d->parts; p; p = p->next)
		if (p->kind == DIAG_LABEL && !leave_nodes(arena, d, errors, line_of_position(map, p->span.begin)))
			return true;
	return false;
}

/* Moves to `diags` the findings that do not follow from what it holds; of notes only those on lines without a warning. */
static void take_findings(struct arena *scratch, struct diags *found, struct diags *diags)
{
	struct line_set told = reported_lines(scratch, diags, SEVERITY_NOTE, true);
	struct line_set errors = reported_lines(scratch, diags, SEVERITY_ERROR, false);
	struct line_set warned = reported_lines(scratch, found, SEVERITY_WARNING, false);
	struct diagnostic *next;
	struct diags taken;

	diags_init(&taken, diags->arena, diags->map);
	for (struct diagnostic *d = found->first; d; d = next) {
		next = d->next;
		if (is_consequence(diags->arena, d, diags->map, &told, &errors) ||
		    (d->severity == SEVERITY_NOTE &&
		     !leave_nodes(diags->arena, d, &warned, line_of_position(diags->map, d->span.begin))))
			continue;
		diags_add(&taken, d);
	}
	taken.unreadable = found->unreadable;
	diags_append(diags, &taken);
}

/* ---- jobs: the checks of one node, or of the tree ---- */

struct lint_job {
	struct lint lint;
	struct diags found;
	struct arena arena; /* of findings */
};

struct lint_jobs {
	struct lint_job *items;
	const struct node_inputs *nodes;
};

static void lint_job_run(void *context, unsigned worker, unsigned n)
{
	const struct lint_jobs *jobs = context;
	struct lint *lint = &jobs->items[n].lint;
	enum lint_view view = lint->view;

	(void)worker;
	list_files(lint, jobs->nodes);
	lint->ifaces = lint_ifaces(lint);
	lint->written = written_open(lint->config, &lint->ifaces);
	for (unsigned i = 0; i < lint_count; i++) {
		if (view != LINT_ALL && (view == LINT_TREE) != (checks[i].view == LINT_TREE))
			continue;
		lint->view = view == LINT_ALL ? view : checks[i].view;
		lint->diags->check = i + 1;
		checks[i].run(lint);
	}
	lint->diags->check = 0;
	translator_close(lint->written);
	model_free(lint->model);
	arena_free(&lint->scratch);
}

static void lint_job_start(struct lint_job *job, const struct lint *common, const struct node_configs *configs,
		      const struct node_inputs *nodes, unsigned node)
{
	job->lint = *common;
	job->lint.config = configs->configs[node];
	job->lint.inputs = &nodes->inputs[node];
	job->lint.nodes = (const struct config *const *)&configs->configs[node];
	job->lint.node_count = 1;
	job->lint.is_first = node == 0;
	job->lint.diags = &job->found;
	job->lint.arena = &job->arena;
	job->lint.scratch = (struct arena){ 0 };
	diags_init(&job->found, &job->arena, common->diags->map);
	job->found.nodes = nodes->sets[node];
}

/* The job of the tree is the longest, so it comes first. */
static unsigned start_jobs(struct lint_job *jobs, const struct lint *common, const struct node_configs *configs,
			   const struct node_inputs *nodes)
{
	unsigned count = 0;

	if (nodes->count > 1) {
		lint_job_start(&jobs[count], common, configs, nodes, 0);
		jobs[count].lint.view = LINT_TREE;
		jobs[count].lint.node_count = nodes->count;
		jobs[count++].found.nodes = NULL;
	}
	for (unsigned i = 0; i < nodes->count; i++) {
		lint_job_start(&jobs[count], common, configs, nodes, i);
		jobs[count++].lint.view = nodes->count > 1 ? LINT_NODE : LINT_ALL;
	}
	return count;
}

void lint_run_nodes(const struct node_configs *configs, const struct node_inputs *nodes, struct diags *diags)
{
	struct diags found;
	struct lint common = { .diags = &found, .reported = diags };
	struct lint_jobs jobs = { .nodes = nodes };
	unsigned count;

	diags_init(&found, diags->arena, diags->map);
	read_other_nodes(&common, nodes);
	jobs.items = ARENA_ARRAY(&common.scratch, struct lint_job, nodes->count + 1);
	count = start_jobs(jobs.items, &common, configs, nodes);
	parallel_run(parallel_workers_for_long(count), count, lint_job_run, &jobs);
	for (unsigned i = 0; i < count; i++) {
		diags_append(&found, &jobs.items[i].found);
		arena_adopt(diags->arena, &jobs.items[i].arena);
	}
	take_findings(&common.scratch, &found, diags);
	arena_free(&common.scratch);
}

void lint_run(const struct config *config, const struct inputs *inputs, struct diags *diags)
{
	const struct node_set *all = NULL;
	struct config *only = (struct config *)config;
	struct inputs own = *inputs;

	lint_run_nodes(&(struct node_configs){ .configs = &only, .count = 1 },
		       &(struct node_inputs){ .inputs = &own, .sets = &all, .count = 1 }, diags);
}
