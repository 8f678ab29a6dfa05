#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh: pve-firewall trace with real packets, in network namespaces: a host with nftables and with iptables-nft, guests
# with iptables-nft, rules that others have changed, and every way in which it can end.
#
# What cannot be here are guests with nftables: vm.sh.  Ends with `N passed, N failed[, N cannot run here]`.
# PVE_FIREWALL, PVEFW_CC: the programs.
set -u
# shellcheck source=SCRIPTDIR/../probes/common.sh
. "$(dirname "$0")/../probes/common.sh"
PVE_FIREWALL=$(readlink -f "${PVE_FIREWALL:-$tests/../build/pve-firewall}")
begin
H=pvefw-traced-$$ P=pvefw-peer-$$
tracer=

leave_trace() {
	[ -z "$tracer" ] || kill "$tracer" 2>/dev/null
	ip netns del $H 2>/dev/null
	ip netns del $P 2>/dev/null
	leave
}
trap leave_trace EXIT

# soon COMMAND...: it succeeds within ten seconds
soon() {
	local tries=200
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

wire() {
	if ! ip netns add $H || ! ip netns add $P; then
		give_up "cannot make network namespaces"
	fi
	ip -n $H link add h0 type veth peer name p0 netns $P
	for end in "$H h0 1" "$P p0 2"; do
		# shellcheck disable=SC2086
		set -- $end
		ip netns exec "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
		ip -n "$1" link set lo up
		ip -n "$1" addr add "192.0.2.$3/24" dev "$2"
		ip -n "$1" link set "$2" up
		ip -n "$1" addr add "2001:db8::$3/64" dev "$2" nodad
	done
}

tree() {
	mkdir -p "$work/tree/firewall" "$work/tree/nodes/n"
	cat >"$work/tree/firewall/cluster.fw" <<-'F'
		[OPTIONS]
		enable: 1
		policy_in: DROP

		[group web]
		IN DROP -p tcp -dport 23 -log info
		IN ACCEPT -p tcp -dport 80
		IN REJECT -p tcp -dport 81

		[RULES]
		IN ACCEPT -p tcp -dport 22
		GROUP web
		IN REJECT -p udp -dport 53
		IN ACCEPT -source 2001:db8::/64 -p tcp -dport 443
		OUT DROP -p udp -dport 7
	F
}

# load TARGET: the tree is for this one then
load() {
	printf '[OPTIONS]\nnftables: %d\n' $(($1 == 0)) >"$work/tree/nodes/n/host.fw"
	ip netns exec $H "$PVEFW_CC" load --target "$2" --root "$work/tree" --node n --local-network 198.51.100.0/24 \
		>"$work/loading" 2>&1
	# Without guests it does not matter what this kernel lacks for bridges.
	case $2 in
	netlink) ip netns exec $H nft list chain inet pvefw host-in >/dev/null ;;
	*) ip netns exec $H iptables-nft -S PVEFW-INPUT >/dev/null ;;
	esac
	verdict $? "$2: cannot load: $(cat "$work/loading")"
}

unload() {
	ip netns exec $H "$PVEFW_CC" load --remove --target netlink >/dev/null 2>&1
	ip netns exec $H "$PVEFW_CC" load --remove --target iptables >/dev/null 2>&1
}

is_tracing() {
	grep -q '^tracing' "$work/error" || ! kill -0 "$tracer" 2>/dev/null
}

# begin_trace OPTION...: it selects packets when this returns
begin_trace() {
	: >"$work/trace"
	: >"$work/error"
	ip netns exec "${SPACE:-$H}" "$PVE_FIREWALL" trace --root "${ROOT:-$work/tree}" --node "${NODE:-n}" \
		--local-network 198.51.100.0/24 --run-dir "$work/run" "$@" >"$work/trace" 2>"$work/error" &
	tracer=$!
	soon is_tracing && kill -0 "$tracer" 2>/dev/null
	verdict $? "trace $*: does not begin: $(cat "$work/error")"
}

