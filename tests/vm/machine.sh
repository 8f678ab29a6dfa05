#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# machine.sh start DIR: boots Debian's own kernel in a virtual machine without KVM; DIR is for it alone.
# machine.sh stop DIR: switches it off and says how long it ran.
#
# One machine runs any number of payloads, one after the other (run.sh sends them): jobs go in through the
# named pipe DIR/jobs.in, what they print is appended to DIR/output, a line for each that has ended comes
# out of DIR/jobs.out (init.sh is the other end). DIR/console is what the kernel says, DIR/pid the machine.
# `start` ends with 77 when this computer cannot run one, and with 99 when the machine does not come up.
#
# The machine's time is the instructions it has done, each two nanoseconds, and not what this computer, with
# all else it does, took for them; waiting takes no time, but the processor. So it stands still (SIGSTOP) while
# there is no job. VM_CLOCK=real: a second is a second.
#
# VM_SECONDS: how long all payloads may take, in its own time: 300 s; one that takes it beyond that ends.
# VM_CPUS: 1 (two boot slower). VM_CACHE: where kernel and initramfs are kept (default: .cache/pvefw-vm in the
# home folder); they are fetched and made when they are missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pvefw-vm}
patience=1800 # seconds for all of a machine's life, whatever it does

# The kernel and initramfs that these scripts make, as other versions of them may share the cache; made beside and
# moved, as several may want it at once.
need_image() {
	image=$cache/image-$(cat "$here"/mkinitramfs.sh "$here"/init.sh "$here"/image.sh | cksum | cut -d ' ' -f 1)
	[ ! -e "$image/initramfs" ] || return 0
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/image.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	kernel=$("$here/fetch-kernel.sh" "$cache/kernel")
	"$here/mkinitramfs.sh" "$kernel" "$work/image"
	[ -e "$image" ] || mv "$work/image" "$image"
}

boot() {
	case ${VM_CLOCK:-instructions} in
	instructions) clock='-accel tcg,thread=single -icount shift=1,sleep=off' ;;
	*) clock='-accel tcg,thread=multi' ;;
	esac
	# a session of its own: a stopped process is sent SIGHUP when its session loses the shell that began it
	# shellcheck disable=SC2086
	setsid timeout $patience qemu-system-x86_64 -M pc $clock -cpu max -smp "${VM_CPUS:-1}" -m 1G \
		-nodefaults -no-user-config -display none -no-reboot -pidfile "$dir/pid" \
		-serial "file:$dir/console" -device virtio-serial-pci \
		-chardev "pipe,id=jobs,path=$dir/jobs" -device virtserialport,chardev=jobs,nr=1 \
		-chardev "file,id=output,path=$dir/output" -device virtserialport,chardev=output,nr=2 \
		-kernel "$image/vmlinuz" -initrd "$image/initramfs" \
		-append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check VM_SECONDS=${VM_SECONDS:-300}" \
		</dev/null >"$dir/qemu" 2>&1 &
}

start() {
	command -v qemu-system-x86_64 >/dev/null || {
		echo "cannot run here: no qemu-system-x86_64"
		exit 77
	}
	need_image
	mkdir -p "$dir"
	ln -sfn "$image/files" "$dir/files"
	mkfifo "$dir/jobs.in" "$dir/jobs.out"
	: >"$dir/output"
	boot
	# the first line says that it is up; if it does not come to that, nobody holds the other end
	line=$(timeout 120 head -n 1 "$dir/jobs.out") || true
	[ "${line%% *}" = ready ] || {
		cat "$dir/qemu" "$dir/console" 2>/dev/null | tail -n 5 >&2
		echo "machine.sh: the machine does not come up" >&2
		stop >&2
		exit 99
	}
	kill -STOP "$(cat "$dir/pid")"
}

# In clock ticks, of which there are a hundred a second.
processor_seconds() {
	cut -d ' ' -f 14,15 "/proc/$1/stat" 2>/dev/null | awk '{ print int(($1 + $2) / 100) }'
}

stop() {
	pid=$(cat "$dir/pid" 2>/dev/null) || return 0
	seconds=$(processor_seconds "$pid")
	echo "the virtual machine took ${seconds:-unknown} s of processor time, payloads $(cat "$dir/spent" 2>/dev/null || echo 0) s of its own"
	kill "$pid" 2>/dev/null || true
	kill -CONT "$pid" 2>/dev/null || true
	rm -f "$dir/pid"
}

dir=${2:-}
case $#${1:-} in
2start | 2stop) "$1" ;;
*)
	echo "usage: machine.sh start|stop DIR" >&2
	exit 2
	;;
esac
