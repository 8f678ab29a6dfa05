/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways of packets through a node: which hooks of which bridge they pass from one zone to another (stock's
 * topology: a NIC with a firewall has a bridge of its own, fwbr<VMID>i<N>, between it and vmbr<M>).
 */
#ifndef PVEFW_MEANING_PATHS_H
#define PVEFW_MEANING_PATHS_H

#include "config/config.h"
#include "model/program.h"

enum path_zone {
	PATH_HOST,
	PATH_OUTSIDE, /* behind a port of a bridge, or of the host */
	PATH_NFVM,    /* a guest without a firewall, on the node (stock's name) */
	PATH_GUEST,   /* a NIC of a guest */
	PATH_PORT,    /* a named port of a bridge */
	PATH_VNET,    /* a host behind a vnet */
};

struct path_end {
	enum path_zone zone;
	const struct guest *guest; /* of PATH_GUEST */
	const struct nic *nic;
	const struct vnet *vnet;  /* of PATH_VNET */
	struct text bridge, port; /* of PATH_PORT */
	bool direct;              /* of PATH_GUEST: the NIC is plugged straight into its bridge */
};

enum path_hook {
	PATH_INPUT,  /* prerouting and input of the host; `in` is the interface */
	PATH_OUTPUT, /* `out` is the interface */
	PATH_ROUTED, /* prerouting and forward of the host, from `in` */
	/*
	 * A bridge, from port to port: prerouting, forward, postrouting.  Without `in` the frame comes from
	 * the host: output, postrouting.  Without `out` it goes to the host: prerouting, input.
	 */
	PATH_BRIDGE,
};

/* One traversal of netfilter's hooks.  In the first three, an interface of length 0 is any: MODEL_IFACE tells
 * them apart. */
struct path_pass {
	enum path_hook hook;
	struct text bridge, in, out;
	uint8_t dest_mac[6]; /* of PATH_BRIDGE */
};

enum { PATH_PASSES_MAX = 4 };

struct path {
	struct path_end from, to;
	struct path_pass passes[PATH_PASSES_MAX];
	uint32_t count;
	bool flooded; /* the frame goes to the broadcast address, and so to all ports */
};

/*
 * Reads a zone: "host", "outside", "nfvm", "vm100", "ct200", "vm100i1" (net1), "vmbr0/eth0", "vnet NAME".
 * Without a number a guest is the first NIC with a firewall, or its first.  The zone refers to `text`. Returns
 * NULL, or what is wrong, from config's arena: for an unknown guest it names a known one that is alike.
 */
const char *path_end_parse(const struct config *config, struct text text, struct path_end *end);
/* "host", "vm101", "vm101i1" if it has several NICs. */
const char *path_end_text(struct arena *arena, const struct path_end *end);

/*
 * The path of unicast packets, or of flooded ones (only to guests, and from them); names of interfaces are
 * from `arena`.  From outside to outside, and between different networks, the host routes.  False: no packet
 * goes that way past a firewall of ours; they are the same, for example.
 */
bool path_between(struct arena *arena, const struct config *config, const struct path_end *from,
		  const struct path_end *to, bool flooded, struct path *path);
/* Whether the host routes between networks that both are the node's. */
bool path_is_routed(const struct path *path);
/* "vmbr0 forward", "input": what a pass is called. */
const char *path_pass_text(struct arena *arena, const struct path_pass *pass);

/*
 * All paths of a configuration: the host in and out, routed, each NIC with a firewall in and out, unicast and
 * flooded, each vnet (bridged, from the host and to it), and up to `pairs` from one guest's NIC to another's
 * on the same bridge.
 */
struct path_walk {
	const struct config *config;
	uint32_t pairs;
	bool direct; /* guests are plugged straight into their bridges */
	/* The rest begins zeroed. */
	uint32_t at, pair_count;
	const struct guest *guest, *other;
	const struct nic *nic, *other_nic;
	const struct vnet *vnet;
};

bool path_walk_next(struct path_walk *walk, struct arena *arena, struct path *path);

/* The interfaces of the host that the configuration names, for MODEL_IFACE: lo, those of rules, and vnets.
 * From `arena`. */
struct model_ifaces path_ifaces(struct arena *arena, const struct config *config);

#endif
