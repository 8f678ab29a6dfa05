/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The setting nf_call_iptables of firewall bridges: such a bridge hands its packets to iptables.
 *
 * The kernel does so for all bridges while net.bridge.bridge-nf-call-iptables is 1, and for one whose own setting is 1
 * (br_netfilter_hooks.c).  pve-cluster's sysctl file sets the former to 0 whenever somebody runs `sysctl --system`, as
 * maintainer scripts do.  The service restores it within a second; the latter filters in that second.
 */
#ifndef PVEFW_BRIDGE_CALLS_H
#define PVEFW_BRIDGE_CALLS_H

#include "firewall/wiring/wiring.h"

/* Switches the setting of every firewall bridge (fwbrVMIDiN) among `links`.  0, or the errno of the last one that failed; a
 * bridge that has vanished meanwhile is not a failure. */
int bridge_calls_set(const struct wiring_links *links, bool on);
/* Switches it off on all bridges of this machine; where that fails it stays on, which does nothing without rules. */
void bridge_calls_clear(void);

#endif
