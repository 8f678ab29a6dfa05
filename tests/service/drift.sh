#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# drift.sh [TEST…]: what somebody else changes in the kernel, digests left as they are, is found and mended: while the
# service runs, and by one that starts. The log names what was changed; rules that are the same go on counting.
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall; it must be one that does with
# what this kernel has, for nft: build/tests/pve-firewall.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
in_namespaces "$@"
begin
ip link set lo up

# fresh [TARGET]: a new tree with a set, and a service that enforces it
fresh() {
	rm -rf "$work/run" "$work/log"
	make_tree "$@"
	put cluster.fw '[OPTIONS]' 'enable: 1' '[IPSET blacklist]' '192.0.2.0/24' '198.51.100.7' '[RULES]' \
		'IN ACCEPT -p tcp -dport 8006' 'IN ACCEPT -p udp -dport 1000' 'IN ACCEPT -p udp -dport 1001 -log info' \
		'IN ACCEPT -p tcp -dport 80,443 -source 10.0.0.0/8,10.99.0.1'
	start
	rules >"$work/old"
}

restored() {
	rules >"$work/present"
	same "$work/old" "$work/present"
}

# mended SECONDS WHAT TEXT: in time all is as it was, and the log names it
mended() {
	check "$target: $2" within "$1" restored
	check "$target: $2: the log names it" within 1 logged "warning: .*$3"
}

# restart_service: one that died left its rules; the next one compares them
restart_service() {
	kill_service
	"$@" || fail "$*"
	: >"$work/log"
	start
}

# ---- iptables ----

# Digest and number of rules stay: one rule is replaced by another.
replace_rule() {
	iptables -R PVEFW-HOST-IN "$(iptables -S PVEFW-HOST-IN | grep -n 'dport 1000 ' | cut -d: -f1 | awk '{ print $1 - 1 }')" \
		-p tcp --dport 22 -j ACCEPT
}

add_rule() {
	iptables -I PVEFW-HOST-IN -j ACCEPT
}

flush_chain() {
	iptables -F PVEFW-HOST-IN
}

delete_chains() {
	iptables -F
	iptables -X
}

swap_members() {
	ipset del PVEFW-0-blacklist-v4 198.51.100.7
	ipset add PVEFW-0-blacklist-v4 198.51.100.8
}

# The members stay.
other_kind_of_set() {
	ipset create other hash:net family inet maxelem 7
	ipset save PVEFW-0-blacklist-v4 | sed -n 's/^add PVEFW-0-blacklist-v4/add other/p' | ipset restore
	ipset swap other PVEFW-0-blacklist-v4
	ipset destroy other
}

unhook() {
	iptables -D INPUT -j PVEFW-INPUT
}

ebtables_policy() {
	ebtables -P PVEFW-FORWARD DROP
}

test_iptables() {
	target=iptables
	fresh
	replace_rule
	mended 3 "a rule is replaced" 'iptables filter, chain PVEFW-HOST-IN: 1 rule missing, 1 foreign rule'
	iptables -D PVEFW-HOST-IN 1
	mended 3 "a rule is deleted" 'chain PVEFW-HOST-IN: 1 rule missing$'
	unhook
	mended 3 "a hook is removed" 'chain INPUT: the jump to PVEFW-INPUT is missing'
	iptables -t raw -I PREROUTING -j ACCEPT
	iptables -t raw -N PVEFW-EXTRA
	check "$target: a foreign chain with a name of ours goes" within 3 no iptables -t raw -S PVEFW-EXTRA
	check "$target: the log names the foreign chain" within 3 logged 'foreign chain PVEFW-EXTRA'
	iptables -t raw -D PREROUTING -j ACCEPT
	rules >"$work/old" # that table was not there before
	swap_members
	mended 10 "a member of a set is replaced" 'set PVEFW-0-blacklist-v4: 1 member missing, 1 foreign member; missing: 198.51.100.7; foreign: 198.51.100.8'
	ipset flush PVEFW-0-blacklist-v4
	mended 10 "a set is flushed" 'set PVEFW-0-blacklist-v4: 2 members missing'
	other_kind_of_set
	mended 10 "a set is of another size" 'set PVEFW-0-blacklist-v4: other type or size'
	ebtables -F PVEFW-FORWARD
	mended 10 "a chain of ebtables is flushed" 'ebtables, chain PVEFW-FORWARD: 3 rules missing'
	ebtables_policy
	mended 10 "a chain of ebtables has another policy" 'ebtables, chain PVEFW-FORWARD: policy DROP instead of ACCEPT'
	ebtables -F FORWARD
	mended 10 "a hook of ebtables is removed" 'ebtables, chain FORWARD: the jump to PVEFW-FORWARD is missing'
	ebtables -N PVEFW-EXTRA
	mended 10 "a foreign chain of ebtables" 'ebtables: foreign chain PVEFW-EXTRA'
	ebtables -F
	ebtables -X
	mended 10 "all chains of ebtables are deleted" 'ebtables: all our chains are missing'
	delete_chains
	mended 3 "all chains are deleted" 'iptables filter: all our chains are missing'
	check "$target: each is a repair" test "$(metric repairs_total)" -ge 13
	check "$target: no condition lasts" status_is enabled/running
	for change in replace_rule add_rule flush_chain; do
		restart_service $change
		mended 3 "$change while no service runs" 'chain PVEFW-HOST-IN: '
	done
	while read -r change text; do
		restart_service $change
		mended 3 "$change while no service runs" "$text"
	done <<-'E'
		unhook the jump to PVEFW-INPUT is missing
		swap_members set PVEFW-0-blacklist-v4: 1 member missing, 1 foreign member
		ebtables_policy ebtables, chain PVEFW-FORWARD: policy DROP
		delete_chains iptables filter: all our chains are missing
	E
	# Rules that come of another tree are not changes of others.
	kill_service
	cp "$work/tree/firewall/cluster.fw" "$work/cluster.fw"
	put cluster.fw '[OPTIONS]' 'enable: 1' '[IPSET blacklist]' '192.0.2.0/25'
	: >"$work/log"
	start
	check "$target: a change of the tree while no service runs" no logged 'changed externally'
	kill_service
	cp "$work/cluster.fw" "$work/tree/firewall/cluster.fw"
	firewall stop
	: >"$work/log"
	start
	check "$target: rules that were taken away by a stop" no logged 'changed externally'
	check "$target: they are there again" within 3 restored
	restart_service true
	check "$target: what is the same is not loaded by the next service" no logged 'changes are applied'
	stop
}

