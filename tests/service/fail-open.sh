#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fail-open.sh: from when a configuration is first in force until the end, no packet passes that both the old and the new
# one block, whatever is changed, restarted and killed: a flood from blocked sources runs all the time.
#
# What is blocked by default, or by rules that stay, never passes, with both targets and from one to the other. With
# iptables, what blocks a packet may move from a rule to a set: how many packets pass then is counted, and printed.
# TARGET=nft: guests with nftables instead, for which the kernel needs connection tracking in bridges.
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
begin
export PREFIX=pvefwo$$
in=(ip netns exec "$PREFIX-host")
target=${TARGET:-iptables}
[ "$target" = iptables ] || export WIRING=direct
build STREAM "$here/stream.c" "$tests"/topology/{spec,space}.c
"$tests/topology/topo.sh" up || give_up "no topology"

# begin_flood LINE…: a packet along each of these lines about every tenth of a millisecond
begin_flood() {
	printf '%s\n' "$@" | sed 's/$/ accept/' >"$work/spec"
	"$STREAM" "$PREFIX" "$tests/topology/hosts.tsv" "$work/spec" 100 >"$work/flood" &
	flood=$!
	within 5 grep -q '^1 open' "$work/flood"
}

# end_flood WHAT: all that was sent along the first line, which is open, has passed
end_flood() {
	kill $flood
	wait $flood 2>/dev/null
	awk -v what="$1" '$2 == "total" { print what ": line " $1 ": " $3 " sent, " $4 " passed" }' "$work/flood"
	check "$1: the flood itself" awk '$1 == 1 && $2 == "total" { exit !($3 > 500 && $4 > 0.99 * $3) }' "$work/flood"
}

# end_blocked_flood WHAT: and nothing along the others
end_blocked_flood() {
	end_flood "$1"
	check "$1: packets pass that are always blocked" awk '$1 != 1 && $2 == "total" { n += $4 } END { exit n != 0 }' "$work/flood"
}

# applied COMMAND…: and until that is in force, or nothing has come of it
applied() {
	local before
	before=$(cycles)
	"$@"
	within 5 cycled_since "$before"
}

# cluster PORT LINE…: what is open and blocked all the time, and something that changes
cluster() {
	local port=$1
	shift
	printf '%s\n' '[OPTIONS]' 'enable: 1' '' '[IPSET office]' "10.9.0.0/$((16 + port % 8))" '10.10.0.100' '' '[RULES]' \
		'IN ACCEPT -p udp -dport 7000' 'IN DROP -p udp -dport 7001' "IN ACCEPT -p tcp -dport $port" \
		'IN ACCEPT -source +office -p udp -dport 7002' "$@"
}

in_place() {
	cluster "$1" >"$work/tree/firewall/cluster.fw"
}

# The new text is at hand: where others have the processors, nothing but the pause is to take time, as half a second later
# what is empty or gone counts.
slowly() {
	cluster "$1" >"$work/text"
	: >"$work/tree/firewall/cluster.fw"
	sleep 0.1
	cat "$work/text" >"$work/tree/firewall/cluster.fw"
}

removed() {
	cluster "$1" >"$work/text"
	rm "$work/tree/firewall/cluster.fw"
	sleep 0.2
	mv "$work/text" "$work/tree/firewall/cluster.fw"
}

at_once() {
	cluster "$1" >"$work/tree/new"
	mv "$work/tree/new" "$work/tree/firewall/cluster.fw"
}

another_tree() {
	cp -r "$work/tree" "$work/next"
	cluster "$1" >"$work/next/firewall/cluster.fw"
	rm -rf "$work/last"
	mv "$work/tree" "$work/last"
	mv "$work/next" "$work/tree"
}

# all_changes: whatever may happen to files and service
all_changes() {
	applied at_once 8001
	applied in_place 8002
	applied slowly 8003
	applied another_tree 8004
	applied at_once 8005
	applied reload
	kill_service
	at_once 8006
	start
	applied kill -HUP "$pid"
	applied removed 8007
	for ((i = 1; i <= ${CHANGES:-10}; i++)); do
		applied at_once $((8010 + i))
	done
}

host_file() {
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1' "nftables: $1" 'nf_conntrack_allow_invalid: 1'
}

# with_guests [nft-guests]
with_guests() {
	make_tree ${1:+"$1"}
	at_once 8000
	put 100.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN DROP -p udp -dport 7001' 'IN ACCEPT -p tcp -dport 80'
	start
	begin_flood 'outside udp host 7000' 'outside udp host 7001' 'outside udp host 7002' 'outside udp vm100 7001' 'vm102 udp ct101 7001'
	all_changes
	applied put 100.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 81' 'IN DROP -p udp -dport 7001'
	end_blocked_flood "guests, ${1:-iptables}"
	stop
}

# the host's zone, with nftables, and from one to the other
host_zone() {
	make_tree nft
	at_once 8000
	start
	begin_flood 'outside udp host 7000' 'outside udp host 7001' 'outside udp host 7002'
	all_changes
	for on in 0 1 0 1; do
		applied host_file $on
	done
	end_blocked_flood nftables
	stop
}

by_rule() {
	put cluster.fw '[OPTIONS]' 'enable: 1' '[IPSET bad]' '[RULES]' 'IN DROP -source 10.10.0.254 -p udp -dport 7001' \
		'IN ACCEPT -source +bad -p tcp -dport 1' 'IN ACCEPT -p udp -dport 7000:7001'
}
by_set() {
	put cluster.fw '[OPTIONS]' 'enable: 1' '[IPSET bad]' '10.10.0.254' '[RULES]' 'IN DROP -source +bad -p udp -dport 7001' \
		'IN ACCEPT -p udp -dport 7000:7001'
}

# iptables, no verdict: what blocks moves from a rule to a set and back
moving() {
	make_tree
	by_rule
	start
	begin_flood 'outside udp host 7000' 'outside udp host 7001'
	for ((i = 0; i < ${MOVES:-8}; i++)); do
		applied by_set
		applied by_rule
	done
	end_flood "iptables, $((2 * ${MOVES:-8})) times from a rule to a set or back"
	stop
}

if [ "$target" = nft ]; then
	with_guests nft-guests
else
	with_guests
	host_zone
	moving
fi
finish
