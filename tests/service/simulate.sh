#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# simulate.sh: pve-firewall simulate asks the rules that are loaded, and says where the files differ; and apply from a
# terminal is refused where it would cut off its SSH session or the web interface.
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
in_namespaces "$@"
begin
ip link set lo up
ip link add dev0 type veth peer name dev0p
ip addr add 10.9.0.1/24 dev dev0
ip addr add fd00:9::1/64 dev dev0 nodad
ip link set dev0 up

# json FILTER COMMAND...: what it prints on standard output, as python sees it
json() {
	local filter=$1
	shift
	"$@" 2>/dev/null >"$work/printed"
	python3 -c "import json, sys; d = json.load(sys.stdin); sys.exit(0 if ($filter) else 1)" <"$work/printed" ||
		{ cat "$work/printed" && false; }
}

allow() {
	put cluster.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 8006' "$@"
}

allows() {
	nft list table inet pvefw | grep -qE "dport $1( |\$)"
}

# ---- simulate ----

test_files() {
	check "no service: the files are asked" says '^asked: the files: the service does not run$' firewall simulate --dport 8006
	check "no service: the answer" grep -q '^ACCEPT$' "$work/printed"
	check "no service: JSON" json 'd["action"] == "ACCEPT" and d["line"] == 5 and d["generation"] is None' \
		firewall simulate --dport 8006 --format json
}

test_loaded() {
	allow 'IN ACCEPT -p tcp -dport 4001'
	check "start" start
	check "loaded" within 5 allows 4001
	check "the loaded rules are asked" says '^asked: generation 1 of .*, which is loaded$' firewall simulate --dport 4001
	check "nothing differs" no grep -q differ "$work/printed"
	check "--expect: as it is" exits 0 firewall simulate --dport 4001 --expect ACCEPT
	check "--expect: otherwise" exits 1 firewall simulate --dport 4001 --expect DENY
	check "the options of Proxmox VE's command" exits 0 firewall simulate --from outside --to vm100 --protocol tcp \
		--source 10.0.0.1 --dest 10.0.0.2 --sport 1000 --dport 80 --verbose 1
	check "an unknown guest" says 'did you mean' firewall simulate --to vm1000
	allow 'IN ACCEPT -p tcp -dport 4002'
	check "a change" within 5 allows 4002
	check "rollback" firewall rollback
	check "rolled back" within 5 allows 4001
	check "what the files say is not what is asked" says '^the files differ from that: firewall/cluster.fw$' \
		firewall simulate --dport 4002
	check "what is loaded is" grep -q '^DROP$' "$work/printed"
	check "JSON says it, too" json 'd["action"] == "DROP" and d["generation"] >= 1 and "cluster.fw" in d["differs"]' \
		firewall simulate --dport 4002 --format json
	check "and the rule of before" says '^ACCEPT$' firewall simulate --dport 4001
	stop
}

# ---- the guard ----

# terminal COMMAND...: in a terminal of its own; the exit status is the command's
terminal() {
	python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' \
		"$@" </dev/null
}

# apply OPTIONS...: without a service, from a terminal
apply() {
	terminal "$service" apply --root "$work/tree" --node n --run-dir "$work/run" --log-file "$work/log" "$@"
}

session() {
	SSH_CONNECTION=$1 exits "$2" apply "${@:3}"
}

