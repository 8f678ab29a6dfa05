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
#include "resolve/compile.h"

#include <stdlib.h>

#include "resolve/implicit.h"
#include "base/parallel_for.h"
#include "resolve/resolver.h"

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

/*
 * Nodes for which the cluster's files mean the same: the configuration of what they have in common, and theirs, which
 * begin as copies of it.
 */
struct node_class {
	const struct node_inputs *all;
	unsigned *members; /* indexes */
	unsigned count;
	const struct node_set *set;
	struct config *config; /* of what they have in common; if there is one member, its own */
	struct config **configs; /* by node, of all nodes */
};

static const struct inputs *member_inputs(const struct node_class *class, unsigned i)
{
	return &class->all->inputs[class->members[i]];
}

static struct config *member_config(const struct node_class *class, unsigned i)
{
	return class->configs[class->members[i]];
}

/* What is reported from here on is of this member. */
static void report_of(struct reading *reading, const struct node_class *class, unsigned i)
{
	reading->config = member_config(class, i);
	reading->diags->nodes = class->all->sets[class->members[i]];
}

static void report_of_all(struct reading *reading, const struct node_class *class)
{
	reading->config = class->config;
	reading->diags->nodes = class->set;
}

/* Gives the members what is known of the cluster now. */
static void share_cluster(const struct node_class *class)
{
	const struct config *common = class->config;

	for (unsigned i = 0; i < class->count; i++) {
		struct config *config = member_config(class, i);

		config->cluster_options = common->cluster_options;
		config->cluster = common->cluster;
		config->groups = common->groups;
		config->group_count = common->group_count;
		config->cluster_rules = common->cluster_rules;
		config->vnets = common->vnets;
		config->local_network = common->local_network;
	}
}

/* The rules of the cluster's file depend on the options of the host's, which are the same for all members as far as
 * they do. */
static void read_cluster_and_hosts(struct reading *reading, const struct node_class *class)
{
	struct resolver cluster = { 0 }, *hosts = ARENA_ARRAY(reading->arena, struct resolver, class->count);
	struct source *file = member_inputs(class, 0)->cluster;

	report_of_all(reading, class);
	if (file) {
		cluster = start_file(reading, file, FILE_CLUSTER, &class->config->cluster);
		options_read(&cluster, &class->config->cluster_options);
	}
	share_cluster(class);
	for (unsigned i = 0; i < class->count; i++) {
		struct source *host = member_inputs(class, i)->host;

		report_of(reading, class, i);
		if (!host)
			continue;
		hosts[i] = start_file(reading, host, FILE_HOST, NULL);
		options_read(&hosts[i], &reading->config->host_options);
	}
	report_of_all(reading, class);
	class->config->host_options = member_config(class, 0)->host_options;
	compare_with_sdn(reading);
	if (file)
		finish_file(&cluster, &class->config->cluster_rules);
	share_cluster(class);
	for (unsigned i = 0; i < class->count; i++) {
		report_of(reading, class, i);
		if (member_inputs(class, i)->host)
			finish_file(&hosts[i], &reading->config->host_rules);
	}
	report_of_all(reading, class);
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
	struct config *config;
	const struct node_set *set;
	struct guest *guest;
	struct source *source;
};

