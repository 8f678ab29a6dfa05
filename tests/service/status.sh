#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# status.sh: what monitoring is told: each state has an exit status, a name in JSON, and text that says what is so. And
# no command takes more than ten seconds while the tree's file system hangs. (Waiting for a confirmation and what was
# rejected are in confirm.sh.)
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
in_namespaces "$@"
begin
# shellcheck source=SCRIPTDIR/../pmxcfs/mount.sh
. "$tests/pmxcfs/mount.sh"
ip link set lo up

# state NAME EXIT-STATUS TEXT [OPTION...]: what status says, in all of its forms
state() {
	local name=$1 wanted=$2 text=$3 got line
	shift 3
	firewall status "$@" >"$work/text" 2>"$work/errors"
	got=$?
	line=$(head -n 1 "$work/text")
	[ "$got" = "$wanted" ] && [ "${line#Status: }" = "$text" ] || { echo "exit status $got, $line" && return 1; }
	firewall status --format json "$@" >"$work/json" 2>/dev/null
	[ $? = "$wanted" ] && /usr/bin/python3 - "$name" "$wanted" "$work/json" <<-'END'
		import json, sys
		status = json.load(open(sys.argv[3]))
		assert status["state"] == sys.argv[1], status
		assert status["exit_status"] == int(sys.argv[2]), status
		keys = []
		def walk(value):
		    if isinstance(value, dict):
		        keys.extend(value)
		        for v in value.values(): walk(v)
		    elif isinstance(value, list):
		        for v in value: walk(v)
		walk(status)
		assert not [k for k in keys if "-" in k], keys
	END
}

# json EXPRESSION: about what `state` has left
json() {
	/usr/bin/python3 -c "import json, sys; d = json.load(open('$work/json')); sys.exit(0 if ($1) else 1)"
}

# seconds COMMAND...: how many whole seconds it takes
seconds() {
	local begin=$EPOCHSECONDS status
	"$@" >"$work/printed" 2>&1
	status=$?
	took=$((EPOCHSECONDS - begin))
	return $status
}

# What the tree says is still in force.
rules_stay() {
	nft list table inet pvefw | grep -q 'dport 8006'
}

# ---- states ----

test_states() {
	check "not running" state stopped 3 'enabled/stopped (pending changes)'
	check "not running, in JSON" json 'd["running"] is False and d["enabled"] is True'
	start
	check "enabled and running" state enabled 0 enabled/running
	check "enabled and running, in JSON" json 'd["running"] and d["enabled"] and d["target"] == "netlink" and
		d["reason"] is None and d["seconds_left"] is None and d["pending_changes"] is False and d["conditions"] == []'
	put cluster.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -source nobody -p tcp -dport 8006'
	check "errors" within 3 state errors 1 enabled/running
	put cluster.fw '[OPTIONS]' 'enable: 0'
	check "disabled" within 5 state disabled 5 disabled/running
	put cluster.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 8006'
	check "enabled again" within 5 state enabled 0 enabled/running
	cp -r "$work/tree" "$work/other"
	printf '%s\n' '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 4711' >"$work/other/firewall/cluster.fw"
	check "pending changes" state pending_changes 6 'enabled/running (pending changes)' --root "$work/other"
	check "pending changes, in JSON" json 'd["pending_changes"] is True'
	mv "$work/tree/nodes" "$work/nodes"
	mkdir "$work/tree/nodes"
	ln -s /nowhere "$work/tree/nodes/n"
	check "unreadable" within 3 state unreadable 2 'enabled/running (the configuration cannot be read)'
	check "unreadable: nothing is claimed" json 'd["pending_changes"] is None and d["target"] is None'
	rm -r "$work/tree/nodes"
	mv "$work/nodes" "$work/tree/nodes"
	check "readable again" within 5 state enabled 0 enabled/running
	mv "$work/tree/firewall" "$work/tree/firewal"
	check "a misspelt folder" within 3 state unreadable 2 'enabled/running (the configuration cannot be read)'
	check "a misspelt folder, in JSON" json '"has firewal/ instead of firewall/" in str(d["conditions"])'
	check "a misspelt folder: the rules stay" rules_stay
	mv "$work/tree/firewal" "$work/tree/firewall"
	check "the right name" within 5 state enabled 0 enabled/running
}

# ask_metrics REQUEST: the status line of the answer; the request in printf's form
ask_metrics() {
	"${in[@]}" bash -c 'exec 3<>/dev/tcp/127.0.0.1/9199 && printf "$1" >&3 && head -n 1 <&3' sh "$1" | tr -d '\r'
}

is_recent() {
	local time
	time=$(metric last_success_timestamp_seconds)
	[ "$time" -ge "$1" ] && [ "$time" -le "$(date +%s)" ]
}

