#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# wiring.sh: guests' interfaces and the firewall bridges that iptables needs: the file that tells qemu-server and
# pve-container to make them, and guests that are plugged in such a way that they are not filtered.
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
in_namespaces "$@"
begin
ip link set lo up
default_flag=/run/proxmox-nftables-firewall-force-disable
unfiltered='guest_unfiltered'

# ---- the links ----

# plug DEVICE BRIDGE: as qemu-server does, up and then into a bridge, which is made if it is not there
plug() {
	ip link show "$1" >/dev/null 2>&1 || ip link add "$1" type veth peer name "p$1"
	ip link show "$2" >/dev/null 2>&1 || ip link add "$2" type "${3:-bridge}"
	ip link set "$2" up
	ip link set "$1" up master "$2"
}

# told PATTERN: among the conditions of `status`
told() {
	firewall status 2>/dev/null | grep -E -- "$1"
}

# none: no guest is unfiltered, for any place that could tell
none() {
	no told unfiltered && conditions_are 0
}

# conditions_are NUMBER [GUESTS]: of unfiltered NICs and their guests, in the metrics and in JSON
conditions_are() {
	metric_is "conditions{kind=\"$unfiltered\"}" "$1" &&
		metric_is unfiltered_guests "${2:-$1}" &&
		[ "$(firewall status --format json 2>/dev/null | grep -c "\"kind\": \"$unfiltered\"")" = "$1" ]
}

# found WHAT PATTERN: within a second, by all who can tell
found() {
	check "$1: not said by status" within 1 told "$2"
	check "$1: not critical in the log" within 1 logged "critical: .*$2"
	check "$1: metrics, JSON" conditions_are 1
}

# over WHAT
over() {
	check "$1: it lasts" within 1 none
	check "$1: the log does not say that it is over" within 1 logged 'notice: .*over: guest'
	: >"$work/log"
}

