/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests and their NICs, as their configurations in nodes/NODE/qemu-server/ and lxc/ have them. */
#ifndef PVEFW_GUESTS_H
#define PVEFW_GUESTS_H

#include "diag/diag.h"
#include "net/address.h"

enum guest_type {
	GUEST_VM,
	GUEST_CONTAINER,
};

/* net<N> of a guest's configuration. */
struct nic {
	uint32_t index;      /* N */
	struct text key;     /* "net0" */
	struct text device;  /* tap100i0, veth100i0 */
	struct text mac;     /* as written; len 0: none */
	uint8_t mac_bytes[6];
	struct text bridge;
	uint16_t tag;        /* VLAN; 0: none */
	struct text trunks;  /* VLANs that pass with their tags, as written; len 0: none */
	bool firewall;
	bool dhcp;           /* of a container, for IPv4 */
	struct prefix ip4, ip6; /* containers' static addresses; family 0: none */
	struct span span;    /* of the value */
	struct nic *next;    /* sorted by key as text */
};

struct guest_config {
	uint32_t vmid;
	struct text vmid_text;
	enum guest_type type;
	struct nic *nics;
	const struct source *source;
	struct guest_config *next;
};

/* Returns the NICs of a configuration, sorted by key as text.  Reports mistakes and leaves those NICs out. */
struct nic *guestconf_parse(struct diags *diags, struct source *source, enum guest_type type, struct text vmid);

#endif
