# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of run.sh nft in the virtual machine. /payload/runs has a line for each run, `WIRING HOW TREE`; the
# runs of one wiring are in the same topology, one after the other, and what the hosts know of each other is
# forgotten in between. What a run prints comes after a line `@@` and its line of /payload/runs.
set -u
echo 1 >/proc/sys/kernel/printk
modprobe br_netfilter
cd /payload || exit 2
export PREFIX=vm PROBE_ALONE=/payload/probe FLOW=/payload/flow PVEFW_CC=/payload/pvefw-cc
export TOPOLOGY=/payload/topology WIRING=
options=(-t 2)
[ ! -e verbose ] || options+=(-v)

begin() {
	[ "$WIRING" != "$1" ] || return 0
	WIRING=$1
	topology/topo.sh up
}

forget() {
	for space in /run/netns/$PREFIX-*; do
		ip -n "${space##*/}" neigh flush all
	done
	for bridge in vmbr0 vnet0; do
		ip -n $PREFIX-host link set $bridge type bridge fdb_flush
	done
	ip netns exec $PREFIX-host nft flush ruleset
	ip netns exec $PREFIX-host ./forget
}

# run HOW DIR
run() {
	local prober=("$PROBE_ALONE")
	[ ! -e "$2/flows.spec" ] || [ "$1" = none ] || prober=(./change.sh "$1" "$2")
	[ "$1" != cut ] || set -- nft "$2"
	ip netns exec $PREFIX-host ./load.sh "$1" "$2" "$2/spec" &&
		"${prober[@]}" "${options[@]}" $PREFIX topology/hosts.tsv "$2/spec"
}

while read -r wiring how tree; do
	begin "$wiring"
	echo "@@ $wiring $how $tree"
	forget
	run "$how" "/payload/trees/$tree-$wiring" 2>&1
	echo "@@ up for $(cut -d ' ' -f 1 /proc/uptime) s"
done <runs
exit 0
