/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the tree: the command line, the node, then file after file in an order that does not depend on the machine.
 * Reading goes on after an error, so that everything that is unreadable is reported at once.
 */
#include "inputs/inputs.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "inputs/directory.h"
#include "lang/limit_table.h"
#include "inputs/netdb.h"
#include "diag/suggest.h"
#include "base/errno_text.h"


/* The state while the inputs are read. */
struct reader {
	struct inputs *inputs;
	const struct input_options *options;
	struct diags *diags;
	struct arena *arena;
	struct folder root;
	struct node_inputs *nodes;
	bool several; /* nodes may be: see inputs_load_nodes() */
};

/* ---- the command line ---- */

static struct diagnostic *bad_option(struct reader *r, const char *option, const char *value,
				     const char *what)
{
	struct diagnostic *d = diag(r->diags, SPAN_NONE, DIAG_BAD_INPUT_OPTION, "%s %s: %s", option,
				    value, what);

	r->diags->unreadable = true;
	return diag_note(d, "nothing is compiled");
}

static void read_now(struct reader *r, const char *value)
{
	uint64_t now;

	if (!value)
		r->inputs->now = (int64_t)time(NULL);
	else if (text_to_number(text_of(value), INT64_MAX, &now))
		r->inputs->now = (int64_t)now;
	else
		bad_option(r, "--now", value, "value is not a number of seconds since 1970");
}

static const char *network_error(enum address_error error)
{
	static const char *const texts[] = {
		[ADDRESS_MALFORMED] = "value is not an address with an optional prefix length",
		[ADDRESS_SHORT] = "an IPv4 address has four numbers",
		[ADDRESS_OCTAL] = "programs read a number with a leading zero differently",
		[ADDRESS_NETMASK] = "a netmask is not a prefix length",
		[ADDRESS_BAD_LENGTH] = "the prefix length is not a number",
		[ADDRESS_TOO_LONG] = "the prefix length is too long",
	};

	return texts[error];
}

static void read_local_network(struct reader *r, const char *value)
{
	struct prefix prefix;
	enum address_error error;
	char intended[PREFIX_TEXT_SIZE];
	struct diagnostic *d;

	if (!value)
		return;
	error = prefix_parse(text_of(value), &prefix);
	if (error == ADDRESS_OK) {
		r->inputs->local_network = prefix;
		r->inputs->local_network_text = prefix_text_without_length(text_of(value), &prefix);
		return;
	}
	d = bad_option(r, "--local-network", value, network_error(error));
	if (error != ADDRESS_MALFORMED && address_intended(text_of(value), intended))
		diag_help(d, "did you mean --local-network %s?", intended);
}

/* Whether the name can be used in a rule and in the output. */
static bool is_iface_name(struct text name)
{
	for (uint32_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || name.ptr[i] == '/' ||
		    name.ptr[i] == '"' || name.ptr[i] == '\\')
			return false;
	return name.len > 0;
}

static void read_altnames(struct reader *r)
{
	struct altname **last = &r->inputs->altnames;

	for (const struct altname_option *o = r->options->altnames; o; o = o->next) {
		struct text t = text_of(o->text), iface = { NULL, 0 };
		long equals = text_find(t, '=');

		if (equals >= 0)
			iface = text_of(t.ptr + equals + 1);
		t.len = equals < 0 ? 0 : (uint32_t)equals;
		if (!is_iface_name(t) || !is_iface_name(iface)) {
			bad_option(r, "--altname", o->text, "value is not ALT=IFACE");
			continue;
		}
		*last = ARENA_NEW(r->arena, struct altname);
		**last = (struct altname){ .name = t, .iface = iface };
		last = &(*last)->next;
	}
}

/* ---- the node ---- */

static struct text host_name(struct arena *arena)
{
	char name[256] = "";
	struct text t;
	long dot;

	gethostname(name, sizeof(name) - 1);
	t = text_of(name);
	dot = text_find(t, '.');
	if (dot >= 0)
		t.len = (uint32_t)dot;
	return arena_copy(arena, t);
}

