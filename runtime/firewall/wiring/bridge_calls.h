/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firewall bridges that hand their packets to iptables by themselves.
 *
 * The kernel does so for all bridges while net.bridge.bridge-nf-call-iptables is 1, or for one whose own
 * setting nf_call_iptables is 1 (br_netfilter_hooks.c).  pve-cluster's sysctl file sets the first to 0 whenever
 * somebody runs `sysctl --system`, as maintainer scripts do.  The service sets it to 1 again within a second; with
 * the second, no packet passes unfiltered in that second.
 */
#ifndef PVEFW_BRIDGE_CALLS_H
#define PVEFW_BRIDGE_CALLS_H

#include "firewall/wiring/wiring.h"

/* Makes the setting of every firewall bridge (fwbrVMIDiN) among `links` what `on` says.  0, or the errno of the last
 * that failed; a bridge that has gone meanwhile is no failure. */
int bridge_calls_set(const struct wiring_links *links, bool on);
/* Switches it off for all of this machine; what fails stays on, and does nothing without rules. */
void bridge_calls_clear(void);

#endif
