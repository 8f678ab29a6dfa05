/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pipeline from inputs to configurations: parse every file, define names, resolve references, add what is implied.
 *
 * The cluster's and the host's definitions and options are known before any rule is read, because rules refer to them;
 * then each file is finished by itself.  Guests' files depend on the cluster's only, so several are read at the same time,
 * each thread with memory and diagnostics of its own.
 */
#include "resolve/compile.h"

#include "base/parallel_for.h"
#include "resolve/implicit.h"
#include "resolve/file_passes.h"
#include "resolve/read_file.h"
#include "resolve/scope.h"

/* ---- classes of nodes ---- */

/*
 * Nodes for which the cluster's files mean the same.  Those files are resolved once, into `config`; the configurations
 * of the members begin as copies of it.
 */
struct node_class {
	const struct node_inputs *all;
	unsigned *members; /* indexes */
	unsigned count;
	const struct node_set *set;
	struct config *config;   /* if there is one member, its own */
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

/* Whatever is read and reported from here on belongs to this member. */
static void select_member(struct reading *reading, const struct node_class *class, unsigned i)
{
	reading->config = member_config(class, i);
	reading->diags->nodes = class->all->sets[class->members[i]];
}

static void select_class(struct reading *reading, const struct node_class *class)
{
	reading->config = class->config;
	reading->diags->nodes = class->set;
}

/* Copies the cluster's results so far to the members. */
static void share_cluster(const struct node_class *class)
{
	const struct config *common = class->config;

	for (unsigned i = 0; i < class->count; i++) {
		struct config *config = member_config(class, i);

		config->cluster_options = common->cluster_options;
		memcpy(config->cluster_written, common->cluster_written, sizeof(config->cluster_written));
		config->cluster = common->cluster;
		config->groups = common->groups;
		config->group_count = common->group_count;
		config->cluster_rules = common->cluster_rules;
		config->vnets = common->vnets;
		config->local_network = common->local_network;
	}
}

/* Whether host.fw enables nftables: the cluster's FORWARD rules are warned about where it does not. */
static bool host_forwards(const struct inputs *inputs, struct source_map *map)
{
	struct span written[OPTION_COUNT] = { 0 };
	struct arena arena = { 0 };
	struct diags diags;
	struct reading reading = { .arena = &arena, .diags = &diags };
	struct resolver r;
	bool forwards;

	if (!inputs->host)
		return false;
	diags_init(&diags, &arena, map);
	reading.config = config_new(inputs, &diags);
	r = read_file_start(&reading, inputs->host, FILE_HOST, NULL);
	r.written = written;
	options_read(&r, &reading.config->host_options);
	forwards = reading.config->host_options.nftables;
	arena_free(&reading.trees);
	arena_free(&arena);
	return forwards;
}

/* ---- the cluster's, the hosts' and the vnets' files ---- */

/* With iptables, sets of the cluster and of the SDN share one namespace in the kernel. */
static void compare_with_sdn(const struct reading *reading)
{
	for (const struct ipset *set = reading->config->cluster.ipsets; set; set = set->hh.next) {
		struct diagnostic *d;

		if (!scope_find_set(&reading->config->sdn, set->name))
			continue;
		d = diag(reading->diags, set->span, DIAG_SET_OF_SDN, "the SDN has an IP set `%.*s`, too",
			 TEXT_ARG(set->name));
		diag_note(d,
			  "with iptables both have one name in the kernel, and the SDN's addresses are used");
		diag_help(d, "rename this set");
	}
}

/* The cluster's rules depend only on those options of the host that are equal in all members of a class. */
static void read_cluster_and_hosts(struct reading *reading, const struct node_class *class)
{
	struct resolver cluster = { 0 }, *hosts = ARENA_ARRAY(reading->arena, struct resolver, class->count);
	struct source *file = member_inputs(class, 0)->cluster;

	select_class(reading, class);
	if (file) {
		cluster = read_file_start(reading, file, FILE_CLUSTER, &class->config->cluster);
		cluster.written = class->config->cluster_written;
		options_read(&cluster, &class->config->cluster_options);
	}
	share_cluster(class);
	for (unsigned i = 0; i < class->count; i++) {
		select_member(reading, class, i);
		if (!member_inputs(class, i)->host)
			continue;
		hosts[i] = read_file_start(reading, member_inputs(class, i)->host, FILE_HOST, NULL);
		hosts[i].written = reading->config->host_written;
		options_read(&hosts[i], &reading->config->host_options);
	}
	select_class(reading, class);
	class->config->host_options = member_config(class, 0)->host_options;
	compare_with_sdn(reading);
	if (file)
		read_file_finish(&cluster, &class->config->cluster_rules);
	share_cluster(class);
	for (unsigned i = 0; i < class->count; i++) {
		select_member(reading, class, i);
		if (member_inputs(class, i)->host)
			read_file_finish(&hosts[i], &reading->config->host_rules);
	}
}

static void read_vnets(struct reading *reading, const struct inputs *inputs)
{
	struct config *config = reading->config;
	struct vnet **last = &config->vnets;

	for (struct input_file *f = inputs->vnet_files; f; f = f->next) {
		struct vnet *vnet = ARENA_NEW(config->arena, struct vnet);
		struct span *written = ARENA_ARRAY(config->arena, struct span, OPTION_COUNT);
		struct resolver r;

		*vnet = (struct vnet){ .name = f->name, .file = f->source, .written = written };
		options_defaults(FILE_VNET, &vnet->options);
		rule_list_init(&vnet->rules);
		r = read_file_start(reading, f->source, FILE_VNET, NULL);
		r.vnet = &vnet->options;
		r.written = written;
		options_read(&r, &vnet->options);
		read_file_finish(&r, &vnet->rules);
		arena_reset(&reading->trees);
		*last = vnet;
		last = &vnet->next;
	}
}

/* ---- guests' files, several at a time ---- */

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

static void add_guests(struct config *config, const struct guest_config *configs)
{
	struct guest **last = &config->guests;

	for (const struct guest_config *c = configs; c; c = c->next) {
		struct guest *guest = ARENA_NEW(config->arena, struct guest);

		*guest = (struct guest){ .vmid = c->vmid, .vmid_text = c->vmid_text, .type = c->type,
					 .nics = c->nics, .config = c->source };
		guest_init(guest);
		*last = guest;
		last = &guest->next;
	}
}

/* Advances `*at` to the guest of that type and VMID, and returns it; NULL if there is none. */
static struct guest *find_guest(struct guest **at, enum guest_type type, struct text vmid)
{
	while (*at && (*at)->type == type && text_compare((*at)->vmid_text, vmid) < 0)
		*at = (*at)->next;
	return *at && (*at)->type == type && text_equal((*at)->vmid_text, vmid) ? *at : NULL;
}

/*
 * Finds the guest of each file of a node in one walk over the VMs and one over the containers, both sorted as the files
 * are.  A file without a guest on this node is checked all the same; an empty file counts as missing.
 */
static void collect_jobs(struct guest_jobs *jobs, struct config *config, const struct inputs *inputs,
			 const struct node_set *set)
{
	struct guest *vm = config->guests, *container = config->guests;

	while (container && container->type == GUEST_VM)
		container = container->next;
	for (struct input_file *f = inputs->guest_files; f; f = f->next) {
		struct guest *guest = find_guest(&vm, GUEST_VM, f->name);

		if (!guest)
			guest = find_guest(&container, GUEST_CONTAINER, f->name);
		if (!guest) {
			guest = ARENA_NEW(config->arena, struct guest);
			guest->vmid_text = f->name;
			guest_init(guest);
			guest->next = config->strangers;
			config->strangers = guest;
		}
		if (f->source->size)
			jobs->items[jobs->count++] = (struct guest_job){ config, set, guest, f->source };
	}
}

static void run_guest_job(void *context, unsigned worker, unsigned n)
{
	struct guest_jobs *jobs = context;
	struct reading *reading = &jobs->workers[worker].reading;

	reading->config = jobs->items[n].config;
	reading->diags->nodes = jobs->items[n].set;
	read_guest_file(reading, jobs->items[n].source, jobs->items[n].guest);
}

static void resolve_guests(struct reading *reading, const struct node_class *class)
{
	struct guest_jobs jobs = { .count = 0 };
	unsigned workers, files = 0;

	for (unsigned i = 0; i < class->count; i++)
		for (const struct input_file *f = member_inputs(class, i)->guest_files; f; f = f->next)
			files++;
	jobs.items = ARENA_ARRAY(reading->arena, struct guest_job, files);
	for (unsigned i = 0; i < class->count; i++) {
		add_guests(member_config(class, i), member_inputs(class, i)->guests);
		collect_jobs(&jobs, member_config(class, i), member_inputs(class, i),
			     class->all->sets[class->members[i]]);
	}
	workers = parallel_workers(jobs.count);
	for (unsigned i = 0; i < workers; i++) {
		struct worker *worker = &jobs.workers[i];

		*worker = (struct worker){ .reading = { .arena = &worker->arena, .diags = &worker->diags } };
		diags_init(&worker->diags, &worker->arena, reading->diags->map);
	}
	parallel_run(workers, jobs.count, run_guest_job, &jobs);
	for (unsigned i = 0; i < workers; i++) {
		struct worker *worker = &jobs.workers[i];
		struct late_label **last = &reading->late;

		while (*last)
			last = &(*last)->next;
		*last = worker->reading.late;
		diags_append(reading->diags, &worker->diags);
		arena_adopt(reading->arena, &worker->arena);
		arena_free(&worker->reading.trees);
	}
}

/* ---- all of it ---- */

static void compile_class(struct node_class *class, struct diags *diags)
{
	struct reading reading = { .arena = diags->arena, .diags = diags };

	for (unsigned i = 0; i < class->count; i++)
		class->configs[class->members[i]] = config_new(member_inputs(class, i), diags);
	class->config = class->count > 1 ? config_new(member_inputs(class, 0), diags) : member_config(class, 0);
	read_cluster_and_hosts(&reading, class);
	resolve_guests(&reading, class);
	select_class(&reading, class);
	read_vnets(&reading, member_inputs(class, 0));
	late_labels_add(diags->arena, reading.late);
	arena_free(&reading.trees);
	implicit_local_network(class->config, member_inputs(class, 0));
	share_cluster(class);
	diags->nodes = NULL;
}

struct node_configs compile_nodes(const struct node_inputs *nodes, struct diags *diags)
{
	struct arena *arena = diags->arena;
	struct node_configs result = { .configs = ARENA_ARRAY(arena, struct config *, nodes->count),
				       .count = nodes->count,
				       .owners = ARENA_ARRAY(arena, struct config *, nodes->count) };
	/* Nothing else of a node decides what the cluster's files mean. */
	struct class_key {
		bool forwards, on_node, done;
	} *keys = ARENA_ARRAY(arena, struct class_key, nodes->count);

