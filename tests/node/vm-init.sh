#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first process of the virtual machine of reboot.sh: finds the disk, and starts the systemd on it.
PATH=/bin
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do
	insmod "/modules/$module"
done
tries=100
until [ -b /dev/vda ] || [ $tries = 0 ]; do
	tries=$((tries - 1))
	sleep 0.1
done
mount -t ext4 /dev/vda /root || poweroff -f
mount -o move /dev /root/dev
exec switch_root /root /lib/systemd/systemd
