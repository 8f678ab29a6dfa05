#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkinitramfs.sh KERNEL OUT: makes OUT/vmlinuz and OUT/initramfs from an unpacked kernel package.
#
# The initramfs holds busybox, bash, ip, nft, ipset, both kinds of iptables and ebtables with their
# shared libraries, all netfilter and bridge modules, and the init of init.sh. Modules load on demand, as on
# a real system. OUT/files names the files that are in it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=SCRIPTDIR/image.sh
. "$here/image.sh"

wanted_programs="bash sh xargs head timeout unshare ip sysctl nft ipset modprobe insmod rmmod lsmod depmod
	iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore
	iptables-nft iptables-nft-save iptables-nft-restore ip6tables-nft ip6tables-nft-save
	ip6tables-nft-restore ebtables-nft ebtables-nft-save ebtables-nft-restore"
# ebtables-legacy-save is a Perl script: ebtables-legacy -L must do
welcome_programs="bridge tc conntrack tcpdump iptables-legacy iptables-legacy-save iptables-legacy-restore
	ip6tables-legacy ip6tables-legacy-save ip6tables-legacy-restore ebtables ebtables-legacy
	ebtables-legacy-restore"
wanted_modules='/net/(netfilter|bridge|8021q|ipv4/netfilter|ipv6/netfilter|packet|unix)/|/drivers/virtio/|/drivers/char/virtio_console|/drivers/net/(veth|dummy|tun|bonding/bonding)\.ko|/crc32c[^/]*\.ko|/lib/ts_'

[ $# = 2 ] || {
	echo "usage: mkinitramfs.sh KERNEL OUT" >&2
	exit 2
}
for tool in busybox cpio lz4 depmod $wanted_programs; do
	command -v "$tool" >/dev/null || {
		echo "mkinitramfs.sh: no $tool" >&2
		exit 77
	}
done
kernel=$1 out=$2
root=$(new_root)
trap 'rm -rf "$root"' EXIT

# Busybox first, so that the real programs take the place of its own.
add_programs() {
	cp "$(command -v busybox)" "$root/bin/busybox"
	for applet in $(busybox --list | grep -vx busybox); do
		ln -s busybox "$root/bin/$applet"
	done
	for program in $wanted_programs $welcome_programs; do
		! command -v "$program" >/dev/null || copy_program "$root" "$program"
	done
}

# The matches and targets of iptables are libraries beside libxtables.
add_extensions() {
	for extensions in /usr/lib/*-linux-gnu/xtables /usr/lib/*-linux-gnu/ebtables; do
		[ ! -d "$extensions" ] || copy_file "$root" "$extensions" "$extensions"
	done
	for library in /usr/lib/*-linux-gnu/libebtc.so* /usr/lib/*-linux-gnu/xtables/*.so; do
		[ ! -e "$library" ] || copy_libraries "$root" "$library"
	done
}

# modules.dep names for each module all that must be loaded before it.
add_modules() {
	modules=$(echo "$kernel"/lib/modules/*)
	version=$(basename "$modules")
	[ -e "$modules/modules.dep" ] || depmod -b "$kernel" "$version"
	mkdir -p "$root/lib/modules/$version"
	cp "$modules"/modules.builtin* "$modules/modules.order" "$root/lib/modules/$version/"
	awk -F '[: ]+' -v wanted="$wanted_modules" '
		"/" $1 ~ wanted { for (i = 1; i <= NF; i++) if ($i != "") print $i }' "$modules/modules.dep" |
		sort -u | (cd "$modules" && cpio -pdm --quiet "$root/lib/modules/$version")
	depmod -b "$root" "$version"
}

add_system_files() {
	mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/tmp" "$root/etc" "$root/var/lib" \
		"$root/payload"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	for file in protocols services ethertypes iproute2; do
		[ ! -e "/etc/$file" ] || copy_file "$root" "/etc/$file" "/etc/$file"
	done
	install "$here/init.sh" "$root/init"
}

add_programs
add_extensions
add_modules
add_system_files
mkdir -p "$out"
(cd "$root" && find . | cut -c 2-) >"$out/files"
pack "$root" | lz4 -l -1 -c >"$out/initramfs"
cp "$kernel/boot/vmlinuz-$version" "$out/vmlinuz"
