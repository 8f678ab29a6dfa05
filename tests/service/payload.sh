# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of vm.sh in the virtual machine, where every program that is started takes its time: few are.
# Each step is told with the machine's time, so that one that does not end is known.
export PREFIX=vm WIRING=direct PVE_FIREWALL=/payload/build/pve-firewall
# shellcheck source=SCRIPTDIR/common.sh
. /payload/tests/service/common.sh
work=$(mktemp -d)
in=(ip netns exec vm-host)

step() {
	local time
	read -r time _ </proc/uptime
	echo "$time: $*"
}

guest_allows() {
	put 100.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN DROP -p udp -dport 7001' "$@"
}

# has FAMILY [TEXT]: a table of ours, in which it says TEXT
has() {
	"${in[@]}" nft list table "$1" pvefw 2>/dev/null | grep -q "${2:-pvefw}"
}

# state_is NUMBER STATE: of a stream, without starting a program
state_is() {
	local number state last=
	while read -r number state _; do
		[ "$number" != "$1" ] || last=$state
	done <"$work/streams"
	[ "$last" = "$2" ]
}

# turns WHAT STATE COMMAND…: the first stream does so within a second, that of the command included
turns() {
	local what=$1 state=$2 time
	shift 2
	time=$(now)
	"$@"
	within 5 state_is 1 "$state"
	verdict $? "$what: not $state"
	time=$((($(now) - time) / 1000))
	step "$what: $state after $time ms at most"
	[ $time -le 1000 ]
	verdict $? "$what: $state after $time ms"
}

edited_rule() {
	turns "a new rule" open guest_allows 'IN ACCEPT -p udp -dport 7000'
	turns "no rule any more" shut guest_allows
}

established() {
	printf '%s accept\n' 'vm100 tcp outside 5005' 'vm100 udp outside 5006' 'vm100 icmp vm102 -' \
		'ct101 tcp host 8006' >"$work/flows"
	echo "sleep 0.1; echo 'IN DROP -p udp -dport 99' >>$work/tree/firewall/101.fw; sleep 0.9" >"$work/change"
	timeout 30 /payload/flow vm "$tests/topology/hosts.tsv" "$work/flows" sh "$work/change" >"$work/said" 2>&1
	verdict $? "established connections lose a packet: $(cat "$work/said")"
	has bridge 'dport 99'
	verdict $? "the unrelated change was not applied"
}

# Nobody is there while a file is changed and the host's rules go.
killed() {
	kill_service
	guest_allows 'IN ACCEPT -p udp -dport 7000'
	"${in[@]}" nft delete table inet pvefw
	has bridge 'dport 7001' && state_is 1 shut
	verdict $? "killed, and its rules have gone"
	turns "the next service" open start
	has inet
	verdict $? "the next service does not load what is missing"
}

flushed() {
	"${in[@]}" nft flush table bridge pvefw
	within 3 has bridge 'dport 7001'
	verdict $? "flushed by others, and not loaded again"
}

# Of all streams but the first
none_passed() {
	kill $streams
	within 5 gone $streams
	awk '$2 == "total" && $1 != 1 { print; n++; passed += $4 } END { exit n != 2 || passed }' "$work/streams"
	verdict $? "packets pass that are always blocked"
}

step "network"
"$tests/topology/topo.sh" up
modprobe nf_conntrack
make_tree nft-guests
echo 'nf_conntrack_tcp_timeout_established: 7875' >>"$work/tree/nodes/n/host.fw"
guest_allows
settings >"$work/settings"
step "start"
start
has bridge 'dport 7001'
verdict $? "the bridge table has no rules"
settings | grep -q 'established:7875$'
verdict $? "a setting of host.fw is not in force"
printf '%s accept\n' 'outside udp vm100 7000' 'outside udp vm100 7001' 'vm102 udp ct101 7000' >"$work/spec"
/payload/stream vm "$tests/topology/hosts.tsv" "$work/spec" 20000 >"$work/streams" &
streams=$!
within 5 state_is 1 shut
verdict $? "blocked to begin with"
edited_rule
step "established connections"
established
step "killed"
killed
none_passed
step "flushed by others"
flushed
step "stop"
stop
[ -z "$("${in[@]}" nft list tables)" ]
verdict $? "stop leaves tables"
settings | same "$work/settings" -
verdict $? "stop leaves settings of the kernel"
step "end"
finish
exit 0
