#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# explain.sh [--golden]: pve-firewall explain-log, over lines of all kinds of chains that both targets have logged
# (logs/TARGET.log; the packets of tests/probes/log), over lines of another kind, and over a log that is rotated.
#
# logs/TARGET.explained is what it printed when that was read; --golden writes it anew.  PVE_FIREWALL, PVEFW_LOGGER: the
# programs.  Ends with `N passed, N failed`.
set -u
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/checks/result.sh
. tests/checks/result.sh
program=${PVE_FIREWALL:-$PWD/build/pve-firewall}
logger=${PVEFW_LOGGER:-$PWD/build/pvefw-logger}
work=$(mktemp -d) || exit 2
follower=
trap '[ -z "$follower" ] || kill "$follower"; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cp -r tests/probes/log/root "$work/iptables"
cp -r tests/probes/log/root "$work/nftables"
echo 'nftables: 1' >>"$work/nftables/nodes/n1/host.fw"

# explain TARGET ARGUMENT...
explain() {
	"$program" explain-log --root "$work/$1" --node n1 --run-dir "$work/run" "${@:2}"
}

# same WHAT FILE: standard input is what was expected
same() {
	diff - "$2" >"$work/difference"
	verdict $? "$1:
$(head -n 20 "$work/difference" | sed 's/^/    /')"
}

goldens() {
	for target in iptables nftables; do
		if [ "${1:-}" = --golden ]; then
			explain $target <tests/trace/logs/$target.log >tests/trace/logs/$target.explained
			continue
		fi
		explain $target <tests/trace/logs/$target.log >"$work/explained"
		verdict $? "$target: the exit status"
		same "$target: explained otherwise" "$work/explained" <tests/trace/logs/$target.explained
	done
}

# Each line that the logger is known to write: without the guest's interfaces only its prefix tells the rule.
every_packet() {
	sed -n 's,^line \(.*\) TIME ,\1 30/Nov/2026:16:41:39 +0000 ,p' tests/logger/packets/* >"$work/lines"
	explain iptables <"$work/lines" >"$work/explained"
	verdict $? "packets: the exit status"
	[ "$(grep -c '^  --> firewall/100.fw:4  policy_in: DROP' "$work/explained")" = "$(grep -c . "$work/lines")" ]
	verdict $? "packets: $(grep -c '^  -->' "$work/explained") rules for $(grep -c . "$work/lines") lines"
	grep -v '^  -->\|^   =' "$work/explained" >"$work/passed"
	same "packets: the lines themselves" "$work/passed" <"$work/lines"
}

as_json() {
	explain nftables --format json <tests/trace/logs/nftables.log >"$work/json"
	[ "$(grep -c . "$work/json")" = "$(grep -c . tests/trace/logs/nftables.log)" ]
	verdict $? "json: not an object a line"
	python3 - "$work/json" <<-'EOF'
		import json, sys
		for line in open(sys.argv[1]):
		    entry = json.loads(line)
		    assert entry["packet"] and entry["rules"] and not entry["note"] or not entry["rules"] and entry["note"], entry
		    for rule in entry["rules"]:
		        assert rule["file"] and rule["line"] > 0 and rule["text"] or rule["implied"], rule
		        assert rule["outcomes"] and rule["path"], rule
	EOF
	verdict $? "json: not as it should be"
	split -l 1 "$work/json" "$work/json-"
	# shellcheck disable=SC2046 # words
	/usr/bin/python3 tests/checks/schemas.py $(printf 'explain-log=%s ' "$work"/json-*) >"$work/said" 2>&1
	verdict $? "json: not as its schema says: $(grep -v '^ok' "$work/said" | head -n 10)"
}

# Lines as operands, quoted or not; lines that are not of packets pass through with a note.
operands() {
	local line
	line=$(grep -m 1 ' tap100i0-IN ' tests/trace/logs/iptables.log)
	explain iptables "$line" "x y" >"$work/quoted"
	same "operands" "$work/quoted" <<-EOF
		$(grep -F -A 3 -- "$line" tests/trace/logs/iptables.explained)
		x y
		   = note: not a line of the packet log
	EOF
	# shellcheck disable=SC2086 # words
	explain iptables $line >"$work/words"
	head -n 4 "$work/quoted" | same "an operand in words" "$work/words"
	printf '%s' "$line" | explain iptables - >"$work/stdin"
	head -n 4 "$work/quoted" | same "standard input without an end of line" "$work/stdin"
	explain iptables "100 6 tap100i0-IN 30/Nov/2026:16:41:39 +0000 ACCEPT: IN=fwbr100i0 OUT=fwbr100i0 PHYSIN=fwln100i0 \
PHYSOUT=tap100i0 SRC=192.0.2.1 DST=192.0.2.2 LEN=60 PROTO=TCP SPT=4711 DPT=4712 SYN" >"$work/unknown"
	[ $? = 1 ] && grep -q 'note: no rule of this configuration logs such a packet' "$work/unknown"
	verdict $? "a line that no rule logs: $(cat "$work/unknown")"
	explain iptables "777 6 tap777i0-IN 14/Mar/2014:12:47:07 +0100 policy REJECT: IN=vmbr1 OUT=vmbr1 PHYSIN=tap114i0 PHYSOUT=tap777i0 \
SRC=192.168.3.106 DST=192.168.3.107 LEN=60 PROTO=TCP SPT=52018 DPT=22 SYN " >"$work/unknown"
	[ $? = 1 ] && grep -q 'note: no guest 777 has a firewall in this configuration' "$work/unknown"
	verdict $? "a line of another guest: $(cat "$work/unknown")"
	# An earlier rule decides about the packet today; the rule is named all the same.
	explain iptables "${line/DPT=*/DPT=9}" >"$work/earlier"
	! grep -q 'no rule$' "$work/earlier"
	verdict $? "found by its prefix: $(cat "$work/earlier")"
	printf 'x\033[31my\n' | explain iptables >"$work/escaped"
	printf '%s\n' 'x\x1b[31my' '   = note: not a line of the packet log' | same "escapes" "$work/escaped"
	explain iptables --follow x >"$work/wrong" 2>&1
	[ $? = 2 ]
	verdict $? "--follow takes operands: $(cat "$work/wrong")"
}

