# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the suites of the logger to include: a network namespace and a mount namespace of their own, the tool
# frames, and loggers that are started and stopped. PVEFW_LOGGER: the logger, by default that of build/.
set -u
logger=${PVEFW_LOGGER:-$PWD/build/pvefw-logger}
if [ -z "${PVEFW_LOGGER_SPACE:-}" ]; then
	unshare -n -m true 2>/dev/null || exit 77
	exec env PVEFW_LOGGER_SPACE=1 unshare -n -m "$0" "$@"
fi
. tests/checks/result.sh
work=$(mktemp -d) || exit 1
pids=
# shellcheck disable=SC2317
clean_up() {
	[ -z "$pids" ] || kill -KILL $pids 2>/dev/null
	umount "$work/small" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
frames=$work/frames
${CC:-cc} -std=c17 -D_GNU_SOURCE -O2 -o "$frames" tests/logger/frames.c || exit 1
# Nothing but what is sent here: IPv6 says much by itself.
for when in all default; do echo 1 >/proc/sys/net/ipv6/conf/$when/disable_ipv6; done
echo 0 >/proc/sys/net/ipv6/conf/lo/disable_ipv6
ip link set lo up

# until COMMAND...: it succeeds within ten seconds
until_ok() {
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.05
	done
	return 1
}

# start NAME OPTION...: a logger with the log $work/NAME, and $work/NAME.run; its number in $pid
start() {
	name=$1
	shift
	"$logger" --debug --log-file "$work/$name" --run-dir "$work/$name.run" "$@" >"$work/$name.out" 2>"$work/$name.err" &
	pid=$!
	pids="$pids $pid"
	until_ok grep -q 'starting pvefw-logger' "$work/$name.out"
	verdict $? "$name: no start: $(cat "$work/$name.err")"
}

# stop [PID]: ends the last logger, or that one, which must succeed
stop() {
	kill -TERM "${1:-$pid}"
	wait "${1:-$pid}"
	verdict $? "$name: exit status $?: $(cat "$work/$name.err")"
}

# flood PORT COUNT RATE: $sent packets in $took milliseconds
flood() {
	read -r sent took <<<"$("$frames" flood "$@")"
}

# rules of iptables-restore's table filter
rules() {
	printf '*filter\n%s\nCOMMIT\n' "$1" | iptables-restore
	verdict $? "rules cannot be loaded: $1"
}

# lines FILE...: how many are of packets
lines() {
	cat "$@" | grep -c ' IN='
}

# told_lost FILE WHAT: sum of the losses that lines tell, `packets` or `lines`
told_lost() {
	sed -n "s/^0 4 - [^ ]* [^ ]* \([0-9]*\) ${2%s}s* lost.*/\1/p" "$1" | awk '{ sum += $1 } END { print sum + 0 }'
}

# state NAME KEY
state() {
	sed -n "s/^$2 //p" "$work/$1.run/logger/logger.state"
}

# same WHAT ACTUAL EXPECTED
same() {
	[ "$2" = "$3" ]
	verdict $? "$1: $2, not $3"
}
