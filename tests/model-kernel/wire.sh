#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# wire.sh: makes the namespaces of tests/topology silent, in the topology $PREFIX with wiring $WIRING.
#
# The guests lose their addresses, so that nothing but what is sent arrives. Bridges know all stations and learn no
# more, because senders' addresses are made up. The host knows its neighbours and has a route for every address; it
# answers refused packets whatever their number. 10.10.0.7 is an anycast address.
set -eu
PATH=$PATH:/usr/sbin:/sbin
prefix=${PREFIX:-pvefw}

for space in outside routed vm100 ct101 vm102 vnet-a vnet-b; do
	ip netns exec "$prefix-$space" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	ip -n "$prefix-$space" addr flush dev eth0
done

# stations PORT MAC…: where a bridge finds them
stations() {
	port=$1
	shift
	echo "link set dev $port learning off" >&3
	for mac; do
		echo "fdb replace $mac dev $port master static" >&3
	done
}

host=02:00:00:00:00:01 outside=02:00:00:00:02:54
vm100=02:00:00:00:01:00 ct101=02:00:00:00:01:01 vm102=02:00:00:00:01:02
vnet_a=02:00:00:00:30:02 vnet_b=02:00:00:00:30:03
batch=$(mktemp)
trap 'rm -f "$batch"' EXIT
exec 3>"$batch"
stations eth0 $outside
stations tap102i0 $vm102
stations va0 $vnet_a
stations vb0 $vnet_b
if [ "${WIRING:-fwbr}" = direct ]; then
	stations tap100i0 $vm100
	stations veth101i0 $ct101
else
	stations fwpr100p0 $vm100
	stations fwpr101p0 $ct101
	stations fwln100i0 $host $outside $ct101 $vm102
	stations tap100i0 $vm100
	stations fwln101i0 $host $outside $vm100 $vm102
	stations veth101i0 $ct101
fi
exec 3>&-
bridge -n "$prefix-host" -batch "$batch"

ip netns exec "$prefix-host" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.vmbr0.rp_filter=0 \
	net.ipv4.conf.rt0.rp_filter=0 net.ipv4.conf.vnet0.rp_filter=0 \
	net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratemask="" net.ipv6.conf.vnet0.accept_ra=0 \
	net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.vmbr0.accept_ra=0 net.ipv6.conf.rt0.accept_ra=0 \
	net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.vmbr0.accept_redirects=0 net.ipv4.conf.rt0.accept_redirects=0 \
	net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.vmbr0.send_redirects=0 net.ipv4.conf.rt0.send_redirects=0

# neighbour IPv4 IPv6 MAC DEVICE
neighbour() {
	echo "neigh replace $1 lladdr $3 dev $4 nud permanent"
	echo "neigh replace $2 lladdr $3 dev $4 nud permanent"
	echo "route replace $1/32 dev $4"
	echo "route replace $2/128 dev $4"
}

ip -n "$prefix-host" -batch - <<-END
	route del 10.10.0.0/24 dev vmbr0
	route del fd00:10::/64 dev vmbr0
	route del 10.20.0.0/24 dev rt0
	route del fd00:20::/64 dev rt0
	route del 10.30.0.0/24 dev vnet0
	route del fd00:30::/64 dev vnet0
	$(neighbour 10.10.0.254 fd00:10::254 $outside vmbr0)
	$(neighbour 10.10.0.100 fd00:10::100 $vm100 vmbr0)
	$(neighbour 10.10.0.101 fd00:10::101 $ct101 vmbr0)
	$(neighbour 10.10.0.102 fd00:10::102 $vm102 vmbr0)
	$(neighbour 10.20.0.2 fd00:20::2 02:00:00:00:20:02 rt0)
	$(neighbour 10.30.0.2 fd00:30::2 $vnet_a vnet0)
	$(neighbour 10.30.0.3 fd00:30::3 $vnet_b vnet0)
	route add default via 10.10.0.254
	route add default via fd00:10::254
	route add 10.20.0.0/16 via 10.20.0.2
	route add fd00:20::/32 via fd00:20::2
	route add anycast 10.10.0.7 dev vmbr0 table local
END
