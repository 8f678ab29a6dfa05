#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# iptables.sh [VARIANT [GUESTS]]: what a change to one guest costs with the iptables target, on a generated
# cluster (1000 guests of 20 rules) that is loaded already, against what iptables-restore and
# ip6tables-restore alone need for the chains that change. VARIANT: nft or legacy.
#
# Runs in a network namespace of its own, with tests/kernel/xt-service, which remembers what is loaded as
# the service does. The tools alone and the changes take turns, in rounds of 16 runs (measure.py). The first load takes minutes
# with nft, for which the tools are to blame. With nft, no figure is a measurement if a program listens to notifications of
# nftables (listeners.py): exit status 3.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
variant=${1:-nft} guests=${2:-1000} runs=8 rounds=4

if [ "$variant" != --inside ]; then
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	for name in iptables{,-save,-restore} ip6tables{,-save,-restore}; do
		ln -s "$(command -v "xtables-$variant-multi")" "$work/$name"
	done
	# shellcheck disable=SC2046
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O2 $(printf -- '-iquote %s ' "$top"/{compiler,grammar,backends,build}) \
		-o "$work/xt-service" "$here/../kernel/xt-service.c" "$top/build/libpvefw.a" \
		-ljansson -lnftnl -lmnl -lmd -lpthread || exit 2
	PATH=$work:$PATH XTABLES_LOCKFILE=$work/lock unshare -n "$here/iptables.sh" --inside "$work" "$guests" "$variant"
	exit
fi
work=$2 guests=$3 variant=$4

# chains TREE TOOL: a script of the chains of the guest that changes
chains() {
	"$top/build/pvefw-cc" compile --target iptables --fail-on never --output /dev/null --root "$1" -o "$work/out" || exit 2
	echo '*filter'
	awk -v chain="tap${id}i0-IN" '/^-F / { on = $2 == chain } /^COMMIT/ { on = 0 } on' "$work/out/$2-filter.restore"
	echo COMMIT
}

ask() {
	echo "$1" >&"${service[1]}"
	while read -r word value <&"${service[0]}"; do
		case $word in
		ok) break ;;
		failed) exit 2 ;;
		problem) echo "$value" ;;
		*-ms) printf '%s %s\n' "${word%-ms}" "$value" >>"$work/$2" ;;
		messages) echo "tools $value" >>"$work/$2" ;;
		esac
	done
}

now() {
	date +%s%N
}

# timed FILE COMMAND…
timed() {
	local file=$1 begin
	shift
	begin=$(now)
	"$@"
	echo $((($(now) - begin) / 1000)) >>"$work/$file"
}

tools_alone() {
	iptables-restore --wait=20 -n <"$work/$1-iptables" && ip6tables-restore --wait=20 -n <"$work/$1-ip6tables"
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# quiet: fails once a program has listened, as the figures are no measurement then; the legacy tools do not use nftables
listening=
quiet() {
	[ -n "$listening" ] || [ "$variant" = legacy ] || listening=$("$here/listeners.py" | paste -s -d ';')
	[ -z "$listening" ]
}

time_tools() {
	for ((i = 0; i < runs; i++)); do
		for tree in changed tree; do
			timed alone tools_alone $tree
		done
	done
}

# time_changes ROUND: the service reads first what the tools alone have loaded
time_changes() {
	ask forget "$1"
	ask "load $work/tree" "again-$1"
	ask "load $work/tree" "again-$1"
	for ((i = 0; i < runs; i++)); do
		for tree in changed tree; do
			ask "load $work/$tree" change
		done
	done
}

"$here/measure.py" machine
"$here/gen-cluster.py" "$guests" 20 "$work/tree" >/dev/null || exit 2
id=$(basename "$(find "$work/tree" -path '*qemu-server/*.conf' | sort | sed -n $((guests / 3))p)" .conf)
cp -r "$work/tree" "$work/changed"
echo 'IN DROP -p tcp -dport 4711' >>"$work/changed/firewall/$id.fw"
for tree in tree changed; do
	for tool in iptables ip6tables; do
		chains "$work/$tree" $tool >"$work/$tree-$tool"
	done
done
coproc service { "$work/xt-service"; }
timed first ask "load $work/tree" first-load
for ((round = 0; round < rounds; round++)); do
	quiet || break
	if ((round % 2)); then
		time_changes $round
		time_tools
	else
		time_tools
		time_changes $round
	fi
done
quiet
ask remove removed

if [ -n "$listening" ]; then
	echo "not a measurement: $listening"
	exit 3
fi

echo "$guests guests: the first load $(($(cat "$work/first") / 1000)) ms"
for part in build read kernel; do
	printf '  change: %-8s %8.1f ms\n' $part "$(sed -n "s/^$part //p" "$work/change" | median)"
done
awk '$1 == "tools" { run++ } $1 != "tools" { sum[run] += $2 } END { for (r = 1; r <= run; r++) print sum[r] }' "$work/change" >"$work/ours"
awk '{ print $1 / 1000 }' "$work/alone" >"$work/theirs"
printf '  change: %.1f ms; tools alone %.1f ms\n' "$(median <"$work/ours")" "$(median <"$work/theirs")"
paste "$work/ours" "$work/theirs" | "$here/measure.py" target "change-$variant-$guests" "change, by the tools' own time" 1.2