/* Leaves in the listing of nodes/ only the nodes. */
static void keep_nodes(struct folder *nodes)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < nodes->count; i++)
		if (nodes->names[i].ptr[0] != '.' && folder_is_folder(nodes, nodes->names[i].ptr))
			nodes->names[kept++] = nodes->names[i];
	nodes->count = kept;
}

static const char *node_names(struct arena *arena, const struct folder *nodes)
{
	const char *names = "";

	for (uint32_t i = 0; i < nodes->count; i++)
		names = arena_printf(arena, "%s%s%s", names, i ? ", " : "", nodes->names[i].ptr);
	return names;
}

static void no_such_node(struct reader *r, const struct folder *nodes, struct text name)
{
	bool given = r->several || r->options->node;
	struct suggestion s;
	struct diagnostic *d;

	if (given)
		d = diag(r->diags, SPAN_NONE, DIAG_NO_SUCH_NODE, "%s does not contain the node `%.*s`",
			 r->inputs->root, TEXT_ARG(name));
	else
		d = diag(r->diags, SPAN_NONE, DIAG_NODE_NOT_GIVEN,
			 nodes->count > 1
				 ? "%s has several nodes, and none has the name of this machine, `%.*s`"
				 : "%s has one node, and it does not have the name of this machine, `%.*s`",
			 r->inputs->root, TEXT_ARG(name));
	r->diags->unreadable = true;
	diag_note(d, "nothing is compiled");
	diag_note(d, "the nodes are: %s", node_names(r->arena, nodes));
	suggest_start(&s, name);
	for (uint32_t i = 0; i < nodes->count; i++)
		suggest(&s, nodes->names[i], SPAN_NONE);
	if (given && s.best.len)
		diag_help(d, "did you mean --node %s?", s.best.ptr);
	else if (!given)
		diag_help(d, "name the node to compile for with --node NAME");
}

/* The node of the command line, or the only one, or this machine.  A tree without
 * nodes is good enough for the cluster's files. */
static struct text choose_node(struct reader *r, const struct folder *nodes)
{
	struct text own = host_name(r->arena);
	/* While a node joins a cluster, its /etc/pve can have the folder of another node only: the service must
	 * not take that for its own. */
	bool is_own = r->options->demand == TREE_WHOLE && r->inputs->on_node;
	struct text node = r->options->node		   ? text_of(r->options->node)
			   : nodes->count == 1 && !is_own ? nodes->names[0]
							   : own;

	if (r->options->node && !r->options->node[0])
		bad_option(r, "--node", "''", "node name is empty");
	else if (nodes->count && !folder_has(nodes, node))
		no_such_node(r, nodes, node);
	return node;
}

static bool is_listed(const struct node_option *list, struct text name)
{
	while (list && !text_equal(list->name, name))
		list = list->next;
	return list != NULL;
}

/* Those of the command line, in the order of their names, or all. */
static unsigned choose_nodes(struct reader *r, const struct folder *nodes, struct text *names)
{
	const struct node_option *wanted = r->options->nodes;
	unsigned count = 0;

	for (const struct node_option *o = wanted; o; o = o->next) {
		if (!o->name.len)
			bad_option(r, "--node", "''", "node name is empty");
		else if (nodes->count && !folder_has(nodes, o->name))
			no_such_node(r, nodes, o->name);
	}
	for (uint32_t i = 0; i < nodes->count; i++)
		if (!wanted || is_listed(wanted, nodes->names[i]))
			names[count++] = nodes->names[i];
	for (const struct node_option *o = nodes->count ? NULL : wanted; o; o = o->next)
		if (!is_listed(o->next, o->name))
			names[count++] = o->name;
	if (!count)
		names[count++] = host_name(r->arena);
	return count;
}

