# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the payloads share, which run in the virtual machine; sourced, not run.
cd /payload || exit 2
export PREFIX=vm TOPOLOGY=/payload/topology PVEFW_CC=/payload/pvefw-cc WIRING=
for program in programs/*; do
	name=${program##*/}
	export "${name^^}=/payload/$program"
done

in_host() {
	ip netns exec $PREFIX-host "$@"
}

# wire WIRING: the topology in this wiring, if it is another
wire() {
	[ "$WIRING" != "$1" ] || return 0
	WIRING=$1
	topology/topo.sh up
}

# What one run has left behind for the next: rules, connections, and what the hosts know of each other.
forget() {
	for space in /run/netns/$PREFIX-*; do
		ip -n "${space##*/}" neigh flush all
	done
	for bridge in vmbr0 vnet0; do
		ip -n $PREFIX-host link set $bridge type bridge fdb_flush
	done
	in_host nft flush ruleset
	in_host "$FORGET"
}

# announce NAME: what follows is this part of the output
announce() {
	echo "@@ $*"
}
