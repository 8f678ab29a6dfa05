#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# confirm.sh: what is not confirmed is taken back, whoever has died meanwhile; what is confirmed stays. And a firewall
# that is enabled until some time is switched off then.
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
in_namespaces "$@"
begin
ip link set lo up

port=4000

# allow_next: another configuration than any before; the port that it opens is $port, and $last is what was good last
allow_next() {
	port=$((port + 1))
	last=$port
	put cluster.fw '[OPTIONS]' 'enable: 1' '' '[RULES]' 'IN ACCEPT -p tcp -dport 8006' "IN ACCEPT -p tcp -dport $port"
}

allows() {
	nft list table inet pvefw | grep -qE "dport $1( |\$)"
}

status_says() {
	firewall status | grep -q -- "$1"
}

# try SECONDS: a change that has to be confirmed in this time, in force
try() {
	good=$last
	check "apply --confirm" firewall apply --confirm "$1"
	allow_next
	check "it is in force while it waits" within 2 allows $port
}

# taken_back SECONDS WHAT: what was in force before is again, in this time
taken_back() {
	within "$1" allows $good && no allows $port
	verdict $? "$2: $port is open still, or $good is not open again"
	last=$good
}

# ---- the service lives ----

test_service() {
	try 2
	check "status while it waits" status_says 'Not confirmed yet: in [0-9]* seconds'
	taken_back 5 "not confirmed"
	check "said" logged 'not confirmed in time: going back to what was enforced before'
	check "status afterwards" status_says 'The configuration was not confirmed'
	sleep 1
	check "no request is left" no firewall confirm
	touch "$work/tree/firewall/cluster.fw"
	reload
	check "it is not applied again before it changes" no allows $port
	kill_service
	start
	check "nor by the next service" no allows $port
	check "the next service enforces what was good" allows $good
	check "apply asks for it" firewall apply
	check "apply asks for it: in force" allows $port
	last=$port
	allow_next
	check "a change counts" within 2 allows $port
}

test_change_after_hold() {
	try 1
	taken_back 4 "not confirmed, a second time"
	allow_next
	check "a configuration that has changed counts again" within 2 allows $port
	check "and that is said" logged 'the configuration has changed and counts again'
	check "nothing is kept" test ! -e "$work/run/confirmed" -a ! -e "$work/run/held"
}

# Whoever writes cluster.fw in place empties it first, and may take a while.
test_doubt_after_hold() {
	try 1
	taken_back 4 "not confirmed, a third time"
	: >"$work/tree/firewall/cluster.fw"
	sleep 0.4
	check "an empty cluster.fw is not believed at once" allows $good
	allow_next
	check "and was not: the next one counts" within 2 allows $port
}

# What is gone back to is what was in force, not what the files say by then.
test_early() {
	last=$port
	: >"$work/tree/firewall/cluster.fw"
	sleep 0.1
	check "an empty cluster.fw is nothing to go back to" no firewall apply --confirm 1
	allow_next
	check "the file is whole again" within 2 allows $port
	sleep 0.5 # until a change is no more one of many
	last=$port
	good=$port
	port=$((port + 1))
	exec 5>"$work/tree/firewall/cluster.fw"
	printf '%s\n' '[OPTIONS]' 'enable: 1' '' '[RULES]' "IN ACCEPT -p tcp -dport $port" >&5
	metric enabled >/dev/null
	check "apply --confirm while a file is being written" firewall apply --confirm 1
	exec 5>&-
	check "what was being written is in force" allows $port
	taken_back 4 "not confirmed, after somebody has read metrics"
	allow_next
	check "the next configuration counts" within 2 allows $port
	last=$port
}

test_confirmed() {
	try 3
	allow_next
	check "another change meanwhile" within 2 allows $port
	check "confirm" firewall confirm
	sleep 3.5
	check "what was confirmed stays" allows $port
	check "nothing is kept when it is confirmed" test ! -e "$work/run/confirmed" -a ! -e "$work/run/confirm"
	check "nothing to confirm any more" no firewall confirm
}

# ---- the service is killed ----

test_next_service() {
	try 3
	kill_service
	start
	check "the next service, in time" allows $port
	taken_back 6 "killed, and started before the time is over"
	try 1
	kill_service
	sleep 1.2
	start
	taken_back 2 "killed, and started when the time is over"
}

test_guard() {
	try 1
	kill_service
	check "killed: nobody takes it back yet" allows $port
	taken_back 9 "service and client are dead"
	check "the guard has ended" within 3 no lock_is_held
	start
	check "the next service finds what was good" allows $good
	check "the next service does not apply what was not confirmed" no allows $port
	check "nor later" firewall apply
}

# The links of corosync.conf may be names: without their rules the node leaves the cluster.
test_names() {
	last=$port
	sed '$ a 192.0.2.1 n\n192.0.2.2 m' /etc/hosts >"$work/hosts"
	mount --bind "$work/hosts" /etc/hosts
	printf '%s\n' 'nodelist {' 'node {' 'name: n' 'nodeid: 1' 'ring0_addr: n' '}' 'node {' 'name: m' 'nodeid: 2' \
		'ring0_addr: m' '}' '}' 'totem {' 'version: 2' '}' >"$work/tree/corosync.conf"
	check "links by name" within 2 links_are_open
	try 1
	kill_service
	taken_back 9 "links by name, and the service is dead"
	check "what the guard enforces has the rules of links by name" links_are_open
	check "the guard says what it does" logged 'what was enforced before is enforced again'
	check "apply without a service, links by name" firewall apply
	check "what apply enforces without a service has the rules of links by name" links_are_open
	start
	check "links by name: what was not confirmed counts again" firewall apply
}

links_are_open() {
	nft list table inet pvefw | grep -q 192.0.2.2
}

lock_is_held() {
	grep -q ":$(stat -c %i "$work/run/lock") " /proc/locks
}

test_mistakes() {
	for seconds in 0 -1 x 86401; do
		check "--confirm $seconds" no firewall apply --confirm $seconds
	done
	stop
	check "apply --confirm without a service" no firewall apply --confirm 5
	grep -q 'no service runs' "$work/said"
	verdict $? "apply --confirm without a service: $(cat "$work/said")"
}

# ---- until some time ----

test_time() {
	put cluster.fw '[OPTIONS]' "enable: $(($(date +%s) - 56))" '[RULES]' 'IN ACCEPT -p tcp -dport 8006'
	start
	check "enabled until a time" allows 8006
	check "status before that time" status_is enabled/running
	check "switched off on time" within 7 no allows 8006
	check "switched off: said" logged "the time in the cluster's .enable. is over"
	check "status after that time" status_is disabled/running
	stop
}

make_tree nft
allow_next
start
for test in service change_after_hold doubt_after_hold early confirmed next_service guard names mistakes time; do
	time=$(now)
	test_$test
	echo "$test: $((($(now) - time) / 1000)) ms"
done
finish