test_metrics() {
	local before version
	version=$("$service" --version | awk 'NR == 1 { print $2 }')
	check "metrics: the version" metric_is "build_info{version=\"$version\"}" 1
	check "metrics: nothing is pending" within 3 metric_is pending_changes 0
	check "metrics: nothing is to be confirmed" metric_is pending_confirmation 0
	check "metrics: nobody is unfiltered" metric_is unfiltered_guests 0
	before=$(date +%s)
	firewall apply >/dev/null 2>&1
	check "metrics: the last success" is_recent "$before"
	mv "$work/tree/nodes" "$work/nodes"
	mkdir "$work/tree/nodes"
	ln -s /nowhere "$work/tree/nodes/n"
	check "metrics: unreadable is pending" within 3 metric_is pending_changes 1
	rm -r "$work/tree/nodes"
	mv "$work/nodes" "$work/tree/nodes"
	check "metrics: readable again" within 5 metric_is pending_changes 0
	[ "$(ask_metrics 'GET /metrics HTTP/1.0\r\n\r\n')" = 'HTTP/1.0 200 OK' ]
	verdict $? "no metrics"
	[ "$(ask_metrics 'GET /metrics\0 HTTP/1.0\r\n\r\n')" = 'HTTP/1.0 404 Not Found' ]
	verdict $? "a NUL ends the name of what is asked for"
}

# A service that does not answer: nobody knows what it does.
test_unknown() {
	kill -STOP "$pid"
	seconds firewall status --format json
	[ $? = 2 ] && grep -q '"state": "unknown"' "$work/printed" && [ $took -le 11 ]
	verdict $? "a service that does not answer: $took s, $(cat "$work/printed")"
	kill -CONT "$pid"
	stop
}

# ---- what could not be applied ----

# A tool that fails: the reason is told by start, apply, restart and status.
test_not_applied() {
	mkdir "$work/bin"
	printf '%s\n' '#!/bin/sh' 'echo "the disk of the tool is on fire" >&2' 'exit 3' >"$work/bin/iptables-restore"
	for tool in iptables-save ip6tables-save ip6tables-restore ipset ebtables-save ebtables-restore; do
		cp "$work/bin/iptables-restore" "$work/bin/$tool"
	done
	chmod +x "$work/bin"/*
	make_tree
	PATH=$work/bin:$PATH firewall start >"$work/printed" 2>&1
	[ $? = 2 ] && grep -q 'on fire' "$work/printed"
	verdict $? "start tells the reason: $(cat "$work/printed")"
	pid=$(cat "$work/run/lock")
	firewall apply >"$work/printed" 2>&1
	[ $? = 2 ] && grep -q 'on fire' "$work/printed"
	verdict $? "apply tells the reason: $(cat "$work/printed")"
	PATH=$work/bin:$PATH firewall status --format json >"$work/json" 2>/dev/null
	verdict $(($? != 7)) "the exit status of what could not be applied"
	check "the reason, in JSON" json 'd["failing"] and "on fire" in d["reason"] and d["state"] == "not_applied"'
	PATH=$work/bin:$PATH firewall status >"$work/text" 2>/dev/null
	check "the reason, in text" grep -q '^The current configuration could not be applied; .*on fire' "$work/text"
	kill "$pid"
	within 10 gone "$pid"
	verdict $? "the service does not end"
	pid=
}

# Whoever reads what `start` prints, as ssh and $(...) do, does not wait for the service in the background.
test_background() {
	make_tree nft
	firewall start 2>&1 | timeout 10 cat
	[ "${PIPESTATUS[*]}" = "0 0" ]
	verdict $? "start in the background, and its output: ${PIPESTATUS[*]}"
	check "start in the background: it runs" state enabled 0 enabled/running
	check "start in the background: stop" firewall stop
}

# ---- a file system that hangs ----

# hangs STATUS TEXT COMMAND...: within ten seconds
hangs() {
	local wanted=$1 text=$2 got
	shift 2
	seconds "$@"
	got=$?
	[ "$got" = "$wanted" ] && [ $took -lt 10 ] && { [ -z "$text" ] || grep -qE -- "$text" "$work/printed"; }
	verdict $? "hanging, $*: exit status $got, $took s: $(cat "$work/printed")"
}

in_other_run_dir() {
	timeout 60 "$service" start --root "$work/tree" --node n --run-dir "$work/second" --log-file "$work/log2"
}

# piped COMMAND...: with what it prints as a pipe; its exit status
piped() {
	"$@" 2>&1 | timeout 20 cat
	return "${PIPESTATUS[0]}"
}

test_hang() {
	make_tree nft
	mount_cluster
	start
	check "a tree that answers" state enabled 0 enabled/running
	# Nothing kills a process that waits for the answer to a request: it must not keep a pipe open.
	remote hang
	hangs 2 'Status: enabled/running \(the configuration cannot be read\)' piped firewall status
	remote go
	kill -STOP "$filesystem"
	hangs 2 'not applied; .*does not answer' firewall apply
	hangs 2 'does not answer' firewall counters
	hangs 2 'not applied; .*does not answer' in_other_run_dir
	check "hanging: what is in force stays" nft list table inet pvefw
	hangs 0 '' "$service" stop --run-dir "$work/second"
	hangs 0 '' firewall stop
	wait "$pid"
	pid=
	check "hanging, stopped: nothing is loaded" no nft list table inet pvefw
	hangs 2 'does not answer' firewall apply
	kill -CONT "$filesystem"
	unmount_tree
	rm -rf "$work/tree"
}

make_tree nft
for test in states metrics unknown not_applied background hang; do
	time=$(now)
	test_$test
	echo "$test: $((($(now) - time) / 1000)) ms"
done
finish
