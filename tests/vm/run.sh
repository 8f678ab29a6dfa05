#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh PAYLOAD [FILE…]: runs a script on Debian's own kernel, in a virtual machine without KVM.
# run.sh --self-test: shows that it does, and that a failing and a hanging payload are noticed.
#
# PAYLOAD is a bash script; it runs as root in /payload, which holds each FILE (a program with its
# shared libraries, or a folder; SOURCE:TARGET puts it at TARGET instead). Its output is the output, its
# exit status the exit status; 124 when it did not end in time, 99 when the machine ended without one,
# 77 when this computer cannot run it.
#
# VM_CACHE: where kernel and initramfs are kept (default: .cache/pvefw-vm in the home folder); they are
# fetched and made when they are missing. VM_TIMEOUT: seconds, 300. VM_CPUS: 1 (two boot slower).
# VM_CLOCK=instructions: the machine's time is the instructions it has done (each two nanoseconds) and
# not what this computer, with all else it does, took for them; waiting takes no time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=SCRIPTDIR/image.sh
. "$here/image.sh"
cache=${VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pvefw-vm}
seconds=${VM_TIMEOUT:-300}

# The initramfs all payloads share; made beside and moved, as several runs may want it at once.
need_image() {
	[ -e "$cache/image/initramfs" ] &&
		[ -z "$(find "$here"/mkinitramfs.sh "$here"/init.sh "$here"/image.sh -newer "$cache/image/initramfs")" ] &&
		return
	kernel=$("$here/fetch-kernel.sh" "$cache/kernel")
	"$here/mkinitramfs.sh" "$kernel" "$work/image"
	rm -rf "$cache/image"
	mv "$work/image" "$cache/image"
}

# The payload's own files are a second archive behind the first; it begins at a multiple of 512 bytes.
make_initramfs() {
	root=$(new_root)
	copy_file "$root" "$1" /payload/run
	shift
	for file; do
		case $file in
		*:*) copy_file "$root" "${file%%:*}" "${file#*:}" ;;
		*) copy_file "$root" "$file" "/payload/$(basename "$file")" ;;
		esac
	done
	cp "$cache/image/initramfs" "$work/initramfs"
	size=$(stat -c %s "$work/initramfs")
	truncate -s $(((size + 511) / 512 * 512)) "$work/initramfs"
	pack "$root" >>"$work/initramfs"
	rm -rf "$root"
}

boot() {
	: >"$work/status"
	clock='-accel tcg,thread=multi'
	[ "${VM_CLOCK:-}" != instructions ] || clock='-accel tcg,thread=single -icount shift=1,sleep=off'
	# shellcheck disable=SC2086
	timeout "$seconds" qemu-system-x86_64 -M pc $clock -cpu max -smp "${VM_CPUS:-1}" -m 1G \
		-nodefaults -no-user-config -display none -no-reboot \
		-serial stdio -serial "file:$work/status" \
		-kernel "$cache/image/vmlinuz" -initrd "$work/initramfs" \
		-append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check" \
		</dev/null
}

run() {
	need_image
	make_initramfs "$@"
	result=0
	boot || result=$?
	status=$(tr -dc 0-9 <"$work/status")
	if [ $result = 124 ]; then
		echo "run.sh: the payload did not end in $seconds seconds" >&2
		return 124
	fi
	[ -n "$status" ] || echo "run.sh: the machine ended without the payload's exit status" >&2
	return "${status:-99}"
}

# expect STATUS PAYLOAD
expect() {
	status=0
	run "$2" || status=$?
	[ "$status" = "$1" ] && return
	echo "self-test: $2 gives $status instead of $1"
	return 1
}

self_test() {
	echo 'exit 7' >"$work/failing"
	echo 'sleep 100' >"$work/hanging"
	echo 'poweroff -f' >"$work/silent"
	expect 0 "$here/self-test.sh" && expect 7 "$work/failing" && expect 99 "$work/silent" 2>/dev/null &&
		seconds=15 && expect 124 "$work/hanging" 2>/dev/null && echo "self-test: passed"
}

[ $# -ge 1 ] || {
	echo "usage: run.sh PAYLOAD [FILE…] | run.sh --self-test" >&2
	exit 2
}
command -v qemu-system-x86_64 >/dev/null || {
	echo "cannot run here: no qemu-system-x86_64"
	exit 77
}
mkdir -p "$cache"
work=$(mktemp -d "$cache/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
if [ "$1" = --self-test ]; then
	self_test
else
	run "$@"
fi
