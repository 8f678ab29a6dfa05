#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vm-session.sh outside|network|guests|session: what happens at each boot of the node of reboot.sh, in its virtual machine.
#
#   outside  before the network: others are there, and send to a guest what is blocked, and what is allowed, until the machine
#            is off; the guest's NIC is not plugged
#   network  the node's links come up
#   guests   the guest is plugged as qemu-server does: with a firewall bridge while the file says so
#   session  what is tried at this boot; the last thing is a restart
#
# The boot is counted in /node/boot; what is found is appended to /node/results.
set -u
cd /node || exit
export PREFIX=v WIRING=direct BRIDGE_NF=0 HOST_PID=1
flag=/run/proxmox-nftables-firewall-force-disable
boot=$(cat boot)
known=0 # lines of the flood's output that were looked at

outside() {
	boot=$((boot + 1))
	echo $boot >boot
	mkdir -p /run/netns
	bash topology/topo.sh up
	ip -batch - <<-END
		link set tap100i0 down
		link set tap100i0 nomaster
		link set eth0 down
		link set vmbr0 down
	END
	printf '%s accept\n' 'outside udp vm100 7000' 'outside udp vm100 7001' 'outside tcp vm100 7002' 'outside icmp vm100 -' >spec
	# in a mount namespace of its own: systemd unmounts /run/netns when the machine goes down
	unshare -m setsid ./stream v topology/hosts.tsv spec 20000 >streams.$boot 2>&1 </dev/null &
}

network() {
	ip -batch - <<-END
		link set eth0 up
		link set vmbr0 up
	END
}

guests() {
	if [ ! -e $flag ]; then
		ip link set tap100i0 master vmbr0 up
		return
	fi
	ip -batch - <<-END
		link add fwbr100i0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0
		link set fwbr100i0 up arp off
		link add fwln100i0 type veth peer name fwpr100p0
		link set fwln100i0 master fwbr100i0 up
		link set fwpr100p0 master vmbr0 up
		link set tap100i0 master fwbr100i0 up
	END
}

say() {
	echo "$*" >>results
}

# verdict STATUS TEXT
verdict() {
	if [ "$1" = 0 ]; then
		say "pass $2"
	else
		say "FAIL boot $boot: $2"
	fi
}

# run COMMAND...: shown in the results
run() {
	local status
	say "# $*"
	"$@" >output 2>&1
	status=$?
	sed 's/^/    /' output >>results
	return $status
}

# flows: the first line is open
flows() {
	local number state last=
	while read -r number state _; do
		[ "$number" != 1 ] || last=$state
	done <streams.$boot
	[ "$last" = open ]
}

# within SECONDS COMMAND...
within() {
	local tries=$(($1 * 10))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

# nothing_blocked_passes WHAT: since this boot, or since the last that was said
nothing_blocked_passes() {
	awk -v known="$known" '$1 != 1 && $2 == "open" && NR > known { print; n = 1 } END { exit n }' streams.$boot >output
	verdict $? "$1: no blocked packet has passed: $(tr '\n' ';' <output)"
	known=$(wc -l <streams.$boot)
	echo "$known" >known.$boot
	flows
	verdict $? "$1: what is allowed arrives"
}

# blocked_is_shut: the firewall of Proxmox VE is ready before it has loaded rules, so guests are open for a moment
blocked_is_shut() {
	[ "$(awk '$1 != 1 { state[$1] = $2 } END { for (number in state) n += state[number] == "shut"; print n }' streams.$boot)" = 3 ] &&
		known=$(wc -l <streams.$boot)
}

# in_charge NAME
in_charge() {
	run pvefw status
	grep -q "^in charge: $1" output
	verdict $? "$1 is in charge"
	run sh -c 'ps -o pid,lstart,args -p $(systemctl show -P MainPID pve-firewall)'
	run sh -c 'ls -l /etc/alternatives/iptables /etc/alternatives/ebtables; iptables -S FORWARD; iptables -S tap100i0-IN | head -n 5; ls -d /sys/class/net/fwbr100i0'
}

session() {
	say "==== boot $boot: $(uname -r), Debian $(cat /etc/debian_version), up $(cut -d ' ' -f 1 /proc/uptime) s"
	within 60 flows
	verdict $? 'what is allowed arrives at the guest'
	sleep 1
	case $boot in
	1)
		in_charge 'Proxmox VE'
		within 60 blocked_is_shut
		verdict $? 'the firewall of Proxmox VE does not filter'
		say '==== takeover'
		run pvefw takeover --yes
		verdict $? takeover
		sleep 1
		in_charge pvefw
		nothing_blocked_passes 'takeover'
		;;
	2)
		# The first boot's flood went on until systemd had ended everything.
		awk -v known="$(cat known.1)" '$2 == "total" { n++ } NR > known && $2 == "open" { print; passed++ } END { exit n != 4 || passed }' streams.1 >output
		verdict $? "a blocked packet has passed while the machine went down with pvefw in charge: $(cat output)"
		in_charge pvefw
		nothing_blocked_passes 'boot with pvefw'
		run pve-firewall status
		grep -q '^Status: enabled/running$' output
		verdict $? 'nothing is pending'
		say '==== handback'
		run pvefw handback --yes
		verdict $? handback
		sleep 1
		in_charge 'Proxmox VE'
		nothing_blocked_passes handback
		;;
	3)
		awk '$2 == "total" { print; n++; if ($1 != 1) passed += $4 } END { exit n != 4 || passed }' streams.2 >output
		verdict $? 'a blocked packet has passed at the boot with pvefw, the handback, or after it'
		say "the second boot, until the machine was off: line, packets sent, passed: $(tr '\n' ';' <output)"
		in_charge 'Proxmox VE'
		within 60 blocked_is_shut
		verdict $? 'the firewall of Proxmox VE does not filter'
		say '==== end'
		;;
	esac
	run systemctl --failed --no-legend --plain
	[ ! -s output ]
	verdict $? 'no unit has failed'
	say 'the machine restarts'
	systemctl --no-block reboot
}

"$1"