struct guest_jobs {
	struct guest_job *items; /* `count` of them are filled in */
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

/* Finds the guest of each file of a node in one walk over the VMs and one over the
 * containers, both sorted as the files are.  An empty file is none. */
static void collect_jobs(struct guest_jobs *jobs, struct config *config, const struct inputs *inputs,
			 const struct node_set *set)
{
	struct guest *vm = inputs->guests, *container = inputs->guests;

	while (container && container->type == GUEST_VM)
		container = container->next;
	for (struct input_file *f = inputs->guest_files; f; f = f->next) {
		struct guest *guest = advance(&vm, GUEST_VM, f->name);

		if (!guest)
			guest = advance(&container, GUEST_CONTAINER, f->name);
		if (!guest)
			guest = add_stranger(config, f->name);
		if (f->source->size)
			jobs->items[jobs->count++] = (struct guest_job){ config, set, guest, f->source };
	}
}

static void run_job(void *context, unsigned worker, unsigned n)
{
	struct guest_jobs *jobs = context;
	struct reading *reading = &jobs->workers[worker].reading;

	reading->config = jobs->items[n].config;
	reading->diags->nodes = jobs->items[n].set;
	read_guest_file(reading, jobs->items[n].source, jobs->items[n].guest);
}

static void start_worker(struct worker *worker, struct reading *main)
{
	*worker = (struct worker){ 0 };
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

static unsigned count_guest_files(const struct node_class *class)
{
	unsigned count = 0;

	for (unsigned i = 0; i < class->count; i++)
		for (const struct input_file *f = member_inputs(class, i)->guest_files; f; f = f->next)
			count++;
	return count;
}

static void read_guests(struct reading *reading, const struct node_class *class)
{
	struct guest_jobs jobs = { .count = 0 };
	unsigned workers;

	jobs.items = ARENA_ARRAY(reading->arena, struct guest_job, count_guest_files(class));
	for (unsigned i = 0; i < class->count; i++) {
		const struct inputs *inputs = member_inputs(class, i);
		struct config *config = member_config(class, i);

		for (struct guest *g = inputs->guests; g; g = g->next)
			init_guest(g);
		config->guests = inputs->guests;
		collect_jobs(&jobs, config, inputs, class->all->sets[class->members[i]]);
	}
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

/* ---- several nodes ---- */

static void compile_class(struct node_class *class, struct diags *diags)
{
	struct reading reading = { .arena = diags->arena, .diags = diags };

	for (unsigned i = 0; i < class->count; i++)
		class->configs[class->members[i]] = new_config(member_inputs(class, i), diags);
	class->config = class->count > 1 ? new_config(member_inputs(class, 0), diags) : member_config(class, 0);
	read_cluster_and_hosts(&reading, class);
	read_guests(&reading, class);
	report_of_all(&reading, class);
	read_vnets(&reading, member_inputs(class, 0));
	add_late_labels(diags->arena, reading.late);
	arena_free(&reading.trees);
	implicit_local_network(class->config, member_inputs(class, 0));
	share_cluster(class);
	diags->nodes = NULL;
}

/* What a host's file says about FORWARD rules, on which what is reported about the cluster's depends. */
static bool forwards(const struct inputs *inputs, struct source_map *map)
{
	struct arena arena = { 0 };
	struct diags diags;
	struct reading reading = { .arena = &arena, .diags = &diags };
	struct resolver r;
	bool forwards;

	if (!inputs->host)
		return false;
	diags_init(&diags, &arena, map);
	reading.config = new_config(inputs, &diags);
	r = start_file(&reading, inputs->host, FILE_HOST, NULL);
	options_read(&r, &reading.config->host_options);
	forwards = reading.config->host_options.nftables;
	arena_free(&reading.trees);
	arena_free(&arena);
	return forwards;
}

/* By what a class is known: nothing else of a node gets into what the cluster's files become. */
struct class_key {
	bool forwards, on_node;
};

/* Takes the nodes like the first that is left; `left` are their indexes. */
static struct node_class take_class(const struct node_inputs *all, const struct class_key *keys, bool *taken,
				    struct arena *arena)
{
	struct node_class class = { .all = all, .members = ARENA_ARRAY(arena, unsigned, all->count) };
	unsigned first = 0;

	while (taken[first])
		first++;
	for (unsigned i = first; i < all->count; i++) {
		if (taken[i] || keys[i].forwards != keys[first].forwards || keys[i].on_node != keys[first].on_node)
			continue;
		class.set = class.count ? node_set_join(arena, class.set, all->sets[i]) : all->sets[i];
		class.members[class.count++] = i;
		taken[i] = true;
	}
	if (class.count == all->count)
		class.set = NULL;
	return class;
}

struct node_configs compile_nodes(const struct node_inputs *nodes, struct diags *diags)
{
	struct node_configs made = { .configs = ARENA_ARRAY(diags->arena, struct config *, nodes->count),
				     .count = nodes->count,
				     .owners = ARENA_ARRAY(diags->arena, struct config *, nodes->count) };
	struct class_key *keys = ARENA_ARRAY(diags->arena, struct class_key, nodes->count);
	bool *taken = ARENA_ARRAY(diags->arena, bool, nodes->count);

	for (unsigned i = 0; i < nodes->count; i++)
		keys[i] = (struct class_key){ nodes->count > 1 && forwards(&nodes->inputs[i], diags->map),
					      nodes->inputs[i].on_node };
	for (unsigned done = 0; done < nodes->count;) {
		struct node_class class = take_class(nodes, keys, taken, diags->arena);

		class.configs = made.configs;
		compile_class(&class, diags);
		made.owners[made.owner_count++] = class.config;
		done += class.count;
	}
	return made;
}

struct config *compile(const struct inputs *inputs, struct diags *diags)
{
	const struct node_set *all = NULL;
	struct inputs own = *inputs;

	return compile_nodes(&(struct node_inputs){ .inputs = &own, .sets = &all, .count = 1 }, diags).configs[0];
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

static void free_guests(struct config *config)
{
	for (struct guest *g = config->guests; g; g = g->next)
		scope_free(&g->scope);
	for (struct guest *g = config->strangers; g; g = g->next)
		scope_free(&g->scope);
}

static void free_cluster(struct config *config)
{
	scope_free(&config->cluster);
	HASH_CLEAR(hh, config->groups);
}

void config_free(struct config *config)
{
	free_cluster(config);
	scope_free(&config->sdn);
	free_guests(config);
}

void node_configs_free(const struct node_configs *nodes)
{
	for (unsigned i = 0; i < nodes->count; i++)
		free_guests(nodes->configs[i]);
	for (unsigned i = 0; i < nodes->owner_count; i++)
		free_cluster(nodes->owners[i]);
	if (nodes->owner_count)
		scope_free(&nodes->owners[0]->sdn);
}

bool config_enabled(const struct config *config)
{
	int64_t enable = config->cluster_options.enable;

	return enable == 1 || (enable > 1 && config->now - enable <= 60);
}
