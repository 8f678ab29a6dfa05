#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# xt-load.sh: `load --target iptables` over what is loaded, with iptables-nft and iptables-legacy; the limits
# also with those of Debian 13 (fetch-debian13.sh).
#
#   over      every tree (with legacy: every third) of the conformance cases is loaded over the one before:
#             the kernel then holds what its expected scripts say, and loading once more runs no tool that writes
#   limits    trees at the limits of the tools are loaded, and loading once more runs no tool that writes
#   changes   single changes touch the chains they are about and no others; what others have stays;
#             stock's own rules are taken for ours; counters are told by source line; removing leaves nothing
#   faults    a tool fails, fails late, complains, hangs, is missing, at every step: the old ruleset stays
#   kills     a load is killed at random moments: the next one repairs
#
# Each runs in network namespaces of its own. Prints `N passed, N failed`. PVEFW_CC, PVEFW_LIB: the built
# compiler and library. KILLS: how often (10).
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
export LC_ALL=C

give_up() {
	echo "cannot run here: $1"
	exit 77
}

# ---- loaded rules ----

# Everything, in an order that does not depend on when it came.
dump() {
	for tool in iptables ip6tables; do
		$tool-save | sed "s/^/$tool /"
	done | grep -v ' #' | sed 's/ \[[0-9:]*\]$//' | sort -s -k2,3
	ipset save | sed 's/ initval 0x[0-9a-f]*$//' | sort
	ebtables-save | grep -v '^#' | sort -s -k1,2
}

# Rules of other programs
others() {
	dump | grep -vE 'PVEFW|GROUP-|(tap|veth)[0-9]+i[0-9]'
}

# load ROOT [OPTION…]: its numbers are in $work/stats, its complaints in $work/errors; fails when nothing was loaded
load() {
	root=$1
	shift
	# A case may have more options for its tree.
	# shellcheck disable=SC2046
	"$PVEFW_CC" load --target iptables --stats --fail-on never --output /dev/null --root "$root" "$@" \
		$(cat "$(dirname "$root")/args" 2>/dev/null) >"$work/stats" 2>"$work/errors"
}

sent() {
	awk -v what="$1" '$1 == what { print $2 }' "$work/stats"
}

