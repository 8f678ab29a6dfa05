#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netlink-counters.sh: packets that hit rules of the host are counted at their lines, exactly.
#
# Two namespaces, one with the rules; the other one sends UDP packets of 29 bytes to it. Chains that a
# later load does not touch count on. Prints `N passed, N failed`. PVEFW_LIB: the folder of the built libraries, by
# default build/.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
lib=${PVEFW_LIB:-$top/build}
H=pvefw-counted-$$ P=pvefw-sender-$$
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"; ip netns del $H; ip netns del $P' EXIT
trap 'exit 1' HUP INT TERM
ip netns add $H && ip netns add $P || exit 77
# shellcheck source=tests/checks/result.sh
. "$here/../checks/result.sh"

build() {
	# shellcheck disable=SC2046
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 \
		$(printf -- '-iquote %s ' "$top"/{compiler,grammar,backends,runtime} "$lib") \
		-o "$work/$1" "$here/$1.c" "$here/leave-out.c" -Wl,--wrap=nft_lower,--wrap=nft_lower_bridge "$lib/libruntime.a" "$lib/libpvefw.a" \
		-ljansson -lnftnl -lmnl -lmd -lsystemd -lpthread || exit 2
}

wire() {
	ip -n $H link add h0 type veth peer name p0 netns $P || exit 77
	for end in "$H h0 1" "$P p0 2"; do
		# shellcheck disable=SC2086
		set -- $end
		ip netns exec "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
		ip -n "$1" addr add "10.9.0.$3/24" dev "$2"
		ip -n "$1" link set "$2" up
	done
	# ARP must not stand between the packets and their count
	ip -n $P neigh replace 10.9.0.1 dev p0 lladdr "$(ip netns exec $H cat /sys/class/net/h0/address)" nud permanent
	ip -n $H neigh replace 10.9.0.2 dev h0 lladdr "$(ip netns exec $P cat /sys/class/net/p0/address)" nud permanent
}

tree() {
	mkdir -p "$work/tree/firewall" "$work/tree/nodes/n"
	cat >"$work/tree/firewall/cluster.fw" <<-'F'
		[OPTIONS]
		enable: 1
		policy_in: DROP

		[group web]
		IN ACCEPT -p udp -dport 80,443

		[RULES]
		IN ACCEPT -source 10.9.0.2 -p udp -dport 1000
		|IN ACCEPT -p udp -dport 1001
		IN DROP -p udp -dport 1002 -log info
		IN REJECT -p udp -dport 1003
		GROUP web
		IN NOSUCH(ACCEPT)
		IN ACCEPT -source 10.9.0.2,10.9.0.4 -p udp -dport 2000,2002,2004 -log info
		OUT DROP -p udp -dport 3000
	F
}

load() {
	ip netns exec $H "$work/netlink-load" --root "$work/tree" --node n
	verdict $? "the tree is not loaded"
}

counters() {
	ip netns exec $H "$work/netlink-counters" "$1" "$2" --root "$work/tree" --node n >"$work/found" 2>&1
}

# send NAMESPACE ADDRESS PORT COUNT: each from a port of its own, so none belongs to a connection
send() {
	# shellcheck disable=SC2016 # for the other shell
	ip netns exec "$1" bash -c 'for ((i = 0; i < $3; i++)); do printf x >"/dev/udp/$1/$2"; done' send "$2" "$3" "$4" \
		2>/dev/null
}

send_all() {
	while read -r port count; do
		send $P 10.9.0.1 "$port" "$count"
	done <<-'E'
		1000 3
		1001 1
		1002 2
		1003 4
		80 5
		443 1
		2002 2
	E
	send $H 10.9.0.2 3000 2
}

# finds WHAT: standard input is what was printed
finds() {
	diff - "$work/found" >"$work/difference"
	verdict $? "$1:
$(sed 's/^/    /' "$work/difference")"
}

in_file() {
	counters file cluster
	finds "beside the source" <<-'E'
		firewall/cluster.fw
		 packets    bytes line
		                     1  [OPTIONS]
		                     2  enable: 1
		       1       29    3  policy_in: DROP
		                     4
		                     5  [group web]
		       6      174    6  IN ACCEPT -p udp -dport 80,443
		                     7
		                     8  [RULES]
		       3       87    9  IN ACCEPT -source 10.9.0.2 -p udp -dport 1000
		     off            10  |IN ACCEPT -p udp -dport 1001
		       2       58   11  IN DROP -p udp -dport 1002 -log info
		       4      116   12  IN REJECT -p udp -dport 1003
		       9      261   13  GROUP web
		 ignored            14  IN NOSUCH(ACCEPT)
		       2       58   15  IN ACCEPT -source 10.9.0.2,10.9.0.4 -p udp -dport 2000,2002,2004 -log info
		       2       58   16  OUT DROP -p udp -dport 3000
		       .        .       policy_out: ACCEPT (the default)
	E
}

others() {
	counters zones -
	sort -o "$work/found" "$work/found"
	finds "zones" <<-'E'
		group web: 6 accepted, 0 dropped, 0 rejected
		host host: 5 accepted, 5 dropped, 4 rejected
	E
	counters top 3
	finds "the busiest" <<-'E'
		 packets    bytes  line
		       9      261  firewall/cluster.fw:13  GROUP web
		       6      174  firewall/cluster.fw:6   IN ACCEPT -p udp -dport 80,443
		       4      116  firewall/cluster.fw:12  IN REJECT -p udp -dport 1003
	E
}

number_of() {
	counters file cluster
	awk -v line="$1" '$3 == line { print $1 }' "$work/found"
}

# Only the chain of outgoing packets is loaded again.
changed() {
	sed -i 's/dport 3000/dport 3001/' "$work/tree/firewall/cluster.fw"
	load
	[ "$(number_of 9)" = 3 ] && [ "$(number_of 16)" = . ]
	verdict $? "after a change in another chain: $(cat "$work/found")"
}

from_zero() {
	export BASELINE=$work/baseline
	touch "$BASELINE"
	counters zero "$BASELINE"
	send $P 10.9.0.1 1000 2
	[ "$(number_of 9)" = 2 ] && [ "$(number_of 12)" = . ] && ! grep stale "$work/found" >&2
	verdict $? "after zero: $(cat "$work/found")"
	sed -i 's/dport 1003/dport 1004/' "$work/tree/firewall/cluster.fw"
	load
	send $P 10.9.0.1 1000 1
	# The rule of the changed line is loaded again; the counters of its chain's other rules continue.
	[ "$(number_of 9)" = 3 ] && grep -q stale "$work/found"
	verdict $? "after zero and a change: $(cat "$work/found")"
}

build netlink-load
build netlink-counters
wire
tree
load
send_all
in_file
others
changed
from_zero
finish
