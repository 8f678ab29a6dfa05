#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh PAYLOAD [FILE…]: runs a script on Debian's own kernel, in a virtual machine.
# run.sh --self-test: shows that it does, that a failing and a hanging payload are noticed, and that nothing is left
# of them; without VM, too, that the machine's own end is. Its last line is `N passed, N failed`.
#
# PAYLOAD is a bash script; it runs as root in /payload, which holds each FILE (a program with its
# shared libraries, or a folder; SOURCE:TARGET puts it at TARGET instead). Its output is the output, its
# exit status the exit status; 124 when it did not end in time, 99 when the machine ended without one,
# 77 when this computer cannot run it.
#
# VM: the folder of a machine that is up (machine.sh start); without it one is started for this payload,
# which takes some seconds. A payload finds new namespaces of network, processes and mounts, empty /tmp and
# /run; all of that, and its processes, are gone with it. What is left is what it makes of the kernel as a
# whole: loaded modules, and settings that no namespace has of its own.
#
# VM_TIMEOUT: seconds of the machine's time for the payload, 100. Its instructions are that time (machine.sh),
# so that it is no matter how busy this computer is.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=SCRIPTDIR/image.sh
. "$here/image.sh"
# shellcheck source=SCRIPTDIR/../checks/result.sh
. "$here/../checks/result.sh"
seconds=${VM_TIMEOUT:-100}
patience=900 # in this computer's seconds

# The payload's files, and libraries that the machine does not have
make_archive() {
	root=$(new_root)
	there=$VM/files
	copy_file "$root" "$1" /payload/run
	shift
	for file; do
		case $file in
		*:*) copy_file "$root" "${file%%:*}" "${file#*:}" ;;
		*) copy_file "$root" "$file" "/payload/$(basename "$file")" ;;
		esac
	done
	# not the folders and links that every root has
	(cd "$root" && find . -mindepth 2 \( ! -type d -o -path './payload/*' \) | cpio -o -H newc --quiet) >"$work/archive"
	rm -rf "$root"
}

# signal_machine NAME: false when it has ended
signal_machine() {
	kill -"$1" "$(cat "$VM/pid" 2>/dev/null)" 2>/dev/null
}

# An answer that comes late must not be taken for that of the next payload.
give_up_machine() {
	"$here/machine.sh" stop "$VM" >&2
}

# send_and_wait: the answer, if there is one, is in $work/answer. One job at a time; between them the machine
# stands still.
send_and_wait() {
	exec 9>>"$VM/lock"
	flock 9
	trap 'give_up_machine; exit 1' HUP INT TERM
	before=$(stat -c %s "$VM/output")
	if signal_machine CONT; then
		{
			echo "$(stat -c %s "$work/archive") $seconds"
			cat "$work/archive"
		} >"$work/job"
		timeout 60 sh -c 'cat "$1" >"$2"' send "$work/job" "$VM/jobs.in" || true
		timeout $patience head -n 1 "$VM/jobs.out" >"$work/answer" || true
		signal_machine STOP || true
	fi
	tail -c +$((before + 1)) "$VM/output"
	trap 'exit 1' HUP INT TERM
	exec 9>&-
}

run() {
	make_archive "$@"
	: >"$work/answer"
	send_and_wait
	read -r status spent <"$work/answer" || { give_up_machine && status=99; }
	echo "${spent:-0}" >"$VM/spent"
	case $status in
	99) echo "run.sh: the machine ended without the payload's exit status" >&2 ;;
	124) echo "run.sh: the payload did not end in $seconds seconds, or all of them have taken too long: $spent" >&2 ;;
	esac
	return "$status"
}

# expect STATUS PAYLOAD
expect() {
	status=0
	run "$2" >"$work/output" 2>&1 || status=$?
	[ "$status" = "$1" ] && verdict 0 && return
	verdict 1 "$(basename "$2") ends with $status instead of $1"
	sed 's/^/    /' "$work/output"
}

# What one payload leaves behind the next must not find.
check_shared() {
	cat >"$work/littering" <<-'END'
		ip netns add litter && ip link add litter type dummy && nft add table inet litter &&
			touch /tmp/litter /run/litter /payload/litter || exit 1
		sleep 1000 &
		exit 7
	END
	cat >"$work/clean" <<-'END'
		[ -z "$(ip netns list; ip -br link show type dummy; nft list ruleset; ls /tmp)" ] &&
			[ "$(ls /run /payload)" = "$(printf '/payload:\nrun\n\n/run:\nnetns')" ]
	END
	echo 'sleep 1000' >"$work/hanging"
	expect 0 "$here/self-test.sh"
	expect 7 "$work/littering"
	seconds=20
	expect 124 "$work/hanging"
	expect 0 "$work/clean"
}

# A machine that ends must not go unnoticed.
check_end() {
	echo 'echo o >/proc/sysrq-trigger; sleep 10' >"$work/ending"
	expect 99 "$work/ending"
	expect 99 "$work/clean"
}

self_test() {
	check_shared
	[ -z "$own" ] || check_end
	finish
}

leave() {
	if [ -n "$own" ]; then "$here/machine.sh" stop "$VM" >&2; fi
	rm -rf "$work"
}

[ $# -ge 1 ] || {
	echo "usage: run.sh PAYLOAD [FILE…] | run.sh --self-test" >&2
	exit 2
}
work=$(mktemp -d)
own=
trap leave EXIT
trap 'exit 1' HUP INT TERM
if [ -z "${VM:-}" ]; then
	own=1
	VM=$work/machine
	"$here/machine.sh" start "$VM"
fi
if [ "$1" = --self-test ]; then
	self_test
else
	run "$@"
fi
