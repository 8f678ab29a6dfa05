#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nft.sh [GUESTS]: the netlink backend on a generated cluster (1000 guests of 20 rules): how much is sent,
# how long building and the kernel take, and what a change to one guest costs. Says which targets are met.
#
# Runs in a network namespace of its own with tests/kernel/netlink-load, which leaves out what this kernel
# lacks: some thousand rules of 50,000, so the kernel's part is rather too small. Times are the best of 9
# runs, as whatever else the machine does can only add to them.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
guests=${1:-1000} runs=9
N=pvefw-bench-$$
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"; ip netns del $N' EXIT
trap 'exit 1' HUP INT TERM
ip netns add $N || exit 77
missed=0

# shellcheck disable=SC2046
${CC:-cc} -std=c17 -D_GNU_SOURCE -O2 $(printf -- '-iquote %s ' "$top"/{compiler,grammar,backends,build}) \
	-o "$work/load" "$here/../kernel/netlink-load.c" "$here/../kernel/leave-out.c" -Wl,--wrap=nft_lower,--wrap=nft_lower_bridge "$top/build/libpvefw.a" \
	-ljansson -lnftnl -lmnl -lmd -lpthread || exit 2
"$here/gen-cluster.py" "$guests" 20 "$work/tree" >/dev/null || exit 2
cp -r "$work/tree" "$work/changed"
echo 'IN DROP -p tcp -dport 4711' >>"$work/changed/firewall/$((100 + guests / 2)).fw"

# load FILE ROOT [OPTION…]: adds what it took to FILE
load() {
	ip netns exec $N "$work/load" --stats --root "${@:2}" >>"$work/$1" || exit 2
}

# best FILE NAME…: the least of the sums of these values of each run
best() {
	file=$work/$1
	shift
	awk -v names=" $* " '$1 == "messages" { run++ } index(names, " " $1 " ") { sum[run] += $2 }
		END { for (r in sum) print sum[r] }' "$file" |
		sort -n | head -n 1
}

# target WHAT VALUE UNIT MOST
target() {
	word=met
	awk -v value="$2" -v most="$4" 'BEGIN { exit !(value > most) }' && word=MISSED && missed=1
	printf '  %-58s %10.6g %-8s at most %g: %s\n' "$1" "$2" "$3" "$4" $word
}

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'
}

for _ in $(seq $runs); do
	load none "$work/tree" --remove
	load full "$work/tree" --whole
done
for _ in $(seq $runs); do
	load change "$work/changed"
	load change "$work/tree"
	load same "$work/tree"
done

kernel=$(best full kernel-ms)
build=$(best full build-ms)
whole=$(best full lower-ms read-ms build-ms kernel-ms)
echo "$guests guests of 20 rules, loaded into an empty namespace:"
for what in messages chains sets elements rules bytes; do
	printf '  %-10s %9s\n' $what "$(best full $what)"
done
printf '  %-10s %9.1f ms\n' lowering "$(best full lower-ms)" building "$build" kernel "$kernel"
target "messages" "$(best full messages)" "" 60000
target "building, by the kernel's time" "$(ratio "$build" "$kernel")" times 0.25
target "lowering and building, by the kernel's time" "$(ratio "$(best full lower-ms build-ms)" "$kernel")" times 0.25
target "all from the configuration on, by the kernel's time" "$(ratio "$whole" "$kernel")" times 1.3
target "all from the configuration on" "$(awk -v ms="$whole" 'BEGIN { print ms / 1000 }')" s 2.5
echo "one guest changed:"
for what in messages chains sets elements rules; do
	printf '  %-10s %9s\n' $what "$(best change $what)"
done
printf '  %-10s %9.1f ms\n' lowering "$(best change lower-ms)" reading "$(best change read-ms)" \
	building "$(best change build-ms)" kernel "$(best change kernel-ms)"
target "the kernel's part" "$(best change kernel-ms)" ms 20
target "reading, building and the kernel's part" "$(best change read-ms build-ms kernel-ms)" ms 20
target "messages when nothing has changed" "$(best same messages)" "" 0
exit $missed
