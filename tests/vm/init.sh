#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first process of the virtual machine: mounts what programs expect and runs payloads, one after the
# other, for as long as the machine is up. The other end is machine.sh and run.sh.
#
# A job is a line `SIZE SECONDS` and an archive of SIZE bytes, which is unpacked; /payload/run of it is the
# payload. It runs with bash (as this does: busybox's shell would prefer its own ip and date) in namespaces of
# its own, which take with them what it made. A line `STATUS SPENT` tells that it has ended: 124 if not within
# SECONDS, or the VM_SECONDS of the kernel's command line that there are for all payloads; SPENT is what they have
# taken so far. That is not how long the machine is up: while it waits for a job, its time flies.
export PATH=/usr/sbin:/usr/bin

# The first process of a payload's namespaces: init.sh payload
if [ "${1:-}" = payload ]; then
	mount -t sysfs sys /sys
	mount -t tmpfs run /run
	mount -t tmpfs tmp /tmp
	mkdir /run/netns
	ip link set lo up
	cd /payload && exec bash /payload/run
fi

uptime() {
	cut -d . -f 1 /proc/uptime
}

# run_job SECONDS
run_job() {
	begin=$(uptime)
	left=$((VM_SECONDS - spent))
	[ $left -gt 0 ] || left=1
	[ "$1" -lt $left ] || set -- $left
	{
		timeout -s KILL "$1" unshare --mount --net --pid --fork --kill-child --mount-proc /init payload 2>&1
		echo $? >/status
	} </dev/null | cat >&4
	read -r status </status
	[ "$status" != 137 ] || status=124 # what timeout says of KILL
	spent=$((spent + $(uptime) - begin))
	echo "$status $spent" >&3
}

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
echo 1 >/proc/sys/kernel/printk
modprobe -a virtio_pci virtio_console br_netfilter
until [ -e /dev/vport0p1 ] && [ -e /dev/vport0p2 ]; do
	sleep 0.01
done
exec 3<>/dev/vport0p1 4>/dev/vport0p2
spent=0
echo ready >&3
while read -r size seconds <&3; do
	rm -rf /payload
	head -c "$size" <&3 | (cd / && cpio -idu 2>/dev/null)
	run_job "$seconds"
done
poweroff -f
