#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netlink-equal.sh [CASE…]: every script that is compiled loads, and its netlink batch leaves the same ruleset.
# netlink-equal.sh --vm [CASE…]: the same for all that this kernel cannot do, on Debian's kernel (tests/vm).
#
# CASE is a folder with root/; without any, all below tests/cases are taken, and without --vm a cluster of
# 1,000 guests, too. Here, inet and bridge tables are compared by themselves, the bridge tables without the
# expressions this kernel lacks; in the virtual machine, as JSON alone, all bridge tables that have such
# expressions (equal ones once). See netlink-equal.c for what is compared. Ends with `N passed, N failed[, N
# cannot run here]`. PVEFW_CC: the compiler, default build/pvefw-cc.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tests=$(dirname "$here")
export LC_ALL=C
# shellcheck source=SCRIPTDIR/../checks/result.sh
. "$tests/checks/result.sh"
PVEFW_CC=$(readlink -f "${PVEFW_CC:-$tests/../build/pvefw-cc}")
etc=$tests/cases/etc

# Where the expressions of the bridge family are missing: their names for netlink-equal, and the lines
# of the script that have them.
lacks="ct reject queue objref meta:17 meta:18"
lacking='(ct (state|mark|helper) |reject with|queue |meta [io]brname)'
lacking_objects='/^\tct helper /,/^\t}/d'

# without FAMILY SCRIPT: its table is left out
without() {
	sed "/^table $1 pvefw {/,/^}/d; /table $1 pvefw\$/d" "$2"
}

list_cases() {
	[ $# != 0 ] || set -- "$tests"/cases/*/*/
	for dir; do
		[ -d "$dir/root" ] && echo "${dir%/}"
	done
}

# compile NAME ROOT [OPTION…]: $work/whole/NAME.nft and NAME.batch; none if the case makes no ruleset
compile() {
	local out=$work/whole/$1
	set -- --root "$2" --services "$etc/services" --protocols "$etc/protocols" --ethertypes "$etc/ethertypes" "${@:3}"
	"$PVEFW_CC" compile --target nft -o "$out.nft" "$@" >/dev/null 2>&1
	"$PVEFW_CC" compile --target netlink -o "$out.batch" "$@" >/dev/null 2>&1
	[ -s "$out.nft" ] && [ -s "$out.batch" ] || rm -f "$out".*
}

compile_cases() {
	local dir name
	list_cases "$@" >"$work/cases"
	while read -r dir; do
		name=$(basename "$(dirname "$dir")")_$(basename "$dir")
		# shellcheck disable=SC2046 # words
		compile "$name" "$dir/root" $(cat "$dir/args" 2>/dev/null)
	done <"$work/cases"
}

# judge FOLDER <OUTPUT: of netlink-equal for all of it
judge() {
	local text wanted good bad
	text=$(cat)
	wanted=$(find "$work/parts/$1" -name '*.nft' | wc -l)
	good=$(grep -c '^ok ' <<<"$text") bad=$(grep -c '^FAIL ' <<<"$text")
	awk '/^FAIL /, /^ok / { if (!/^ok /) print }' <<<"$text" | sed "s/^FAIL /FAIL $1: /"
	echo "$1: $good rulesets the same, $bad not"
	passed=$((passed + good)) failed=$((failed + bad))
	[ "$wanted" != 0 ] && [ $((good + bad)) = "$wanted" ] ||
		fail "$1: $((good + bad)) of $wanted are compared; at the end: $(tail -n 3 <<<"$text")"
}

# add FOLDER NAME <SCRIPT: a part of what is compiled, to be compared; the batch is as it is
add() {
	cat >"$work/parts/$1/$2.nft"
	ln "$work/whole/$2.batch" "$work/parts/$1"
}

compare_here() {
	local script name
	for script in "$work"/whole/*.nft; do
		name=$(basename "$script" .nft)
		without bridge "$script" | add inet "$name"
		without inet "$script" | sed -E "/^\t\t.*$lacking/d; $lacking_objects" | add bridge "$name"
	done
	judge inet < <(unshare -n "$work/netlink-equal" "$work/parts/inet" 1 2>&1)
	# shellcheck disable=SC2086
	judge bridge < <(unshare -n "$work/netlink-equal" "$work/parts/bridge" 7 $lacks 2>&1)
}

# Bridge tables with what this kernel lacks, equal ones once. An inet table has none of it.
add_what_is_lacking() {
	local script text sum seen=
	for script in "$work"/whole/*.nft; do
		text=$(without inet "$script")
		sum=$(md5sum <<<"$text")
		case $seen in *"$sum"*) continue ;; esac
		seen="$seen $sum"
		! grep -qE "$lacking" <<<"$text" || add bridge "$(basename "$script" .nft)" <<<"$text"
	done
}

compare_in_vm() {
	local status
	add_what_is_lacking
	echo '/payload/netlink-equal -j /payload/bridge 7' >"$work/payload"
	"$tests/vm/run.sh" "$work/payload" "$work/netlink-equal" "$work/parts/bridge" >"$work/output" 2>&1
	status=$?
	[ $status != 77 ] || give_up "$(tail -n 1 "$work/output")"
	judge bridge <"$work/output"
	[ $status = 0 ] || fail "the virtual machine ends with $status"
}

give_up() {
	echo "cannot run here: $1"
	echo "0 passed, 0 failed, 1 cannot run here"
	exit 77
}

compare=compare_here
if [ "${1:-}" = --vm ]; then
	compare=compare_in_vm
	shift
fi
[ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null || give_up "needs root and network namespaces"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work/whole" "$work/parts/inet" "$work/parts/bridge"
${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$work/netlink-equal" "$here"/{netlink-equal,batch}.c -lmnl -lnftables || exit 2
compile_cases "$@"
if [ $compare = compare_here ] && [ $# = 0 ]; then
	"$tests/bench/gen-cluster.py" 1000 20 "$work/cluster" >/dev/null && compile 1000-guests "$work/cluster"
	[ -s "$work/whole/1000-guests.nft" ]
	verdict $? "the cluster of 1,000 guests does not compile"
fi
$compare
finish
