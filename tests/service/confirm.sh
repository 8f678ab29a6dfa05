#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# confirm.sh: what is not confirmed is taken back, whoever has died meanwhile; what is confirmed stays; what was taken
# back stays so until its files change. Generations: history, diff, rollback. And a firewall that is enabled until some
# time is switched off then.
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

# json FILTER: of `history` or `status`, as python sees it
json() {
	python3 -c "import json, sys; d = json.load(sys.stdin); sys.exit(0 if ($1) else 1)"
}

history_has() {
	firewall history --format json | json "$1"
}

status_has() {
	firewall status --format json 2>/dev/null | json "$1"
}

in_force() {
	firewall history --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["in_force"])'
}

# ---- generations ----

# Nothing was in force before: what is in force now cannot be taken back, only what comes.
test_first() {
	check "nothing to go back to: exit status 2" exits 2 firewall apply --confirm 1
	check "nothing to go back to: said" grep -q 'generation 1 of .* is the oldest that is kept' "$work/printed"
	check "status says what is so" status_says 'everything that changed since generation 1 of .* is reverted'
	good=$last
	allow_next
	check "a change that comes then is in force" within 2 allows $port
	taken_back 4 "a change that comes then"
	allow_next
	check "the next change counts" within 2 allows $port
	check "rollback to what is not kept: exit status 2" exits 2 firewall rollback 99
	check "rollback to what is no number: exit status 2" exits 2 firewall rollback x
}

# The obvious order: the service has applied the edit before the command comes.
test_edit_first() {
	good=$last
	allow_next
	check "an edit is in force" within 2 allows $port
	before=$(($(in_force) - 1))
	check "apply --confirm after an edit names what it goes back to" \
		says "generation $before of [0-9: -]* is enforced again" firewall apply --confirm 2
	check "status names it, too" status_says "Not confirmed yet: in [0-9]* seconds generation $before of"
	check "status has an exit status for it" exits 6 firewall status
	check "metrics tell it" metric_is pending_confirmation 1
	check "JSON tells the seconds" status_has 'd["state"] == "pending_confirmation" and 0 < d["seconds_left"] <= 2'
	taken_back 4 "the edit before the command"
	check "named in the log" logged "rolling back: generation $before of"
	check "and so is the file" logged "warning: firewall/cluster.fw was not confirmed: generation $before of"
	check "status has an exit status for what was rejected" exits 8 firewall status
	check "metrics: nothing is to be confirmed" metric_is pending_confirmation 0
	check "metrics: the files say something else" metric_is pending_changes 1
	check "JSON names it" status_has "d['state'] == 'rejected' and d['enforced']['number'] == $before and
		any(c['kind'] == 'configuration_rejected' and c['file'] == 'firewall/cluster.fw' for c in d['conditions'])"
	check "history tells what was rejected" history_has "d['in_force'] == $before and
		d['generations'][-1]['state'] == 'rejected' and d['generations'][-1]['changes'][0]['added'] == 1"
}

# It stays rejected until its own file changes, not when any file does.
test_other_file() {
	printf '%s\n' 'lock: backup' 'net0: virtio=02:00:00:00:01:00,bridge=vmbr0' >"$work/tree/new"
	mv "$work/tree/new" "$work/tree/nodes/n/qemu-server/100.conf"
	reload
	check "a backup's lock brings nothing back" no allows $port
	put 100.fw '[OPTIONS]' 'enable: 1'
	reload
	check "nor does another guest's file" no allows $port
	kill_service
	start
	check "nor the next service" no allows $port
	# Truncated and written anew, with what was rejected.
	cp "$work/tree/firewall/cluster.fw" "$work/rejected"
	: >"$work/tree/firewall/cluster.fw"
	sleep 0.2
	cat "$work/rejected" >"$work/tree/firewall/cluster.fw"
	polled 3
	check "nor an editor that saves it as it is" no allows $port
	check "what is in force is what was good" allows $good
	allow_next
	check "its own file brings it back" within 2 allows $port
	check "which the log says" logged 'notice: firewall/cluster.fw has changed and applies again'
	rm "$work/tree/firewall/100.fw" "$work/tree/nodes/n/qemu-server/100.conf"
	last=$port
}

# Others edit, too: that does not confirm anything.
test_edit_beside() {
	check "the guest's file is gone" within 3 history_has "d['generations'][-1]['changes'][0]['kind'] == 'deleted'"
	good=$last
	allow_next
	check "an edit is in force, again" within 2 allows $port
	check "apply --confirm after an edit, again" firewall apply --confirm 1
	put 100.fw '[OPTIONS]' 'enable: 1'
	taken_back 3 "the edit before the command, while somebody else edits"
	allow_next
	check "edited again" within 2 allows $port
	rm "$work/tree/firewall/100.fw"
	last=$port
}

test_damaged() {
	check "to be lost: rollback" firewall rollback
	kill_service
	sed -i '/^reject/d;/^end/d' "$work/run/generations/state"
	start
	check "a damaged state: said" logged 'critical: .*/generations/state is damaged'
	check "a damaged state: the files count" within 2 allows $port
	check "a damaged state: status" status_says enabled/running
}

