#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netlink-incremental.sh [ROOT…]: loading over what is loaded changes what differs and nothing else.
# netlink-incremental.sh --vm [ROOT…]: the same on Debian's kernel in the virtual machine, with `pvefw-cc
# load` instead of netlink-load; and the script, loaded by it, must leave the same. A few trees do there.
#
# Every ROOT is loaded over the one before it, and must leave the ruleset that it leaves in an empty
# namespace (chains and sets may stand in another order); loaded once more it must send nothing. Then
# single things of a tree are changed, and `nft monitor` tells what was touched. Without ROOT all trees
# below tests/cases are taken. Prints `N passed, N failed`. PVEFW_CC, PVEFW_LIB: the built compiler and library,
# by default those of build/.
set -u
here=$(cd "$(dirname "$0")" && pwd)
A=pvefw-over-$$ B=pvefw-fresh-$$
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"; ip netns del $A; ip netns del $B' EXIT
trap 'exit 1' HUP INT TERM
ip netns add $A && ip netns add $B || exit 77
passed=0 failed=0

vm=
case ${1:-} in
--vm)
	shift
	[ $# != 0 ] || set -- "$here"/../cases/{conformance/{groups,host-helpers},examples/small-office}/root
	mkdir "$work/trees"
	for root; do
		name=$(basename "$(dirname "$root")")
		mkdir "$work/trees/$name"
		cp -RL "$root" "$work/trees/$name/root"
		! [ -e "${root%/root}/args" ] || cp "${root%/root}/args" "$work/trees/$name"
	done
	echo 'bash /payload/netlink-incremental.sh --payload /payload/trees/*/root' >"$work/payload"
	"$here/../vm/run.sh" "$work/payload" "$here/netlink-incremental.sh" \
		"${PVEFW_CC:-$here/../../build/pvefw-cc}" "$work/trees"
	exit
	;;
--payload)
	shift
	vm=1 loader="/payload/pvefw-cc load"
	;;
*)
	loader=$work/netlink-load
	# shellcheck disable=SC2046
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 $(printf -- '-iquote %s ' "$here"/../../{compiler,grammar,backends,build}) \
		-o "$loader" "$here/netlink-load.c" "$here/leave-out.c" -Wl,--wrap=nft_lower,--wrap=nft_lower_bridge "${PVEFW_LIB:-$here/../../build/libpvefw.a}" \
		-ljansson -lnftnl -lmnl -lmd -lpthread || exit 2
	;;
esac

verdict() {
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $2"
		[ $# = 2 ] || head -n 8 "$3" | cut -c 1-160 | sed 's/^/    /'
	fi
}

# load NAMESPACE ROOT [OPTION…]: what it sent is in $work/stats
load() {
	namespace=$1 root=$2
	shift 2
	# A case may have more options for its tree.
	# shellcheck disable=SC2046
	ip netns exec "$namespace" $loader --root "$root" --stats "$@" \
		$(cat "$(dirname "$root")/args" 2>/dev/null) >"$work/stats" 2>"$work/errors"
	[ $? -lt 2 ] && [ -s "$work/stats" ]
}

sent() {
	awk -v what="$1" '$1 == what { print $2 }' "$work/stats"
}

# The ruleset with chains, sets and helpers sorted
blocks() {
	ip netns exec "$1" nft -n list ruleset |
		awk '/^table/ { table = $0 }
		     /^\t}/ { print table, block; block = ""; next }
		     /^\t/ { block = block "\001" $0 }' | sort | tr '\001' '\n'
}

same_as_fresh() {
	# shellcheck disable=SC2086
	load $B "$1" --whole ${2:-} || return 1
	blocks $A >"$work/a"
	blocks $B >"$work/b"
	diff "$work/a" "$work/b" >"$work/difference"
}

over_each_other() {
	for root; do
		name=$(basename "$(dirname "$root")")
		load $A "$root" || {
			# a tree that cannot be read, as some cases are
			grep -q 'cannot read' "$work/errors" && continue
			verdict 1 "$name: not loaded" "$work/errors"
			continue
		}
		same_as_fresh "$root"
		verdict $? "$name: over another is not the same as fresh" "$work/difference"
		if [ "$vm" ]; then
			same_as_fresh "$root" "--target nft"
			verdict $? "$name: the script leaves something else" "$work/difference"
		fi
		load $A "$root"
		[ "$(sent messages)" = 0 ]
		verdict $? "$name: loaded twice, and the second time sent something" "$work/stats"
	done
}

# touched FILE: the chains and sets that monitor has told of
touched() {
	sed -nE 's/^(add|delete) (rule|chain|element|set|map|table) [a-z]+ pvefw ?([^ ]*).*/\3/p' "$1" | sort -u
}

# seen_by_monitor NAME: it has told of a table of that name, and so of all before
seen_by_monitor() {
	ip netns exec $A nft "add table ip $1; delete table ip $1"
	grep -q "table ip $1" "$work/monitor" || { sleep 0.02 && false; }
}