/* Creates the inputs of each node, with the node's options of the command line. */
static void start_nodes(struct reader *r, const struct folder *folders)
{
	struct node_inputs *nodes = r->nodes;
	struct node_names *of = ARENA_NEW(r->arena, struct node_names);
	struct text *names, own = host_name(r->arena);
	bool is_given = r->several ? r->options->nodes != NULL : r->options->node != NULL;
	unsigned room = folders->count + 1;

	for (const struct node_option *o = r->options->nodes; o; o = o->next)
		room++;
	names = ARENA_ARRAY(r->arena, struct text, room);
	if (r->several) {
		nodes->count = choose_nodes(r, folders, names);
	} else {
		names[0] = choose_node(r, folders);
		nodes->count = 1;
	}
	nodes->listed = folders->count > 0;
	*of = (struct node_names){ names, nodes->count };
	nodes->names = of;
	nodes->inputs = ARENA_ARRAY(r->arena, struct inputs, nodes->count);
	nodes->sets = ARENA_ARRAY(r->arena, const struct node_set *, nodes->count);
	for (unsigned i = 0; i < nodes->count; i++) {
		struct inputs *inputs = &nodes->inputs[i];

		nodes->sets[i] = nodes->count > 1 ? node_set_one(r->arena, of, i) : NULL;
		inputs->node = names[i];
		/* Another node of this cluster can be compiled for here, but this machine's kernel knows nothing
		 * about it. */
		inputs->on_node = r->inputs->on_node &&
				  (text_equal(inputs->node, own) || (!is_given && nodes->count == 1));
	}
}

/* ---- guests ---- */

/* The part before `ending` of a name that is a VMID and that; len 0 if it is not. */
static struct text vmid_of_file(struct text name, const char *ending, uint32_t *vmid)
{
	uint32_t tail = (uint32_t)strlen(ending);
	struct text stem = { name.ptr, name.len > tail ? name.len - tail : 0 };
	uint64_t number;

	if (!stem.len || memcmp(name.ptr + stem.len, ending, tail) != 0 || stem.ptr[0] == '0' ||
	    !text_to_number(stem, UINT32_MAX, &number))
		return (struct text){ name.ptr, 0 };
	*vmid = (uint32_t)number;
	return stem;
}

/* The files of a folder whose name is a VMID and `ending`. */
struct vmid_files {
	struct text *names, *vmids;
	uint32_t *numbers;
	struct source **sources; /* NULL: unreadable, which was reported */
	uint32_t count;
};

static struct vmid_files read_vmid_files(struct reader *r, const struct folder *folder, const char *ending)
{
	struct vmid_files files = {
		.names = ARENA_ARRAY(r->arena, struct text, folder->count),
		.vmids = ARENA_ARRAY(r->arena, struct text, folder->count),
		.numbers = ARENA_ARRAY(r->arena, uint32_t, folder->count),
		.sources = ARENA_ARRAY(r->arena, struct source *, folder->count),
	};

	for (uint32_t i = 0; i < folder->count; i++) {
		files.vmids[files.count] = vmid_of_file(folder->names[i], ending,
							&files.numbers[files.count]);
		files.names[files.count] = folder->names[i];
		files.count += files.vmids[files.count].len != 0;
	}
	folder_load_all(folder, files.names, files.count, files.sources);
	return files;
}

static struct guest_config *make_guest(struct reader *r, const struct vmid_files *files, uint32_t i,
				enum guest_type type)
{
	struct guest_config *guest = ARENA_NEW(r->arena, struct guest_config);

	guest->type = type;
	guest->vmid = files->numbers[i];
	guest->vmid_text = files->vmids[i];
	guest->source = files->sources[i];
	files->sources[i]->nodes = r->diags->nodes;
	guest->nics = guestconf_parse(r->diags, files->sources[i], type, guest->vmid_text);
	return guest;
}