test_rollback() {
	local old=$last number
	reload
	number=$(in_force)
	allow_next
	check "a change to be rolled back" within 2 allows $port
	check "diff shows the changed line" says "^[+]IN ACCEPT -p tcp -dport $port" firewall diff
	check "and the one that it replaces" grep -q "^-IN ACCEPT -p tcp -dport $old" "$work/printed"
	check "rollback" says "generation $number of .* is enforced until" firewall rollback
	check "rolled back" allows "$old"
	check "rolled back: what came later is not in force" no allows $port
	check "diff to what is not kept: exit status 2" exits 2 firewall diff 99
	check "apply asks for the files" firewall apply
	check "they are in force" allows $port
	check "rollback N" firewall rollback "$number"
	check "rolled back by number" allows "$old"
	check "history in text" says "^ *$number  [0-9-]* [0-9:]*  enforced" firewall history
	last=$port
	allow_next
	check "a change counts after a rollback" within 2 allows $port
	last=$port
}

# Without a service the commands do it themselves.
test_offline() {
	local number old=$last
	number=$(in_force)
	allow_next
	check "a change before the service dies" within 2 allows $port
	kill_service
	check "rollback without a service" firewall rollback "$number"
	check "rolled back without a service" allows "$old"
	check "status without a service: exit status 3" exits 3 firewall status
	check "status without a service: what is enforced" grep -q 'rolled back: generation [0-9]* of' "$work/printed"
	start
	check "the service that comes keeps to it" allows "$old"
	check "and not to what was rolled back" no allows $port
	check "the files again" firewall apply
	last=$port
}

# ---- stopping ----

# A stop ends the wait: no guard loads anything afterwards, and so it is when only the program is left of the package.
test_stop() {
	try 2
	check "stop while a confirmation is awaited" firewall stop
	wait "$pid"
	pid=
	check "nothing is loaded" no allows $port
	check "the guard ends" within 3 no pgrep -f -- "apply .*--run-dir $work/run"
	cp "$service" "$work/pve-firewall"
	start
	allow_next
	check "another edit" within 2 allows $port
	check "its guard's program" "$work/pve-firewall" apply --confirm 2 --root "$work/tree" --node n --run-dir "$work/run" \
		--log-file "$work/log"
	kill_service
	rm "$work/pve-firewall"
	sleep 6.5
	check "no guard loads anything after a stop" logged 'stopped while a confirmation was pending'
	check "nor when its program is gone" allows $port
	start
	check "the service goes back" within 2 no allows $port
	check "stop --keep-rules" firewall stop --keep-rules
	wait "$pid"
	pid=
	check "its rules stay" nft list table inet pvefw
	start
	check "the files count" firewall apply
	last=$port
}

# A machine that restarts has not been confirmed.
test_reboot() {
	try 60
	kill_service
	sed -i 's/^pending [^ ]*/pending 00000000-0000-0000-0000-000000000000/' "$work/run/generations/state"
	start
	taken_back 2 "after the machine has restarted"
	allow_next
	check "the next configuration counts, after a restart of the machine" within 2 allows $port
	last=$port
}

# ---- the service lives ----

test_service() {
	try 2
	check "status while it waits" status_says 'Not confirmed yet: in [0-9]* seconds'
	taken_back 5 "not confirmed"
	check "said" logged 'not confirmed in time: rolling back: generation [0-9]* of'
	check "status afterwards" status_says 'The configuration was not confirmed'
	polled 3
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
	check "and that is said" logged 'configuration has changed and applies again'
	check "nothing is rejected any more" status_has 'not d["held"] and d["enforced"] is None'
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
	polled 2 # until a change is no longer one of many
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
	polled 12 # four seconds: beyond the time to confirm
	check "what was confirmed stays" allows $port
	check "nothing waits when it is confirmed" status_has 'not d["pending_confirmation"] and d["seconds_left"] is None'
	check "nothing to confirm any more" no firewall confirm
}

# ---- what is JSON, and its schema ----

test_schemas() {
	try 9
	firewall status --format json >"$work/status.json" 2>/dev/null
	firewall history --format json >"$work/history.json"
	firewall diff 1 --format json >"$work/diff.json"
	firewall counters --format json >"$work/counters.json"
	firewall counters --top 3 --format json >"$work/top.json"
	check "counters: a file that is nearly there" says 'clustr.fw is not .*; did you mean .cluster.fw' firewall counters clustr.fw
	check "diff: not empty" grep -q '"kind": "edited"' "$work/diff.json"
	/usr/bin/python3 tests/checks/schemas.py status="$work/status.json" history="$work/history.json" \
		diff="$work/diff.json" counters="$work/counters.json" counters="$work/top.json" >"$work/said" 2>&1
	[ "$(grep -c '^ok' "$work/said")" = 5 ]
	verdict $? "schemas: $(grep -v '^ok' "$work/said")"
	firewall confirm
	last=$port
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
	check "killed: status says that it waits" says 'Not confirmed yet: in ' firewall status
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
	check "the guard says what it does" logged 'previous configuration is enforced again'
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
	grep -q 'the service does not run' "$work/said"
	verdict $? "apply --confirm without a service: $(cat "$work/said")"
}

# ---- until some time ----

test_time() {
	put cluster.fw '[OPTIONS]' "enable: $(($(date +%s) - 56))" '[RULES]' 'IN ACCEPT -p tcp -dport 8006'
	start
	check "enabled until a time" allows 8006
	check "status before that time" status_is enabled/running
	check "switched off on time" within 7 no allows 8006
	check "switched off: said" logged "time at .enable. in cluster.fw has expired"
	check "status after that time" status_is disabled/running
	stop
}

make_tree nft
allow_next
start
for test in first edit_first other_file edit_beside damaged rollback schemas offline service change_after_hold doubt_after_hold early confirmed \
	next_service guard names stop reboot mistakes time; do
	time=$(now)
	test_$test
	echo "$test: $((($(now) - time) / 1000)) ms"
done
finish
