# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of packet-cost-bridge in the virtual machine: prints `= TARGET TREE MICROSECONDS` for each of /payload/trees.
set -u
# shellcheck source=SCRIPTDIR/../probes/payload-common.sh
. /payload/payload-common.sh

load() {
	case $1 in
	nft) in_host sysctl -qw net.bridge.bridge-nf-call-iptables=0 && in_host "$PVEFW_CC" load --target netlink \
		--root "$2/root" --fail-on never --output /dev/null ;;
	nft-plain) in_host sysctl -qw net.bridge.bridge-nf-call-iptables=0 && in_host nft -f "$2/nft.script" ;;
	*) in_host ipset restore <"$2/iptables/ipset.restore" &&
		in_host "$3-restore" -n <"$2/iptables/iptables-filter.restore" &&
		in_host "$3-restore" -T raw -n <"$2/iptables/iptables-raw.restore" ;;
	esac
}

echo "@ $(uname -sr), clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
for target in nft nft-plain legacy iptables-nft; do
	tool=iptables-legacy
	[ $target != iptables-nft ] || tool=iptables-nft
	for dir in trees/*; do
		WIRING=
		wire fwbr
		load $target "$dir" $tool 2>&1 || {
			echo "$target ${dir##*/}: not loaded"
			continue
		}
		for _ in 1 2; do
			echo "= $target ${dir##*/} $(./flood $PREFIX-outside $PREFIX-ct101 10.10.0.101 9000 0.15 || echo lost)"
		done
	done
done
exit 0
