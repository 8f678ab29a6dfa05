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
# A tree with flows.spec and after/ has connections that are open while its rules become those of after/;
# its probes.spec is about afterwards. They, too, must notice when nothing gets through any more.
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

# compile ROOT DIR: what is loaded of a tree
compile() {
	mkdir -p "$2"
	cp -r "$1" "$2/root"
	case $target in
	iptables) mkdir -p "$2/iptables" && set -- "$1" "$2" --target iptables -o "$2/iptables" ;;
	nft) set -- "$1" "$2" --target nft -o "$2/nft.script" ;;
	esac
	"$PVEFW_CC" compile --root "$1" "${@:3}" 2>"$2/diagnostics" && return
	fail "$1: does not compile"
	sed 's/^/  /' "$2/diagnostics"
	return 1
}

# prepare TREE DIR CONTEXT…: all that a run needs; DIR/spec says what this context wants
prepare() {
	compile "$here/$1/root" "$2" || return
	awk -v CONTEXT="${*:3}" -f "$here/effective.awk" "$here/$1/probes.spec" >"$2/spec"
	[ -e "$here/$1/flows.spec" ] || return 0
	cp "$here/$1/flows.spec" "$2"
	compile "$here/$1/after" "$2/after"
}

# judge WHAT <OUTPUT: counts the probes of a run
judge() {
	local text count bad
	text=$(cat)
	[ -z "$verbose" ] || grep '^ok' <<<"$text"
	read -r count bad < <(awk '/^[0-9]+ probes, [0-9]+ not as wanted$/ { n += $1; bad += $3 }
		END { if (n) print n, bad }' <<<"$text")
	if [ -z "${bad:-}" ]; then
		fail "$1: no result"
		sed 's/^/  /' <<<"$text"
		return
	fi
	grep '^FAIL' <<<"$text" | sed "s|^FAIL |FAIL $1: |"
	echo "$1: $count probes, $bad not as wanted"
	passed=$((passed + count - bad)) failed=$((failed + bad))
}

# judge_control WHAT REFUSED <OUTPUT: of a run that must not go well: nine in ten of so many probes notice (the
# others meet something else)
judge_control() {
	local bad
	read -r _ bad < <(sed -n 's/^\([0-9]*\) probes, \([0-9]*\) not as wanted$/\1 \2/p')
	[ "$2" -gt 0 ] && [ $((10 * ${bad:-0})) -ge $((9 * $2)) ]
	verdict $? "$1: ${bad:-none} of $2 probes notice"
	echo "$1: ${bad:-none} of $2 probes notice"
}

# judge_run HOW WHAT DIR <OUTPUT
judge_run() {
	case $1 in
	none) judge_control "$2, no rules" "$(awk '!/^#/ && NF && $5 != "accept"' "$3/spec" | wc -l)" ;;
	cut) judge_control "$2, all cut off" "$(grep -vc '^#' "$3/flows.spec")" ;;
	*) judge "$2, $1" ;;
	esac
}

# run_here HOW DIR
run_here() {
	if [ -e "$2/flows.spec" ] && [ "$1" != none ]; then
		printf '#!/bin/sh\nexec "%s" "%s" "%s" "$@"\n' "$here/change.sh" "$1" "$2" >"$2/prober"
		chmod +x "$2/prober"
		set -- "$1" "$2" "$2/prober"
		[ "$1" != cut ] || set -- legacy "$2" "$3"
	fi
	env PROBE="${3:-$PROBE_ALONE}" "$tests/topology/run.sh" ${verbose:+-v} "$2/spec" "$here/load.sh" "$1" "$2" "$2/spec" 2>&1
}

run_iptables() {
	for tree in $trees; do
		dir=$work/$tree
		prepare "$tree" "$dir" iptables fwbr || continue
		for how in legacy nft-compat $(controls "$tree"); do
			judge_run "$how" "$tree" "$dir" < <(run_here "$how" "$dir")
		done
	done
}

# Ways of loading rules that the probes of a tree must notice.
controls() {
	echo none
	[ ! -e "$here/$1/flows.spec" ] || echo cut
}

# The runs of the virtual machine: WIRING HOW TREE. The loader gives the same ruleset as the script (that is
# another test), so one wiring is enough for it; so it is for the controls.
list_runs() {
	for tree in $trees; do
		for how in $(controls "$tree") nft; do
			echo "fwbr $how $tree"
		done
	done
	for tree in $trees; do
		echo "direct nft $tree"
		[ -z "$netlink" ] || echo "direct netlink $tree"
	done
}

run_nft() {
	"$PVEFW_CC" compile --help | grep -q '^ .*: .*\<nft\>' || give_up "$PVEFW_CC has no --target nft"
	netlink=
	"$PVEFW_CC" load --help 2>/dev/null | grep -q netlink && netlink=1
	for tree in $trees; do
		for wiring in fwbr direct; do
			prepare "$tree" "$work/trees/$tree-$wiring" nft $wiring || return
		done
	done
	list_runs >"$work/runs"
	if [ -n "$verbose" ]; then touch "$work/verbose"; fi
	"$tests/vm/run.sh" "$here/payload.sh" "$work/runs" "$work/trees" "$tests/topology" "$here/load.sh" \
		"$here/change.sh" "$PROBE_ALONE:/payload/probe" "$FLOW:/payload/flow" "$work/forget" \
		"$PVEFW_CC:/payload/pvefw-cc" ${verbose:+"$work/verbose"} >"$work/console" 2>&1
	status=$?
	tr -d '\r' <"$work/console" >"$work/output" # of a serial line
	[ $status != 77 ] || give_up "$(tail -n 1 "$work/output")"
	while read -r wiring how tree; do
		judge_run "$how" "$tree, $wiring" "$work/trees/$tree-$wiring" < <(part "$wiring $how $tree")
	done <"$work/runs"
	if [ $status != 0 ]; then
		fail "the virtual machine ends with $status"
		tail -n 5 "$work/output" | sed 's/^/  /'
	fi
	sed -n 's/^@@ up for/the virtual machine was up for/p' "$work/output" | tail -n 1
}

# part RUN: what the payload printed for it
part() {
	awk -v run="@@ $1" '/^@@/ { shown = $0 == run; next } shown' "$work/output"
}

# build NAME SOURCE…: a program, in $work
build() {
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$work/$1" "${@:2}" -lmnl || exit 2
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
build probe "$tests"/topology/{probe,spec,raw,space}.c
build flow "$here/flow.c" "$tests"/topology/{spec,space}.c
build forget "$here/forget.c"
export PROBE_ALONE=$work/probe FLOW=$work/flow PVEFW_CC
begin=$SECONDS
"run_$target"
echo "$((SECONDS - begin)) s"
finish
