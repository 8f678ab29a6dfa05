# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the scripts of this folder share; sourced, not run. Sets here, tests, service (the program), work (a folder
# that is removed at the end).
#
# A service runs in the namespace of the script, or by `in` (a command prefix) in another; its tree is $work/tree, its
# run directory $work/run, its log $work/log. At most one runs at a time: its process is $pid.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tests=$(dirname "$here")
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C
# shellcheck source=SCRIPTDIR/../checks/result.sh
. "$tests/checks/result.sh"
service=$(readlink -f "${PVE_FIREWALL:-$tests/../build/pve-firewall}")
in=()
pid=

give_up() {
	echo "cannot run here: $1"
	[ $((passed + failed)) -gt 0 ] || exit 77
	cannot=$((cannot + 1))
	finish
	exit
}

# begin: what every suite does first
begin() {
	[ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null || give_up "needs root and network namespaces"
	[ -x "$service" ] || give_up "no $service"
	for tool in iptables ipset ebtables nft; do
		command -v $tool >/dev/null || give_up "no $tool"
	done
	work=$(mktemp -d) || exit 2
	trap 'leave' EXIT
	trap 'exit 1' HUP INT TERM
	export XTABLES_LOCKFILE="$work/xtables.lock" PVEFW_FWBR_FLAG="$work/fwbr-flag"
}

# Nothing that this script has started stays.
leave() {
	for job in $(jobs -p) $pid; do
		[ "$job" -gt 1 ] && kill -KILL "$job" 2>/dev/null # -1 would be every process
	done
	wait 2>/dev/null
	[ -z "${PREFIX:-}" ] || "$tests/topology/topo.sh" down
	rm -rf "$work"
}

# in_namespaces ARGUMENT…: the script anew in a network and a mount namespace of its own
in_namespaces() {
	[ "${PVEFW_INSIDE:-}" != 1 ] || return 0
	[ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null || give_up "needs root and network namespaces"
	PVEFW_INSIDE=1 exec unshare -n -m "$0" "$@"
}

# build VARIABLE SOURCE…: a program, its name in VARIABLE, unless that has one already
build() {
	[ -z "${!1:-}" ] || return 0
	export "$1=$work/programs/${1,,}"
	mkdir -p "$work/programs"
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$work/programs/${1,,}" "${@:2}" || exit 2
}

# ---- waiting ----

now() {
	echo "${EPOCHREALTIME/./}"
}

# within SECONDS COMMAND…: as soon as it succeeds; fails when it has not in time
within() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || return 1
		sleep 0.02
	done
}

lives() {
	kill -0 "$1" 2>/dev/null && ! grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null
}

gone() {
	! lives "$1"
}

# ---- the service ----

firewall() {
	local command=$1
	shift
	case $command in
	start | restart) set -- --log-file "$work/log" --metrics-port 9199 "$@" ;;
	apply | stop) set -- --log-file "$work/log" "$@" ;;
	esac
	[ "$command" = confirm ] || set -- --root "$work/tree" --node n "$@"
	timeout 60 "${in[@]}" "$service" "$command" --run-dir "$work/run" "$@"
}

# start [OPTION…]: a service as a child of this script; returns when its first cycle is over
start() {
	: >>"$work/log"
	local before
	before=$(cycles)
	"${in[@]}" "$service" start --debug --root "$work/tree" --node n --run-dir "$work/run" --log-file "$work/log" \
		--metrics-port 9199 "$@" >>"$work/output" 2>&1 </dev/null &
	pid=$!
	within 20 cycled_since "$before"
}

# stop: ends it with all that is its own; what a sanitizer says then counts
stop() {
	kill "$pid" 2>/dev/null
	within 30 gone "$pid" || kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	verdict $? "the service ends with another status than 0: $(head -n 20 "$work/output" 2>/dev/null)"
	pid=
}

# kill_service: nothing of it is taken away
kill_service() {
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	pid=
}

cycles() {
	grep -cE ': (iptables|netlink): (changes are applied|all rules are removed|nothing has changed) |not applied|nothing is compiled' "$work/log"
}

cycled_since() {
	[ "$(cycles)" -gt "$1" ]
}

# reload: reads and compares everything anew
reload() {
	firewall restart >/dev/null 2>&1
}

# logged TEXT: a line of the log has it
logged() {
	grep -qE -- "$1" "$work/log"
}

# check WHAT COMMAND…: it succeeds; else the end of the log is shown
check() {
	local what=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		pass
	else
		fail "$what"
		head -n 8 "$work/said" | cut -c 1-200 | sed 's/^/    /'
		tail -n "${SHOWN:-4}" "$work/log" 2>/dev/null | cut -c 1-250 | sed 's/^/    log: /'
	fi
}

# says TEXT COMMAND...: what it prints, on either stream, has the text; whatever its exit status
says() {
	local text=$1
	shift
	"$@" >"$work/printed" 2>&1
	grep -qE -- "$text" "$work/printed" || { cat "$work/printed" && false; }
}

# exits STATUS COMMAND...
exits() {
	local wanted=$1
	shift
	"$@" >"$work/printed" 2>&1
	local got=$?
	[ $got = "$wanted" ] || { echo "exit status $got" && cat "$work/printed" && false; }
}

