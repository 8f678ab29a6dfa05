#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vm.sh [-v] [TREES [PACKETS [FIRST]]]: as run.sh, of both tables of nftables on Debian's kernel, in a virtual machine
# (tests/vm).
#
# Each configuration is loaded in both wirings of tests/topology, with packets of its own. What rules pass to an IPS is
# dropped by `queue`, so that a packet that arrives has passed none. A control loads no rules. Ends with `N passed, N failed`.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"

in_vm() {
	local status
	"$tests/vm/run.sh" "$here/payload.sh" "$tests/probes/payload-common.sh" "$here/wire.sh" "$tests/topology" \
		"$INJECT:/payload/inject" "$work/programs" "$work/trees" >"$work/output" 2>&1
	status=$?
	[ $status != 77 ] || give_up "$(tail -n 1 "$work/output")"
	[ $status != 0 ] || return 0
	fail "the virtual machine ends with $status"
	tail -n 5 "$work/output" | sed 's/^/  /'
	return 1
}

# part NAME: what the payload printed between the line `@@ NAME` and the next such line
part() {
	awk -v name="@@ $1" '/^@@/ { shown = $0 == name; next } shown' "$work/output"
}

if [ "${1:-}" = -v ]; then
	shown=100000
	shift
fi
trees=${1:-4} packets=${2:-150} first=${3:-1}
begin
started=$SECONDS
mkdir "$work/programs" "$work/trees"
for program in "$tests/probes/forget.c" "$here/queue.c"; do
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$work/programs/$(basename "$program" .c)" "$program" -lmnl || exit 2
done
for ((seed = first; seed < first + trees; seed++)); do
	for wiring in fwbr direct; do
		dir=$work/trees/$wiring-$seed
		prepare "$wiring" "$seed" "$packets" "$dir" || fail "tree $seed: cannot be prepared"
		rm -rf "$dir/root"
	done
done
in_vm || { finish; exit; }
for ((seed = first; seed < first + trees; seed++)); do
	for wiring in fwbr direct; do
		dir=$work/trees/$wiring-$seed
		part "$wiring-$seed" >"$dir/seen"
		judge "$wiring, tree $seed" "$dir"
	done
done
part control >"$work/trees/fwbr-$first/seen"
judge_control "$work/trees/fwbr-$first"
echo "$((SECONDS - started)) s"
finish
