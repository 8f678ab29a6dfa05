# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The network of one namespace, for meet.sh and edit.sh; sourced, not run. $family: inet or bridge, $folder: see draw.py.
# Frames are sent from pm-LINK.
: "${folder:?}" "${family:?}"

sysctl -qw net.ipv4.conf.{all,default}.rp_filter=0 net.ipv4.conf.{all,default}.accept_local=1 \
	net.ipv6.conf.{all,default}.accept_dad=0 net.ipv6.conf.{all,default}.accept_ra=0 net.ipv4.icmp_ratemask=0 \
	net.ipv6.icmp.ratemask= net.ipv6.conf.{all,default}.disable_ipv6=0
ip link set lo up

wire_host() {
	ip link add host address 02:00:00:00:00:01 type veth peer name pm-host
	ip link set host arp off up
	ip link set pm-host arp off up
	ip route add default dev host
	ip -6 route add default dev host
	while read -r address; do
		case $address in
		*:*) ip -6 route replace local "$address" dev lo ;;
		*) ip route replace local "$address" dev lo ;;
		esac
	done <"$folder/local"
}

# port LINK BRIDGE MAC: a port, whose far end has the address
port() {
	ip link show "$2" >/dev/null 2>&1 || ip link add "$2" up type bridge mcast_snooping 0
	ip link add "$1" type veth peer name "pm-$1"
	ip link set "$1" arp off up master "$2"
	ip link set "pm-$1" arp off up
	bridge fdb replace "$3" dev "$1" master static
}

wire_guests() {
	local link bridge address
	sysctl -qw net.ipv6.conf.{all,default}.disable_ipv6=1
	read -r _ bridge _ <"$folder/guests"
	port outside "$bridge" 02:00:00:00:00:fe
	while read -r link bridge address; do
		port "$link" "$bridge" "$address"
	done <"$folder/guests"
}

wire() {
	case $family in
	inet) wire_host ;;
	bridge) wire_guests ;;
	esac
}