# What keeps number and size of the rules, which is all that the kernel tells of a legacy table
accept_instead() {
	iptables-save | sed '/-A PVEFW-HOST-IN .*dport 1000 /s/-j RETURN/-j DROP/' | iptables-restore
}

swap_rules() {
	iptables-save | awk '/-A PVEFW-HOST-IN .*dport 1000 / { held = $0; next } { print } held { print held; held = "" }' |
		iptables-restore
}

test_legacy() {
	target=iptables-legacy
	mkdir -p "$work/legacy"
	for tool in iptables ip6tables; do
		for kind in "" -save -restore; do
			ln -sf "$(command -v $tool-legacy$kind || command -v false)" "$work/legacy/$tool$kind"
		done
	done
	if ! PATH=$work/legacy:$PATH iptables -S >/dev/null 2>&1; then
		echo "cannot run here: iptables-legacy"
		cannot=$((cannot + 1))
		return
	fi
	local before=$PATH
	PATH=$work/legacy:$PATH
	fresh
	swap_rules
	# As a change of ours comes between, it is not taken for ours.
	put 100.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 81'
	check "$target: rules are swapped" within 12 logged 'chain PVEFW-HOST-IN: the rules are in a different order'
	put 100.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 80'
	check "$target: all is as it was" within 5 restored
	accept_instead
	mended 10 "a rule is replaced by one of the same size" 'chain PVEFW-HOST-IN: 1 rule missing, 1 foreign rule'
	check "$target: each is one repair" metric_is repairs_total 2
	stop
	PATH=$before
}

# Ones that were not changed are not touched.
test_counters() {
	target=iptables
	fresh
	for port in 1000 1000 1001; do
		echo >"/dev/udp/127.0.0.1/$port"
	done
	# On lo everything is accepted first.
	iptables -I PVEFW-HOST-IN -p udp --dport 1001 -j RETURN
	before=$(counted)
	replace_rule
	mended 3 "rules of others go" 'chain PVEFW-HOST-IN'
	check "$target: rules that are the same go on counting" counts "$before"
	iptables -R PVEFW-HOST-OUT 1 -j DROP
	mended 3 "a rule of another chain is replaced" 'chain PVEFW-HOST-OUT'
	check "$target: other chains go on counting" counts "$before"
	stop
}

# counted: what rule 1 of the chain has, which all packets of this machine to itself pass
counted() {
	iptables-save -c -t filter | awk '/-A PVEFW-HOST-IN -i lo/ { print $1 }' | tr -d '[]' | cut -d: -f1
}

counts() {
	[ "$1" -gt 0 ] && [ "$(counted)" -ge "$1" ]
}

# ---- settings ----

setting() {
	[ "$(cat "/proc/sys/net/$1")" = "$2" ]
}

test_settings() {
	target=settings
	sysctl -qw net.bridge.bridge-nf-call-iptables=0
	fresh
	sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
	check "settings: iptables sees bridges again" within 10 setting bridge/bridge-nf-call-iptables 1
	check "settings: ip6tables sees bridges again" within 3 setting bridge/bridge-nf-call-ip6tables 1
	check "settings: the log names it" within 1 logged 'warning: .*net.bridge.bridge-nf-call-iptables was 0, set to 1'
	stop
	check "settings: at the end they are as they were" setting bridge/bridge-nf-call-iptables 0
}