# Many lines take seconds in all, a line without an end is taken in pieces, and what cannot be a log is read all the same.
volume() {
	python3 tests/bench/gen-cluster.py 300 10 "$work/cluster"
	for ((i = 0; i < 10000; i++)); do
		vm=$((100 + i % 300))
		echo "$vm 6 tap${vm}i0-IN 30/Nov/2026:16:41:39 +0000 gone: IN=fwbr${vm}i0 OUT=fwbr${vm}i0 PHYSIN=fwln${vm}i0 PHYSOUT=tap${vm}i0" \
			"MAC=02:00:00:00:01:00:02:00:00:00:02:54:08:00 SRC=203.0.113.5 DST=192.0.2.1 LEN=40 PROTO=TCP SPT=4711 DPT=22 SYN"
	done >"$work/many"
	(
		ulimit -t 8
		"$program" explain-log --root "$work/cluster" --run-dir "$work/run" --local-network 10.0.0.0/8 <"$work/many" >"$work/explained"
	)
	[ "$(grep -c 'note: no ' "$work/explained")" = 10000 ]
	verdict $? "$(grep -c 'note: no ' "$work/explained") of 10,000 lines within 8 s of processor time"
	{ head -c 131072 /dev/zero | tr '\0' x && printf '\n\nx\n' && head -c 70000 /dev/zero; } | explain iptables >"$work/explained"
	[ "$(grep -c 'note: not a line' "$work/explained")" = 6 ]
	verdict $? "lines without an end: $(grep -c 'note: not a line' "$work/explained") pieces, not 6"
	head -c 200000 "$program" | explain iptables >"$work/explained"
	verdict $? "a binary file"
}

# soon COMMAND...: it succeeds within ten seconds
soon() {
	local tries=200
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

explained() {
	[ "$(grep -c '^  -->' "$work/followed")" = "$1" ]
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

# The log is renamed while its writer goes on, made anew, and truncated: each line is explained once.
followed() {
	grep ' IN=' tests/trace/logs/iptables.log | head -n 12 >"$work/lines"
	head -n 3 "$work/lines" >"$work/log"
	"${@:2}" >"$work/followed" 2>"$work/error" &
	follower=$!
	soon explained 3
	verdict $? "$1: the last lines: $(cat "$work/followed" "$work/error")"
	exec 8>>"$work/log"
	mv "$work/log" "$work/log.1"
	sed -n 4,5p "$work/lines" >&8
	soon explained 5
	verdict $? "$1: after it was renamed"
	sed -n 6p "$work/lines" >"$work/log"
	sed -n 7p "$work/lines" >&8
	exec 8>&-
	soon explained 7
	verdict $? "$1: old and new file"
	: >"$work/log"
	sed -n 8,12p "$work/lines" >>"$work/log"
	soon explained 12
	verdict $? "$1: after it was truncated: $(grep -c '^  -->' "$work/followed")"
	grep -v '^  -->\|^   =' "$work/followed" | sort >"$work/passed"
	sort "$work/lines" | same "$1: the lines" "$work/passed"
	kill "$follower"
	wait "$follower" 2>/dev/null
	soon ended "$(cat "$work/child" 2>/dev/null || echo 999999)"
	verdict $? "$1: a process is left"
	follower=
}

goldens "${1:-}"
[ "${1:-}" != --golden ] || exit 0
every_packet
as_json
operands
volume
followed "explain-log --follow" "$program" explain-log --root "$work/iptables" --node n1 --run-dir "$work/run" --follow \
	--packet-log "$work/log"
# The logger calls the program that lies beside it; here that adds where the tree is.
mkdir "$work/bin"
cp "$logger" "$work/bin/pvefw-logger"
printf '#!/bin/sh\nexec %s "$@" --root %s --node n1\n' "$program" "$work/iptables" >"$work/bin/pve-firewall"
chmod +x "$work/bin/pve-firewall"
followed "pvefw-logger --print --explain" "$work/bin/pvefw-logger" --print --explain --log-file "$work/log" --run-dir "$work/run"
"$logger" --explain >"$work/wrong" 2>&1
[ $? = 2 ] && grep -q 'needs --print' "$work/wrong"
verdict $? "--explain without --print: $(cat "$work/wrong")"
finish
