#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh iptables|nft [-v] [TREE…]: what gets through the compiled rules is what the specification says.
#
# Each TREE (a folder here: root/ and probes.spec; default: all) is compiled, loaded in a topology of
# network namespaces (tests/topology) and probed. iptables: here, with iptables-legacy and iptables-nft.
# nft: on Debian's kernel in one start of a virtual machine (tests/vm), in both wirings, with the script
# and, where the compiler has it, with the netlink loader. Probes that pass without any rules prove
# nothing: that they notice is run and counted, too.
#
# Ends with `N passed, N failed[, N cannot run here]`; a probe in one way of loading is one. PVEFW_CC: the
# compiler, default build/pvefw-cc. -v shows all probes.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tests=$(dirname "$here")
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=tests/checks/result.sh
. "$tests/checks/result.sh"
PVEFW_CC=$(readlink -f "${PVEFW_CC:-$tests/../build/pvefw-cc}")

give_up() {
	echo "cannot run here: $1"
	echo "0 passed, 0 failed, 1 cannot run here"
	exit 77
}

# compile TREE DIR: what is loaded of a tree
compile() {
	mkdir -p "$2"
	case $target in
	iptables) set -- "$1" "$2" --target iptables -o "$2/iptables" && mkdir -p "$2/iptables" ;;
	nft) set -- "$1" "$2" --target nft -o "$2/nft.script" ;;
	esac
	"$PVEFW_CC" compile --root "$here/$1/root" "${@:3}" 2>"$2/diagnostics" && return
	fail "$1: does not compile"
	sed 's/^/  /' "$2/diagnostics"
	return 1
}

# specify TREE DIR CONTEXT…: DIR/spec says what this context wants
specify() {
	awk -v CONTEXT="${*:3}" -f "$here/effective.awk" "$here/$1/probes.spec" >"$2/spec"
}

# judge WHAT WORK <OUTPUT: counts the probes of one run of topology/run.sh
judge() {
	local text count bad
	text=$(cat)
	[ -z "$verbose" ] || grep '^ok' <<<"$text"
	read -r count bad < <(sed -n 's/^\([0-9]*\) probes, \([0-9]*\) not as wanted$/\1 \2/p' <<<"$text")
	if [ -z "${bad:-}" ]; then
		fail "$1: no result"
		sed 's/^/  /' <<<"$text"
		return
	fi
	grep '^FAIL' <<<"$text" | sed "s|^FAIL |FAIL $1: |"
	echo "$1: $count probes, $bad not as wanted"
	passed=$((passed + count - bad)) failed=$((failed + bad))
}

# judge_none WHAT SPEC <OUTPUT: of a run without rules. Nine in ten of the probes that are not to be
# accepted must notice; the others meet something else that stops them.
judge_none() {
	local refused bad
	refused=$(awk '!/^#/ && NF && $5 != "accept"' "$2" | wc -l)
	read -r _ bad < <(sed -n 's/^\([0-9]*\) probes, \([0-9]*\) not as wanted$/\1 \2/p')
	[ "$refused" -gt 0 ] && [ $((10 * ${bad:-0})) -ge $((9 * refused)) ]
	verdict $? "$1: ${bad:-none} of $refused probes that rules refuse notice that there are no rules"
	echo "$1: ${bad:-none} of $refused probes that rules refuse notice"
}

# run_here WIRING HOW DIR
run_here() {
	"$tests/topology/run.sh" ${verbose:+-v} -w "$1" "$3/spec" "$here/load.sh" "$2" "$3" "$3/spec" 2>&1
}

run_iptables() {
	for tree in $trees; do
		compile "$tree" "$work/$tree" || continue
		specify "$tree" "$work/$tree" iptables fwbr
		for how in legacy nft-compat; do
			judge "$tree, iptables ($how)" < <(run_here fwbr $how "$work/$tree")
		done
		judge_none "$tree, no rules" "$work/$tree/spec" < <(run_here fwbr none "$work/$tree")
	done
}

# A line of the payload's list is one run of topology/run.sh: WIRING HOW TREE
list_runs() {
	for tree in $trees; do
		for wiring in fwbr direct; do
			echo "$wiring nft $tree"
			[ -z "$netlink" ] || echo "$wiring netlink $tree"
			echo "$wiring none $tree"
		done
	done
}

run_nft() {
	"$PVEFW_CC" compile --help | grep -q '^ .*: .*\<nft\>' || give_up "$PVEFW_CC has no --target nft"
	netlink=
	"$PVEFW_CC" load --help 2>/dev/null | grep -q netlink && netlink=1
	mkdir "$work/trees"
	for tree in $trees; do
		for wiring in fwbr direct; do
			dir=$work/trees/$tree-$wiring
			compile "$tree" "$dir" || return
			specify "$tree" "$dir" nft $wiring
			cp -r "$here/$tree/root" "$dir/root"
		done
	done
	list_runs >"$work/runs"
	"$tests/vm/run.sh" "$here/payload.sh" "$work/runs" "$work/trees" "$tests/topology" "$here/load.sh" \
		"$PROBE:/payload/probe" "$PVEFW_CC:/payload/pvefw-cc" ${verbose:+"$here/verbose"} >"$work/console" 2>&1
	status=$?
	tr -d '\r' <"$work/console" >"$work/output" # of a serial line
	[ $status != 77 ] || give_up "$(tail -n 1 "$work/output")"
	while read -r wiring how tree; do
		part "$wiring $how $tree" >"$work/part"
		case $how in
		none) judge_none "$tree, no rules ($wiring)" "$work/trees/$tree-$wiring/spec" <"$work/part" ;;
		nft) judge "$tree, nft script ($wiring)" <"$work/part" ;;
		*) judge "$tree, $how ($wiring)" <"$work/part" ;;
		esac
	done <"$work/runs"
	if [ $status != 0 ]; then
		fail "the virtual machine ends with $status"
		tail -n 5 "$work/output" | sed 's/^/  /'
	fi
	sed -n 's/^@@ up for/the virtual machine was up for/p' "$work/output"
}

# part RUN: what the payload printed for it
part() {
	awk -v run="@@ $1" '/^@@/ { shown = $0 == run; next } shown' "$work/output"
}

target=${1:-}
case $target in
iptables | nft) shift ;;
*)
	echo "usage: run.sh iptables|nft [-v] [TREE…]" >&2
	exit 2
	;;
esac
verbose=
if [ "${1:-}" = -v ]; then
	verbose=-v
	shift
fi
trees=$*
[ -n "$trees" ] || trees=$(cd "$here" && for spec in */probes.spec; do dirname "$spec"; done)
if [ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null; then
	give_up "needs root and network namespaces"
fi
[ -x "$PVEFW_CC" ] || give_up "no $PVEFW_CC"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
PROBE=$work/probe
${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$PROBE" "$tests"/topology/{probe,spec,raw}.c || exit 2
export PROBE
begin=$SECONDS
"run_$target"
echo "$((SECONDS - begin)) s"
finish