# end_trace STATUS WHAT: it ends by itself
end_trace() {
	local status
	wait "$tracer"
	status=$?
	tracer=
	[ $status = "$1" ]
	verdict $? "$2: status $status, not $1: $(tail -n 40 "$work/trace") $(cat "$work/error")"
	no_tables "$2"
}

has_no_table() {
	! ip netns exec "${SPACE:-$H}" nft list tables | grep -q pvefw-trace
}

no_tables() {
	soon has_no_table
	verdict $? "$1: the tables are left"
}

# tcp ADDRESS PORT, udp ADDRESS PORT: from the peer
tcp() {
	ip netns exec $P timeout 0.2 bash -c "echo >/dev/tcp/$1/$2" 2>/dev/null
}

udp() {
	ip netns exec $P bash -c "echo >/dev/udp/$1/$2" 2>/dev/null
}

# says WHAT TEXT...: the trace has these lines one after the other
says() {
	local what=$1 expected
	shift
	expected=$(printf '%s\n' "$@")
	sed -E 's/:[0-9]{4,5} -> /:PORT -> /; s/(rule) [0-9]+ handle [0-9]+/\1/' "$work/trace" >"$work/shown"
	python3 -c 'import sys; sys.exit(sys.argv[1] not in open(sys.argv[2]).read())' "$expected" "$work/shown"
	verdict $? "$what: not as expected:
$(printf '%s\n' "$expected" | sed 's/^/    /')
  but:
$(sed 's/^/    /' "$work/shown" | head -n 40)"
}

# ---- the host ----

# host WHAT IN CHAIN...: packets of each kind, the lines that decide about them, and the model's consent
host() {
	begin_trace --from outside --packets 6 --seconds 30 --dest 192.0.2.1,2001:db8::1 --protocol tcp
	tcp 192.0.2.1 23
	tcp 192.0.2.1 22
	tcp 192.0.2.1 80
	tcp 192.0.2.1 81
	tcp 192.0.2.1 99
	tcp 2001:db8::1 443
	end_trace 0 "$1"
	says "$1, group" "tcp 192.0.2.2:PORT -> 192.0.2.1:23 on h0: DROP" \
		"  --> firewall/cluster.fw:6  IN DROP -p tcp -dport 23 -log info   (group web, from firewall/cluster.fw:12)   logged as :0:6:$3:" \
		"   = path: input: $2, $3" "   = the model agrees"
	says "$1, accept" "tcp 192.0.2.2:PORT -> 192.0.2.1:22 on h0: ACCEPT" "  --> firewall/cluster.fw:11  IN ACCEPT -p tcp -dport 22"
	says "$1, accepted by a group" "tcp 192.0.2.2:PORT -> 192.0.2.1:80 on h0: ACCEPT" \
		"  --> firewall/cluster.fw:7  IN ACCEPT -p tcp -dport 80   (group web, from firewall/cluster.fw:12)"
	says "$1, reject" "tcp 192.0.2.2:PORT -> 192.0.2.1:81 on h0: REJECT with a TCP reset" \
		"  --> firewall/cluster.fw:8  IN REJECT -p tcp -dport 81   (group web, from firewall/cluster.fw:12)"
	says "$1, policy" "tcp 192.0.2.2:PORT -> 192.0.2.1:99 on h0: DROP" "  --> firewall/cluster.fw:3  policy_in: DROP"
	says "$1, IPv6" "tcp [2001:db8::2]:PORT -> [2001:db8::1]:443 on h0: ACCEPT" \
		"  --> firewall/cluster.fw:14  IN ACCEPT -source 2001:db8::/64 -p tcp -dport 443"
	says "$1, all" "6 packets traced; the model agrees with 6"
	begin_trace --protocol udp --dport 53,7 --packets 2 --seconds 30
	udp 192.0.2.1 53
	ip netns exec $H bash -c 'echo >/dev/udp/192.0.2.2/7' 2>/dev/null
	end_trace 0 "$1, udp"
	says "$1, udp" "udp 192.0.2.2:PORT -> 192.0.2.1:53 on h0: REJECT with port unreachable" \
		"  --> firewall/cluster.fw:13  IN REJECT -p udp -dport 53"
	says "$1, out" "udp 192.0.2.1:PORT -> 192.0.2.2:7 to h0: DROP" "  --> firewall/cluster.fw:15  OUT DROP -p udp -dport 7"
	# An answer belongs to an established connection.
	begin_trace --from host --protocol tcp --sport 22 --packets 1 --seconds 30 --format json
	tcp 192.0.2.1 22
	end_trace 0 "$1, established"
	python3 -c '
import json, sys
packet, summary = [json.loads(line) for line in open(sys.argv[1])]
assert packet["packet"]["state"] == "established" and packet["packet"]["sport"] == 22, packet
assert packet["decision"]["action"] == "ACCEPT" and packet["agreement"] == "agrees", packet
assert packet["path"] and packet["steps"] and packet["steps"][0]["table"], packet
assert summary["summary"]["agreed"] == 1, summary' "$work/trace"
	verdict $? "$1, json: $(cat "$work/trace")"
	split -l 1 "$work/trace" "$work/json-"
	(cd "$tests/.." && /usr/bin/python3 tests/checks/schemas.py trace="$work/json-aa" trace="$work/json-ab") >"$work/said" 2>&1
	verdict $? "$1, json: not as its schema says: $(cat "$work/said")"
}

