#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# load-restore.sh DIR [LOADED]: loads the restore scripts of DIR into the kernel and reads them back.
#
# DIR holds what `pvefw-cc compile --target iptables -o DIR` writes. One new network namespace gets the
# sets and the iptables-legacy rules, a second one the sets, the iptables-nft and the ebtables rules.
# The -save commands must then print the scripts: each chain, and in each chain each rule with
# all its options, in order (normalise.c says how spellings are made equal); each set with its header
# (without the random initval) and its entries. The tests of this test load the scripts of LOADED
# instead and still compare with DIR.
#
# What the kernel cannot do is printed as `cannot run here: …` (lacks.tsv), left out, and the rest is
# compared. Exit status: 0 equal, 1 not, 77 when the kernel or the machine lacks something essential.
#
# NORMALISE: the built normaliser, else it is built for this run. ETC: a folder with the services,
# protocols and ethertypes to use in place of the machine's.
set -u
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

give_up() {
	echo "cannot run here: $1"
	exit 77
}

# restore TOOL TABLE: loads standard input, for instance with ip6tables-nft-restore
restore() {
	case $1/$2 in
	ebtables/*) "ebtables-$variant-restore" ;;
	*/raw) "$1-$variant-restore" -T raw -n ;;
	*) "$1-$variant-restore" -n ;;
	esac
}

# probe TOOL TABLE RULE: would the kernel take this rule? The chain is removed again.
probe() {
	policy=-
	[ "$1" = ebtables ] && policy=ACCEPT
	printf '*%s\n:PROBE %s\n-A PROBE %s\nCOMMIT\n' "$2" "$policy" "$3" |
		restore "$1" "$2" 2>"$work/probe.error" || return 1
	printf '*%s\n-F PROBE\n-X PROBE\nCOMMIT\n' "$2" | restore "$1" "$2" 2>/dev/null
	return 0
}

# The rules every configuration has: without them nothing can be said about any.
check_essential() {
	case $1 in
	ebtables) set -- "$1" "$2" '-p ARP -j DROP' ;;
	*) set -- "$1" "$2" '-m conntrack --ctstate INVALID -m comment --comment x -j DROP' ;;
	esac
	probe "$@" || give_up "$1-$variant: $(head -n 1 "$work/probe.error")"
}

# leave_out TOOL TABLE: removes from the script and from what is expected the rules that need something
# the kernel does not have; false when there are none
leave_out() {
	left_out=1
	while IFS='	' read -r tools table pattern rule what; do
		case ,$tools,/$table in *,"$1",*/"$2") ;; *) continue ;; esac
		count=$(grep -cE -e "^-A .*$pattern" "$work/script")
		[ "$count" -gt 0 ] || continue
		probe "$1" "$2" "$rule" && continue
		echo "cannot run here: $1-$variant: $what ($count rules)"
		for file in script expected; do
			grep -vE -e "^-A .*$pattern" "$work/$file" >"$work/rest"
			mv "$work/rest" "$work/$file"
		done
		left_out=0
	done <"$here/lacks.tsv"
	return "$left_out"
}

# load TOOL TABLE FILE: loads $loaded/FILE; what must be there then is added to $work/wanted-$variant-TOOL
load() {
	cp "$dir/$3" "$work/expected" && cp "$loaded/$3" "$work/script" || exit 1
	if ! restore "$1" "$2" <"$work/script" 2>"$work/error"; then
		check_essential "$1" "$2"
		if ! leave_out "$1" "$2" || ! restore "$1" "$2" <"$work/script" 2>"$work/error"; then
			echo "$3 ($variant): $(grep -v '^Warning: never matched' "$work/error" | head -n 1)"
			return 1
		fi
	fi
	cat "$work/expected" >>"$work/wanted-$variant-$1"
}

load_sets() {
	ipset restore <"$loaded/ipset.restore" 2>"$work/error" && return
	ipset create probe hash:net family inet hashsize 64 maxelem 64 bucketsize 12 2>"$work/probe.error" ||
		give_up "ipset: $(head -n 1 "$work/probe.error")"
	echo "ipset.restore ($variant): $(head -n 1 "$work/error")"
	return 1
}

# differ WHAT WANTED FOUND: prints the first differences of two normalised listings
differ() {
	cmp -s "$2" "$3" && return 1
	echo "$1 ($variant): the kernel does not hold what was to be loaded"
	diff "$2" "$3" | grep '^[<>]' | sed 's/^</	missing:/; s/^>/	surplus:/' | head -n 10
}

compare_sets() {
	sort "$dir/ipset.restore" >"$work/sets-wanted"
	ipset save | sed 's/ initval 0x[0-9a-f]*$//' | sort >"$work/sets-found"
	lines=$((lines + $(wc -l <"$work/sets-wanted")))
	! differ ipset "$work/sets-wanted" "$work/sets-found"
}

compare() {
	"$NORMALISE" "$1" <"$work/wanted-$variant-$1" | sort -s -k1,2 >"$work/rules-wanted"
	"$1-$variant-save" | "$NORMALISE" "$1" | sort -s -k1,2 >"$work/rules-found"
	lines=$((lines + $(wc -l <"$work/rules-wanted")))
	! differ "$1" "$work/rules-wanted" "$work/rules-found"
}

# Runs inside the new namespaces.
load_and_compare() {
	status=0 lines=0
	if [ -n "${ETC:-}" ]; then
		for name in services protocols ethertypes; do
			mount --bind "$ETC/$name" "/etc/$name" || give_up "mount --bind on /etc/$name"
		done
	fi
	load_sets || return 1
	for tool in iptables ip6tables; do
		load $tool filter $tool-filter.restore || return 1
		load $tool raw $tool-raw.restore || return 1
	done
	# ebtables-restore replaces the table, so it comes after nothing else of its kind
	[ "$variant" = legacy ] || load ebtables filter ebtables.restore || return 1
	compare_sets || status=1
	compare iptables || status=1
	compare ip6tables || status=1
	[ "$variant" = legacy ] || compare ebtables || status=1
	[ $status = 1 ] || echo "$variant: $lines chains, rules, sets and entries, all of them there"
	return $status
}

check_machine() {
	[ "$(id -u)" = 0 ] || give_up "not root"
	for tool in unshare ipset ebtables-nft-restore ip6tables-legacy-restore ip6tables-nft-restore; do
		command -v $tool >/dev/null || give_up "no $tool"
	done
	unshare -n true 2>/dev/null || give_up "no network namespaces"
}

build_normaliser() {
	NORMALISE=$work/normalise
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$NORMALISE" "$here/normalise.c" "$here/canonical.c" ||
		give_up "the normaliser does not compile"
	export NORMALISE
}

# The part inside a namespace is this script again: load-restore.sh --inside VARIANT DIR LOADED WORK
if [ "${1:-}" = --inside ]; then
	variant=$2 dir=$3 loaded=$4 work=$5
	load_and_compare
	exit
fi

[ $# -ge 1 ] || {
	echo "usage: load-restore.sh DIR [LOADED]" >&2
	exit 2
}
check_machine
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export XTABLES_LOCKFILE="$work/lock" # not the machine's: runs in other namespaces need not wait
[ -n "${NORMALISE:-}" ] || build_normaliser
worst=0
for variant in legacy nft; do
	unshare -n -m "$here/load-restore.sh" --inside $variant "$1" "${2:-$1}" "$work"
	case $? in
	0) ;;
	77) [ $worst = 1 ] || worst=77 ;;
	*) worst=1 ;;
	esac
done
exit $worst
