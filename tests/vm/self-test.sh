# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Payload that shows the virtual machine can do what a container's kernel may not: the bridge family
# with ct, reject, meta ibrname and queue, iptables (both kinds) with physdev, ebtables (both kinds).
set -eu
modprobe br_netfilter
echo "kernel $(uname -r), up for $(cut -d' ' -f1 /proc/uptime) s"

nft -f - <<'RULES'
table bridge self-test {
	chain prerouting {
		type filter hook prerouting priority 0;
		ct state established,related accept
		meta ibrname "vmbr0" tcp dport 113 reject with tcp reset
		ip protocol udp reject with icmp port-unreachable
		ip6 nexthdr udp reject with icmpv6 port-unreachable
		tcp dport 114 queue num 0-3 bypass
	}
}
RULES
listing=$(nft list table bridge self-test)
for text in 'ct state' 'reject with tcp reset' 'meta ibrname "vmbr0"' 'queue flags bypass to 0-3'; do
	grep -qF "$text" <<<"$listing" || {
		echo "not loaded: $text"
		echo "$listing"
		exit 1
	}
done

# What it cannot do decides about a probe (tests/probes/node) and a sentence of pvefw-cc(1).
if nft 'add table bridge fib; add chain bridge fib c { type filter hook prerouting priority 0; };
	add rule bridge fib c ether type ip fib saddr type broadcast drop' 2>/dev/null; then
	echo "the bridge family has fib now: use it"
	exit 1
fi

for tool in iptables-legacy iptables-nft ip6tables-legacy ip6tables-nft; do
	"$tool" -A FORWARD -m physdev --physdev-is-bridged --physdev-in fwln+ -j ACCEPT
	"$tool" -S 2>&1 | grep -q -- '-A FORWARD -m physdev --physdev-in fwln+ --physdev-is-bridged -j ACCEPT'
done
for tool in ebtables-legacy ebtables-nft; do
	"$tool" -A FORWARD -p ARP -o fwln+ -j DROP
	"$tool" -L | grep -q -- '-p ARP -o fwln+ -j DROP'
done
ipset create self-test hash:net,net
echo "bridge family, physdev, ebtables and ipset loaded"
