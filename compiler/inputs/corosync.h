/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The links between a node and the other nodes of its cluster, from corosync.conf. */
#ifndef PVEFW_COROSYNC_H
#define PVEFW_COROSYNC_H

#include "diag/diag.h"

/* One link of another node of the cluster that shares an IP version. */
struct corosync_link {
	struct text ours, theirs;
	unsigned family_mask; /* IPV4 or IPV6 */
	unsigned number;  /* N of ring<N>_addr */
	uint16_t port;    /* of UDP, on both sides */
	struct corosync_link *next;
};

/* A host name and what it resolved to: addresses in order, a space between two; len 0: none. */
struct resolved_name {
	struct text name, addresses;
	struct resolved_name *next;
};

struct corosync {
	bool present;
	bool multicast;              /* transport udp */
	struct corosync_link *links; /* by node, then by key */
	struct resolved_name *names; /* that were asked for */
};

/* Reads the links of `node`.  Reports mistakes and leaves those links out.  Host names are looked up if `resolve`. */
void corosync_parse(struct diags *diags, struct source *source, struct text node, bool resolve,
		    struct corosync *corosync);

#endif
