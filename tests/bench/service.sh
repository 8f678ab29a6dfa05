#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# service.sh [GUESTS]: the running service on a generated cluster (1000 guests of 20 rules): its first load, how long
# after an edit of a guest's file the rule is loaded, alone and with 49 others within a second, what 100 changes cost, and
# its use of resources when idle. Says which targets are met.
#
# nftables without what this kernel lacks in the bridge family; iptables-legacy, as the first load takes minutes with
# iptables-nft, and that with a fifth of the guests. All in network namespaces of their own. Times are medians of 15.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
if [ "${1:-}" != --inside ]; then
	guests=${1:-1000}
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	# shellcheck disable=SC2046
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O2 $(printf -- '-iquote %s ' "$top"/{compiler,grammar,backends,build}) \
		-o "$work/verdict" "$here/verdict.c" "$top/build/libpvefw.a" -ljansson -lnftnl -lmnl -lmd -lpthread || exit 2
	# shellcheck disable=SC2046
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O2 $(printf -- '-iquote %s ' "$top"/{compiler,grammar,backends,build}) \
		-o "$work/burst" "$here/burst.c" "$top/build/libpvefw.a" -ljansson -lnftnl -lmnl -lmd -lpthread || exit 2
	missed=0
	"$here/gen-cluster.py" "$guests" 20 "$work/large" >/dev/null && "$here/gen-cluster.py" $((guests / 5)) 20 "$work/small" >/dev/null || exit 2
	for run in "nft large" "legacy large" "xtables-nft small"; do
		# shellcheck disable=SC2086
		unshare -n "$here/service.sh" --inside "$work" $run || missed=$((missed == 1 ? 1 : $?))
	done
	exit $missed
fi
work=$2 target=$3 tree=$work/$target
guests=$(find "$work/$4" -path '*/firewall/[0-9]*.fw' | wc -l)
cp -r "$work/$4" "$tree"
id=$(basename "$(find "$tree" -path '*qemu-server/*.conf' | sort | sed -n 60p)" .conf)
file=$tree/firewall/$id.fw
service=$top/build/pve-firewall count=0
case $target in
nft)
	service=$top/build/tests/pve-firewall count=1
	sed -i 's/^enable: 1$/&\nnftables: 1/' "$tree"/nodes/*/host.fw
	;;
xtables-nft) count=2 ;;
esac
if [ $target != nft ]; then
	mkdir "$work/bin-$target"
	for name in iptables{,-save,-restore} ip6tables{,-save,-restore}; do
		ln -s "$(command -v "xtables-${target#xtables-}-multi")" "$work/bin-$target/$name"
	done
	export PATH=$work/bin-$target:$PATH XTABLES_LOCKFILE=$work/lock-$target
fi
missed=0

# target WHAT VALUE UNIT MOST: VALUE is a number or a file of values. No time is a measurement if a program beside the service
# has listened to nftables (listeners.py).
listening=
target() {
	local key
	key=service-$(printf %s "$target-$1" | tr -cs a-z0-9 -)
	[ -n "$listening" ] || [ $target = legacy ] || listening=$("$here/listeners.py" "$pid" | paste -s -d ';')
	case $3 in
	ms | times) NOT_MEASURED=$listening ;;
	*) NOT_MEASURED= ;;
	esac
	export NOT_MEASURED
	if [ -e "$2" ]; then cat "$2"; else echo "$2"; fi | "$here/measure.py" target "$key" "$1" "$4" "$3" || missed=$((missed == 1 ? 1 : $?))
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'
}

# of the log's first cycle: the NUMBER that a pattern finds
first() {
	sed -nE "s/.*$1.*/\\1/p" "$work/log-$target" | head -n 1
}

