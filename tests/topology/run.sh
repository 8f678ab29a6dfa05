#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh [-v] [-w fwbr|direct] [-t SECONDS] SPEC [COMMAND…]: probes a fresh topology and removes it again.
# run.sh --self-test: shows that probes get through without rules and notice rules.
#
# COMMAND, which loads the rules, runs in the namespace of the host. Exit status: probe's (0 all as
# wanted, 1 not, 2 a mistake), 1 when COMMAND fails, 77 when this machine cannot do it.
# PROBE: the built probe, else it is built for this run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
PREFIX=pvefw$$
WIRING=fwbr
verbose=
seconds=1
export PREFIX WIRING

usage() {
	echo "usage: run.sh [-v] [-w fwbr|direct] [-t SECONDS] SPEC [COMMAND…] | run.sh --self-test" >&2
	exit 2
}

# probe_with SPEC [COMMAND…]
probe_with() {
	spec=$1
	shift
	"$here/topo.sh" up
	if [ $# -gt 0 ] && ! ip netns exec "$PREFIX-host" "$@"; then
		echo "the rules did not load: $*"
		return 1
	fi
	"$PROBE" $verbose -t "$seconds" "$PREFIX" "$here/hosts.tsv" "$spec"
}

# expect STATUS WHAT SPEC [COMMAND…]
expect() {
	wanted=$1 what=$2 found=0
	shift 2
	probe_with "$@" >"$work/output" 2>&1 || found=$?
	if [ "$found" = "$wanted" ]; then
		echo "ok   $what: $(tail -n 1 "$work/output")"
	else
		echo "FAIL $what: $found instead of $wanted"
		cat "$work/output"
		failures=1
	fi
}

self_test() {
	failures=0
	cd "$here/self-test"
	echo 'vm100 tcp nowhere 80 accept' >"$work/wrong.spec"
	for WIRING in fwbr direct; do
		expect 0 "no rules, $WIRING" open.spec
	done
	WIRING=fwbr
	for variant in legacy nft; do
		expect 0 "rules ($variant)" filtered.spec ./load.sh $variant
		expect 1 "rules ($variant) seen as mismatches" open.spec ./load.sh $variant
	done
	expect 1 "no rules where some are wanted" filtered.spec
	expect 1 "rules that do not load" open.spec ./load.sh no-such-variant
	expect 2 "a spec file with a mistake" "$work/wrong.spec"
	return $failures
}

if [ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null; then
	echo "cannot run here: needs root and network namespaces"
	exit 77
fi
work=$(mktemp -d)
trap '"$here/topo.sh" down; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
if [ -z "${PROBE:-}" ]; then
	PROBE=$work/probe
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$PROBE" "$here/probe.c" "$here/spec.c" "$here/raw.c" "$here/space.c"
fi
if [ "${1:-}" = --self-test ]; then
	self_test
	exit
fi
while getopts vw:t: option; do
	case $option in
	v) verbose=-v ;;
	w) WIRING=$OPTARG ;;
	t) seconds=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || usage
probe_with "$@"
