#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# load.sh HOW DIR SPEC: prepares a topology for the probes of SPEC and loads rules.
#
# It runs in the namespace of the host. The addresses that the probes use besides those of hosts.tsv
# (source=, dest=) are given to their hosts. DIR holds a tree, root/, and what the compiler wrote for it.
# HOW: `legacy` loads DIR/iptables with iptables-legacy, `nft-compat` with iptables-nft, `nft` DIR/nft.script
# with nft, `netlink` root/ with PVEFW_CC; `none` loads nothing, `cut` what stops all traffic.
set -eu
PATH=$PATH:/usr/sbin:/sbin
how=$1 dir=$2 spec=$3
here=$(cd "$(dirname "$0")" && pwd)
topology=${TOPOLOGY:-$here/../topology}
export XTABLES_LOCKFILE="$dir/lock"

# NAMESPACE ADDRESS for each additional address. Those of IPv6 are never the kernel's own choice, and ARP
# requests name the first address whatever asks for them, so that other probes do not notice.
additional_addresses() {
	awk -F '[ \t]+' '
		FNR == NR { if (!/^#/) space[$1] = $2; next }
		{ sub(/#.*/, "") }
		{ for (i = 6; i <= NF; i++) {
			if ($i ~ /^source=/) print space[$1], substr($i, 8)
			if ($i ~ /^dest=/) print space[$3], substr($i, 6) } }' "$topology/hosts.tsv" "$spec" | sort -u
}

add_addresses() {
	additional_addresses | while read -r space address; do
		case $address in
		*:*) echo "$space addr replace $address/128 dev eth0 nodad preferred_lft 0" ;;
		*) echo "$space addr replace $address/32 dev eth0" ;;
		esac
	done >"$dir/addresses"
	for space in $(cut -d ' ' -f 1 "$dir/addresses" | sort -u); do
		ip netns exec "$PREFIX-$space" sysctl -qw net.ipv4.conf.all.arp_announce=2
		sed -n "s/^$space //p" "$dir/addresses" | ip -n "$PREFIX-$space" -batch -
	done
}

load_iptables() {
	ipset -exist restore <"$dir/iptables/ipset.restore"
	for tool in iptables ip6tables; do
		"$tool-$1-restore" -n <"$dir/iptables/$tool-filter.restore"
		"$tool-$1-restore" -T raw -n <"$dir/iptables/$tool-raw.restore"
	done
	"ebtables-$2-restore" <"$dir/iptables/ebtables.restore"
}

# The nftables rules do not want bridged packets in the tables of IP.
load_nft() {
	sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
	"$@" >"$dir/loading" 2>&1 || {
		head -n 5 "$dir/loading"
		return 1
	}
	[ ! -s "$dir/loading" ] || {
		head -n 5 "$dir/loading"
		return 1
	}
}

cut_off() {
	nft -f - <<-END
		table inet cut {
			chain cut { type filter hook prerouting priority -500; policy drop; }
		}
		table bridge cut {
			chain cut { type filter hook prerouting priority -500; policy drop; }
		}
	END
}

add_addresses
case $how in
none) ;;
cut) cut_off ;;
legacy) load_iptables legacy nft ;;
nft-compat) load_iptables nft nft ;;
nft) load_nft nft -f "$dir/nft.script" ;;
netlink) load_nft "$PVEFW_CC" load --target netlink --strict --root "$dir/root" --fail-on never --output "$dir/diagnostics" ;;
*)
	echo "load.sh: no way to load called $how" >&2
	exit 2
	;;
esac
