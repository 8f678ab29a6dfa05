/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local network and the interfaces' alternative names, asked from the kernel through rtnetlink. */
#ifndef PVEFW_LOCALNET_H
#define PVEFW_LOCALNET_H

#include "base/arena.h"
#include "net/address.h"

/* An alternative name of an interface. */
struct altname {
	struct text name, iface;
	struct altname *next;
};

/* The network of the first address of `host_name` that has one.  Returns 0 or an errno. */
int localnet_detect(struct arena *arena, const char *host_name, struct prefix *network);
/* All alternative names, sorted.  Returns 0 or an errno. */
int altnames_detect(struct arena *arena, struct altname **altnames);

#endif