# change WHAT ROOT EXPECTED: loads ROOT over what there is; only EXPECTED may be touched
change() {
	ip netns exec $A nft monitor >"$work/monitor" 2>&1 &
	monitor=$!
	until seen_by_monitor begin; do :; done
	load $A "$2"
	until seen_by_monitor end; do :; done
	kill $monitor
	wait $monitor 2>/dev/null
	touched "$work/monitor" >"$work/touched"
	grep -vE "^($3|digests)\$" "$work/touched" >"$work/surplus"
	[ -s "$work/touched" ] && [ ! -s "$work/surplus" ]
	verdict $? "$1: touched" "$work/touched"
	same_as_fresh "$2"
	verdict $? "$1: not the same as fresh" "$work/difference"
}

tree() {
	mkdir -p "$work/tree/firewall" "$work/tree/nodes/n/qemu-server"
	cat >"$work/tree/firewall/cluster.fw" <<-'E'
		[OPTIONS]
		enable: 1
		[IPSET office]
		10.1.0.0/16
		10.2.0.7
		2001:db8::/32
		[group web]
		IN ACCEPT -p tcp -dport 80
		[RULES]
		IN ACCEPT -source +office -p tcp -dport 8006
	E
	for id in 100 101 102; do
		echo "net0: virtio=02:00:00:00:01:0${id#10},bridge=vmbr0,firewall=1" \
			>"$work/tree/nodes/n/qemu-server/$id.conf"
		cat >"$work/tree/firewall/$id.fw" <<-E
			[OPTIONS]
			enable: 1
			macfilter: 1
			[RULES]
			GROUP web
			IN ACCEPT -source +office -p tcp -dport $id
			OUT DROP -p udp -dport 53
		E
	done
}

single_changes() {
	tree
	fw=$work/tree/firewall
	load $A "$work/tree" --whole
	verdict $? "the tree is not loaded" "$work/errors"
	sed -i 's/dport 101/dport 999/' "$fw/101.fw"
	change "a rule of a guest" "$work/tree" "tap101i0-in"
	sed -i 's/^10.2.0.7$/10.2.0.8/; s/^10.1.0.0.16$/10.1.0.0\/15/' "$fw/cluster.fw"
	change "elements of a set" "$work/tree" "[a-z-]*office-v4"
	sed -i '/^10.2.0.8$/d; s/^10.1.0.0.15$/10.1.0.1\n10.7.0.1/' "$fw/cluster.fw"
	change "a set with and without intervals" "$work/tree" "[a-z-]*office-v4|host-in|tap10[012]i0-in|group-web-in"
	sed -i 's/dport 80$/dport 81/' "$fw/cluster.fw"
	change "a rule of a group" "$work/tree" "group-web-in"
	rm "$fw/102.fw" "$work/tree/nodes/n/qemu-server/102.conf"
	change "a guest is gone" "$work/tree" ".*102.*|[a-z-]+"
	load $A "$work/tree"
	[ "$(sent messages)" = 0 ]
	verdict $? "the same once more sends something" "$work/stats"
}

# Somebody has removed what the digests say is there: the difference is refused, and the whole is loaded.
damaged() {
	load $A "$work/tree"
	ip netns exec $A nft -f - <<-'E'
		flush chain inet pvefw host-in
		delete chain inet pvefw management
		delete set inet pvefw cluster-office-v4
	E
	verdict $? "a loaded ruleset cannot be damaged" "$work/errors"
	echo 'IN ACCEPT -source +office -p tcp -dport 8007' >>"$work/tree/firewall/cluster.fw"
	load $A "$work/tree"
	verdict $? "not loaded over a damaged ruleset" "$work/errors"
	same_as_fresh "$work/tree"
	verdict $? "over a damaged ruleset is not the same as fresh" "$work/difference"
}

# What belongs to others is not touched, by loading, replacing or removing.
foreign() {
	ip netns exec $A nft -f - <<-'E'
		table inet other { chain c { type filter hook input priority 5; tcp dport 1 drop; }; set pvefw { type mark; elements = { 1 }; }; }
		table ip pvefw { chain host-in { tcp dport 2 drop; }; }
	E
	ip netns exec $A nft list ruleset | sed -n '/^table inet other/,/^}/p; /^table ip pvefw/,/^}/p' >"$work/before"
	for option in "" --whole --remove; do
		# shellcheck disable=SC2086
		load $A "$work/tree" $option
		ip netns exec $A nft list ruleset |
			sed -n '/^table inet other/,/^}/p; /^table ip pvefw/,/^}/p' >"$work/after"
		[ -s "$work/before" ] && cmp -s "$work/before" "$work/after"
		verdict $? "load $option touches foreign tables" "$work/after"
	done
	! ip netns exec $A nft list tables | grep -E '^table (inet|bridge) pvefw'
	verdict $? "load --remove leaves a table"
	load $A "$work/tree" --remove && [ "$(sent messages)" = 0 ]
	verdict $? "load --remove without anything to remove" "$work/stats"
}

[ $# != 0 ] || set -- "$here"/../cases/*/*/root
over_each_other "$@"
single_changes
damaged
foreign
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
