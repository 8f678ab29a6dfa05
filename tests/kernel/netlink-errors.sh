#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netlink-errors.sh: what `pvefw-cc load --strict` says when the kernel refuses, and that nothing is loaded then.
#
# A kernel that lacks expressions (connection tracking, reject and meta ibrname in bridge tables, queue)
# is asked for them; on one that has them these checks cannot run. Without permission one line says so.
# Prints `N passed, N failed, N cannot run here`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
bin=${PVEFW_CC:-$here/../../build/pvefw-cc}
N=pvefw-errors-$$
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"; ip netns del $N' EXIT
trap 'exit 1' HUP INT TERM
ip netns add $N || exit 77
passed=0 failed=0 cannot=0

verdict() {
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $2"
		sed 's/^/    /' "$work/errors" | cut -c 1-200
	fi
}

# load OPTION…: in the namespace; output in $work/errors, status in $status
load() {
	ip netns exec $N "$bin" load --root "$work/tree" --node n "$@" >"$work/output" 2>"$work/errors"
	status=$?
}

# says WHAT REGEX: a line of the errors is so
says() {
	grep -qE -- "$2" "$work/errors"
	verdict $? "$1: not said: $2"
}

loaded() {
	ip netns exec $N nft list ruleset 2>/dev/null
}

tree() {
	mkdir -p "$work/tree/firewall" "$work/tree/nodes/n/qemu-server"
	printf '[OPTIONS]\nenable: 1\n[RULES]\nIN ACCEPT -p tcp -dport 22\n' >"$work/tree/firewall/cluster.fw"
}

guest() {
	echo 'net0: virtio=02:00:00:00:01:00,bridge=vmbr0,firewall=1' >"$work/tree/nodes/n/qemu-server/100.conf"
	printf '%s\n' '[OPTIONS]' 'enable: 1' "${1:-}" '[RULES]' 'IN ACCEPT -p tcp -dport 80' 'IN REJECT -p tcp -dport 81' \
		>"$work/tree/firewall/100.fw"
}

# lacks SCRIPT-LINE: this kernel refuses it in a chain of bridge prerouting
lacks() {
	! printf 'table bridge x {\nchain x {\ntype filter hook prerouting priority 0;\n%s\n}\n}\n' "$1" |
		ip netns exec $N nft -c -f - >/dev/null 2>&1
}

# feature NAME SCRIPT-LINE OPTION LINE: both targets name it, the option of the kernel and the line that needs it
feature() {
	if ! lacks "$2"; then
		cannot=$((cannot + 1))
		return
	fi
	for target in netlink nft; do
		load --strict --target $target
		[ $status = 2 ]
		verdict $? "$1, $target: exit status $status instead of 2"
		says "$1, $target" "^pvefw-cc: firewall/100\.fw:$4: the kernel does not support $1, which chain .*: it lacks $3\$"
		loaded >"$work/after"
		cmp -s "$work/before" "$work/after"
		verdict $? "$1, $target: what was loaded has changed"
	done
}

no_permission() {
	[ "$(grep -c . "$work/errors")" = 1 ]
	verdict $? "$1: more or less than one line"
	says "$1" '^pvefw-cc: no permission to load a ruleset: '
	[ $status = 2 ]
	verdict $? "$1: exit status $status instead of 2"
}

tree
ip netns exec $N nft -f - <<-'E'
	table inet pvefw { chain host-in { type filter hook input priority 0; tcp dport 22 accept; }; }
	table inet other { chain c { tcp dport 1 drop; }; }
E
loaded >"$work/before"

guest 'ips: 1'
feature "connection tracking in bridge tables" "ct state new accept" CONFIG_NF_CONNTRACK_BRIDGE 5
feature '`reject` in bridge tables' "ip protocol tcp reject with tcp reset" CONFIG_NFT_BRIDGE_REJECT 6
feature '`meta ibrname`' 'meta ibrname "x" accept' CONFIG_NFT_BRIDGE_META 5
feature '`queue` \(option ips\)' "queue num 0" CONFIG_NFT_QUEUE 3

rm "$work"/tree/firewall/100.fw
printf '[OPTIONS]\nnf_conntrack_allow_invalid: 1\nnf_conntrack_helpers: ftp\n' >"$work/tree/nodes/n/host.fw"
if lacks "ct state new accept"; then
	load --strict
	says "conntrack helper" '^pvefw-cc: nodes/n/host\.fw:3: the kernel does not support .* conntrack helper `ftp` needs'
else
	cannot=$((cannot + 1))
fi

cp "$bin" "$work/pvefw-cc"
chmod -R a+rX "$work"
for target in netlink nft; do
	setpriv --reuid 65534 --regid 65534 --clear-groups "$work/pvefw-cc" load --target $target \
		--root "$work/tree" --node n >"$work/output" 2>"$work/errors"
	status=$?
	no_permission "load --target $target as nobody"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$work/pvefw-cc" load --target $target --remove \
		>"$work/output" 2>"$work/errors"
	status=$?
	no_permission "load --target $target --remove as nobody"
done

load --target x
says "unknown target" '^pvefw-cc: --target takes iptables|nft|netlink, not `x`$'
echo "$passed passed, $failed failed, $cannot cannot run here"
[ $failed = 0 ]
