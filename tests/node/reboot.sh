#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# reboot.sh 8|9: a node of Proxmox VE restarts: after a takeover pvefw is in charge from the first link of a guest on, after
# a handback the node's own firewall; and nothing that is blocked gets to a guest, from when others begin to send at each
# boot, in what is said, and until the machine is off.
#
# The node is the one of life.sh on a disk of its own, in a virtual machine with Debian's kernel (tests/vm), which has what
# Proxmox VE's firewall works with: iptables-legacy, ebtables-legacy, modules. What happens in it is in vm-session.sh.
# Ends with `N passed, N failed`.
set -u
# shellcheck source=SCRIPTDIR/../service/common.sh
. "$(dirname "$0")/../service/common.sh"
[ "${PVEFW_INSIDE:-}" = 1 ] || PVEFW_INSIDE=1 exec unshare -m "$0" "$@"
case ${1:-} in
8 | 9) release=$1 ;;
*)
	echo "usage: reboot.sh 8|9" >&2
	exit 2
	;;
esac
command -v qemu-system-x86_64 >/dev/null || give_up "no qemu-system-x86_64"
[ "$(uname -m)" = x86_64 ] || give_up "the virtual machine is an amd64"
begin
export PREFIX=pvefwr$release$$
# shellcheck source=SCRIPTDIR/node.sh
. "$tests/node/node.sh"
# shellcheck source=SCRIPTDIR/../vm/image.sh
. "$tests/vm/image.sh"
unset PREFIX
trap 'umount -R "$work/disk" "$work/layers" 2>/dev/null; rm -rf "$work"' EXIT
build STREAM "$tests/service/stream.c" "$tests"/topology/{spec,space}.c
root=$(root_of "$release") || { echo "$root" && exit 77; }
kernel=$("$tests/vm/fetch-kernel.sh" "${VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pvefw-vm}/kernel" 2>&1) || give_up "$kernel"
modules=$(echo "$kernel"/lib/modules/*)
version=$(basename "$modules")
debs=$(packages_for "$release") || { echo "$debs" && exit 77; }

# ---- the disk ----

# Modules for the network, in the place where they are looked for.
add_modules() {
	mkdir -p "$1/usr/lib/modules/$version"
	cp "$modules"/modules.builtin* "$modules/modules.order" "$1/usr/lib/modules/$version/"
	(cd "$modules" && find kernel/net/netfilter kernel/net/bridge kernel/net/ipv4 kernel/net/ipv6 kernel/net/802 kernel/net/llc kernel/net/packet kernel/drivers/net/veth.ko kernel/lib \
		kernel/crypto -name '*.ko' 2>/dev/null | cpio -pdm --quiet "$1/usr/lib/modules/$version")
	depmod -b "$1" "$version"
}

# unit NAME WORD, the rest of [Unit] on standard input: one that vm-session.sh does
unit() {
	{
		echo '[Unit]'
		cat
		printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/node/vm-session.sh %s\n' "$2"
	} >"$disk/etc/systemd/system/$1.service"
	ln -s "../$1.service" "$disk/etc/systemd/system/multi-user.target.wants/$1.service"
}

write_tree() {
	local pve=$disk/etc/pve
	mkdir -p "$pve/firewall" "$pve/nodes/n/qemu-server"
	ln -s nodes/n "$pve/local"
	printf '%s\n' '[OPTIONS]' 'enable: 1' '' '[RULES]' 'IN ACCEPT -p tcp -dport 8106' >"$pve/firewall/cluster.fw"
	printf '%s\n' '[OPTIONS]' 'enable: 1' >"$pve/nodes/n/host.fw"
	printf '%s\n' '[OPTIONS]' 'enable: 1' '' '[RULES]' 'IN ACCEPT -p udp -dport 7000' >"$pve/firewall/100.fw"
	echo 'net0: virtio=02:00:00:00:01:00,bridge=vmbr0,firewall=1' >"$pve/nodes/n/qemu-server/100.conf"
	echo n >"$disk/etc/hostname"
	printf '127.0.0.1 localhost\n10.10.0.1 n\n' >"$disk/etc/hosts"
	install -D -m 755 /dev/stdin "$disk/etc/pve-guests" <<-'END'
		#!/bin/sh
		exec /node/vm-session.sh guests
	END
}

# make_disk FILE: an overlay of the release's root, with all that belongs to the node, as a file system
make_disk() {
	disk=$work/disk
	mkdir "$disk" "$work/layers"
	mount -t tmpfs tmpfs "$work/layers" && mkdir "$work/layers/upper" "$work/layers/work" &&
		mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/layers/upper,workdir=$work/layers/work" "$disk" || return 77
	mkdir -p "$disk/node" "$disk/packages"
	write_tree
	cp -r "$tests/topology" "$nodes/vm-session.sh" "$disk/node/"
	cp "$STREAM" "$disk/node/stream"
	echo 0 >"$disk/node/boot"
	add_modules "$disk"
	"$nodes/packages.sh" "$release" "$work/stock" || return
	cp "$work"/stock/*.deb $debs "$disk/packages/"
	rm -f "$disk/usr/sbin/policy-rc.d"
	mount -t proc proc "$disk/proc"
	chroot "$disk" sh -c 'PATH=/usr/sbin:/usr/bin:/sbin:/bin dpkg -i /packages/*.deb' >"$work/dpkg.log" 2>&1 || { tail -n 5 "$work/dpkg.log" && return 1; }
	umount "$disk/proc"
	rm -rf "$disk/packages"
	mkdir -p "$disk/etc/systemd/system/multi-user.target.wants"
	for unit in getty.target apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer man-db.timer e2scrub_all.timer \
		systemd-journal-catalog-update.service ldconfig.service dev-hugepages.mount systemd-update-utmp.service \
		systemd-journal-flush.service systemd-random-seed.service sys-kernel-debug.mount sys-kernel-tracing.mount \
		dev-mqueue.mount systemd-binfmt.service logrotate.timer systemd-update-done.service systemd-sysusers.service; do
		ln -sf /dev/null "$disk/etc/systemd/system/$unit"
	done
	unit outside outside <<-'END'
		DefaultDependencies=no
		After=local-fs.target systemd-tmpfiles-setup.service
		Before=network-pre.target network.target
	END
	unit node-network network <<-'END'
		DefaultDependencies=no
		After=outside.service systemd-sysctl.service
		Before=network.target
	END
	unit session session <<-'END'
		After=pve-guests.service multi-user.target
	END
	truncate -s 1G "$1"
	mke2fs -q -t ext4 -O ^has_journal -d "$disk" "$1" || return
	umount "$disk" "$work/layers"
}

# The programs and modules that lead to the disk.
make_initramfs() {
	local initramfs module
	initramfs=$(new_root)
	mkdir -p "$initramfs/modules" "$initramfs/dev" "$initramfs/root"
	cp "$(command -v busybox)" "$initramfs/bin/busybox"
	for applet in sh cat mount insmod sleep switch_root poweroff; do
		ln -s busybox "$initramfs/bin/$applet"
	done
	modprobe -d "$kernel" -S "$version" -a --show-depends virtio_pci virtio_blk ext4 crc32c_generic 2>/dev/null |
		sed -n 's,^insmod \([^ ]*\).*,\1,p' | awk '!seen[$0]++' | while read -r module; do
		cp "$module" "$initramfs/modules/"
		basename "$module" >>"$initramfs/modules/order"
	done
	install -m 755 "$nodes/vm-init.sh" "$initramfs/init"
	pack "$initramfs" >"$work/initramfs"
	rm -rf "$initramfs"
}

# ---- the machine ----

# boot_once SECONDS: until it restarts. Its time is the instructions that it has done (tests/vm/machine.sh): so nothing in it comes
# to the end of its patience while this computer does something else.
boot_once() {
	timeout "$1" qemu-system-x86_64 -M pc -accel tcg,thread=single -icount shift=1,sleep=off -cpu max -m 1G -nodefaults -no-user-config -display none -no-reboot \
		-serial "file:$work/console" -drive "file=$work/image,format=raw,if=virtio,cache=unsafe" \
		-kernel "$kernel/boot/vmlinuz-$version" -initrd "$work/initramfs" \
		-append 'console=ttyS0 quiet root=/dev/vda rw panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check systemd.show_status=no net.ifnames=0 systemd.hostname=n' </dev/null
}

results() {
	debugfs -R 'cat /node/results' "$work/image" 2>/dev/null
}

make_disk "$work/image" || { [ $? != 77 ] || give_up "no overlay" && fail "no disk" && finish; exit 1; }
make_initramfs
for boot in 1 2 3; do
	boot_once 600
	verdict $? "boot $boot does not come to its end: $(tail -n 3 "$work/console" | tr -d '\r' | tr '\n' ';')"
done
results >"$work/results"
grep -v '^pass' "$work/results"
passed=$((passed + $(grep -c '^pass' "$work/results"))) failed=$((failed + $(grep -c '^FAIL' "$work/results")))
grep -q '^==== end' "$work/results"
verdict $? 'the node has not come to its end'
finish