test_session() {
	local v4='10.9.0.7 50000 10.9.0.1 22' v6='fd00:9::7 50000 fd00:9::1 22'
	allow 'IN SSH(ACCEPT) -source 10.9.0.0/24' 'IN ACCEPT -p tcp -dport 22 -source fd00:9::/64'
	check "a session that survives" session "$v4" 0
	check "and is loaded" nft list table inet pvefw
	allow 'IN SSH(DROP) -source 10.9.0.7' 'IN ACCEPT -p tcp -dport 22 -source fd00:9::/64' 'IN ACCEPT -p tcp -dport 5001'
	check "a session that would be cut off: status 2" session "$v4" 2
	check "the line that does it" grep -q 'IN SSH(DROP) -source 10.9.0.7' "$work/printed"
	check "what helps" grep -q -- '--force' "$work/printed"
	check "nothing was applied" no allows 5001
	check "another client" session '10.9.0.8 50000 10.9.0.1 2022' 2
	check "IPv4 in IPv6" session '::ffff:10.9.0.7 50000 ::ffff:10.9.0.1 22' 2
	check "its line" grep -q 'IN SSH(DROP) -source 10.9.0.7' "$work/printed"
	check "IPv6 survives" session "$v6" 0
	check "is loaded" allows 5001
	allow 'IN ACCEPT -p tcp -dport 5002'
	check "IPv6 would be cut off" session "$v6" 2
	check "a link-local address" session 'fe80::7%dev0 50000 fe80::1%dev0 22' 2
	check "not applied" no allows 5002
	check "--force" session "$v4" 0 --force
	check "is applied" allows 5002
	allow 'IN ACCEPT -p tcp -dport 5003'
	check "without a terminal nothing is asked" env SSH_CONNECTION="$v4" "$service" apply --root "$work/tree" --node n \
		--run-dir "$work/run" --log-file "$work/log" </dev/null
	check "and it is applied" allows 5003
	allow 'IN ACCEPT -p tcp -dport 22 -i dev1' 'IN ACCEPT -p tcp -dport 5004'
	check "a rule for another interface does not help" session "$v4" 2
	allow 'IN ACCEPT -p tcp -dport 22 -i dev0' 'IN ACCEPT -p tcp -dport 5004'
	check "that of the session does" session "$v4" 0
	check "what is no connection is not asked about" session 'nonsense' 0
	allow 'IN SSH(DROP) -source 10.9.0.7'
	check "as sudo: only the process above has SSH_CONNECTION" exits 2 env SSH_CONNECTION="$v4" python3 -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' sh -c 'env -u SSH_CONNECTION "$@"; exit $?' - "$service" apply \
		--root "$work/tree" --node n --run-dir "$work/run" --log-file "$work/log"
	check "as sudo: the line that does it" grep -q 'IN SSH(DROP) -source 10.9.0.7' "$work/printed"
	put cluster.fw '[OPTIONS]' 'enable: 0'
	check "a firewall that is switched off cuts off nobody" session "$v4" 0
}

test_web() {
	local ssh='IN ACCEPT -p tcp -dport 22'
	put cluster.fw '[OPTIONS]' 'enable: 1' '[IPSET management]' '10.9.0.0/24' '[RULES]' "$ssh"
	check "management reaches the web interface" session '10.9.0.7 50000 10.9.0.1 22' 0
	put cluster.fw '[OPTIONS]' 'enable: 1' '[IPSET management]' '10.9.0.0/24' '[RULES]' "$ssh" \
		'IN DROP -p tcp -dport 8006' 'IN ACCEPT -p tcp -dport 6001'
	check "nobody would: status 2" session '10.9.0.7 50000 10.9.0.1 22' 2
	check "the line that does it" grep -q 'IN DROP -p tcp -dport 8006' "$work/printed"
	check "nothing was applied" no allows 6001
	check "also where it is no SSH session" exits 2 env -u SSH_CONNECTION python3 -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$service" apply --root "$work/tree" --node n \
		--run-dir "$work/run" --log-file "$work/log"
	put cluster.fw '[OPTIONS]' 'enable: 1' '[IPSET management]' '10.9.0.0/24' '[RULES]' "$ssh" \
		'IN ACCEPT -p tcp -dport 8006 -source 10.9.0.9' 'IN DROP -p tcp -dport 8006'
	check "one address of management still does" session '10.9.0.7 50000 10.9.0.1 22' 0
}

# takeover_check CONNECTION: what `pvefw takeover` says of it, from a terminal
takeover_check() {
	{
		echo "pvefw_cc=$(dirname "$service")/pvefw-cc tree=$work/tree"
		echo 'say() { echo "said: $*"; }; problem() { echo "problem: $*"; }'
		sed -n '/^check_session()/,/^}/p' "$tests/../packaging/pvefw.in"
		echo check_session
	} >"$work/check_session"
	SSH_CONNECTION=$1 terminal sh "$work/check_session"
}

test_takeover() {
	allow 'IN SSH(ACCEPT) -source 10.9.0.7'
	check "takeover: a session that passes" says '^said: .* passes' takeover_check '10.9.0.7 50000 10.9.0.1 22'
	check "takeover: one that does not" says '^problem: ' takeover_check '10.9.0.8 50000 10.9.0.1 22'
	check "takeover: its line" says 'policy_in: DROP' takeover_check '10.9.0.8 50000 10.9.0.1 22'
	check "takeover: no session" exits 0 takeover_check ''
}

make_tree nft
echo 'net0: virtio=02:00:00:00:01:00,bridge=vmbr0' >"$work/tree/nodes/n/qemu-server/100.conf"
test_files
test_loaded
rm -rf "$work/run"
test_session
test_web
test_takeover
finish