/* Reports a container that has the VMID of a VM. */
static void guest_twice(struct reader *r, const struct guest_config *vm, const struct guest_config *container)
{
	struct span here = { container->source->base, container->source->base };
	struct span other = { vm->source->base, vm->source->base };
	struct diagnostic *d = diag(r->diags, here, DIAG_GUEST_TWICE,
				    "VM and container have the same number %.*s",
				    TEXT_ARG(container->vmid_text));

	diag_label(d, other, "the VM's configuration");
	diag_note(d, "the file applies to the VM; the container's traffic is not filtered");
}

/* Appends the guests of one folder and returns the end of the list.  Both folders
 * are sorted, so `vms` is walked once. */
static struct guest_config **read_guest_folders(struct reader *r, const struct folder *node,
						enum guest_type type, const struct guest_config *vms,
						struct guest_config **last)
{
	struct folder folder = folder_open(node, type == GUEST_VM ? "qemu-server" : "lxc");
	struct vmid_files files = read_vmid_files(r, &folder, ".conf");

	for (uint32_t i = 0; i < files.count; i++) {
		struct guest_config *guest;

		if (!files.sources[i])
			continue;
		guest = make_guest(r, &files, i, type);
		while (vms && text_compare(vms->vmid_text, guest->vmid_text) < 0)
			vms = vms->next;
		if (vms && vms->vmid == guest->vmid) {
			guest_twice(r, vms, guest);
			continue;
		}
		*last = guest;
		last = &guest->next;
	}
	folder_close(&folder);
	return last;
}

/* The files of one node, whose inputs are begun. */
static void read_node(struct reader *r, const struct folder *nodes, struct inputs *inputs)
{
	struct folder node = folder_open(nodes, inputs->node.ptr);
	struct guest_config **last = &inputs->guests;

	inputs->host = folder_load(&node, "host.fw");
	if (inputs->host)
		inputs->host->nodes = r->diags->nodes;
	last = read_guest_folders(r, &node, GUEST_VM, NULL, last);
	read_guest_folders(r, &node, GUEST_CONTAINER, inputs->guests, last);
	folder_close(&node);
}

static void read_nodes(struct reader *r)
{
	struct folder nodes = folder_open(&r->root, "nodes");

	keep_nodes(&nodes);
	start_nodes(r, &nodes);
	for (unsigned i = 0; i < r->nodes->count; i++) {
		r->diags->nodes = r->nodes->sets[i];
		read_node(r, &nodes, &r->nodes->inputs[i]);
	}
	r->diags->nodes = NULL;
	folder_close(&nodes);
}

/* ---- the other .fw files ---- */

/* Reports a .fw file in firewall/ that belongs to no guest. */
static void stray_file(struct reader *r, struct text name)
{
	struct diagnostic *d = diag(r->diags, SPAN_NONE, DIAG_FILE_NAME,
				    "file name firewall/%.*s is never read", TEXT_ARG(name));
	struct suggestion s;

	diag_note(d, "the file is ignored: its rules are not enforced");
	suggest_start(&s, name);
	suggest(&s, TEXT("cluster.fw"), SPAN_NONE);
	if (text_is(name, "host.fw"))
		diag_help(d, "the firewall file of a node is nodes/NODE/host.fw");
	else if (s.best.len)
		diag_help(d, "did you mean cluster.fw?");
	else
		diag_help(d, "the firewall file of a guest is <VMID>.fw, as in 100.fw");
}

/* Appends a file that was read and returns the end of the list. */
static struct input_file **add_file(struct reader *r, struct source *source, struct text stem,
				    struct input_file **last)
{
	if (!source)
		return last;
	*last = ARENA_NEW(r->arena, struct input_file);
	(*last)->name = stem;
	(*last)->source = source;
	return &(*last)->next;
}

static void read_guest_files(struct reader *r, const struct folder *folder)
{
	struct vmid_files files = read_vmid_files(r, folder, ".fw");
	struct input_file **last = &r->inputs->guest_files;
	uint32_t vmid;

	for (uint32_t i = 0; i < files.count; i++)
		last = add_file(r, files.sources[i], files.vmids[i], last);
	for (uint32_t i = 0; i < folder->count; i++) {
		struct text name = folder->names[i];

		if (!vmid_of_file(name, ".fw", &vmid).len && text_ends(name, ".fw") && name.ptr[0] != '.' &&
		    !text_is(name, "cluster.fw"))
			stray_file(r, name);
	}
}

