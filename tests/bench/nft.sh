#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nft.sh [GUESTS]: the netlink backend on a generated cluster (1000 guests of 20 rules): how much is sent,
# how long building and the kernel take, what the whole load takes from the start of the program to its end, and what a
# change to one guest costs. Says which targets are met.
#
# Runs in a network namespace of its own with build/tests/pvefw-cc, which leaves out what this kernel lacks (leave-out.c): some thousand rules of 50,000, so the kernel's part is rather too small. A ratio is that of two times of one
# run. If a program listens to notifications of nftables (listeners.py), no figure is a measurement: exit status 3.
set -u
here=$(cd "$(dirname "$0")" && pwd)
compiler=$here/../../build/tests/pvefw-cc results=0 listening=

if [ "${1:-}" != --inside ]; then
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	unshare -n true || exit 77
	unshare -n "$here/nft.sh" --inside "$work" "${1:-1000}"
	exit
fi
work=$2 guests=$3 runs=${RUNS:-15}

# load FILE ROOT [OPTION…]: adds what it took to FILE; `whole-ms` is from the start of the program to its end
load() {
	local file=$work/$1 begin=${EPOCHREALTIME/./}
	shift
	"$compiler" load --target netlink --output /dev/null --fail-on never --stats --root "$@" >>"$file" || exit 2
	awk -v us=$((${EPOCHREALTIME/./} - begin)) 'BEGIN { print "whole-ms", us / 1000 }' >>"$file"
}

# values FILE NAMES [NAMES]: for each run a line with the sum of the values of these names, which commas separate
values() {
	awk -v names=",$2," -v others=",${3:-}," '$1 == "messages" { run++ }
		index(names, "," $1 ",") { sum[run] += $2 } index(others, "," $1 ",") { other[run] += $2 }
		END { for (r = 1; r <= run; r++) print sum[r] + 0, other[r] }' "$work/$1"
}

median() {
	values "$@" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# target KEY WHAT MOST UNIT FILE NAMES [NAMES]: median and spread of the sums, or of their ratios
target() {
	values "${@:5}" | "$here/measure.py" target "$1-$guests" "$2" "$3" "$4" || results="$results $?"
}

# quiet: fails once a program has listened, as the figures are no measurement then
quiet() {
	[ -n "$listening" ] || listening=$("$here/listeners.py" | paste -s -d ';')
	[ -z "$listening" ]
}

# settle: the kernel frees removed rules later, beside what is measured; a transaction waits until it has
settle() {
	nft 'add table ip settle; delete table ip settle' || exit 2
}

"$here/measure.py" machine
"$here/gen-cluster.py" "$guests" 20 "$work/tree" >/dev/null || exit 2
cp -r "$work/tree" "$work/changed"
echo 'IN DROP -p tcp -dport 4711' >>"$work/changed/firewall/$((100 + guests / 2)).fw"
for _ in $(seq "$runs"); do
	quiet || break
	load none "$work/tree" --remove
	settle
	load full "$work/tree" --whole
done
settle
for _ in $(seq "$runs"); do
	quiet || break
	load change "$work/changed"
	load change "$work/tree"
	load same "$work/tree"
done
if ! quiet; then
	echo "not a measurement: $listening"
	exit 3
fi

echo "$guests guests of 20 rules, loaded into an empty namespace:"
for what in messages chains sets elements rules bytes; do
	printf '  %-10s %9s\n' $what "$(median full $what)"
done
for what in lower build kernel whole; do
	printf '  %-10s %9.1f ms\n' $what "$(median full $what-ms)"
done
"$here/measure.py" cost "$compiler" load --target netlink --whole --root "$work/tree"
target load-messages "messages" 60000 "" full messages
target load-build "building, by the kernel's time" 0.25 "" full build-ms kernel-ms
target load-lower "lowering and building, by the kernel's time" 0.25 "" full lower-ms,build-ms kernel-ms
target load-whole "whole load, by the kernel's time" 1.15 "" full whole-ms kernel-ms
target load-time "whole load" 2500 ms full whole-ms
echo "one guest changed:"
for what in messages chains sets elements rules; do
	printf '  %-10s %9s\n' $what "$(median change $what)"
done
for what in lower read build kernel whole; do
	printf '  %-10s %9.1f ms\n' $what "$(median change $what-ms)"
done
target change-kernel "the kernel's part" 20 ms change kernel-ms
target change-load "reading, building and the kernel's part" 20 ms change read-ms,build-ms,kernel-ms
target same-messages "messages when nothing has changed" 0 "" same messages
case $results in
*1*) exit 1 ;;
*3*) exit 3 ;;
*[1-9]*) exit 2 ;;
esac
