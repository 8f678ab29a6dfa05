#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# boot.sh WORK: starts systemd on a copy of this machine, which all its changes are lost with.
#
# To be run as the first process of new namespaces of all kinds but the user's. The root is an overlay
# of this machine's; WORK/session is /session there, the unit session.service runs /session/run, and
# then all ends. systemd's messages go to WORK/session/console. Status 77: no such overlay is possible.
work=$1 root=$1/root
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
	touch "$root/$2"
	possible mount --bind "$1" "$root/$2"
}

mount_root() {
	possible mount --make-rprivate /
	possible mount -t tmpfs tmpfs "$work/layers"
	mkdir "$work/layers/upper" "$work/layers/work"
	possible mount -t overlay overlay -o "lowerdir=/,upperdir=$work/layers/upper,workdir=$work/layers/work" "$root"
	folder proc proc
	folder sysfs sys
	folder tmpfs run mode=755
	folder tmpfs tmp
}

mount_control_groups() {
	if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
		folder cgroup2 sys/fs/cgroup
	else
		folder tmpfs sys/fs/cgroup mode=755
		folder cgroup2 sys/fs/cgroup/unified
		folder cgroup sys/fs/cgroup/systemd none,name=systemd
	fi
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
	bind "$work/session/console" dev/console
	bind "$work/session/console" dev/kmsg
}

# Of this machine's own units none is started, and no policy of it forbids to start others.
write_units() {
	rm -rf "$root"/etc/systemd/system/* "$root/usr/sbin/policy-rc.d"
	cat >"$root/etc/systemd/system/session.target" <<-'END'
		[Unit]
		DefaultDependencies=no
		Wants=session.service
	END
	cat >"$root/etc/systemd/system/session.service" <<-'END'
		[Unit]
		DefaultDependencies=no
		[Service]
		Type=oneshot
		TimeoutStartSec=infinity
		ExecStart=/session/run
		ExecStopPost=/bin/sh -c 'systemctl --no-block poweroff 2>/dev/null'
		StandardOutput=append:/session/output
		StandardError=append:/session/output
	END
}

mount_root
mount_control_groups
mount_devices
write_units
mkdir "$root/session"
possible mount --bind "$work/session" "$root/session"
cd "$root" || exit
mkdir .old
pivot_root . .old
umount -l /.old
export container=pvefw-test
exec /lib/systemd/systemd --unit=session.target --log-target=console --log-level=info
