/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether guests' NICs are plugged in such a way that the target filters them.
 *
 * iptables sees a guest's packets on its firewall bridge (fwbrVMIDiN) only.  Our nftables target filters on
 * every Linux bridge, firewall bridges among them.  Neither filters a port of Open vSwitch without a firewall
 * bridge, or an interface that is in no bridge and routed.
 *
 * How a NIC is plugged is known from the master of its interface; an interface that is not there is a guest
 * that does not run.
 */
#ifndef PVEFW_WIRING_H
#define PVEFW_WIRING_H

#include <net/if.h>

#include "firewall/base/conditions.h"
#include "config/config.h"
#include "source/source.h"

/* One interface of this machine. */
struct wiring_link {
	char name[IFNAMSIZ];
	uint32_t index, master; /* master 0: none */
	bool is_bridge;         /* a Linux bridge */
	bool is_up;
};

/* A firewall bridge (fwbrVMIDiN) of a kernel that has br_netfilter. */
struct wiring_fwbr {
	uint32_t index;
	bool calls_iptables; /* it hands packets to iptables and ip6tables whatever net.bridge.* says */
};

struct wiring_links {
	struct wiring_link *all; /* owned; sorted by name */
	struct wiring_link **by_index;
	size_t count;
	struct wiring_fwbr *fwbrs; /* owned; NULL if the links were not read from the kernel */
	size_t fwbr_count;
};

enum wiring_fault {
	WIRING_FILTERED,
	WIRING_ABSENT,             /* there is no such interface: the guest does not run */
	WIRING_NO_FIREWALL_BRIDGE, /* in a Linux bridge that is none, with iptables */
	WIRING_NOT_IN_BRIDGE,      /* its master is something else: Open vSwitch, a bond, a VRF */
	WIRING_UNPLUGGED,          /* up, without a master: routed, or not plugged yet */
};

/* Takes over `all`, which must come from malloc(); false if memory is short. */
bool wiring_links_init(struct wiring_links *links, struct wiring_link *all, size_t count);
void wiring_links_free(struct wiring_links *links);
/* Asks the kernel; an interrupted dump is repeated.  0, then free it, or an errno. */
int wiring_links_read(struct wiring_links *links);

/* How `device` is plugged; the link and its master, if there are any, through the pointers, which may be NULL. */
enum wiring_fault wiring_judge(const struct wiring_links *links, const char *device, bool iptables,
			       const struct wiring_link **link, const struct wiring_link **master);

/* A NIC that is to be filtered. */
struct wiring_nic {
	uint32_t vmid, index;
	char device[IFNAMSIZ];
	const char *file; /* that configures it; owned by the arena */
	unsigned line;
	uint64_t unplugged_since; /* microseconds, CLOCK_MONOTONIC; 0: not seen unplugged */
};

struct wiring {
	struct arena arena;
	struct wiring_nic *nics;
	size_t count;
	size_t unfiltered_guests; /* that the last check has found */
	bool iptables;
};

/* Remembers which NICs `config` wants filtered: those with firewall=1 of guests whose firewall is on, while the
 * cluster's is. */
void wiring_expect(struct wiring *w, const struct config *config, const struct source_map *map, bool iptables);
void wiring_free(struct wiring *w);

/*
 * States the condition CONDITION_GUEST_UNFILTERED for every NIC that is not filtered, at the time `now`
 * (microseconds, CLOCK_MONOTONIC).  An interface without a master is one of them when it has been so for
 * WIRING_PLUG_TIME: it may be about to be plugged.  Counts their guests in `unfiltered_guests`.  Returns after how many microseconds to check again, 0:
 * not before something changes.
 */
uint64_t wiring_check(struct wiring *w, const struct wiring_links *links, struct conditions *conditions, uint64_t now);

enum { WIRING_PLUG_TIME = 5000000 /* microseconds */ };

#endif