# fresh OPTION…: of host.fw; a service without any links
fresh() {
	rm -rf "$work/run"
	: >"$work/log"
	make_tree
	[ $# = 0 ] || put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1' "$@"
	start
}

remove_links() {
	for link in tap100i0 veth101i0 tap102i0 fwbr100i0 fwbr101i0 fwln100o0 vmbr0 vrf9 tap100i1; do
		ip link del $link 2>/dev/null
	done
}

# calls BRIDGE 0|1: whether it hands its packets to iptables by itself, so that they are filtered while somebody has set
# net.bridge.bridge-nf-call-iptables to 0
calls() {
	[ "$(ip -d link show "$1" | grep -o 'nf_call_ip6*tables .' | cut -d' ' -f2 | xargs)" = "$2 $2" ]
}

test_iptables() {
	fresh
	check "no guest runs" none
	plug tap100i0 vmbr0
	found "straight into vmbr0" 'guest 100: net0 is unfiltered: tap100i0 is plugged directly into vmbr0.*stop and start the guest'
	check "straight into vmbr0: no place" logged 'nodes/n/qemu-server/100.conf:1: guest 100'
	plug tap100i0 fwbr100i0
	over "into its firewall bridge"
	check "a firewall bridge does not call iptables by itself" within 1 calls fwbr100i0 1
	check "a bridge that is none calls iptables by itself" calls vmbr0 0
	plug veth101i0 vmbr0
	found "a container" 'guest 101: net0 is unfiltered: veth101i0 is plugged directly into vmbr0'
	ip link del veth101i0
	over "the container has ended"
	# Open vSwitch: a firewall bridge, from which an internal port leads on; without one, another kind of master.
	plug fwln100o0 fwbr100i0
	check "a firewall bridge of Open vSwitch" none
	not_meant
	check "after the firewall was off, a firewall bridge does not call iptables" within 1 calls fwbr100i0 1
	stop
	check "after a stop a firewall bridge calls iptables" calls fwbr100i0 0
	remove_links
}

# A guest with two of them is one guest.
two_nics() {
	printf 'net%d: virtio=02:00:00:00:01:0%d,bridge=vmbr0,firewall=1\n' 0 0 1 8 >"$work/tree/nodes/n/qemu-server/100.conf"
	reload
	plug tap100i0 vmbr0
	plug tap100i1 vmbr0
	check "two NICs of one guest" within 2 conditions_are 2 1
	plug veth101i0 vmbr0
	check "and one of another" within 2 conditions_are 3 2
	ip link del tap100i1
	ip link del veth101i0
	plug tap100i0 fwbr100i0
	check "two NICs of one guest: over" within 2 none
}

# NICs and guests whose firewall is off
not_meant() {
	plug tap102i0 vmbr0
	echo 'net0: virtio=02:00:00:00:01:02,bridge=vmbr0' >"$work/tree/nodes/n/qemu-server/102.conf"
	put 102.fw '[OPTIONS]' 'enable: 1'
	put 101.fw '[OPTIONS]' 'enable: 0'
	plug veth101i0 vmbr0
	reload
	check "firewall=0, enable: 0" none
	put 101.fw '[OPTIONS]' 'enable: 1'
	found "its firewall is switched on" 'guest 101: net0'
	put cluster.fw '[OPTIONS]' 'enable: 0'
	check "the cluster's firewall is off" within 2 none
	check "the cluster's firewall is off, and a firewall bridge calls iptables" within 1 calls fwbr100i0 0
	put cluster.fw '[OPTIONS]' 'enable: 1'
	check "the cluster's firewall is on again" within 2 told 'guest 101: net0'
	ip link del veth101i0
	over "the container is gone"
	two_nics
}

# Masters of other kinds; and none, but between the making of an interface and its plugging some time passes.
test_not_in_bridge() {
	fresh
	if ip link add vrf9 type vrf table 9 2>/dev/null; then
		plug tap100i0 vrf9
		found "a master that is no bridge" 'guest 100: net0 is unfiltered: the master of tap100i0 is vrf9'
		plug tap100i0 fwbr100i0
		over "a master that is no bridge"
	fi
	plug tap100i0 fwbr100i0
	: >"$work/log"
	ip link set tap100i0 nomaster
	polled 2
	check "an interface that is about to be plugged" none
	check "an interface that is not plugged at all" within 7 told 'guest 100: net0 is unfiltered: tap100i0 is up but not in a bridge'
	ip link set tap100i0 down
	over "an interface that is down"
	stop
	remove_links
}

# Its ruleset filters both wirings.
test_nftables() {
	ip link add vmbr0 type bridge
	fresh 'nftables: 1'
	if ! logged ': netlink: changes are applied'; then
		echo "nftables: this kernel cannot filter bridges; tests/service/vm.sh does it"
		kill_service
		remove_links
		return
	fi
	plug tap100i0 vmbr0
	plug veth101i0 fwbr101i0
	polled 2
	check "nftables: straight into vmbr0, and a firewall bridge" none
	check "nftables: a firewall bridge calls iptables" calls fwbr101i0 0
	if ip link add vrf9 type vrf table 9 2>/dev/null; then
		plug tap100i0 vrf9
		found "nftables: a master that is no bridge" 'guest 100: net0 is unfiltered: the master of tap100i0 is vrf9.*nftables'
		plug tap100i0 vmbr0
		over "nftables: a master that is no bridge"
	fi
	# What is filtered so is not, with the other target.
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1'
	found "another target" 'guest 100: net0 is unfiltered: tap100i0 is plugged directly into vmbr0'
	check "another target: a firewall bridge does not call iptables" within 1 calls fwbr101i0 1
	stop
	remove_links
}

# Without a service, `apply` says it.
test_offline() {
	make_tree
	plug tap100i0 vmbr0
	: >"$work/log"
	firewall apply >"$work/said" 2>&1
	verdict $? "apply without a service"
	grep -q 'guest 100: net0 is unfiltered' "$work/said" && logged 'critical: .*guest 100: net0 is unfiltered'
	verdict $? "apply without a service says nothing: $(cat "$work/said")"
	check "apply without a service: no flag" test -f "$flag"
	firewall stop >/dev/null
	remove_links
}

# ---- the file ----

there() {
	[ -f "$flag" ] && [ ! -L "$flag" ]
}

gone_too() {
	[ ! -e "$flag" ] && [ ! -L "$flag" ]
}

# follows_options: with the file $flag, the service being started with the target iptables
follows_options() {
	check "$1: iptables: not there" there
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1' 'nftables: 1' 'nf_conntrack_allow_invalid: 1'
	rm "$work/tree/nodes/n/qemu-server/100.conf" "$work/tree/nodes/n/lxc/101.conf"
	check "$1: nftables: there" within 3 gone_too
	put cluster.fw '[OPTIONS]' 'enable: 0'
	check "$1: disabled: not there" within 3 there
	put cluster.fw '[OPTIONS]' 'enable: 1'
	check "$1: enabled again: there" within 3 gone_too
	: >"$flag"
	check "$1: nftables: made by others" within 3 gone_too
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1'
	check "$1: iptables again: not there" within 3 there
}

test_flag() {
	flag=$PVEFW_FWBR_FLAG
	rm -f "$flag"
	fresh
	follows_options "the flag"
	rm "$flag"
	check "the flag: removed by others" within 3 there
	rm "$flag"
	: >"$work/target"
	ln -s "$work/target" "$flag"
	check "the flag: a link in its place" within 3 there
	check "the flag: written through a link" test -f "$work/target" -a ! -s "$work/target"
	stop
	check "the flag: it goes with the service" there
	rm "$flag"
	mv "$work/tree" "$work/away"
	start
	check "the flag: no tree: not there" there
	stop
	mv "$work/away" "$work/tree"
	rm "$flag"
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1' 'nftables: 1' 'nf_conntrack_allow_invalid: 1'
	start
	check "the flag: nftables at the start: there" gone_too
	# It cannot be made: that is said, and is no reason to filter nothing.
	export PVEFW_FWBR_FLAG=$work/none/flag
	kill_service
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1'
	: >"$work/log"
	start
	check "the flag: cannot be made: not said" logged "critical: cannot make $work/none/flag: No such file"
	check "the flag: cannot be made: said again and again" no eval 'polled 3 kernel; [ "$(grep -c "cannot make" "$work/log")" != 1 ]'
	check "the flag: cannot be made: no rules" eval 'rules | grep -q "dport 8006"'
	mkdir "$work/none"
	flag=$work/none/flag
	check "the flag: it can be made again" within 3 there
	stop
	export PVEFW_FWBR_FLAG=$work/fwbr-flag
}

# Without the variable: the path that Proxmox VE knows, unless another service is the node's.
test_default_path() {
	local first
	flag=$default_flag
	mount -t tmpfs none /run
	unset PVEFW_FWBR_FLAG
	fresh
	follows_options "the default path"
	stop
	rm "$flag"
	"$service" start --debug --root "$work/tree" --node n --log-file "$work/log.node" >/dev/null 2>&1 &
	first=$!
	check "the node's own service: not there" within 5 there
	within 5 grep -q 'nothing has changed' "$work/log.node" # else it may hold the lock of iptables
	kill -STOP $first
	rm "$flag"
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1'
	start
	check "a service that is tried beside it: makes the file" no there
	kill -CONT $first
	stop
	kill -KILL $first
	wait $first 2>/dev/null
	rm -f "$flag"
	echo $$ >/run/pve-firewall.pid
	start
	check "a service that is tried beside the stock one: makes the file" no there
	stop
	umount -l /run
	export PVEFW_FWBR_FLAG=$work/fwbr-flag
}

flag=$PVEFW_FWBR_FLAG
all="iptables not_in_bridge nftables offline flag default_path"
[ $# != 0 ] || set -- $all
for test; do
	time=$(now)
	test_"$test"
	echo "$test: $((($(now) - time) / 1000)) ms"
done
finish
