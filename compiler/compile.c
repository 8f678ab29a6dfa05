/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pipeline: parse every file, take down what it defines, resolve what it
 * refers to, add what is implied.
 *
 * The cluster's and the host's definitions and options are known before any
 * rule is read, because rules refer to them; then each file is finished by
 * itself.  Guests' files depend on nothing but the cluster's, so several are
 * read at the same time, each thread with memory and diagnostics of its own.
 */
#include "compile.h"

#include <stdlib.h>

#include "implicit.h"
#include "parallel.h"
#include "resolve.h"

/* What a thread needs to read files.  The trees of the cluster's and the host's
 * file last until both are resolved, those of other files one after the other. */
struct reading {
	struct config *config;
	struct arena *arena; /* for what lasts */
	struct diags *diags;
	struct arena trees;
	struct rule_cache cache;
	struct late_label *late;
};

static struct resolver start_file(struct reading *reading, struct source *source, enum file_kind kind,
				  struct scope *own)
{
	struct resolver r = { .config = reading->config, .arena = reading->arena,
			      .scratch = &reading->trees, .cache = &reading->cache,
			      .diags = reading->diags, .late = &reading->late, .own = own };

	source->is_fw = true;
	r.file = ast_parse(r.scratch, source, kind);
	r.lost = encoding_check(r.scratch, r.diags, r.file);
	names_define(&r);
	return r;
}

static struct rule_list *group_rules(struct resolver *r, const struct ast_section *section)
{
	struct text name = arena_lower(r->arena, word_text(section->name));
	struct group *group = names_group(r->config, name);

	group->rules.first = NULL;
	group->rules.last = &group->rules.first;
	group->rules.count = 0;
	return &group->rules;
}

/* The second pass over a file. */
static void finish_file(struct resolver *r, struct rule_list *rules)
{
	for (const struct ast_section *s = r->file->sections; s; s = s->next) {
		if (s->kind == SECTION_RULES)
			rules_read(r, s, rules);
		else if (s->kind == SECTION_IPSET && names_section_counts(s))
			names_fill_set(r, s);
		else if (s->kind == SECTION_GROUP && names_section_counts(s))
			rules_read(r, s, group_rules(r, s));
	}
}

static void init_rules(struct rule_list *rules)
{
	*rules = (struct rule_list){ .last = &rules->first };
}

/* ---- the files ---- */

/* In the kernel's names of sets the cluster and the SDN are one. */
static void compare_with_sdn(const struct reading *reading)
{
	const struct config *config = reading->config;

	for (const struct ipset *set = config->cluster.ipsets; set; set = set->hh.next) {
		struct ipset *other = NULL;
		struct diagnostic *d;

		if (config->sdn.ipsets)
			HASH_FIND(hh, config->sdn.ipsets, set->name.ptr, set->name.len, other);
		if (!other)
			continue;
		d = diag(reading->diags, set->span, DIAG_SET_OF_SDN, "the SDN has an IP set `%.*s`, too",
			 TEXT_ARG(set->name));
		diag_note(d, "with iptables both have one name in the kernel, and the SDN's addresses count");
		diag_help(d, "give this set another name");
	}
}

static void read_cluster_and_host(struct reading *reading, const struct inputs *inputs)
{
	struct resolver cluster = { 0 }, host = { 0 };
	struct config *config = reading->config;

	if (inputs->cluster) {
		cluster = start_file(reading, inputs->cluster, FILE_CLUSTER, &config->cluster);
		options_read(&cluster, &config->cluster_options);
	}
	if (inputs->host) {
		host = start_file(reading, inputs->host, FILE_HOST, NULL);
		options_read(&host, &config->host_options);
	}
	compare_with_sdn(reading);
	if (inputs->cluster)
		finish_file(&cluster, &config->cluster_rules);
	if (inputs->host)
		finish_file(&host, &config->host_rules);
}

static void read_guest_file(struct reading *reading, struct source *source, struct guest *guest)
{
	struct resolver r;

	guest->has_file = true;
	guest->file = source;
	r = start_file(reading, source, FILE_GUEST, &guest->scope);
	r.guest = &guest->options;
	r.written = ARENA_ARRAY(reading->arena, struct span, OPTION_COUNT);
	guest->written = r.written;
	options_read(&r, &guest->options);
	guest->ips = r.ips;
	finish_file(&r, &guest->rules);
	implicit_filters(reading->arena, guest);
	arena_reset(&reading->trees);
}

static void init_guest(struct guest *guest)
{
	options_defaults(FILE_GUEST, &guest->options);
	guest->scope = (struct scope){ .kind = SCOPE_GUEST, .vmid = guest->vmid };
	init_rules(&guest->rules);
}

/* ---- guests, several at a time ---- */

struct guest_job {
	struct guest *guest;
	struct source *source;
};

struct guest_jobs {
	struct guest_job *items;
	unsigned count;
	struct worker {
		struct reading reading;
		struct arena arena;
		struct diags diags;
	} workers[PARALLEL_MOST];
};