same() {
	diff "$1" "$2"
}

no() {
	! "$@"
}

# status_is TEXT: what `status` prints first
status_is() {
	local line
	line=$(firewall status 2>/dev/null | head -n 1)
	[ "$line" = "Status: $1" ] || { echo "$line" && false; }
}

# metric NAME: a whole number
metric() {
	"${in[@]}" bash -c 'exec 3<>/dev/tcp/127.0.0.1/9199 && printf "GET /metrics HTTP/1.0\r\n\r\n" >&3 && timeout 20 cat <&3' |
		awk -v name="pvefw_$1" '$1 == name { printf "%d\n", $2 }'
}

# polled N [tree|kernel]: the service polls them N times more (3 times a second, once a second), so that it has noticed whatever
# was changed before
polled() {
	local what=${2:-tree} before
	local end=$(($(now) + (10 + 3 * $1) * 1000000))
	before=$(metric "polls_total{of=\"$what\"}")
	# Not as often as `within`: each question costs the service time, which tests measure.
	until has_polled "$what" $((before + $1)); do
		[ "$(now)" -lt $end ] || return 1
		sleep 0.15
	done
}

has_polled() {
	[ "$(metric "polls_total{of=\"$1\"}")" -ge "$2" ]
}

# metric_is NAME VALUE
metric_is() {
	[ "$(metric "$1")" = "$2" ]
}

# reader: the process that reads the tree for the service
reader() {
	pgrep -P "$pid" -f -- --run-dir
}

# clock_ticks: processor time of the service so far, in hundredths of a second, and of its reader and the tools it has run
clock_ticks() {
	local fields sum=0 process
	for process in "$pid" $(reader); do
		read -r -a fields < <(sed 's/.*) //' "/proc/$process/stat")
		sum=$((sum + fields[11] + fields[12] + fields[13] + fields[14]))
	done
	echo $sum
}

# ---- trees and rulesets ----

# make_tree [nft|nft-guests]: a cluster with the guests 100 (a VM) and 101 (a container), for iptables or nftables; with
# `nft` only the host's zone is filtered, in one table of the inet family: all that is needed of the kernel is there in
# any namespace
make_tree() {
	local line=
	rm -rf "$work/tree"
	mkdir -p "$work/tree/firewall" "$work/tree/nodes/n/qemu-server" "$work/tree/nodes/n/lxc"
	put cluster.fw '[OPTIONS]' 'enable: 1' '' '[RULES]' 'IN ACCEPT -p tcp -dport 8006'
	[ "${1:-}" != nft ] || line='nf_conntrack_allow_invalid: 1'
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1' "${1:+nftables: 1}" "$line"
	[ -z "$line" ] || return 0
	echo 'net0: virtio=02:00:00:00:01:00,bridge=vmbr0,firewall=1' >"$work/tree/nodes/n/qemu-server/100.conf"
	echo 'net0: name=eth0,hwaddr=02:00:00:00:01:01,bridge=vmbr0,firewall=1' >"$work/tree/nodes/n/lxc/101.conf"
	put 100.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 80'
	put 101.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 80'
}

# put FILE LINE…: below firewall/ of the tree; the whole at once, as pmxcfs does it
put() {
	local file=$work/tree/firewall/$1
	shift
	printf '%s\n' "$@" >"$work/tree/new"
	mv "$work/tree/new" "$file"
}

# add_other: a second namespace, $other, for what is loaded where nothing was
add_other() {
	other=pvefw-other-$$
	ip link set lo up
	ip netns add $other || give_up "no namespaces"
	trap 'ip netns del $other; leave' EXIT
}

# load_fresh: the rules of the tree, loaded in the other namespace, in $work/fresh
load_fresh() {
	ip netns exec $other "$service" stop --run-dir "$work/other" >/dev/null 2>&1
	ip netns exec $other "$service" apply --root "$work/tree" --node n --run-dir "$work/other" --log-file "$work/other.log"
	in=(ip netns exec "$other")
	rules >"$work/fresh"
	in=()
}

# patches: how many changes of guests have taken the fast path
patches() {
	metric patches_total
}

# rules: all that is loaded, whoever it belongs to, in an order that does not depend on when it came
rules() {
	for tool in iptables ip6tables; do
		"${in[@]}" $tool-save 2>/dev/null | sed "s/^/$tool /"
	done | grep -v ' #' | sed 's/ \[[0-9:]*\]$//' | sort -s -k2,3
	"${in[@]}" ipset save | sed 's/ initval 0x[0-9a-f]*//' | sort
	"${in[@]}" ebtables-save | grep -v '^#' | sort -s -k1,2
	for family in inet bridge; do
		"${in[@]}" nft -s list table $family pvefw 2>/dev/null | awk -v family=$family '
			/^(}|$)/ { next }
			/^\t(chain|set|map) / { part = $1 " " $2 }
			{ print family, part, $0 }'
	done | sort -s -k1,3
}

# settings: the kernel's, that the service may change
settings() {
	"${in[@]}" sh -c 'cd /proc/sys/net && grep . bridge/bridge-nf-call-* ipv4/tcp_syncookies \
		netfilter/nf_conntrack_max netfilter/nf_conntrack_tcp_timeout_*'
}
