#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# patches.sh: the short way of one guest's change leaves what loading everything leaves.
#
# Files of guests are edited under a running service, with both targets (nftables without what this kernel lacks in
# the bridge family). For each edit it is known whether the short way must have been taken; what is loaded right
# after it, and after everything was compiled half a second later, is compared with an empty namespace into which
# the tree is loaded. Ends with `N passed, N failed`.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
in_namespaces "$@"
begin
add_other

# make_guests TARGET
make_guests() {
	make_tree
	put cluster.fw '[OPTIONS]' 'enable: 1' '[ALIASES]' 'office 10.9.0.0/16' '[IPSET many]' 10.1.0.0/16 10.2.0.7 2001:db8::/32 \
		'[group web]' 'IN ACCEPT -p tcp -dport 80' '[group dns]' 'IN ACCEPT -p udp -dport 53 -source +many' \
		'[RULES]' 'IN ACCEPT -p tcp -dport 8006'
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1' "${1:+nftables: $1}"
	for id in 102 103 104; do
		printf 'net0: virtio=02:00:00:00:01:%s,bridge=vmbr0,firewall=1\nnet1: virtio=02:00:00:00:02:%s,bridge=vmbr0,firewall=1\n' \
			${id#1} ${id#1} >"$work/tree/nodes/n/qemu-server/$id.conf"
		put $id.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'GROUP web' 'IN ACCEPT -source +many -p tcp -dport 22' 'OUT DROP -p udp -dport 53'
	done
}

has_patched() {
	[ "$(patches)" -gt "$1" ]
}

# edit WAY WHAT FILE LINE…: WAY is short or whole, or the target with which it is short; with `left` it is short, but
# what is used no more stays until everything is loaded
edit() {
	local way=$1 what="$target: $2" patched cycled
	shift 2
	case $way in
	short | whole | left) ;;
	"$target") way=short ;;
	*) way=whole ;;
	esac
	polled 2 # a change so soon after another would be taken for one of many
	patched=$(patches) cycled=$(cycles)
	put "$@"
	load_fresh
	if [ "$way" = whole ]; then
		check "$what: not applied" within 5 cycled_since "$cycled"
		check "$what: the short way" [ "$(patches)" = "$patched" ]
	else
		check "$what: not the short way" within 5 has_patched "$patched"
		rules >"$work/patched"
		check "$what: not followed by everything" within 5 cycled_since "$cycled"
	fi
	rules >"$work/now"
	[ "$way" != short ] || check "$what: everything gives something else" same "$work/patched" "$work/now"
	check "$what: not the same as fresh" same "$work/fresh" "$work/now"
}

rule='IN ACCEPT -source +many -p tcp -dport 22'

edits() {
	edit short "a rule more" 102.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'GROUP web' "$rule" 'IN DROP -p tcp -dport 25'
	edit short "a rule less" 102.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'GROUP web' "$rule"
	edit short "another NIC" 102.fw '[OPTIONS]' 'enable: 1' '[RULES]' "$rule -i net1" 'GROUP web -i net0'
	edit iptables "a policy nobody has" 102.fw '[OPTIONS]' 'enable: 1' 'policy_in: REJECT' '[RULES]' "$rule" 'GROUP web'
	edit short "a log level" 103.fw '[OPTIONS]' 'enable: 1' 'log_level_in: info' '[RULES]' "$rule -log err" 'GROUP web'
	edit short "an alias" 103.fw '[OPTIONS]' 'enable: 1' '[ALIASES]' 'desk 10.3.3.3' '[RULES]' "$rule" 'IN ACCEPT -source desk' 'OUT DROP -dest dc/office'
	edit short "a wrong line" 103.fw '[OPTIONS]' 'enable: 1' '[RULES]' "$rule" 'IN ACEPT' 'GROUP web'
	edit short "no rules" 104.fw '[OPTIONS]' 'enable: 1'
	edit nft "a group nobody uses" 104.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'GROUP dns'
	# Beyond 30 rules with ports, the guest has port maps.
	mapfile -t long < <(for port in {2001..2040}; do echo "IN ACCEPT -p tcp -dport $port"; done)
	edit short "a list that gets port maps" 104.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'GROUP dns' "${long[@]}"
	edit short "other ranges of ports" 104.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'GROUP dns' 'IN DROP -p tcp -dport 1999:2020' "${long[@]}"
	edit short "the same ranges, another rule" 104.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'GROUP dns' 'IN DROP -p tcp -dport 1999:2020' "${long[@]/ACCEPT/DROP}"
	edit short "a list that loses its port maps" 104.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'GROUP dns' "${long[@]:20}"
	edit whole "a guest's option" 104.fw '[OPTIONS]' 'enable: 1' 'ipfilter: 1' '[RULES]' 'GROUP dns'
	edit whole "switched off" 104.fw '[OPTIONS]' 'enable: 0' '[RULES]' 'GROUP dns'
	edit whole "switched on" 104.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'GROUP web' "$rule"
	edit whole "the cluster's file" cluster.fw '[OPTIONS]' 'enable: 1' '[IPSET many]' 10.1.0.0/16 10.4.0.0/16 '[group web]' 'IN ACCEPT -p tcp -dport 81'
	edit left "and then a guest's, whose policy nobody has any more" 102.fw '[OPTIONS]' 'enable: 1' '[RULES]' "$rule" 'GROUP web' 'IN ACCEPT -p tcp -dport 26'
}

# A confirmation that times out before the comparison: the change that was patched is rolled back, and in the history.
roll_back() {
	local patched
	firewall apply --confirm 60 >/dev/null
	check "$target: edits so far are not confirmed" firewall confirm
	polled 2
	rules >"$work/before"
	check "$target: apply --confirm" firewall apply --confirm 1
	patched=$(patches)
	put 103.fw '[OPTIONS]' 'enable: 1' '[RULES]' "$rule" 'IN DROP -p tcp -dport 27'
	check "$target: a change to roll back: not the short way" within 1 has_patched "$patched"
	check "$target: a change that was rolled back is not in the history" within 5 says 'rejected +firewall/103.fw' firewall history
	rules >"$work/now"
	check "$target: not rolled back" same "$work/before" "$work/now"
	put 103.fw '[OPTIONS]' 'enable: 1' '[RULES]' "$rule"
	firewall apply >/dev/null
}

# Others remove the table of guests before the comparison.
remove_table() {
	local patched
	polled 2
	patched=$(patches)
	put 104.fw '[OPTIONS]' 'enable: 1' '[RULES]' "$rule" 'IN DROP -p tcp -dport 28'
	check "$target: a change before the table is removed: not the short way" within 5 has_patched "$patched"
	rules >"$work/patched"
	nft delete table bridge pvefw
	check "$target: a removed table is not reported" within 5 logged 'changed externally: table bridge pvefw is missing'
	polled 2
	rules >"$work/now"
	check "$target: a removed table is not repaired" same "$work/patched" "$work/now"
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
	edits
	roll_back
	[ $target = iptables ] || remove_table
	stop
done
finish
