#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# streams.sh: changes of many guests take the fast path, whatever their number and order.
#
# Of 200 guests 50 are changed within a second, with both targets (nftables without what this kernel lacks in the bridge
# family); a second guest is changed while the first is handled; a mistake, and a change that takes a full cycle, do not hold
# up others; cluster.fw among them takes a full cycle. Which way each has taken is counted by the metrics, and what is loaded
# in the end is compared with an empty namespace into which the tree is loaded. Ends with `N passed, N failed`.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
in_namespaces "$@"
begin
add_other

# make_guests [1]: 200 of them
make_guests() {
	make_tree
	put cluster.fw '[OPTIONS]' 'enable: 1' '[IPSET many]' 10.1.0.0/16 10.2.0.7 2001:db8::/32 '[group web]' 'IN ACCEPT -p tcp -dport 80'
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1' "${1:+nftables: 1}"
	for id in $(seq 200 399); do
		printf 'net0: virtio=02:00:00:00:0%d:%02d,bridge=vmbr0,firewall=1\n' $((id / 100)) $((id % 100)) \
			>"$work/tree/nodes/n/qemu-server/$id.conf"
		put $id.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'GROUP web' 'IN ACCEPT -source +many -p tcp -dport 22'
	done
}

# change ID PORT [LINE...]: one rule more
change() {
	put $1.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'GROUP web' 'IN ACCEPT -source +many -p tcp -dport 22' "IN DROP -p tcp -dport $2" "${@:3}"
}

patched_since() {
	[ "$(patches)" -ge $(($1 + $2)) ]
}

compilations() {
	grep -cE 'changes are applied|nothing has changed' "$work/log"
}

compiled_since() {
	[ "$(compilations)" -gt "$1" ]
}

# settled: no comparison is due any more; a request ends its delay
settled() {
	firewall status >/dev/null 2>&1
	polled 2
}

# has_ports COUNT PORT: so many rules for that port are loaded
has_ports() {
	local count
	count=$(rules | grep -cE -- "(--dport|t(cp|h) dport) $2( |\$)")
	[ "$count" -ge "$1" ] || { echo "$count rules for port $2" && false; }
}

# fresh WHAT: what is loaded is what loading the tree makes
fresh() {
	settled
	rules >"$work/now"
	load_fresh
	check "$target: $1: not the same as fresh" same "$work/fresh" "$work/now"
}

fifty() {
	local before compiled
	settled
	before=$(patches) compiled=$(compilations)
	for id in $(seq 200 4 399); do
		change $id 4000
		sleep 0.015
	done
	check "$target: fifty guests: not all the fast path" within 10 patched_since "$before" 50
	check "$target: fifty guests: patched more than once each" [ "$(patches)" = $((before + 50)) ]
	check "$target: fifty guests: not in force" has_ports 50 4000
	check "$target: fifty guests: never compared" within 10 compiled_since "$compiled"
	fresh "fifty guests"
}

second() {
	local before
	settled
	before=$(patches)
	change 201 4001
	change 202 4001
	sleep 0.01
	change 203 4001
	check "$target: a second guest: not the fast path" within 5 patched_since "$before" 3
	check "$target: a second guest: not in force" has_ports 3 4001
	for id in 204 205 206 204; do
		before=$(patches)
		change $id 4002 "IN DROP -p udp -dport $before"
		check "$target: a sequence: $id not the fast path" within 5 patched_since "$before" 1
	done
	fresh "a second guest"
}

others() {
	local before
	settled
	before=$(patches)
	change 211 4003
	change 212 4003 'IN ACEPT' # a mistake
	change 213 4003
	check "$target: a mistake: not the fast path" within 5 patched_since "$before" 3
	check "$target: a mistake: not reported at once" logged 'firewall/212.fw:7.*ACEPT'
	settled
	change 221 4004
	put 222.fw '[OPTIONS]' 'enable: 1' 'policy_out: DROP' 'dhcp: 0' 'macfilter: 0' '[RULES]' 'IN DROP -p tcp -dport 4004'
	change 223 4004
	check "$target: an option: not in force" within 5 has_ports 3 4004
	settled
	change 231 4005
	put cluster.fw '[OPTIONS]' 'enable: 1' '[IPSET many]' 10.1.0.0/16 '[group web]' 'IN ACCEPT -p tcp -dport 81'
	change 232 4005
	check "$target: cluster.fw: not in force" within 5 has_ports 2 4005
	check "$target: cluster.fw: not in force" within 5 has_ports 1 81
	rm "$work/tree/firewall/241.fw"
	change 242 4006
	check "$target: a deleted file: not in force" within 5 has_ports 1 4006
	settled
	fresh "others"
}

[ $# != 0 ] || set -- iptables nft
for target; do
	if [ $target = nft ]; then
		service=$(dirname "$service")/tests/pve-firewall
		make_guests 1
	else
		make_guests ""
	fi
	start
	polled 3 # what comes with the start
	fifty
	second
	others
	stop
done
finish
