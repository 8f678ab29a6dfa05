#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# idle.sh [GUESTS [SECONDS]]: what a service costs that has nothing to do: processor time and memory with a generated
# cluster, by default of 1000 guests, in 20 seconds.
#
# With iptables, and with nftables for the host's zone.
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
in_namespaces "$@"
begin
ip link set lo up
guests=${1:-1000} seconds=${2:-20}
most_memory=40 # MiB

# Microseconds of processor time, all threads, with the reader of the tree
used() {
	awk '{ sum += $1 } END { printf "%d\n", sum / 1000 }' /proc/"$pid"/task/*/schedstat "/proc/$(reader)/schedstat"
}

idle() {
	local time before share memory
	sleep 2
	before=$(used) time=$(now)
	sleep "$seconds"
	share=$((($(used) - before) * 1000000 / ($(now) - time)))
	memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
	printf '%s, %s guests: %s millionths of a processor, %s KiB\n' "$1" "$guests" $share "$memory"
	check "$1: $share millionths of a processor; at most a thousandth" test $share -le 1000
	check "$1: $memory KiB; at most $most_memory MiB" test "$memory" -le $((most_memory * 1024))
}

"$tests/bench/gen-cluster.py" "$guests" 20 "$work/tree" >/dev/null || exit 2
node=$(ls "$work/tree/nodes" | head -n 1)
[ "$node" = n ] || mv "$work/tree/nodes/$node" "$work/tree/nodes/n"
start
check "iptables: applied" within 180 logged 'iptables: changes are applied'
idle iptables
stop
# Without guests nothing is in the bridge table, and all of it is known to any kernel; their files are read nevertheless.
rm "$work"/tree/nodes/n/{qemu-server,lxc}/*
printf '%s\n' '[OPTIONS]' 'nftables: 1' 'nf_conntrack_allow_invalid: 1' >"$work/tree/nodes/n/host.fw"
start
check "nftables: applied" within 60 logged 'netlink: changes are applied'
idle "nftables, the host's zone"
stop
finish