# ---- rules that are not those of the configuration ----

disagreements() {
	load 0 netlink
	ip netns exec $H nft insert rule inet pvefw host-in tcp dport 22 drop
	begin_trace --protocol tcp --dport 22 --packets 1 --seconds 30
	tcp 192.0.2.1 22
	end_trace 1 "a foreign rule in our chain"
	says "a foreign rule" "  --> rule 1 of chain host-in, which is not one of this configuration"
	says "a foreign rule, what the model says" "   = the model DISAGREES: it says ACCEPT, firewall/cluster.fw:11  IN ACCEPT -p tcp -dport 22" \
		"   = the loaded rules are not those of the files: table inet pvefw, chain host-in: 1 foreign rule; see pve-firewall compare"
	says "a foreign rule, the packet" '     packet {"text":"tcp 192.0.2.2:PORT -> 192.0.2.1:22","family":"ipv4","protocol":"tcp","source":"192.0.2.2"'
	says "a foreign rule, its place" "     inet pvefw host-in rule drop  not a rule of this configuration"
	load 0 netlink
	sed 's/^IN ACCEPT -p tcp -dport 22/IN REJECT -p tcp -dport 22/' "$work/tree/firewall/cluster.fw" >"$work/changed"
	mkdir -p "$work/other/firewall"
	cp -r "$work/tree/nodes" "$work/other/nodes"
	cp "$work/changed" "$work/other/firewall/cluster.fw"
	ROOT=$work/other begin_trace --protocol tcp --dport 22 --packets 1 --seconds 30
	tcp 192.0.2.1 22
	end_trace 1 "another ruleset"
	says "another ruleset" "   = the model DISAGREES: it says REJECT with a TCP reset, firewall/cluster.fw:11  IN REJECT -p tcp -dport 22"
	ip netns exec $H nft -f - <<-'EOF'
		table inet theirs {
			chain in { type filter hook input priority -10; tcp dport 22 drop; }
		}
	EOF
	begin_trace --protocol tcp --dport 22 --packets 1 --seconds 30
	tcp 192.0.2.1 22
	end_trace 0 "a foreign table"
	says "a foreign table" "tcp 192.0.2.2:PORT -> 192.0.2.1:22 on h0: DROP" "  --> table theirs, chain in is not of pvefw"
	ip netns exec $H nft delete table inet theirs
}