static struct guest *advance(struct guest **at, enum guest_type type, struct text vmid)
{
	while (*at && (*at)->type == type && text_compare((*at)->vmid_text, vmid) < 0)
		*at = (*at)->next;
	return *at && (*at)->type == type && text_equal((*at)->vmid_text, vmid) ? *at : NULL;
}

/* A file without a guest on this node: checked all the same. */
static struct guest *add_stranger(struct config *config, struct text vmid)
{
	struct guest *guest = ARENA_NEW(config->arena, struct guest);

	guest->vmid_text = vmid;
	init_guest(guest);
	guest->next = config->strangers;
	config->strangers = guest;
	return guest;
}

/* Finds the guest of each file in one walk over the VMs and one over the
 * containers, both sorted as the files are.  An empty file is none. */
static void collect_jobs(struct guest_jobs *jobs, struct config *config, const struct inputs *inputs)
{
	struct guest *vm = inputs->guests, *container = inputs->guests;
	unsigned count = 0;

	for (struct input_file *f = inputs->guest_files; f; f = f->next)
		count++;
	jobs->items = ARENA_ARRAY(config->arena, struct guest_job, count);
	while (container && container->type == GUEST_VM)
		container = container->next;
	for (struct input_file *f = inputs->guest_files; f; f = f->next) {
		struct guest *guest = advance(&vm, GUEST_VM, f->name);

		if (!guest)
			guest = advance(&container, GUEST_CONTAINER, f->name);
		if (!guest)
			guest = add_stranger(config, f->name);
		if (f->source->size)
			jobs->items[jobs->count++] = (struct guest_job){ guest, f->source };
	}
}

static void run_job(void *context, unsigned worker, unsigned n)
{
	struct guest_jobs *jobs = context;

	read_guest_file(&jobs->workers[worker].reading, jobs->items[n].source, jobs->items[n].guest);
}

static void start_worker(struct worker *worker, struct reading *main)
{
	*worker = (struct worker){ .reading = { .config = main->config } };
	worker->reading.arena = &worker->arena;
	worker->reading.diags = &worker->diags;
	diags_init(&worker->diags, &worker->arena, main->diags->map);
}

static void end_worker(struct worker *worker, struct reading *main)
{
	struct late_label **last = &main->late;

	while (*last)
		last = &(*last)->next;
	*last = worker->reading.late;
	diags_append(main->diags, &worker->diags);
	arena_adopt(main->arena, &worker->arena);
	arena_free(&worker->reading.trees);
}

static void read_guests(struct reading *reading, const struct inputs *inputs)
{
	struct guest_jobs jobs = { .count = 0 };
	unsigned workers;

	for (struct guest *g = inputs->guests; g; g = g->next)
		init_guest(g);
	reading->config->guests = inputs->guests;
	collect_jobs(&jobs, reading->config, inputs);
	workers = parallel_workers(jobs.count);
	for (unsigned i = 0; i < workers; i++)
		start_worker(&jobs.workers[i], reading);
	parallel_run(workers, jobs.count, run_job, &jobs);
	for (unsigned i = 0; i < workers; i++)
		end_worker(&jobs.workers[i], reading);
}

static void read_vnet_file(struct reading *reading, struct vnet *vnet, struct source *source)
{
	struct resolver r = start_file(reading, source, FILE_VNET, NULL);

	r.vnet = &vnet->options;
	options_read(&r, &vnet->options);
	finish_file(&r, &vnet->rules);
	arena_reset(&reading->trees);
}

static void read_vnets(struct reading *reading, const struct inputs *inputs)
{
	struct config *config = reading->config;
	struct vnet **last = &config->vnets;

	for (struct input_file *f = inputs->vnet_files; f; f = f->next) {
		struct vnet *vnet = ARENA_NEW(config->arena, struct vnet);

		vnet->name = f->name;
		vnet->file = f->source;
		options_defaults(FILE_VNET, &vnet->options);
		init_rules(&vnet->rules);
		read_vnet_file(reading, vnet, f->source);
		*last = vnet;
		last = &vnet->next;
	}
}

/* ---- the end of reading ---- */

static int by_place(const void *a, const void *b)
{
	const struct late_label *x = *(const struct late_label *const *)a;
	const struct late_label *y = *(const struct late_label *const *)b;

	return x->span.begin < y->span.begin ? -1 : x->span.begin > y->span.begin;
}

/* Tells the diagnostics of aliases without value who suffers, in the order of
 * the files whatever thread has noted it. */
static void add_late_labels(struct arena *arena, struct late_label *labels)
{
	struct late_label **sorted;
	unsigned count = 0;

	for (struct late_label *l = labels; l; l = l->next)
		count++;
	sorted = ARENA_ARRAY(arena, struct late_label *, count);
	count = 0;
	for (struct late_label *l = labels; l; l = l->next)
		sorted[count++] = l;
	qsort(sorted, count, sizeof(*sorted), by_place);
	for (unsigned i = 0; i < count; i++)
		diag_label(sorted[i]->d, sorted[i]->span, "this is ignored with it");
}

static struct config *new_config(const struct inputs *inputs, struct diags *diags)
{
	struct config *config = ARENA_NEW(diags->arena, struct config);