/* A vnet's bridge has the vnet's name. */
static void check_vnet_name(struct reader *r, struct text vnet)
{
	bool valid = vnet.len > 0 && vnet.len <= LIMIT_IFACE_NAME;
	struct diagnostic *d;

	for (uint32_t i = 0; i < vnet.len; i++)
		valid &= char_is_letter(vnet.ptr[i]) || char_is_digit(vnet.ptr[i]) || vnet.ptr[i] == '_' ||
			 vnet.ptr[i] == '.' || vnet.ptr[i] == '-';
	if (valid)
		return;
	d = diag(r->diags, SPAN_NONE, DIAG_VNET_NAME, "sdn/firewall/%.*s.fw: not a valid vnet name",
		 TEXT_ARG(vnet));
	diag_note(d, "the file is ignored: its rules are not enforced");
	diag_help(d, "write at most %d letters, digits, `_`, `.` and `-`", LIMIT_IFACE_NAME);
}

static void read_vnet_files(struct reader *r, const struct folder *folder)
{
	struct input_file **last = &r->inputs->vnet_files;

	for (uint32_t i = 0; i < folder->count; i++) {
		struct text name = folder->names[i];

		if (text_ends(name, ".fw") && name.ptr[0] != '.') {
			name.len -= (uint32_t)strlen(".fw");
			check_vnet_name(r, name);
			last = add_file(r, folder_load(folder, name.ptr), name, last);
		}
	}
}

/* ---- SDN and cluster ---- */

/* The IPAM's state, which older versions of Proxmox VE keep in priv/. */
static struct source *read_ipam(struct reader *r, const struct folder *sdn)
{
	struct source *source = folder_load(sdn, "pve-ipam-state.json");
	struct folder priv;

	if (source || folder_has(sdn, TEXT("pve-ipam-state.json")))
		return source;
	priv = folder_open(&r->root, "priv");
	source = folder_load(&priv, "ipam.db");
	folder_close(&priv);
	return source;
}

static void read_sdn(struct reader *r)
{
	struct folder sdn = folder_open(&r->root, "sdn");
	struct folder firewall = folder_open(&sdn, "firewall");
	struct source *running = folder_load(&sdn, ".running-config");

	read_vnet_files(r, &firewall);
	sdn_parse(r->diags, running, read_ipam(r, &sdn), &r->inputs->sdn);
	folder_close(&firewall);
	folder_close(&sdn);
}

/* Its links are those between one node and the others. */
static void read_corosync(struct reader *r)
{
	struct source *source = folder_load(&r->root, "corosync.conf");

	for (unsigned i = 0; source && i < r->nodes->count; i++) {
		struct inputs *inputs = &r->nodes->inputs[i];

		r->diags->nodes = r->nodes->sets[i];
		corosync_parse(r->diags, source, inputs->node, r->options->resolve, &inputs->corosync);
	}
	r->diags->nodes = NULL;
}

/* ---- the kernel ---- */

/* Those of the command line are every node's, and come first. */
static void detect_altnames(struct reader *r, struct inputs *inputs)
{
	struct altname **last = &inputs->altnames;
	struct diagnostic *d;
	int reason;

	for (const struct altname *a = inputs->altnames; a; a = a->next) {
		*last = ARENA_NEW(r->arena, struct altname);
		**last = (struct altname){ .name = a->name, .iface = a->iface };
		last = &(*last)->next;
	}
	reason = altnames_detect(r->arena, last);
	if (!reason)
		return;
	d = diag(r->diags, SPAN_NONE, DIAG_ALTNAMES_UNKNOWN,
		 "alternative names of interfaces cannot be read: %s", error_text(reason));
	diag_note(d, "a rule that uses an alternative name matches nothing");
	diag_help(d, "give them with --altname ALT=IFACE");
}

