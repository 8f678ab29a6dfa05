#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# shellcheck shell=dash
# The first process of the virtual machine: mounts what programs expect, runs the payload with bash
# (busybox's shell would prefer its own ip and date), reports its exit status, switches the machine off.
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mkdir /run/netns
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
ip link set lo up
cd /payload || poweroff -f
bash /payload/run </dev/null 2>&1
echo $? >/dev/ttyS1
echo 0 >/proc/sys/kernel/printk # no farewell from the kernel in the payload's output
poweroff -f