verdict() {
	if [ "$1" = 0 ]; then
		echo pass
	else
		echo "FAIL $variant: $2"
		[ $# = 2 ] || head -n 8 "$3" | cut -c 1-160 | sed 's/^/    /'
	fi
}

# same FILE FILE WHAT
same() {
	diff "$1" "$2" >"$work/difference"
	verdict $? "$3" "$work/difference"
}

# ---- over ----

# Hooks, and chains that they lead to, stay when they are wanted no more.
comparable() {
	"$NORMALISE" "$1" | grep -vE '^[a-z]+ ((INPUT|OUTPUT|FORWARD|PREROUTING) \{-j PVEFW|PVEFW-(INPUT|OUTPUT|FORWARD|PREROUTING) :-)' |
		sort -s -k1,2
}

is_as_expected() {
	sort "$1/ipset.restore" >"$work/wanted"
	for tool in iptables ip6tables; do
		cat "$1/$tool-filter.restore" "$1/$tool-raw.restore" | comparable $tool
	done >>"$work/wanted"
	comparable ebtables <"$1/ebtables.restore" >>"$work/wanted"
	ipset save | sed 's/ initval 0x[0-9a-f]*$//' | sort >"$work/found"
	for tool in iptables ip6tables; do
		$tool-save | comparable $tool
	done >>"$work/found"
	ebtables-save | comparable ebtables >>"$work/found"
	diff "$work/wanted" "$work/found" >"$work/difference"
}

test_over() {
	for name in services protocols ethertypes; do
		mount --bind "$here/../cases/etc/$name" "/etc/$name" || give_up "mount --bind on /etc/$name"
	done
	count=0
	for case in "$here"/../cases/conformance/*/; do
		name=$(basename "$case")
		[ -e "$case/expect/ipset.restore" ] || continue
		count=$((count + 1))
		[ "$variant" = nft ] || [ $((count % 3)) = 0 ] || continue # the tools differ, not what they are told
		load "$case/root"
		verdict $? "$name: not loaded" "$work/errors"
		is_as_expected "$case/expect"
		verdict $? "$name: over another is not what is expected" "$work/difference"
		load "$case/root" && [ "$(sent messages)" = 0 ]
		verdict $? "$name: loaded twice, and the second time ran a tool" "$work/stats"
	done
}

# ---- limits ----

# Trees at the limits of the tools, and beyond: trees without errors load, and are recognised as loaded.
test_limits() {
	for case in "$here"/../cases/limits/*/; do
		name=$(basename "$case")
		load "$case/root"
		verdict $? "$name: not loaded" "$work/errors"
		[ "$(ipset save | grep -c '^create')" -ge 2 ] && iptables-save | grep -q PVEFW-HOST-IN
		verdict $? "$name: nothing is loaded"
		load "$case/root" && [ "$(sent messages)" = 0 ]
		verdict $? "$name: loaded twice, and the second time ran a tool" "$work/stats"
		echo "counters $case/root" | "$work/xt-service" >"$work/counters"
		grep -qx 'skipped 0' "$work/counters"
		verdict $? "$name: not every rule is found again by its line" "$work/counters"
		"$PVEFW_CC" load --target iptables --remove
	done
}

# ---- trees ----

# The options, sets, rules of both trees differ in a way that every tool has something to do.
make_trees() {
	for tree in a b; do
		mkdir -p "$work/$tree/firewall" "$work/$tree/nodes/n/qemu-server"
		for id in 100 101 102; do
			printf '[OPTIONS]\nenable: 1\n\n[RULES]\nGROUP web\nIN ACCEPT -p tcp -dport %s\nIN DROP -source 10.0.0.1,10.0.0.2 -p udp -dport 53\n' \
				$((id + 1000)) >"$work/$tree/firewall/$id.fw"
			echo "net0: virtio=02:00:00:00:0A:${id#1},bridge=vmbr0,firewall=1" >"$work/$tree/nodes/n/qemu-server/$id.conf"
		done
	done
	for tree in a b; do
		cat >"$work/$tree/firewall/cluster.fw" <<-'EOF'
			[OPTIONS]
			enable: 1
			[IPSET office]
			10.1.0.0/16
			2001:db8::/32
			[IPSET old]
			10.3.0.0/16
			[group web]
			IN ACCEPT -p tcp -dport 80
			[RULES]
			IN ACCEPT -source +office -p tcp -dport 8006
		EOF
		printf '[OPTIONS]\nprotection_synflood: 1\n' >"$work/$tree/nodes/n/host.fw"
	done
	sed -i 's/^\[IPSET old\]/[IPSET new]/; s,10.1.0.0/16,10.2.0.0/16,; s/dport 80$/dport 81/' "$work/b/firewall/cluster.fw"
	echo 'protection_synflood_rate: 77' >>"$work/b/nodes/n/host.fw"
	rm "$work/b/firewall/101.fw"
	echo "net0: virtio=02:00:00:00:0B:02,bridge=vmbr0,firewall=1" >"$work/b/nodes/n/qemu-server/102.conf"
	echo 'IN DROP -p tcp -dport 4711' >>"$work/b/firewall/100.fw"
}

make_others() {
	for tool in iptables ip6tables; do
		$tool -N mine
		$tool -A mine -p tcp --dport 99 -j DROP
		$tool -A INPUT -i eth7 -j mine
		$tool -t nat -A POSTROUTING -o eth7 -j MASQUERADE 2>/dev/null
	done
	ipset create mine hash:net
	ipset add mine 192.0.2.0/24
	ebtables -N mine
	ebtables -A mine -p ARP -j DROP
	ebtables -A FORWARD -i eth7 -j mine
	ebtables -P FORWARD DROP
}

# Also with rules of other programs after our hooks
make_more_others() {
	for tool in iptables ip6tables; do
		$tool -A INPUT -i eth8 -j mine
	done
	ebtables -A FORWARD -i eth8 -j mine
}

# ---- changes ----

# ip6tables-nft-restore -c sets no counters; there the handles of rules tell which chains are new.
counting() {
	[ "$variant" = nft ] && echo iptables || echo iptables ip6tables
}

handles() {
	[ "$variant" = legacy ] || nft -a list table ip6 filter 2>/dev/null | awk '/chain / { chain = $2 } / # handle / { print chain, $NF }' | sort
}

mark_counters() {
	for tool in $(counting); do
		$tool-save -c -t filter >"$work/counted"
		sed 's/^\[[0-9:]*\]/[7:700]/' "$work/counted" | $tool-restore -c
	done
	handles >"$work/handles"
}

# Chains whose rules have other counters than those, or other handles
touched() {
	{
		for tool in $(counting); do
			$tool-save -c -t filter | sed -n 's/^\[\([0-9:]*\)\] -A \([^ ]*\) .*/\1 \2/p' |
				awk '$1 != "7:700" { print $2 }'
		done
		handles | comm -13 "$work/handles" - | cut -d ' ' -f 1
	} | sort -u | tr '\n' ' '
}

# change WHAT CHAINS: loads the tree $work/c, which somebody has changed; only CHAINS may be touched
change() {
	load "$work/c"
	verdict $? "$1: not loaded" "$work/errors"
	[ "$(touched)" = "$2" ]
	verdict $? "$1: touched $(touched)instead of $2"
	mark_counters
}

test_changes() {
	make_trees
	cp -r "$work/a" "$work/c"
	make_others
	others >"$work/others-before"
	load "$work/c"
	verdict $? "first load" "$work/errors"
	make_more_others
	dump >"$work/first"
	mark_counters
	change nothing ""
	echo 'OUT DROP -p tcp -dport 25' >>"$work/c/firewall/101.fw"
	change "a rule of a guest" "tap101i0-OUT "
	sed -i 's/dport 80$/dport 82/' "$work/c/firewall/cluster.fw"
	change "a rule of a group" "GROUP-web-IN "
	sed -i 's,10.1.0.0/16,10.1.0.0/17,' "$work/c/firewall/cluster.fw"
	change "an entry of a set" ""
	ipset save PVEFW-0-office-v4 | grep -q '10.1.0.0/17'
	verdict $? "an entry of a set: not there"
	rm "$work/c/firewall/102.fw"
	change "a guest without rules" "PVEFW-FWBR-IN PVEFW-FWBR-OUT "
	cp "$work/a/firewall/102.fw" "$work/c/firewall"
	change "a guest with rules again" "PVEFW-FWBR-IN PVEFW-FWBR-OUT tap102i0-IN tap102i0-OUT "
	iptables -D INPUT -j PVEFW-INPUT
	change "a hook is missing" "INPUT "
	iptables -D tap100i0-IN 4
	change "a rule is missing" "tap100i0-IN "
	iptables -F PVEFW-HOST-IN
	change "a chain is empty" "PVEFW-HOST-IN "
	ipset flush PVEFW-0-office-v4
	change "a set is empty" ""
	ebtables -F tap100i0-OUT
	change "a chain of ebtables is empty" ""
	load "$work/a"
	# the restored hook is now after other programs' rules
	iptables -D INPUT -j PVEFW-INPUT
	iptables -I INPUT 2 -j PVEFW-INPUT
	dump >"$work/last"
	same "$work/first" "$work/last" "back to the first tree"
	others >"$work/others-with-more"
	test_counters
	test_disabled
	"$PVEFW_CC" load --target iptables --remove
	verdict $? "removing"
	others >"$work/others-after"
	dump >"$work/removed"
	same "$work/others-with-more" "$work/others-after" "what others have is not as it was"
	same "$work/others-after" "$work/removed" "removing leaves something"
	"$PVEFW_CC" load --target iptables --remove --stats >"$work/stats" && [ "$(sent messages)" = 0 ]
	verdict $? "removed twice, and the second time ran a tool" "$work/stats"
}

test_disabled() {
	sed -i 's/enable: 1/enable: 0/' "$work/c/firewall/cluster.fw"
	load "$work/c"
	verdict $? "the firewall is off: not loaded" "$work/errors"
	dump | grep -v '^[a-z0-9]* \(:\|-A [A-Z]* -j \)PVEFW-\(INPUT\|OUTPUT\|FORWARD\|PREROUTING\)\( -\)\?$' >"$work/off"
	same "$work/others-with-more" "$work/off" "the firewall is off, and something else than empty chains is there"
	sed -i 's/enable: 0/enable: 1\nebtables: 0/' "$work/c/firewall/cluster.fw"
	load "$work/c" && ! ebtables-save | grep -q 'PVEFW\|tap'
	verdict $? "ebtables: 0" "$work/errors"
}

test_counters() {
	mark_counters
	printf 'counters %s\nzero\ncounters %s\n' "$work/a" "$work/a" | "$work/xt-service" >"$work/counters"
	# two lists of addresses make two rules; a rule without addresses is in IPv4 and in IPv6
	grep -c '^firewall/100.fw:7 14 1400$' "$work/counters" | grep -qx 1 &&
		grep -c '^firewall/100.fw:6 7 700$' "$work/counters" | grep -qx "$(counting | wc -w)" &&
		grep -c '^firewall/100.fw:6 0 0$' "$work/counters" | grep -qx $((4 - $(counting | wc -w))) && grep -qx 'skipped 0' "$work/counters"
	verdict $? "counters by source line" "$work/counters"
}

# Stock's rules have the same digests.
test_stock() {
	for case in g1 groups blacklist; do
		expect=$here/../cases/conformance/$case/expect
		ipset restore <"$expect/ipset.restore"
		for tool in iptables ip6tables; do
			$tool-restore -n <"$expect/$tool-filter.restore"
			$tool-restore -T raw -n <"$expect/$tool-raw.restore"
		done
		ebtables-restore <"$expect/ebtables.restore"
		load "${expect%/expect}/root" && [ "$(sent messages)" = 0 ]
		verdict $? "$case: stock's own rules are changed" "$work/stats"
		"$PVEFW_CC" load --target iptables --remove
	done
}

# A service remembers, and notices what others do.
test_service() {
	[ -d "$work/a" ] || make_trees
	printf '%s\n' "load $work/a" "load $work/b" "load $work/b" "remove" | "$work/xt-service" >"$work/service"
	[ "$(grep -cx ok "$work/service")" = 4 ] && [ "$(sed -n 's/^stale //p' "$work/service" | tr '\n' ' ')" = "1 0 0 0 " ] &&
		[ "$(sed -n 's/^messages //p' "$work/service" | tr '\n' ' ')" = "6 7 0 6 " ]
	verdict $? "a service" "$work/service"
	: >"$work/service" # its `ok` is waited for: the pipe's other end may open the file later
	{
		echo "load $work/a"
		until grep -qx ok "$work/service"; do sleep 0.02; done
		iptables -F tap100i0-IN
		echo "load $work/a"
		echo "remove"
	} | "$work/xt-service" >"$work/service"
	[ "$(sed -n 's/^stale //p' "$work/service" | tr '\n' ' ')" = "1 1 0 " ] &&
		[ "$(sed -n 's/^chains //p' "$work/service" | sed -n 2p)" = 1 ]
	verdict $? "a service does not notice what others do" "$work/service"
}

# ---- faults ----

steps="ipset:restore:1 iptables-restore:-n:1 iptables-restore:raw:1 ip6tables-restore:-n:1 ip6tables-restore:raw:1
	ipset:restore:2 ebtables-restore::1"

# break_tool STEP MODE: the tool of a step does so, once
break_tool() {
	IFS=: read -r tool argument number <<<"$1"
	rm -rf "$work/broken"
	mkdir "$work/broken"
	real=$(command -v "$tool")
	echo "$number" >"$work/broken/left"
	cat >"$work/broken/$tool" <<-EOF
		#!/bin/bash
		case " \$* " in *" $argument "*) ;; *) [ -z "$argument" ] || exec "$real" "\$@" ;; esac
		[ "$argument" != -n ] || case " \$* " in *" raw "*) exec "$real" "\$@" ;; esac
		left=\$((\$(cat "$work/broken/left") - 1))
		echo \$left >"$work/broken/left"
		[ \$left = 0 ] || exec "$real" "\$@"
		case $2 in
		fails) cat >/dev/null; exit 3 ;;
		late) "$real" "\$@"; echo 'late: no' >&2; exit 1 ;;
		complains) "$real" "\$@"; echo 'something odd' >&2; exit 0 ;;
		silent) exit 0 ;;
		hangs) sleep 1000.$$ ;;
		line) echo "Error occurred at line: \$(grep -n 'dport 4711' | cut -d : -f 1)" >&2; exit 2 ;;
		esac
	EOF
	chmod +x "$work/broken/$tool"
	case $2 in
	missing)
		# all the others, in a PATH without it
		for name in iptables{,-save,-restore} ip6tables{,-save,-restore} ipset ebtables{-save,-restore}; do
			ln -sf "$(command -v $name)" "$work/broken/$name"
		done
		rm "$work/broken/$tool"
		;;
	esac
}

