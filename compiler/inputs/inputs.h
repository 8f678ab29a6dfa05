/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything a compilation reads (spec chapter 4).
 *
 * inputs_load() opens the tree and reads every file once, and parses those that are
 * not .fw files.  The same inputs give the same result on any machine:
 * directory listings are sorted, and nothing else is looked at.
 */
#ifndef PVEFW_INPUTS_H
#define PVEFW_INPUTS_H

#include "inputs/corosync.h"
#include "inputs/guests.h"
#include "inputs/localnet.h"
#include "inputs/sdn.h"
#include "inputs/tree_root.h"

/* ALT=IFACE of the command line. */
struct altname_option {
	const char *text;
	struct altname_option *next;
};

/* One of several nodes of the command line. */
struct node_option {
	struct text name; /* ends in a NUL */
	struct node_option *next;
};

/* The input options of the command line; NULL: not given. */
struct input_options {
	const char *root; /* default /etc/pve */
	const struct source_overlay *overlay; /* of the tree; NULL: none */
	const char *node;          /* of inputs_load() */
	struct node_option *nodes; /* of inputs_load_nodes(); NULL: all */
	const char *local_network;
	struct altname_option *altnames;
	const char *now;
	const char *services, *protocols, *ethertypes;
	bool resolve;
	bool on_node; /* the kernel may be asked although root is not /etc/pve */
	enum tree_demand demand; /* what root must have, so that it is believed */
	unsigned marks;          /* enum tree_mark: what it had when it was read last */
};

/* A guest's .fw file without a guest, or one of another node. */
struct input_file {
	struct text name; /* "100" of 100.fw, "vnet1" of vnet1.fw */
	struct source *source;
	struct input_file *next;
};

struct left_out;
struct netdb;

struct inputs {
	const char *root;
	struct text node;
	bool forwards;             /* set by the caller: the target enforces FORWARD rules */
	bool plain_lists;          /* set by the caller: see struct config */
	const struct left_out *left_out; /* set by the caller: lines that were refused; or NULL */
	bool on_node;              /* root is /etc/pve: the kernel may be asked */
	int64_t now;
	const struct netdb *netdb;
	struct source *cluster;    /* cluster.fw, or NULL */
	struct source *host;       /* host.fw, or NULL */
	struct input_file *guest_files; /* firewall/<VMID>.fw, sorted by VMID as text */
	struct input_file *vnet_files;  /* sdn/firewall/<name>.fw, sorted */
	struct guest_config *guests; /* VMs before containers, each by VMID as text */
	struct corosync corosync;
	struct altname *altnames;
	/* The local network, if not from the cluster file: family_mask 0 if the command
	 * line does not say and it was not detected. */
	struct prefix local_network;
	struct text local_network_text;
	struct scope sdn;          /* SDN and IPAM sets */
};

/*
 * Reads everything.  Returns false when the tree as a whole cannot be used (the
 * reason is reported, diags->unreadable set): root or node missing, or a file
 * that is there cannot be read.  Single things that are wrong are reported and
 * left out.  inputs->sdn holds hash tables: compile() hands them to the config,
 * whose config_free() frees them.  If it returns false, there are none.
 */
bool inputs_load(struct inputs *inputs, const struct input_options *options, struct diags *diags);

/* The inputs of several nodes of one tree. */
struct node_inputs {
	const struct node_names *names;
	/*
	 * By node; what is the tree's is the same in all of them.  guest_files are those of the node's own guests;
	 * the first node has those of no node, too.
	 */
	struct inputs *inputs;
	struct input_file *guest_files; /* all, whoever has the guests */
	bool listed; /* from nodes/; false: the tree has none, and the only node is this machine */
	const struct node_set **sets; /* by node, it alone; NULL if there is only one: then it needs no word */
	unsigned count;
};

/* Whether that is /etc/pve, the configuration of this machine. */
bool inputs_is_own_root(const char *root);
/* Whether the folder is a tree; if not, that was reported, as when it is read. */
bool inputs_check_root(struct diags *diags, const char *root);
/*
 * Reads everything for the nodes that options->nodes names, or for all that have a folder in nodes/; for a tree
 * without such folders as inputs_load().  A file is read once, whoever needs it.  False and the rest as above.
 * All memory is the arena's of diags, except that the sets of the SDN, inputs[0].sdn, are to be given back once.
 */
bool inputs_load_nodes(struct node_inputs *nodes, const struct input_options *options, struct diags *diags);

#endif