	for (unsigned i = 0; i < nodes->count; i++)
		keys[i] = (struct class_key){ nodes->count > 1 && host_forwards(&nodes->inputs[i], diags->map),
					      nodes->inputs[i].on_node, false };
	for (unsigned first = 0; first < nodes->count; first++) {
		struct node_class class = { .all = nodes, .configs = result.configs,
					    .members = ARENA_ARRAY(arena, unsigned, nodes->count) };

		for (unsigned i = first; i < nodes->count && !keys[first].done; i++)
			if (!keys[i].done && keys[i].forwards == keys[first].forwards &&
			    keys[i].on_node == keys[first].on_node)
				class.members[class.count++] = i;
		if (!class.count)
			continue;
		for (unsigned i = 0; i < class.count; i++) {
			const struct node_set *set = nodes->sets[class.members[i]];

			class.set = i ? node_set_join(arena, class.set, set) : set;
			keys[class.members[i]].done = true;
		}
		if (class.count == nodes->count)
			class.set = NULL;
		compile_class(&class, diags);
		result.owners[result.owner_count++] = class.config;
	}
	return result;
}

struct config *compile(const struct inputs *inputs, struct diags *diags)
{
	const struct node_set *all = NULL;
	struct inputs own = *inputs;

	return compile_nodes(&(struct node_inputs){ .inputs = &own, .sets = &all, .count = 1 }, diags).configs[0];
}

void node_configs_free(const struct node_configs *nodes)
{
	for (unsigned i = 0; i < nodes->count; i++)
		config_free_guests(nodes->configs[i]);
	for (unsigned i = 0; i < nodes->owner_count; i++)
		config_free_cluster(nodes->owners[i]);
	if (nodes->owner_count)
		scope_free(&nodes->owners[0]->sdn);
}