static void detect_local_network(struct reader *r, struct inputs *inputs)
{
	char text[PREFIX_TEXT_SIZE];
	struct text formatted = { text, 0 };
	const char *name = arena_string(r->arena, inputs->node);

	if (localnet_detect(r->arena, name, &inputs->local_network) != 0) {
		inputs->local_network.family = 0;
		return;
	}
	formatted.len = prefix_format(&inputs->local_network, text);
	inputs->local_network_text = arena_copy(r->arena, formatted);
}

/* ---- whose guests' files are whose ---- */

/* A node that has a guest of that number. */
struct home {
	uint32_t vmid, node;
	const struct home *next; /* another one, which only a broken tree has */
	UT_hash_handle hh;
};

static struct home *list_homes(struct reader *r)
{
	struct home *homes = NULL;

	for (uint32_t i = 0; i < r->nodes->count; i++)
		for (const struct guest_config *g = r->nodes->inputs[i].guests; g; g = g->next) {
			struct home *home = ARENA_NEW(r->arena, struct home), *first;

			home->vmid = g->vmid;
			home->node = i;
			HASH_FIND(hh, homes, &home->vmid, sizeof(home->vmid), first);
			if (first) {
				home->next = first->next;
				first->next = home;
			} else {
				HASH_ADD(hh, homes, vmid, sizeof(home->vmid), home);
			}
		}
	return homes;
}

/* Shares the tree's files among the nodes that have their guests. */
static void share_guest_files(struct reader *r)
{
	struct input_file ***last = ARENA_ARRAY(r->arena, struct input_file **, r->nodes->count);
	struct home *homes = list_homes(r);

	for (uint32_t i = 0; i < r->nodes->count; i++)
		last[i] = &r->nodes->inputs[i].guest_files;
	for (const struct input_file *f = r->inputs->guest_files; f; f = f->next) {
		const struct home *home = NULL;
		const struct node_set *set = NULL;
		uint32_t vmid;

		vmid_of_file(f->name, "", &vmid);
		HASH_FIND(hh, homes, &vmid, sizeof(vmid), home);
		f->source->is_guest = true;
		f->source->is_homeless = !home;
		if (!home)
			last[0] = add_file(r, f->source, f->name, last[0]);
		for (const struct home *h = home; h; h = h->next) {
			set = h == home ? r->nodes->sets[h->node]
					: node_set_join(r->arena, set, r->nodes->sets[h->node]);
			last[h->node] = add_file(r, f->source, f->name, last[h->node]);
		}
		f->source->nodes = set;
	}
	HASH_CLEAR(hh, homes);
}

/* Copies what all nodes share into the inputs of each, and asks the kernel for this machine's. */
static void finish_nodes(struct reader *r)
{
	for (unsigned i = 0; i < r->nodes->count; i++) {
		struct inputs *inputs = &r->nodes->inputs[i], own = *inputs;

		*inputs = *r->inputs;
		inputs->node = own.node;
		inputs->on_node = own.on_node;
		inputs->host = own.host;
		inputs->guests = own.guests;
		inputs->corosync = own.corosync;
		if (r->nodes->count > 1)
			inputs->guest_files = NULL;
	}
	r->nodes->guest_files = r->inputs->guest_files;
	if (r->nodes->count > 1)
		share_guest_files(r);
	for (unsigned i = 0; i < r->nodes->count && !r->diags->unreadable; i++) {
		struct inputs *inputs = &r->nodes->inputs[i];

		r->diags->nodes = r->nodes->sets[i];
		if (!inputs->on_node)
			continue;
		detect_altnames(r, inputs);
		if (!r->options->local_network)
			detect_local_network(r, inputs);
	}
	r->diags->nodes = NULL;
}

/* ---- all of it ---- */

