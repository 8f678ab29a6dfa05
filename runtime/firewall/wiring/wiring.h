/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether guests' NICs are plugged in such a way that the target filters them.
 *
 * iptables sees a guest's packets only on its firewall bridge (fwbrVMIDiN).  Our nftables target filters on every Linux
 * bridge.  Neither filters a port of Open vSwitch without a firewall bridge, or an interface that is routed.
 *
 * The master of its interface tells how a NIC is plugged; the interface of a guest that does not run does not exist.
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
	bool calls_iptables; /* its own nf_call_iptables and nf_call_ip6tables are on */
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
	WIRING_NO_FIREWALL_BRIDGE, /* with iptables: in a Linux bridge that is not a firewall bridge */
	WIRING_NOT_IN_BRIDGE,      /* its master is not a Linux bridge: Open vSwitch, a bond, a VRF */
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
 * States CONDITION_GUEST_UNFILTERED for every NIC that is not filtered at the time `now` (microseconds, CLOCK_MONOTONIC), and
 * counts their guests in `unfiltered_guests`.  An interface without a master is left WIRING_PLUG_TIME to be plugged.  Returns
 * after how many microseconds to check again; 0: when something changes.
 */
uint64_t wiring_check(struct wiring *w, const struct wiring_links *links, struct conditions *conditions, uint64_t now);

enum { WIRING_PLUG_TIME = 5000000 /* microseconds */ };

#endif