	config->arena = diags->arena;
	config->diags = diags;
	config->netdb = inputs->netdb;
	config->node = inputs->node;
	config->now = inputs->now;
	config->forwards = inputs->forwards;
	config->left_out = inputs->left_out;
	config->cluster.kind = SCOPE_CLUSTER;
	config->sdn = inputs->sdn;
	config->corosync = inputs->corosync;
	config->altnames = inputs->altnames;
	options_defaults(FILE_CLUSTER, &config->cluster_options);
	options_defaults(FILE_HOST, &config->host_options);
	init_rules(&config->cluster_rules);
	init_rules(&config->host_rules);
	return config;
}

struct config *compile(const struct inputs *inputs, struct diags *diags)
{
	struct config *config = new_config(inputs, diags);
	struct reading reading = { .config = config, .arena = config->arena, .diags = diags };

	read_cluster_and_host(&reading, inputs);
	read_guests(&reading, inputs);
	read_vnets(&reading, inputs);
	add_late_labels(config->arena, reading.late);
	arena_free(&reading.trees);
	implicit_local_network(config, inputs);
	return config;
}

/* ---- a guest once more ---- */

struct guest *compile_guest(struct config *config, const struct guest *guest, struct source *file)
{
	struct reading reading = { .config = config, .arena = config->arena, .diags = config->diags };
	struct guest *version = ARENA_NEW(config->arena, struct guest);

	*version = *guest;
	version->next = NULL;
	version->has_file = false;
	version->file = NULL;
	version->written = NULL;
	init_guest(version);
	if (file->size)
		read_guest_file(&reading, file, version);
	arena_free(&reading.trees);
	return version;
}

/* ---- one file alone ---- */

static bool is_labelled(const struct diagnostic *d, const struct late_label *labels)
{
	while (labels && labels->d != d)
		labels = labels->next;
	return labels != NULL;
}

/* Of the cluster's diagnostics, which are not asked for, those that say why
 * something in this file is ignored. */
static void show_causes(struct diags *diags, const struct diags *unseen, const struct late_label *labels)
{
	struct diagnostic *next;
	struct diags causes;

	diags_init(&causes, diags->arena, diags->map);
	for (struct diagnostic *d = unseen->first; d; d = next) {
		next = d->next;
		if (!is_labelled(d, labels))
			continue;
		diags_add(&causes, d);
	}
	diags_append(diags, &causes);
}

void compile_single(struct source *source, enum file_kind kind, struct source *cluster,
		    const struct inputs *inputs, struct diags *diags)
{
	struct config *config = new_config(inputs, diags);
	struct guest guest = { 0 };
	struct scope *own = kind == FILE_CLUSTER ? &config->cluster : kind == FILE_GUEST ? &guest.scope : NULL;
	struct reading reading = { .config = config, .arena = config->arena, .diags = diags };
	struct vnet_options vnet;
	struct rule_list rules;
	struct diags unseen;
	struct resolver r;

	init_guest(&guest);
	options_defaults(FILE_VNET, &vnet);
	init_rules(&rules);
	diags_init(&unseen, diags->arena, diags->map);
	if (cluster && kind != FILE_CLUSTER) {
		reading.diags = &unseen;
		cluster->unasked = true;
		r = start_file(&reading, cluster, FILE_CLUSTER, &config->cluster);
		options_read(&r, &config->cluster_options);
		reading.diags = diags;
	}
	r = start_file(&reading, source, kind, own);
	r.cluster_unknown = kind != FILE_CLUSTER && !cluster;
	r.guest = kind == FILE_GUEST ? &guest.options : NULL;
	r.vnet = kind == FILE_VNET ? &vnet : NULL;
	options_read(&r, kind == FILE_CLUSTER ? (void *)&config->cluster_options
			 : kind == FILE_HOST  ? (void *)&config->host_options
			 : kind == FILE_GUEST ? (void *)&guest.options
					      : (void *)&vnet);
	finish_file(&r, &rules);
	add_late_labels(config->arena, reading.late);
	show_causes(diags, &unseen, reading.late);
	arena_free(&reading.trees);
	scope_free(&guest.scope);
	config_free(config);
}

/* ---- the end ---- */

void scope_free(struct scope *scope)
{
	HASH_CLEAR(hh, scope->aliases);
	HASH_CLEAR(hh, scope->ipsets);
	HASH_CLEAR(hh, scope->skipped);
}

void guest_view_init(struct guest_view *view, const struct config *config, const struct guest *guest)
{
	view->config = *config;
	view->guest = *guest;
	view->guest.next = NULL;
	view->config.guests = &view->guest;
}

void config_free(struct config *config)
{
	scope_free(&config->cluster);
	scope_free(&config->sdn);
	HASH_CLEAR(hh, config->groups);
	for (struct guest *g = config->guests; g; g = g->next)
		scope_free(&g->scope);
	for (struct guest *g = config->strangers; g; g = g->next)
		scope_free(&g->scope);
}

bool config_enabled(const struct config *config)
{
	int64_t enable = config->cluster_options.enable;

	return enable == 1 || (enable > 1 && config->now - enable <= 60);
}