/* The place where Proxmox VE has its tree. */
bool inputs_is_own_root(const char *root)
{
	struct text t = text_of(root);

	while (t.len > 1 && t.ptr[t.len - 1] == '/')
		t.len--;
	return text_is(t, "/etc/pve");
}

/* A root that is in memory was looked at before it got there. */
static bool is_tree(struct reader *r)
{
	struct diagnostic *d;
	struct tree_root root;
	const char *advice;

	if (!r->root.dir)
		return true;
	root = tree_root_look(dirfd(r->root.dir), r->options->demand, r->options->marks);
	if (!root.problem[0])
		return true;
	d = diag(r->diags, SPAN_NONE, root.reason ? DIAG_CANNOT_READ : DIAG_NOT_A_TREE, "%s %s%s%s", r->inputs->root,
		 root.problem, root.reason ? ": " : "", root.reason ? error_text(root.reason) : "");
	r->diags->unreadable = true;
	diag_note(d, "nothing is compiled: reading it as empty would disable the firewall");
	advice = tree_root_advice(r->arena, r->inputs->root);
	if (inputs_is_own_root(r->inputs->root))
		diag_help(d, "pve-cluster mounts it; check it with systemctl status pve-cluster");
	else if (advice)
		diag_help(d, "%s", advice);
	return false;
}

bool inputs_check_root(struct diags *diags, const char *root)
{
	struct input_options options = { 0 };
	struct inputs inputs = { .root = root };
	struct reader r = { .inputs = &inputs, .options = &options, .diags = diags, .arena = diags->arena };
	bool good = folder_open_root(diags, root, &r.root) && is_tree(&r);

	folder_close(&r.root);
	return good;
}

static void read_tree(struct reader *r)
{
	if (folder_open_root(r->diags, r->inputs->root, &r->root) && is_tree(r)) {
		struct folder firewall = folder_open(&r->root, "firewall");

		r->inputs->cluster = folder_load(&firewall, "cluster.fw");
		read_guest_files(r, &firewall);
		folder_close(&firewall);
		read_nodes(r);
		read_sdn(r);
		read_corosync(r);
	}
	folder_close(&r->root);
}

/* `tree` receives the inputs that all nodes share. */
static bool load_inputs(struct reader *r, struct inputs *tree)
{
	const struct input_options *options = r->options;
	struct diags *diags = r->diags;
	bool unreadable = diags->unreadable, usable;

	*tree = (struct inputs){ .root = options->root ? options->root : "/etc/pve" };
	*r->nodes = (struct node_inputs){ .count = 0 };
	r->inputs = tree;
	r->arena = diags->arena;
	tree->on_node = options->on_node || inputs_is_own_root(tree->root);
	/* Set by every report of something that cannot be read. */
	diags->unreadable = false;
	diags->map->root = tree->root;
	diags->map->overlay = options->overlay;
	read_now(r, options->now);
	read_local_network(r, options->local_network);
	read_altnames(r);
	read_tree(r);
	tree->netdb = netdb_load(diags, options->services, options->protocols, options->ethertypes);
	finish_nodes(r);
	usable = !diags->unreadable;
	/* Hash tables are not in the arena. */
	if (!usable) {
		HASH_CLEAR(hh, tree->sdn.ipsets);
		r->nodes->count = 0;
	}
	diags->unreadable |= unreadable;
	return usable;
}

bool inputs_load(struct inputs *inputs, const struct input_options *options, struct diags *diags)
{
	struct node_inputs nodes;
	struct reader r = { .options = options, .diags = diags, .nodes = &nodes };
	bool usable = load_inputs(&r, inputs);

	if (usable)
		*inputs = nodes.inputs[0];
	return usable;
}

bool inputs_load_nodes(struct node_inputs *nodes, const struct input_options *options, struct diags *diags)
{
	struct reader r = { .options = options, .diags = diags, .nodes = nodes, .several = true };
	struct inputs tree;

	return load_inputs(&r, &tree);
}
