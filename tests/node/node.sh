# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A node of Proxmox VE with guests, in namespaces, for tests to source after tests/service/common.sh: systemd on a root
# file system of the node's release (boot.sh), with packages of upstream's names (packages.sh), in the middle of the
# topology; a flood of packets that runs all the time, and connections that stay.
#
# Needs $work; PREFIX; makes $node, a function that runs a command there as root does who has logged in.
# shellcheck disable=SC2034,SC2154
nodes=$tests/node
groups=/sys/fs/cgroup
[ ! -d $groups/unified ] || groups=$groups/unified
group=$groups/$PREFIX
init=

# root_of 8|9: its root file system; the lists are the same for all suites that want it, as it is made only once
root_of() {
	local root
	case $1 in
	8) root=$("$tests/chroot/make.sh" bookworm node 2>&1) ;;
	9) root=$("$tests/chroot/make.sh" trixie build cases deb node 2>&1) ;;
	esac || give_up "$(echo "$root" | tail -n 1)"
	echo "$root"
}

# packages_for 8|9: those of pvefw, as `make deb` makes them on the node's Debian (tests/checks/deb, tests/checks/trixie); DEBS
# names another folder
packages_for() {
	local folder=$tests/../build
	[ "$1" = 8 ] || folder=$folder/chroot/debs
	[ "$1" != 8 ] || [ -n "${DEBS:-}" ] || [ -e "$(echo "$folder"/pvefw-cc_*.deb)" ] || make -s -C "$tests/.." deb >/dev/null 2>&1
	set -- "${DEBS:-$folder}"/pvefw_*.deb "${DEBS:-$folder}"/pvefw-cc_*.deb
	[ -e "$1" ] && [ -e "$2" ] || give_up "no packages in $(dirname "$1")"
	echo "$@"
}

node() {
	nsenter -t "$init" -m -p -u -i -n -C -r -w -- /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
		DEBIAN_FRONTEND=noninteractive TERM=dumb "$@"
}

# ---- the machine ----

booted() {
	[ -n "$init" ] || init=$(pgrep -P "$machine" -x systemd)
	[ -n "$init" ] && [ "$(node systemctl show -P ActiveState multi-user.target 2>/dev/null)" = active ]
}

# switch_on ROOT: with what is in $work/session
switch_on() {
	mkdir "$group" || give_up "no control group"
	: >"$work/session/console"
	init=
	(
		echo 0 >"$group/cgroup.procs" || exit 77
		exec ip netns exec "$PREFIX-host" unshare -C -p -m -u -i --kill-child --fork "$nodes/boot.sh" "$1" "$work"
	) &
	machine=$!
	if ! within 60 booted; then
		lives $machine || wait $machine
		[ $? != 77 ] || give_up "no namespaces, control groups or overlay"
		fail "the node does not boot"
		tail -n 20 "$work/session/console" "$work/session/dpkg.log" 2>/dev/null
		finish
		exit 1
	fi
}

switch_off() {
	[ -n "${machine:-}" ] || return 0
	kill -KILL "$machine" 2>/dev/null
	wait "$machine" 2>/dev/null
	machine= init=
	for try in 1 2 3 4 5 6 7 8 9 10; do
		find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
		[ -e "$group" ] || return 0
		sleep 0.2
	done
}

# ---- the flood ----

# flood LINE…: each `accept` or `drop` and a line of the topology's, for good; sent every half a millisecond
flood() {
	printf '%s\n' "$@" >"$work/flood.lines"
	sed 's/^[a-z]* //; s/$/ accept/' "$work/flood.lines" >"$work/flood.spec"
	"$STREAM" "$PREFIX" "$tests/topology/hosts.tsv" "$work/flood.spec" 500 >"$work/flood" &
	flooding=$!
}

# flows NUMBER open|shut: how the line is now
flows() {
	[ "$(awk -v number="$1" '$1 == number { state = $2 } END { print state }' "$work/flood")" = "$2" ]
}

# has_passed_blocked: the number of lines that are blocked for good along which something has come
blocked_passed() {
	awk 'FNR == NR { kind[FNR] = $1; next } kind[$1] == "drop" && $2 == "open" { found = 1; print } END { exit !found }' \
		"$work/flood.lines" "$work/flood"
}

# end_flood WHAT: nothing has passed along lines that are blocked; all, or nearly, along those that are not. $work/steps has
# the times of what was done.
end_flood() {
	local what=$1
	kill $flooding
	wait $flooding 2>/dev/null
	flooding=
	awk 'FNR == NR { kind[FNR] = $1; text[FNR] = $0; next } $2 == "total" { print text[$1] ": " $3 " sent, " $4 " passed" }' \
		"$work/flood.lines" "$work/flood"
	awk 'FNR == NR { kind[FNR] = $1; next }
		$2 == "total" && kind[$1] == "drop" { n++; sent += $3; passed += $4; if ($3 < 1000) few = 1 }
		END { print "blocked: " sent " sent, " passed " passed"; exit n == 0 || few || passed != 0 }' "$work/flood.lines" "$work/flood"
	verdict $? "$what: packets pass that are blocked: $(sort -k3n "$work/steps" <(awk '$2 == "open"' "$work/flood") | tr '\n' ';')"
	awk 'FNR == NR { kind[FNR] = $1; next }
		$2 == "total" && kind[$1] == "accept" { n++; if ($4 < 0.99 * $3) bad = 1 }
		$2 == "shut" && kind[$1] == "accept" { since[$1] = $3 }
		$2 == "open" && since[$1] { gap = $3 - since[$1]; if (gap > longest) longest = gap; since[$1] = 0 }
		END { for (number in since) if (since[number]) bad = 1; printf "allowed: longest interruption %.3f s\n", longest; exit n == 0 || bad || longest > 0.5 }' \
		"$work/flood.lines" "$work/flood"
	verdict $? "$what: what is allowed does not flow"
}

# connect NAME FROM TO ADDRESS PORT: a connection that stays
connect() {
	"$nodes/talk.py" "$PREFIX-$2" "$PREFIX-$3" "$4" "$5" >"$work/talk.$1" 2>&1 &
	talks="${talks:-} $!"
	within 10 grep -q connected "$work/talk.$1"
	verdict $? "no connection $1: $(cat "$work/talk.$1")"
}

# disconnect WHAT: they have answered all the time
disconnect() {
	local talk
	for talk in $talks; do
		kill -TERM "$talk" 2>/dev/null
		wait "$talk"
		verdict $? "$1: a connection was broken"
	done
	talks=
	grep -h answers "$work"/talk.*
	awk '{ sub(/ s.*/, ""); if ($NF > 1) exit 1 }' <(grep -h answers "$work"/talk.*)
	verdict $? "$1: a connection has waited longer than a second"
}

# ---- what is done ----

# step TEXT: says so, with the time
step() {
	printf '==== %s\n' "$*"
	printf '0 step %s %s\n' "$EPOCHREALTIME" "$*" >>"$work/steps"
}

# run COMMAND…: in the node; shows what it prints
run() {
	local status
	printf '# %s\n' "$*"
	node "$@" >"$work/output" 2>&1
	status=$?
	sed 's/^/    /' "$work/output"
	[ $status = 0 ] || echo "    (exit status $status)"
	return $status
}

# must COMMAND…: and it succeeds
must() {
	run "$@"
	verdict $? "$*: $(tail -n 3 "$work/output" | tr '\n' ';')"
}
