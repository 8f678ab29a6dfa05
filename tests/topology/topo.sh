#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# topo.sh up|down: a node with guests, made of network namespaces, without a single real machine.
#
#   outside ─ eth0 ┐                 ┌ fwpr100p0 ─ fwln100i0 ┤ fwbr100i0 ├ tap100i0  ─ vm100
#                  ├ vmbr0 (on host) ┼ fwpr101p0 ─ fwln101i0 ┤ fwbr101i0 ├ veth101i0 ─ ct101
#   routed ─ rt0 ┄┄┘ (routed)        └ tap102i0 ─ vm102, which has no firewall
#   vnet-a ─ va0 ┬ vnet0 (on host, routed to the others)
#   vnet-b ─ vb0 ┘
#
# Every name is a namespace called $PREFIX-NAME (default pvefw), in which the interface is eth0.
# WIRING=direct (default fwbr): tap100i0 and veth101i0 are ports of vmbr0, as the nftables firewall of
# Proxmox VE has them. BRIDGE_NF=0 (default 1): bridged packets do not pass iptables. HOST_PID: the host's namespace is that
# of this process.
set -eu
prefix=${PREFIX:-pvefw}
wiring=${WIRING:-fwbr}
bridge_nf=${BRIDGE_NF:-1}
hosts=$(dirname "$0")/hosts.tsv
spaces=$(awk -F '\t' '!/^#/ && !seen[$2]++ { print $2 }' "$hosts")

case $wiring in
fwbr | direct) ;;
*)
	echo "topo.sh: no wiring $wiring" >&2
	exit 2
	;;
esac

# field NAME NUMBER: a column of hosts.tsv (without awk, which takes its time in a virtual machine)
field() {
	while IFS='	' read -r name space ipv4 ipv6 mac; do
		[ "$name" = "$1" ] || continue
		set -- "$1" "$2" "$name" "$space" "$ipv4" "$ipv6" "$mac"
		shift $(($2 + 1))
		echo "$1"
		return
	done <"$hosts"
}

# in_space NAMESPACE: ip commands on standard input
in_space() {
	ip -n "$prefix-$1" -batch -
}

addresses() {
	echo "addr add $(field "$1" 3)/24 dev $2"
	echo "addr add $(field "$1" 4)/64 dev $2 nodad"
}

bridge() {
	echo "link add $1 type bridge forward_delay 0 stp_state 0 mcast_snooping 0"
	echo "link set $1 up"
}

# guest NAME DEVICE BRIDGE GATEWAY: gives a namespace its eth0, the other end on the host's bridge
guest() {
	in_space host <<-END
		link add $2 type veth peer name eth0 netns $prefix-$1
		${3:+link set $2 master $3}
		link set $2 up
	END
	in_space "$1" <<-END
		link set lo up
		link set eth0 address $(field "$1" 5)
		link set eth0 up
		$(addresses "$1" eth0)
		route add default via $(field "$4" 3)
		route add default via $(field "$4" 4)
	END
}

# firewalled NAME DEVICE VMID: like guest, with a firewall bridge of its own. ARP is off on that bridge,
# else it would answer for the host's address itself.
firewalled() {
	if [ "$wiring" = direct ]; then
		guest "$1" "$2" vmbr0 host
		return
	fi
	in_space host <<-END
		$(bridge "fwbr${3}i0")
		link set fwbr${3}i0 arp off
		link add fwln${3}i0 type veth peer name fwpr${3}p0
		link set fwln${3}i0 master fwbr${3}i0 up
		link set fwpr${3}p0 master vmbr0 up
	END
	guest "$1" "$2" "fwbr${3}i0" host
}

# What slows down or hides answers: duplicate address detection, limits on ICMP errors.
make_spaces() {
	for name in $spaces; do
		if [ "$name" = host ] && [ -n "${HOST_PID:-}" ]; then
			ip netns attach "$prefix-$name" "$HOST_PID"
		else
			ip netns add "$prefix-$name"
		fi
		ip netns exec "$prefix-$name" sysctl -qw net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.all.accept_dad=0 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	done
}

make_host() {
	[ -e /proc/sys/net/bridge ] || modprobe br_netfilter 2>/dev/null || true
	in_space host <<-END
		link set lo up
		$(bridge vmbr0)
		link set vmbr0 address $(field host 5)
		$(addresses host vmbr0)
		$(bridge vnet0)
		link set vnet0 address $(field host-vnet 5)
		$(addresses host-vnet vnet0)
	END
	ip netns exec "$prefix-host" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.bridge.bridge-nf-call-iptables="$bridge_nf" \
		net.bridge.bridge-nf-call-ip6tables="$bridge_nf" net.bridge.bridge-nf-call-arptables=0
}

up() {
	down
	make_spaces
	make_host
	guest outside eth0 vmbr0 host
	firewalled vm100 tap100i0 100
	firewalled ct101 veth101i0 101
	guest vm102 tap102i0 vmbr0 host
	guest vnet-a va0 vnet0 host-vnet
	guest vnet-b vb0 vnet0 host-vnet
	guest routed rt0 '' host-routed
	in_space host <<-END
		link set rt0 address $(field host-routed 5)
		$(addresses host-routed rt0)
	END
}

down() {
	for name in $spaces; do
		[ ! -e "/run/netns/$prefix-$name" ] || ip netns del "$prefix-$name"
	done
}

case ${1:-} in
up | down) "$1" ;;
*)
	echo "usage: [PREFIX=name] [WIRING=fwbr|direct] [BRIDGE_NF=1|0] topo.sh up|down" >&2
	exit 2
	;;
esac
