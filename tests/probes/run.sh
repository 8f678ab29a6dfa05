#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh iptables|nft [-v] [TREE…]: what gets through the compiled rules is what the specification says.
#
# Each TREE (a folder here: root/ and probes.spec; default: all) is compiled, loaded in a topology of
# network namespaces (tests/topology) and probed. iptables: here, with iptables-legacy and iptables-nft.
# nft: on Debian's kernel in a virtual machine (tests/vm), in both wirings, with the script and, where rules
# change, with the netlink loader. Probes that pass without any rules prove nothing: that they notice is run and
# counted, too.
#
# A tree with flows.spec and after/ has connections that are open while its rules become those of after/;
# its probes.spec is about afterwards. They, too, must notice when nothing gets through any more.
#
# Ends with `N passed, N failed[, N cannot run here]`; a probe in one way of loading is one. PVEFW_CC: the
# compiler, default build/pvefw-cc. -v shows all probes.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"

# prepare TREE DIR CONTEXT…: all that a run needs; DIR/spec says what this context wants
prepare() {
	compile $target "$here/$1/root" "$2" || return
	awk -v CONTEXT="${*:3}" -f "$here/effective.awk" "$here/$1/probes.spec" >"$2/spec"
	[ -e "$here/$1/flows.spec" ] || return 0
	cp "$here/$1/flows.spec" "$2"
	compile $target "$here/$1/after" "$2/after"
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
# another test), so it need only show what loading does to connections; one wiring is enough for the controls.
list_runs() {
	for tree in $trees; do
		for how in $(controls "$tree") nft; do
			echo "fwbr $how $tree"
		done
	done
	for tree in $trees; do
		echo "direct nft $tree"
		[ ! -e "$here/$tree/flows.spec" ] || echo "direct netlink $tree"
	done
}

run_nft() {
	has_nft || give_up "$PVEFW_CC has no --target nft"
	for tree in $trees; do
		for wiring in fwbr direct; do
			prepare "$tree" "$work/trees/$tree-$wiring" $wiring nft || return
		done
	done
	list_runs >"$work/runs"
	if [ -n "$verbose" ]; then touch "$work/verbose"; fi
	in_vm "$here/payload.sh" "$here/payload-common.sh" "$work/runs" "$work/trees" ${verbose:+"$work/verbose"}
	while read -r wiring how tree; do
		judge_run "$how" "$tree, $wiring" "$work/trees/$tree-$wiring" < <(part "$wiring $how $tree")
	done <"$work/runs"
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
begin
started=$SECONDS
"run_$target"
echo "$((SECONDS - started)) s"
finish
