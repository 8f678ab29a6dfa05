# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of packets.sh in the virtual machine: prints `TARGET GUESTS MICROSECONDS` for each of /payload/trees,
# and how long the rules took to load.
set -u
# shellcheck source=SCRIPTDIR/../probes/payload-common.sh
. /payload/payload-common.sh

measure() {
	for _ in 1 2 3 4 5; do
		echo "$1 $(./flood $PREFIX-outside $PREFIX-ct101 10.10.0.101 9000 0.7 || echo lost)"
	done
}

load() {
	begin=$(cut -d ' ' -f 1 /proc/uptime)
	case $1 in
	nft) in_host sysctl -qw net.bridge.bridge-nf-call-iptables=0 && in_host "$PVEFW_CC" load --target netlink \
		--root "$2/root" --fail-on never --output /dev/null ;;
	iptables) in_host ipset restore <"$2/iptables/ipset.restore" &&
		in_host iptables-legacy-restore -n <"$2/iptables/iptables-filter.restore" &&
		in_host iptables-legacy-restore -T raw -n <"$2/iptables/iptables-raw.restore" ;;
	esac
	echo "@ $1, ${2##*/} guests: loaded in $(cut -d ' ' -f 1 /proc/uptime | awk -v b="$begin" '{ print $1 - b }') s"
}

for target in nft iptables; do
	for dir in trees/*; do
		WIRING=
		wire fwbr
		load $target "$dir"
		measure "$target ${dir##*/}" 2>&1
	done
done
exit 0
