#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh [-v] iptables|inet [TREES [PACKETS [FIRST]]]: the model says of random packets what the kernel does.
#
# Each of TREES random configurations (random-tree, seeds from FIRST on) is loaded in a topology of network namespaces
# (tests/topology, made silent by wire.sh), and PACKETS random packets (draw) are sent through it (inject). iptables: with
# iptables-legacy and iptables-nft, all zones. inet: the table of nftables that the host's own packets meet; its bridge
# table needs Debian's kernel, see vm.sh.
#
# A control loads no rules; most packets that the model refuses must then be noticed. Ends with `N passed, N failed`;
# a packet in one way of loading is one. PVEFW_CC, PVEFW_LIB: the built compiler and its library. -v shows what is wrong
# in full.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"

# run_in HOW DIR: sends what DIR has through a fresh topology, and prints what was seen
run_in() {
	local -x PREFIX=mk$$-$1
	local load=$1
	[ "$1" != inet ] || load=nft
	"$tests/topology/topo.sh" up && "$here/wire.sh" &&
		ip netns exec "$PREFIX-host" "$QUEUE" 0 2 3 4 &&
		ip netns exec "$PREFIX-host" "$tests/probes/load.sh" "$load" "$2" /dev/null &&
		"$INJECT" -q "$PREFIX" "$tests/topology/hosts.tsv" <"$2/packets"
	ip netns pids "$PREFIX-host" | xargs -r kill
	"$tests/topology/topo.sh" down
}

# run_tree HOW SEED: everything of one configuration in one way of loading
run_tree() {
	local how=$1 dir=$work/$1-$2
	prepare "$how" "$2" "$packets" "$dir" && run_in "$how" "$dir" >"$dir/seen" 2>&1
}

# run_how HOW: one way of loading; the ways run side by side
run_how() {
	for ((seed = first; seed < first + trees; seed++)); do
		run_tree "$1" "$seed"
	done
}

control() {
	local dir=$work/control
	prepare "${hows%% *}" "$first" "$packets" "$dir" || return
	run_in none "$dir" >"$dir/seen" 2>&1
	judge_control "$dir"
}

if [ "${1:-}" = -v ]; then
	shown=100000
	shift
fi
case ${1:-} in
iptables) hows="legacy nft-compat" ;;
inet) hows=inet ;;
*)
	echo "usage: run.sh [-v] iptables|inet [TREES [PACKETS [FIRST]]]" >&2
	exit 2
	;;
esac
trees=${2:-4} packets=${3:-600} first=${4:-1}
begin
started=$SECONDS
for how in $hows; do
	run_how "$how" &
done
control
wait
for how in $hows; do
	for ((seed = first; seed < first + trees; seed++)); do
		judge "$how, tree $seed" "$work/$how-$seed"
	done
done
echo "$((SECONDS - started)) s"
finish
