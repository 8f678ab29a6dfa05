#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# surroundings.sh: what a compilation takes from the machine and not from the tree is in force within a second of its
# change: the node's network, altnames, and names that are resolved. What changes all the time and has no effect is
# cheap.
#
# The tree is /etc/pve, in a mount namespace with its own /etc.
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
[ "${PVEFW_INSIDE:-}" = 1 ] || { [ "$(id -u)" = 0 ] && unshare -n -m -u true 2>/dev/null; } || give_up "needs root and namespaces"
[ "${PVEFW_INSIDE:-}" = 1 ] || PVEFW_INSIDE=1 exec unshare -n -m -u "$0" "$@"
begin
ip link set lo up

# Its own /etc, as the one of a node
mkdir "$work/etc"
cp -a /etc/. "$work/etc" 2>/dev/null
mount --bind "$work/etc" /etc || give_up "cannot mount"
echo 'hosts: files' >/etc/nsswitch.conf
printf '127.0.0.1 localhost\n10.9.8.7 beta\n' >/etc/hosts
echo beta >/proc/sys/kernel/hostname
mkdir -p /etc/pve/firewall /etc/pve/nodes/beta
printf '%s\n' '[OPTIONS]' 'enable: 1' '[RULES]' 'IN DROP -i wan0alt -p tcp -dport 22' >/etc/pve/firewall/cluster.fw
printf '%s\n' 'totem {' '  version: 2' '  interface {' '    linknumber: 0' '  }' '}' 'nodelist {' \
	'  node {' '    name: beta' '    nodeid: 1' '    ring0_addr: 10.9.8.7' '  }' \
	'  node {' '    name: gamma' '    nodeid: 2' '    ring0_addr: gamma.example' '  }' '}' >/etc/pve/corosync.conf
ip link add vmbr0 type veth peer name other
ip link set other up
ip link set vmbr0 up

: >"$work/log"
"$service" start --debug --run-dir "$work/run" --log-file "$work/log" --metrics-port 9199 >"$work/output" 2>&1 </dev/null &
pid=$!
check "the service applies" within 10 cycled_since 0

management_is() {
	[ "$(ipset save PVEFW-0-management-v4 | awk '/^add/ { print $3 }' | xargs)" = "$1" ]
}

rule() {
	iptables-save -t filter | grep -qE -- "$1"
}

# The address first, then another one; each brings its network.
check "the host's network is not known yet" management_is 127.0.0.0/8
ip addr add 10.9.8.7/24 dev vmbr0
check "the node's address came later" within 1 management_is 10.9.8.0/24
ip addr flush dev vmbr0
ip addr add 10.9.8.7/16 dev vmbr0
check "the node's network has changed" within 1 management_is 10.9.0.0/16

check "the altname is not known yet" no rule '-A PVEFW-HOST-IN -i (vmbr0|other) -p tcp'
ip link property add dev other altname wan0alt
check "an altname came later" within 1 rule '-A PVEFW-HOST-IN -i other -p tcp'
ip link property del dev other altname wan0alt
check "an altname went" within 1 no rule '-A PVEFW-HOST-IN -i other -p tcp'

check "the other node's name is not known yet" no rule '10\.9\.8\.8'
echo '10.9.8.8 gamma.example' >>/etc/hosts
check "a name that corosync.conf has is resolved" within 1 rule '10\.9\.8\.8'
sed 's/10.9.8.8/10.9.8.9/' /etc/hosts >/etc/hosts.new
mv /etc/hosts.new /etc/hosts
check "the name has another address" within 1 rule '10\.9\.8\.9'
check "the old address is not in force any more" no rule '10\.9\.8\.8'

# Guests come and go: their links change nothing, and no cycle runs.
polled 3 # a cycle of the changes above may still come
before=$(cycles) ticks=$(clock_ticks)
for i in $(seq 50); do
	echo "link add tap$i type bridge"
	echo "link set tap$i up"
	echo "link del tap$i"
done | ip -batch - || exit 2
polled 2
check "no cycle for guests' links" test "$(cycles)" = "$before"
used=$(($(clock_ticks) - ticks))
check "50 guests' links took $used hundredths of a second, at most 10" test $used -le 10

# While a node joins a cluster, /etc/pve can have nothing but the folder of another node.
joins() {
	local before
	before=$(rules | md5sum)
	mv /etc/pve/nodes/beta /etc/pve/nodes/alpha
	printf '[RULES]\nIN ACCEPT -p tcp -dport 4444\n' >/etc/pve/nodes/alpha/host.fw
	within 3 logged 'does not have the name of this machine' && [ "$(rules | md5sum)" = "$before" ]
}
check "another node's folder is not taken for this node's" joins
stop
finish
