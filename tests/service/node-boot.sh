# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A node's boot without systemd; sourced by boot-flood.sh and payload-boot.sh, after common.sh. Its network and its guests'
# links come up as soon as the order of the units lets them, while others already send to a guest what is blocked. Not one
# such packet may arrive, from the first link on.
#
# What matters of systemd is done in the order that the units give: unit-start with all rights; the service with those of
# its unit; the network at once; the guests when the service says that it is ready, if its unit has Type=notify and comes
# before pve-guests.service. Guests are plugged as qemu-server does, with a firewall bridge while $flag is there. The tree
# comes late, as /etc/pve does when pve-cluster is slow.
#
# Needs $flag, $packaging (the folder), $STREAM and $NOTIFY (programs), $SETPRIV, and PREFIX, WIRING=direct and BRIDGE_NF=0.
# shellcheck disable=SC2154 # of the variables named above
packaging=$packaging flag=$flag tests=$tests work=$work service=$service
in=(ip netns exec "$PREFIX-host")
unit=$packaging/pve-firewall.service.in
sandbox=("$SETPRIV" "--bounding-set=-all,+net_admin,+net_raw" --inh-caps=-all --no-new-privs)

step() {
	local time
	read -r time _ </proc/uptime
	echo "$time: $*"
}

switch_on() {
	"$tests/topology/topo.sh" up
	ip -n "$PREFIX-host" -batch - <<-END
		link set tap100i0 down
		link set tap100i0 nomaster
		link set eth0 down
		link set vmbr0 down
	END
	rm -rf "$flag" "$work/run" "$work/notify" "$work/notifications" "$work/tree"
	: >"$work/log"
}

# ---- what the units start ----

# A hook between unit-start and the service: nothing.
after_unit_start() {
	:
}

start_service() {
	"${in[@]}" "$packaging/unit-start" "$packaging/modules"
	verdict $? "$1: unit-start fails"
	after_unit_start
	NOTIFY_SOCKET=$work/notify "${in[@]}" "${sandbox[@]}" "$service" start --debug --root "$work/tree" --node n \
		--run-dir "$work/run" --log-file "$work/log" >"$work/output" 2>&1 &
	pid=$!
}

start_network() {
	ip -n "$PREFIX-host" -batch - <<-END
		link set eth0 up
		link set vmbr0 up
	END
}

guests_wait() {
	grep -q '^Type=notify' "$unit" && grep -q '^Before=.*pve-guests\.service' "$unit"
}

is_ready() {
	grep -q '^READY=1' "$work/notifications"
}

plug_guest() {
	if [ -e "$flag" ]; then
		ip -n "$PREFIX-host" -batch - <<-END
			link add fwbr100i0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0
			link set fwbr100i0 up arp off
			link add fwln100i0 type veth peer name fwpr100p0
			link set fwln100i0 master fwbr100i0 up
			link set fwpr100p0 master vmbr0 up
			link set tap100i0 master fwbr100i0 up
		END
	else
		ip -n "$PREFIX-host" link set tap100i0 master vmbr0 up
	fi
}

start_guests() {
	if guests_wait && ! within 60 is_ready; then
		echo "FAIL it never says that it is ready"
		return
	fi
	plug_guest
}

# ---- the boot ----

# state_is NUMBER STATE: of a stream, without starting a program
state_is() {
	local number state last=
	while read -r number state _; do
		[ "$number" != "$1" ] || last=$state
	done <"$work/streams"
	[ "$last" = "$2" ]
}

# boot TARGET [OPTION]: with a line of host.fw; without layer 2, for which a program is missing in the virtual machine
boot() {
	local streams listener guests
	step "$1: switched on"
	switch_on
	make_tree
	put cluster.fw '[OPTIONS]' 'enable: 1' 'ebtables: 0' '[RULES]' 'IN ACCEPT -p tcp -dport 8006'
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1' "${2:-}"
	put 100.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p udp -dport 7000'
	mv "$work/tree" "$work/later"
	printf '%s accept\n' 'outside udp vm100 7000' 'outside udp vm100 7001' 'outside tcp vm100 7002' 'outside icmp vm100 -' >"$work/spec"
	"$STREAM" "$PREFIX" "$tests/topology/hosts.tsv" "$work/spec" 5000 >"$work/streams" &
	streams=$!
	"$NOTIFY" "$work/notify" >"$work/notifications" &
	listener=$!
	within 5 test -S "$work/notify"
	step "$1: units"
	start_service "$1"
	start_network
	start_guests &
	guests=$!
	sleep 1.5
	mv "$work/later" "$work/tree"
	check "$1: what is allowed does not arrive" within 30 state_is 1 open
	step "$1: guests run"
	wait $guests
	sleep 1
	kill $streams
	within 5 gone $streams
	awk '$2 == "total" && $1 != 1 { n++; if ($4) { print; passed = 1 } } END { exit n != 3 || passed }' "$work/streams"
	verdict $? "$1: packets arrive that are blocked"
	awk '$2 == "total" && $1 == 1 && $4 > 20 { found = 1 } END { exit !found }' "$work/streams"
	verdict $? "$1: no flood: $(grep total "$work/streams")"
	check "$1: the guest is unfiltered" no logged 'guest 100: net0 is unfiltered'
	kill $listener
}

# shut_down TARGET
shut_down() {
	stop
	"$tests/topology/topo.sh" down
}
