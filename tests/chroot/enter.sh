#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# enter.sh ROOT SHARED COMMAND...: runs a command in the root file system ROOT, on a copy of this source tree (without
# build/) that is its working folder, /source; the folder SHARED is /shared there. All else it writes is lost with it: an
# overlay in memory, and namespaces of its own but for users. Status 77: no such overlay is possible.
set -u
if [ "${1:-}" != --inside ]; then
	work=$(mktemp -d) || exit 77
	trap 'rmdir "$work"' EXIT
	unshare -m -p -u -i -n --kill-child --fork "$0" --inside "$work" "$@"
	exit
fi
work=$2 lower=$3 shared=$4
shift 4
possible() {
	"$@" || exit 77
}

# folder TYPE PLACE
folder() {
	mkdir -p "$root/$2"
	possible mount -t "$1" "$1" "$root/$2"
}

possible mount --make-rprivate /
possible mount -t tmpfs tmpfs "$work"
root=$work/root
mkdir "$root" "$work/upper" "$work/work"
possible mount -t overlay overlay -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work" "$root"
folder proc proc
folder tmpfs tmp
folder tmpfs run
folder tmpfs dev
for device in null zero full random urandom tty; do
	touch "$root/dev/$device"
	possible mount --bind /dev/$device "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
for number in 0:stdin 1:stdout 2:stderr; do
	ln -s "fd/${number%:*}" "$root/dev/${number#*:}"
done
mkdir -p "$root/source" "$root/shared" "$root/dev/shm"
possible mount --bind "$shared" "$root/shared"
tar -c --exclude-vcs --exclude=./build . | tar -x -C "$root/source" || exit
ip link set lo up
exec chroot "$root" /usr/bin/env -i -C /source PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C "$@"