# fault STEP MODE MESSAGE [ROOT [OPTION…]]: the ruleset stays as it was
fault() {
	step=$1 mode=$2 message=$3 tree=${4:-$work/b}
	shift $(($# < 4 ? $# : 4))
	path=$work/broken:$PATH
	[ "$mode" != missing ] || path=$work/broken
	break_tool "$step" "$mode"
	PATH=$path PVEFW_TOOL_SECONDS=1 "$PVEFW_CC" load --target iptables --strict --output /dev/null --root "$tree" "$@" \
		2>"$work/errors"
	status=$?
	dump >"$work/after"
	[ $status = 2 ] && grep -q -- "$message" "$work/errors"
	verdict $? "$step $mode: status $status, says" "$work/errors"
	same "$work/before" "$work/after" "$step $mode: the ruleset is not the old one"
}

test_faults() {
	make_trees
	make_others
	load "$work/a"
	make_more_others
	dump >"$work/before"
	for step in $steps; do
		tool=${step%%:*}
		fault "$step" fails "^pvefw-cc: $tool failed with status 3"
		fault "$step" late "^pvefw-cc: $tool failed with status 1: late: no"
		fault "$step" complains "^pvefw-cc: $tool complained: something odd"
		fault "$step" silent "^pvefw-cc: $tool did not load what it was given"
		# ipset has to read, too
		[ "$tool" = ipset ] || fault "$step" missing "^pvefw-cc: $tool cannot be run: No such file"
		[ "${step##*-T}" != "$step" ] || fault "$step" hangs "^pvefw-cc: $tool did not end within 1 s and was killed"
	done
	fault iptables-restore:-n:1 line "^pvefw-cc: firewall/100.fw:8: iptables-restore failed with status 2: .*tap100i0-IN .*4711"
	for step in iptables-restore:-n:1 ebtables-restore::1; do
		fault "$step" late "late: no" "$work/b" --remove
	done
	# so little is changed that only that is read back
	cp -r "$work/a" "$work/c"
	sed -i 's,10.1.0.0/16,10.4.0.0/16,' "$work/c/firewall/cluster.fw"
	fault ipset:restore:1 silent "^pvefw-cc: ipset did not load what it was given, or another program changed it since: PVEFW-0-office-v4" "$work/c"
	echo 'IN DROP -p tcp -dport 4711' >>"$work/a/firewall/100.fw"
	fault iptables-restore:-n:1 silent "^pvefw-cc: iptables-restore did not load what it was given, or another program changed it since: tap100i0-IN" "$work/a"
	fault ip6tables-restore:-n:1 silent "^pvefw-cc: ip6tables-restore did not load what it was given, or another program changed it since: tap100i0-IN" "$work/a"
	load "$work/b"
	verdict $? "after the faults: not loaded" "$work/errors"
	load "$work/b" --whole
	verdict $? "all of it once more" "$work/errors"
	load "$work/b" && [ "$(sent messages)" = 0 ]
	verdict $? "after the faults: loaded twice" "$work/stats"
	! pgrep -f "^sleep 1000\\.$$\$" >/dev/null
	verdict $? "what hung is still there"
}

# ---- kills ----

test_kills() {
	make_trees
	make_others
	for tree in a b; do
		load "$work/$tree"
		dump >"$work/dump-$tree"
	done
	tree=a killed=0
	begin=$(date +%s%N)
	load "$work/a"
	load "$work/b"
	takes=$((($(date +%s%N) - begin) / 2000000))
	for ((i = 0; i < ${KILLS:-10}; i++)); do
		"$PVEFW_CC" load --target iptables --output /dev/null --root "$work/$tree" &
		victim=$!
		sleep "$(printf '0.%03d' $((RANDOM % takes % 1000)))"
		kill -KILL $victim 2>/dev/null && killed=$((killed + 1))
		wait $victim 2>/dev/null
		load "$work/$tree"
		verdict $? "killed: not loaded" "$work/errors"
		dump >"$work/after"
		same "$work/dump-$tree" "$work/after" "killed: not repaired"
		[ $tree = a ] && tree=b || tree=a
	done
	[ $killed != 0 ]
	verdict $? "no load was killed before its end"
}

# ---- the parts, each in namespaces of its own: xt-load.sh --inside VARIANT TEST... ----

if [ "${1:-}" = --inside ]; then
	variant=$2
	shift 2
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
	PATH=$tools/$variant:$PATH
	export XTABLES_LOCKFILE="$work/lock"
	ln -s "$tools/xt-service" "$work/xt-service"
	ip link set lo up
	for test; do
		"test_$test"
	done
	exit
fi

[ "$(id -u)" = 0 ] || give_up "not root"
for tool in unshare ipset ebtables-nft xtables-legacy-multi xtables-nft-multi; do
	command -v $tool >/dev/null || give_up "no $tool"
done
unshare -n true 2>/dev/null || give_up "no network namespaces"
PVEFW_CC=$(realpath "${PVEFW_CC:-$top/build/pvefw-cc}")
tools=$(mktemp -d) || exit 1
trap 'rm -rf "$tools"' EXIT
trap 'exit 1' HUP INT TERM
export PVEFW_CC tools NORMALISE="$tools/normalise"
${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$NORMALISE" "$here/normalise.c" "$here/canonical.c" || exit 2
# shellcheck disable=SC2046
${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 $(printf -- '-iquote %s ' "$top"/{compiler,grammar,backends,build}) \
	-o "$tools/xt-service" "$here/xt-service.c" "${PVEFW_LIB:-$top/build/libpvefw.a}" \
	-ljansson -lnftnl -lmnl -lmd -lpthread || exit 2
for variant in nft legacy; do
	mkdir "$tools/$variant"
	for name in iptables{,-save,-restore} ip6tables{,-save,-restore}; do
		ln -s "$(command -v xtables-$variant-multi)" "$tools/$variant/$name"
	done
	for name in ebtables{,-save,-restore}; do
		ln -s "$(command -v xtables-nft-multi)" "$tools/$variant/$name"
	done
done

# wrap VARIANT ROOT: the tools of another Debian, with its own libraries
wrap() {
	mkdir "$tools/$1"
	for loader in "$2"/usr/lib/*-linux-gnu/ld-linux*.so.*; do
		libraries=$(dirname "$loader")
	done
	for name in iptables{,-save,-restore} ip6tables{,-save,-restore} ebtables{,-save,-restore} ipset; do
		case $name in
		ipset) program="$2/usr/sbin/ipset" ;;
		ebtables*) program="$2/usr/sbin/xtables-nft-multi $name" ;;
		*) program="$2/usr/sbin/xtables-${1%13}-multi $name" ;;
		esac
		printf '#!/bin/sh\nXTABLES_LIBDIR=%s/xtables exec %s --library-path %s %s "$@"\n' \
			"$libraries" "$loader" "$libraries" "$program" >"$tools/$1/$name"
		chmod +x "$tools/$1/$name"
	done
}

wrap_debian13() {
	cache=${VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pvefw-vm}
	root=$("$here/fetch-debian13.sh" "$cache/debian13" 2>&1) || {
		echo "cannot run here: $root" >"$tools/output-debian13"
		return 1
	}
	wrap nft13 "$root"
	wrap legacy13 "$root"
}

# run VARIANT TEST…: in new namespaces
run() {
	timeout 300 unshare -n -m "$here/xt-load.sh" --inside "$@" >"$tools/output-${*// /-}" 2>&1
	case $? in
	0 | 77) ;;
	*) echo "FAIL $*: ended with $?" >>"$tools/output-${*// /-}" ;;
	esac
}

# Two at a time, the longest first.
has_debian13=
wrap_debian13 && has_debian13=1
if [ $# != 0 ]; then
	run "$@"
else
	(run nft over; run nft stock; run legacy faults; run nft kills) &
	(run legacy over; run nft faults; run nft changes limits; run legacy changes limits; run legacy stock service; run legacy kills)
	wait
	[ -z "$has_debian13" ] || {
		run nft13 limits &
		run legacy13 limits
		wait
	}
fi
cat "$tools"/output-* | grep -v '^pass$'
passed=$(cat "$tools"/output-* | grep -cx pass)
failed=$(cat "$tools"/output-* | grep -c '^FAIL')
cannot=$(cat "$tools"/output-* | grep -c '^cannot run here')
echo "$passed passed, $failed failed, $cannot cannot run here"
[ "$failed" = 0 ]
