# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of vm.sh that boots a node (node-boot.sh) in the virtual machine, once for each target: no module of
# netfilter is loaded at first, and none can be after unit-start, neither by the service nor by the kernel on its own.
export PREFIX=vm WIRING=direct BRIDGE_NF=0 PVE_FIREWALL=/payload/build/pve-firewall
# shellcheck source=SCRIPTDIR/common.sh
. /payload/tests/service/common.sh
work=$(mktemp -d)
flag=/run/proxmox-nftables-firewall-force-disable
packaging=/payload/packaging STREAM=/payload/stream NOTIFY=/payload/notify SETPRIV=/payload/setpriv
# shellcheck source=SCRIPTDIR/node-boot.sh
. /payload/tests/service/node-boot.sh
modprobe=$(cat /proc/sys/kernel/modprobe)
plain_path=$PATH

# As far as nothing else uses them.
unload() {
	lsmod | awk 'NR > 1 && /^(xt_|nft_|nf_|nfnetlink|ip_set|ip_tables|ip6_tables|iptable|ip6table|ipt_|ip6t_|ebt|br_netfilter|x_tables)/ { print $1 }' >"$work/loaded"
	for i in 1 2 3 4; do
		while read -r module; do rmmod "$module"; done <"$work/loaded" >/dev/null 2>&1
	done
}

after_unit_start() {
	echo /bin/false >/proc/sys/kernel/modprobe
}

# The stock unit makes all tools legacy ones. (ebtables-save is a Perl script.)
legacy_tools() {
	mkdir -p "$work/legacy"
	for tool in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
		ln -sf "/usr/sbin/${tool/tables/tables-legacy}" "$work/legacy/$tool"
	done
	ln -sf /usr/sbin/ebtables-legacy "$work/legacy/ebtables"
	ln -sf /usr/sbin/ebtables-legacy-restore "$work/legacy/ebtables-restore"
	printf '#!/bin/sh\nprintf "*filter\\n:INPUT ACCEPT\\n:FORWARD ACCEPT\\n:OUTPUT ACCEPT\\n"\n' >"$work/legacy/ebtables-save"
	chmod +x "$work/legacy/ebtables-save"
	PATH=$work/legacy:$plain_path
}

# A port of what is no bridge; only this kernel has bonds.
unfiltered() {
	echo "$modprobe" >/proc/sys/kernel/modprobe
	ip -n vm-host link add bond0 type bond
	ip -n vm-host link set tap100i0 down nomaster
	ip -n vm-host link set tap100i0 master bond0
	check "$1: a port of a bond is not named" within 5 logged 'critical: .*guest 100: net0 is unfiltered: the master of tap100i0 is bond0'
	ip -n vm-host link set tap100i0 nomaster
	ip -n vm-host link set tap100i0 master vmbr0
	check "$1: it is named after it was plugged again" within 5 logged 'notice: .*over: guest 100: net0'
}

legacy_tools
unload
boot iptables-legacy
check "unit-start: ebtables-legacy has no table" "${in[@]}" "${sandbox[@]}" ebtables-legacy -L
shut_down
echo "$modprobe" >/proc/sys/kernel/modprobe
PATH=$plain_path
unload
boot nftables 'nftables: 1'
check "nftables: the file is there" test ! -e $flag
unfiltered nftables
shut_down
step "end"
finish
exit 0