# The rules are replaced while packets are traced: lines are those of the new ones.
reloads() {
	load 0 netlink
	begin_trace --protocol tcp --dport 22 --packets 2 --seconds 30
	tcp 192.0.2.1 22
	soon grep -q 'model agrees' "$work/trace"
	cp "$work/tree/firewall/cluster.fw" "$work/before"
	sed -i '1i # a line more' "$work/tree/firewall/cluster.fw"
	sed -i 's/^IN ACCEPT -p tcp -dport 22/IN DROP -p tcp -dport 22/' "$work/tree/firewall/cluster.fw"
	load 0 netlink
	tcp 192.0.2.1 22
	end_trace 0 "replaced rules"
	says "the old line" "  --> firewall/cluster.fw:11  IN ACCEPT -p tcp -dport 22"
	says "the new line" "  --> firewall/cluster.fw:12  IN DROP -p tcp -dport 22"
	cp "$work/before" "$work/tree/firewall/cluster.fw"
}

# ---- ends ----

child_of() {
	pgrep -P "$1"
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

ends() {
	local child
	load 0 netlink
	begin_trace --seconds 60 --packets 1000000
	child=$(child_of "$tracer")
	kill -9 "$child"
	no_tables "killed"
	wait "$tracer" 2>/dev/null
	begin_trace --seconds 60 --packets 1000000
	child=$(child_of "$tracer")
	kill -9 "$tracer"
	no_tables "its parent killed"
	soon is_gone "$child"
	verdict $? "its parent killed: it runs on"
	wait "$tracer" 2>/dev/null
	begin_trace --seconds 60 --packets 1000000
	child=$(child_of "$tracer")
	kill -INT "$child"
	end_trace 0 "interrupted"
	says "interrupted" "traced; the model agrees with"
	begin_trace --seconds 60 --packets 1000000
	kill "$tracer"
	no_tables "terminated"
	wait "$tracer" 2>/dev/null
	begin_trace --seconds 1 --protocol tcp --dport 9999
	end_trace 0 "the time is over"
	says "the time is over" "0 packets traced; the model agrees with 0"
	begin_trace --seconds 30 --protocol tcp --dport 9999
	ip netns exec $H "$PVE_FIREWALL" trace --root "$work/tree" --node n --run-dir "$work/run" --seconds 1 >"$work/second" 2>&1
	[ $? = 2 ] && grep -q 'another pve-firewall trace runs' "$work/second"
	verdict $? "a second one: $(cat "$work/second")"
	kill -INT "$(child_of "$tracer")"
	end_trace 0 "the first one"
}

# Of many packets only so many are traced.
limits() {
	load 0 netlink
	begin_trace --protocol udp --dport 999 --packets 1000 --seconds 2 --rate 6
	ip netns exec $P bash -c 'for ((i = 0; i < 3000; i++)); do echo >/dev/udp/192.0.2.1/999; done' 2>/dev/null
	end_trace 0 "a flood"
	traced=$(sed -n 's/^\([0-9]*\) packets traced.*/\1/p' "$work/trace")
	[ "${traced:-0}" -ge 6 ] && [ "$traced" -le 24 ]
	verdict $? "a flood: ${traced:-no} packets were traced, with a rate of 6 a second"
	ip netns exec $H "$PVE_FIREWALL" trace --root "$work/tree" --node n --run-dir "$work/run" --rate 0 >"$work/second" 2>&1
	[ $? = 2 ] && grep -q -- '--rate takes a number' "$work/second"
	verdict $? "--rate 0: $(cat "$work/second")"
	# Whoever may not look does not know whether rules are loaded.
	ip netns exec $H setpriv --reuid 65534 --clear-groups "$PVE_FIREWALL" trace --root "$work/tree" --node n --run-dir "$work/none" \
		--seconds 1 >"$work/second" 2>&1
	[ $? = 2 ] && ! grep -q 'no rules' "$work/second"
	verdict $? "without rights: $(cat "$work/second")"
}

# ---- guests, and other tools ----

guests() {
	export PREFIX=trace$$ WIRING=fwbr
	local dir=$work/guests root=$tests/probes/log/root
	compile iptables "$root" "$dir" || return
	cp "$tests/probes/log/packets.spec" "$dir/spec"
	"$tests/topology/topo.sh" up
	ip netns exec "$PREFIX-host" "$tests/probes/load.sh" nft-compat "$dir" "$dir/spec" || fail "guests: cannot load"
	SPACE=$PREFIX-host ROOT=$dir/root NODE=n1 begin_trace --packets 5000 --rate 1000 --seconds 60
	"$PROBE_ALONE" "$PREFIX" "$tests/topology/hosts.tsv" "$dir/spec" >"$work/probes" 2>&1
	# A last packet: when it has arrived, so have all others.
	ip netns exec "$PREFIX-outside" bash -c 'echo >/dev/udp/10.10.0.1/4711' 2>/dev/null
	soon grep -q '10.10.0.1:4711' "$work/trace"
	kill -INT "$(child_of "$tracer")"
	SPACE=$PREFIX-host end_trace 0 "guests"
	traced=$(sed -n 's/^\([0-9]*\) packets traced.*/\1/p' "$work/trace")
	[ "${traced:-0}" -gt 100 ]
	verdict $? "guests: only ${traced:-no} packets are traced: $(cat "$work/error")"
	! grep -q DISAGREES "$work/trace"
	verdict $? "guests: the model disagrees: $(grep -A 40 DISAGREES "$work/trace" | head -n 45)"
	says "guests, into one" "tcp 10.10.0.254:PORT -> 10.10.0.100:82 on eth0: DROP" \
		"  --> firewall/100.fw:12  IN DROP -p tcp -dport 82 -log err   logged as :100:3:tap100i0-IN: DROP:"
	SPACE=$PREFIX-host ROOT=$dir/root NODE=n1 begin_trace --from vm100 --protocol tcp --dport 91-95 --packets 1 --seconds 30
	ip netns exec "$PREFIX-vm100" timeout 0.2 bash -c 'echo >/dev/tcp/10.10.0.254/92' 2>/dev/null
	SPACE=$PREFIX-host end_trace 0 "from a guest"
	says "from a guest" "tcp 10.10.0.100:PORT -> 10.10.0.254:92 on tap100i0: DROP" "  --> firewall/100.fw:16  OUT DROP -p tcp -dport 92 -log err"
	# What the guest sends is selected, too, and then left out.
	SPACE=$PREFIX-host ROOT=$dir/root NODE=n1 begin_trace --from outside --protocol tcp --dport 92 --packets 1 --seconds 30
	ip netns exec "$PREFIX-vm100" timeout 0.2 bash -c 'echo >/dev/tcp/10.10.0.254/92' 2>/dev/null
	ip netns exec "$PREFIX-outside" timeout 0.2 bash -c 'echo >/dev/tcp/10.10.0.100/92' 2>/dev/null
	SPACE=$PREFIX-host end_trace 0 "from outside"
	says "from outside" "tcp 10.10.0.254:PORT -> 10.10.0.100:92 on eth0: DROP"
}

legacy() {
	printf '[OPTIONS]\nnftables: 0\n' >"$work/tree/nodes/n/host.fw"
	compile iptables "$work/tree" "$work/legacy" --node n --local-network 198.51.100.0/24 || return
	ip netns exec $H ipset -exist restore <"$work/legacy/iptables/ipset.restore"
	ip netns exec $H iptables-legacy-restore -n <"$work/legacy/iptables/iptables-filter.restore" 2>"$work/error"
	mkdir -p "$work/bin"
	for tool in iptables ip6tables; do
		for form in "" -save -restore; do
			ln -sf "$(command -v $tool-legacy$form)" "$work/bin/$tool$form"
		done
	done
	PATH=$work/bin:$PATH ip netns exec $H "$PVE_FIREWALL" trace --root "$work/tree" --node n --run-dir "$work/run" \
		--seconds 1 >"$work/second" 2>&1
	[ $? = 2 ] && grep -q 'iptables-legacy.*pve-firewall simulate' "$work/second"
	verdict $? "iptables-legacy: $(cat "$work/second")"
	no_tables "iptables-legacy"
}

wire
tree
load 0 netlink
host nftables "host-in, smurfs" group-web-in
disagreements
reloads
ends
limits
unload
load 1 iptables
host iptables-nft "PVEFW-INPUT, PVEFW-HOST-IN, PVEFW-smurfs" GROUP-web-IN
unload
legacy
guests
finish
