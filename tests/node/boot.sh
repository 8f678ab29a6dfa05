#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# boot.sh ROOT WORK: the first process of a node: systemd, on an overlay of the root file system ROOT.
#
# To be run in new namespaces of all kinds but the user's (its network is the one it finds), in a control group of its own.
# What it changes is in WORK/layers and lost with the mount namespace; WORK/session is /session there, and what is in
# WORK/session/root is copied over the root first; the packages in WORK/session/packages are installed before systemd runs,
# as they are on a node that boots. The kernel's settings other than those of the network are read-only. systemd's messages
# go to WORK/session/console. Status 77: no such overlay is possible.
lower=$1 work=$2 root=$2/root
possible() {
	"$@" || exit 77
}

# folder TYPE PLACE [OPTION]: a file system of its own
folder() {
	mkdir -p "$root/$2"
	possible mount -t "$1" "$1" "$root/$2" ${3:+-o "$3"}
}

# bind FILE PLACE
bind() {
	[ -e "$root/$2" ] || touch "$root/$2"
	possible mount --bind "$1" "$root/$2"
}

mount_root() {
	possible mount --make-rprivate /
	mkdir -p "$work/layers" "$root"
	possible mount -t tmpfs tmpfs "$work/layers"
	mkdir "$work/layers/upper" "$work/layers/work"
	possible mount -t overlay overlay -o "lowerdir=$lower,upperdir=$work/layers/upper,workdir=$work/layers/work" "$root"
	folder proc proc
	folder sysfs sys
	folder cgroup2 sys/fs/cgroup
	folder tmpfs run mode=755
	folder tmpfs tmp
	bind /proc/sys proc/sys
	bind /proc/sys/net proc/sys/net
	possible mount -o remount,bind,ro "$root/proc/sys"
}

mount_devices() {
	folder tmpfs dev mode=755
	for device in null zero full random urandom tty; do
		bind /dev/$device dev/$device
	done
	folder devpts dev/pts newinstance,ptmxmode=0666
	folder tmpfs dev/shm
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s fd/0 "$root/dev/stdin"
	ln -s fd/1 "$root/dev/stdout"
	ln -s fd/2 "$root/dev/stderr"
	bind "$work/session/console" dev/console
	bind "$work/session/console" dev/kmsg
	if [ -d /lib/modules ]; then
		mkdir -p "$root/usr/lib/modules"
		bind /lib/modules usr/lib/modules
	fi
	mkdir -p "$root/session"
	possible mount --bind "$work/session" "$root/session"
}

# Nothing that a container has no use for. The kernel's settings that are not the network's belong to the machine.
quiet_down() {
	for unit in console-getty.service getty.target systemd-modules-load.service sys-kernel-debug.mount sys-kernel-tracing.mount \
		sys-fs-fuse-connections.mount dev-hugepages.mount ldconfig.service systemd-journal-catalog-update.service \
		systemd-update-utmp.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer logrotate.timer man-db.timer \
		e2scrub_all.timer; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
	rm -f "$root"/usr/lib/sysctl.d/*.conf
	rm -f "$root/usr/sbin/policy-rc.d"
}

mount_root
mount_devices
quiet_down
hostname n
cp -r "$work/session/root/." "$root/"
cd "$root" || exit
mkdir .old
pivot_root . .old
umount -l /.old
mkdir -p /run/lock
if [ -d /session/packages ]; then
	dpkg -i /session/packages/*.deb >/session/dpkg.log 2>&1 || exit 99
fi
export container=pvefw-test
exec /lib/systemd/systemd --unit=multi-user.target --log-target=console --log-level=info --show-status=no