# nanoseconds on a processor
on_cpu() {
	cat /proc/$pid/task/*/schedstat | awk '{ sum += $1 } END { printf "%d\n", sum }'
}

# used: milliseconds of processor time, user and system, of the service, its reader and their tools; page faults of both
used() {
	local process
	for process in $pid $(pgrep -P $pid); do
		sed 's/.*) //' "/proc/$process/stat"
	done 2>/dev/null | awk -v tick="$(getconf CLK_TCK)" '{ cpu += $12 + $13 + $14 + $15; faults += $8 } END { print cpu * 1000 / tick, faults }'
}

# counted TEXT: lines of the log with it
counted() {
	grep -cE "$1" "$work/log-$target"
}

# changes COUNT PAUSE: of one guest after the other
changes() {
	local i=0 one before after
	read -r -a before < <(used)
	for one in $(find "$tree/firewall" -name '[0-9]*.fw' | sort | awk -v count="$1" 'NR % 7 == 1 && n++ < count'); do
		echo "IN DROP -p tcp -dport $((5000 + i++))" >>"$one"
		sleep "$2"
	done
	sleep 6
	read -r -a after < <(used)
	awk -v a="${before[0]}" -v b="${after[0]}" -v f="$((after[1] - before[1]))" -v n="$i" 'BEGIN { print (b - a) / n, f / n }'
}

# loaded PORT: how many rules for that port the kernel has
loaded() {
	case $target in
	nft) nft list table bridge pvefw | grep -cE "\\b$1\\b" ;;
	*) iptables-save | grep -c -- "--dport $1 " ;;
	esac
}

# fifty PORT: changes 50 guests within a second
fifty() {
	local files mode=nf_tables
	[ $target != legacy ] || mode=legacy
	mapfile -t files < <(find "$tree/firewall" -name '[0-9]*.fw' | sort | awk -v n=$(($1 % 13)) -v every=$((guests / 60)) 'NR % every == n % every && m++ < 50')
	"$work/burst" $mode 1000 "IN DROP -p tcp -dport $1" "${files[@]}"
}

# tools_alone: the restore tools of both IP versions at the same time, as the service runs them, with the guest's chains
tools_alone() {
	for tool in iptables ip6tables; do
		$tool-restore --wait=20 -n <"$work/$target-$tool" &
	done
	wait -n && wait -n
}

echo "$target, $(find "$tree" -name '*.conf' | wc -l) guests:"
"$service" start --debug --root "$tree" --run-dir "$work/run-$target" 2>"$work/log-$target" &
pid=$!
until grep -q 'changes are applied' "$work/log-$target"; do sleep 0.1; done
if [ $target = nft ]; then
	target "first load, by the kernel's own time" "$(ratio "$(first 'applied in ([0-9.]+) ms')" "$(first 'kernel took ([0-9.]+) ms')")" times 1.4
fi
sleep 2
for i in $(seq 15); do
	"$work/verdict" "$file" "IN DROP -p tcp -dport $((4000 + i))" $count >>"$work/times-$target" || echo "  never in force"
	sleep 1.5
done
change=$(median <"$work/times-$target")
if [ $target = nft ]; then
	target "from the write of a guest's line to the verdict" "$work/times-$target" ms 30
else
	"$top/build/pvefw-cc" compile --fail-on never --output /dev/null --root "$tree" -o "$work/out-$target"
	for tool in iptables ip6tables; do
		{
			echo '*filter'
			awk -v chain="tap${id}i0-IN" '/^-F / { on = $2 == chain } /^COMMIT/ { on = 0 } on' "$work/out-$target/$tool-filter.restore"
			echo COMMIT
		} >"$work/$target-$tool"
	done
	kill -STOP $pid
	for i in $(seq 15); do
		begin=${EPOCHREALTIME/./}
		tools_alone
		echo $((${EPOCHREALTIME/./} - begin)) >>"$work/alone-$target"
	done
	kill -CONT $pid
	alone=$(awk -v us="$(median <"$work/alone-$target")" 'BEGIN { print us / 1000 }')
	printf '  from the write to the verdict %.1f ms, the tools alone %.1f ms\n' "$change" "$alone"
	target "from the write to the verdict, by the tools' own time" "$(ratio "$change" "$alone")" times 1.2
	sleep 3
fi
if [ $target = nft ]; then
	for pause in 0.1 0.3 1.1; do
		# A second apart, fewer are enough: each has its own comparison or a third of one.
		count=100
		[ $pause != 1.1 ] || count=30
		full=$(counted 'compiled in')
		read -r cpu faults < <(changes $count $pause)
		target "processor time of each of $count changes, $pause s apart" "$cpu" ms 40
		printf '    %.0f page faults each; %d comparisons in all\n' "$faults" $(($(counted 'compiled in') - full))
	done
else
	read -r cpu faults < <(changes 15 1.5)
	printf '  processor time of each of 15 changes: %.0f ms with the tools, %.0f page faults\n' "$cpu" "$faults"
fi
for port in 7001 7002 7003; do
	patches=$(counted 'messages sent, all in')
	read -r late rules_changed < <(fifty $port)
	echo "$late" >>"$work/fifty-$target"
	[ $target = nft ] || sleep 5
	[ "$(loaded $port)" -ge 50 ] || { echo "  of 50 guests changed within a second not all are in force: $(loaded $port)" && missed=1; }
	printf '    50 guests within a second: the last rules %.0f ms after the last write, %d patches, %d changes in the kernel\n' \
		"$late" $(($(counted 'messages sent, all in') - patches)) "$rules_changed"
	sleep 6
done
if [ $target = nft ]; then
	target "50 guests changed within a second: after the last write" "$(median <"$work/fifty-$target")" ms 300
fi
sleep 3
idle=$(on_cpu)
sleep 20
target "processor time while nothing happens" "$(awk -v ns=$(($(on_cpu) - idle)) 'BEGIN { print ns / 20 / 1e7 }')" "%" 0.1
target "resident memory" "$(awk '/^VmRSS/ { print $2 / 1024 }' "/proc/$pid/status")" MiB 40
kill $pid
wait $pid
exit $missed