# ---- nftables ----

nft_replace() {
	local handle
	handle=$(nft -a list chain inet pvefw host-in | sed -n 's/.*dport 1000 .*# handle //p')
	nft replace rule inet pvefw host-in handle "$handle" tcp dport 22 counter accept
}

# It is before the one that counts.
nft_move() {
	local rule
	rule=$(nft -a list chain inet pvefw host-in | grep 'dport 8006 ')
	printf '%s\n' "delete rule inet pvefw host-in handle ${rule##* }" "add rule inet pvefw host-in ${rule%% # handle*}" |
		nft -f -
}

nft_flush() {
	nft flush chain inet pvefw host-in
}

nft_rule() {
	nft insert rule inet pvefw host-in accept
}

nft_members() {
	nft delete element inet pvefw cluster-blacklist-v4 '{ 198.51.100.7 }'
	nft add element inet pvefw cluster-blacklist-v4 '{ 198.51.100.8 }'
}

nft_policy() {
	nft chain inet pvefw "$(nft list chains inet | sed -n 's/^\tchain \(.*\) {/\1/;T;h;n;/hook input/{g;p}')" '{ policy drop; }'
}

nft_chain() {
	nft add chain inet pvefw extra '{ type filter hook input priority -300; }'
	nft add rule inet pvefw extra counter accept
}

nft_dormant() {
	nft add table inet pvefw '{ flags dormant; }'
}

nft_digests() {
	nft flush set inet pvefw digests
}

nft_table() {
	nft delete table inet pvefw
}

test_nft() {
	target=nft
	fresh nft
	while read -r change text; do
		$change
		mended 4 "$change" "$text"
	done <<-'E'
		nft_replace chain host-in: 1 rule missing, 1 foreign rule
		nft_rule chain host-in: 1 foreign rule
		nft_flush chain host-in: [0-9]* rules missing
		nft_members set cluster-blacklist-v4: 1 element missing, 1 foreign element
		nft_policy other policy
		nft_chain foreign chain extra
		nft_dormant is dormant
		nft_table table inet pvefw is missing
	E
	nft_digests
	check "nft: the digests are there again" within 4 restored
	check "nft: no condition lasts" status_is enabled/running
	ip link add out0 type veth peer name out1
	ip link set out1 up
	ip link set out0 up
	ip addr add 10.9.9.1/24 dev out0
	ip neigh add 10.9.9.2 lladdr 02:00:00:00:09:02 dev out0
	echo >/dev/udp/10.9.9.2/1000
	before=$(nft_counted)
	nft_replace
	mended 4 "nft_replace" 'chain host-in: 1 rule missing, 1 foreign rule'
	check "nft: rules that are the same go on counting" test "$before" -gt 0 -a "$(nft_counted)" -ge "$before"
	: >"$work/log"
	nft_move
	mended 4 "a rule is moved to the end" 'chain host-in: 1 rule missing, 1 foreign rule$'
	for change in nft_replace nft_rule nft_flush nft_members nft_policy nft_dormant; do
		restart_service $change
		mended 3 "$change while no service runs" 'changed externally: '
	done
	restart_service nft_chain
	mended 3 "nft_chain while no service runs" 'foreign chain extra'
	restart_service nft_digests
	check "nft: nft_digests while no service runs" within 3 restored
	restart_service true
	check "nft: what is the same is not loaded by the next service" no logged 'changes are applied'
	stop
}

# An element without a key: what no other element matches
test_nft_guests() {
	target=nft-guests
	fresh nft-guests
	nft add element bridge pvefw to-guest '{ * : accept }'
	mended 4 "an element that matches everything" 'table bridge pvefw, set to-guest: 1 foreign element'
	stop
}

# host_rules: those of nftables
host_rules() {
	nft -s list table inet pvefw
}

has_host_rules() {
	host_rules >"$work/present" && same "$work/old" "$work/present"
}

# The service removed the table itself, so nothing that it knows of it is true when somebody has brought it back.
test_nft_returns() {
	target=nft
	fresh nft
	host_rules >"$work/old"
	sed 's/dport 1000 /dport 4711 /' "$work/old" >"$work/tampered"
	check "nft: a table to be tampered with" no same "$work/old" "$work/tampered"
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1'
	check "nft: removed for iptables" within 10 no host_rules
	nft -f "$work/tampered"
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1' 'nftables: 1' 'nf_conntrack_allow_invalid: 1'
	check "nft: a table that came back with other rules" within 10 has_host_rules
	check "nft: it is not believed at first" no logged 'netlink: nothing has changed'
	stop
}

# nft_counted: packets that the rules of the host's chains have counted
nft_counted() {
	nft list table inet pvefw | sed -n 's/.*counter packets \([0-9]*\).*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }'
}

for test in "${@:-iptables counters settings nft nft_guests nft_returns legacy}"; do
	for name in $test; do
		"test_$name"
	done
done
finish
