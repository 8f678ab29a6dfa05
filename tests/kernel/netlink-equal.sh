#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netlink-equal.sh [CASE…]: the script and the netlink batch of a case leave the same ruleset.
# netlink-equal.sh --vm [CASE…]: all of it on Debian's kernel, in one start of the virtual machine; without
# CASE only so many that nearly every pair of words is in one of them, as each takes seconds there.
#
# Both are compiled and loaded, each into a network namespace of its own; then the listings are
# compared, as JSON (handles removed) and as the kernel's expressions. Without --vm the bridge table
# goes without the expressions this kernel lacks. CASE is a folder with root/; without any, all below
# tests/cases. Prints `N passed, N failed, N cannot run here`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
A=pvefw-script-$$ B=pvefw-batch-$$

# Where the expressions of the bridge family are missing: their names for netlink-send, and the lines
# of the script that have them.
lacks="ct reject queue objref meta:17 meta:18"
lacking_lines='/^\t\t.*(ct (state|mark|helper) |reject with|queue |meta [io]brname)/d'
lacking_objects='/^\tct helper /,/^\t}/d'

listing() {
	ip netns exec "$1" nft -j list ruleset | sed 's/, "handle": [0-9]*\|"handle": [0-9]*, //g; s/}}, /&\n/g'
}

# Elements of a hash come in any order.
expressions() {
	ip netns exec "$1" nft --debug=netlink list ruleset |
		sed -E 's/ # handle [0-9]+//; s/^\telement/element/; s/\telement/\nelement/g' |
		awk '/^element/ { print | "sort"; next } { close("sort"); print }'
}

# same NAME: the two namespaces have equal rulesets
same() {
	for how in listing expressions; do
		$how $A >"$work/a" 2>&1
		$how $B >"$work/b" 2>&1
		grep -q "pvefw" "$work/a" || [ ! -s "$work/wanted" ] || echo "nothing loaded" >>"$work/a"
		if ! cmp -s "$work/a" "$work/b"; then
			echo "FAIL $1: script and batch differ ($how)"
			diff "$work/a" "$work/b" | head -n 6 | cut -c 1-200 | sed 's/^/    /'
			return 1
		fi
	done
}

# load NAME FAMILY [LACKS…]: $work/part and $work/batch
load() {
	name=$1
	shift
	grep '^table.*{' "$work/part" >"$work/wanted"
	ip netns exec $A nft -f "$work/part" >"$work/out" 2>&1 || {
		echo "FAIL $name: script"
		head -n 4 "$work/out" | cut -c 1-200 | sed 's/^/    /'
		return 1
	}
	ip netns exec $B "$send" "$work/batch" "$@" >"$work/out" 2>&1 || {
		echo "FAIL $name: batch"
		head -n 4 "$work/out" | sed 's/^/    /'
		return 1
	}
}

count() {
	if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

both() {
	load "$@" && same "$1"
}

# compare NAME: what this kernel can do
compare_here() {
	sed '/^table bridge pvefw {/,/^}/d; /table bridge pvefw$/d' "$work/script" >"$work/part"
	count both "$1 inet" 1
	sed '/^table inet pvefw {/,/^}/d; /table inet pvefw$/d' "$work/script" |
		sed -E "$lacking_lines; $lacking_objects" >"$work/part"
	# shellcheck disable=SC2086
	count both "$1 bridge" 7 $lacks
}

compare_all() {
	cp "$work/script" "$work/part"
	count both "$1" 0
}

start() {
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"; ip netns del $A; ip netns del $B' EXIT
	ip netns add $A && ip netns add $B || exit 77
	passed=0 failed=0
}

# compile DIR: into $work; false if the case makes no ruleset
compile() {
	etc=$here/../cases/etc
	# shellcheck disable=SC2046
	set -- --root "$1/root" --services "$etc/services" --protocols "$etc/protocols" \
		--ethertypes "$etc/ethertypes" $(cat "$1/args" 2>/dev/null)
	rm -f "$work/script" "$work/batch"
	"$bin" compile --target nft -o "$work/script" "$@" >/dev/null 2>&1
	"$bin" compile --target netlink -o "$work/batch" "$@" >/dev/null 2>&1
	[ -s "$work/script" ] && [ -s "$work/batch" ]
}

cases() {
	[ $# != 0 ] || set -- "$here"/../cases/*/*/
	for dir; do
		[ -d "$dir/root" ] && echo "${dir%/}"
	done
}

# What the script says, word by word with the one before; values and names left out
kinds() {
	sed -nE 's/ comment ".*"//; s/"[^"]*"/S/g; s/@[^ ]+/@/g; s/(goto|jump) .*/\1/
		s/[0-9a-f]*[0-9:][0-9a-f:.\/-]*/N/g; s/^\t\t(.*[^,{])$/\1/p' "$work/script" |
		awk '{ for (i = 1; i <= NF; i++) print $(i - 1 ? i - 1 : NF + 1), $i }' | sort -u
}

# has_new_kind: and notes those that are there
has_new_kind() {
	kinds >"$work/kinds"
	new=$(comm -13 "$work/seen" "$work/kinds" | wc -l)
	sort -u "$work/seen" "$work/kinds" -o "$work/seen"
	[ "$new" -gt 2 ]
}

# Larger scripts first
by_size() {
	for dir; do
		compile "$dir" && echo "$(stat -c %s "$work/script") $dir"
	done | sort -rn | cut -d ' ' -f 2-
}

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}

# The payload: scripts and batches are there, compiled.
if [ "${1:-}" = --payload ]; then
	send=/payload/netlink-send
	start
	for script in /payload/batches/*.nft; do
		name=$(basename "$script" .nft)
		cp "$script" "$work/script"
		cp "/payload/batches/$name.batch" "$work/batch"
		compare_all "$name"
	done
	finish
fi

bin=${PVEFW_CC:-$here/../../build/pvefw-cc}
start
send=$work/netlink-send
${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$send" "$here/netlink-send.c" -lmnl || exit 2

if [ "${1:-}" = --vm ]; then
	shift
	mkdir "$work/batches"
	: >"$work/seen"
	all=$#
	for dir in $(by_size $(cases "$@")); do
		compile "$dir"
		has_new_kind || [ "$all" != 0 ] || continue
		name=$(basename "$(dirname "$dir")")-$(basename "$dir")
		cp "$work/script" "$work/batches/$name.nft"
		cp "$work/batch" "$work/batches/$name.batch"
	done
	printf 'bash /payload/netlink-equal.sh --payload\n' >"$work/payload"
	"$here/../vm/run.sh" "$work/payload" "$here/netlink-equal.sh" "$send" "$work/batches"
	exit
fi

for dir in $(cases "$@"); do
	compile "$dir" || continue
	compare_here "$(basename "$(dirname "$dir")")/$(basename "$dir")"
done
finish
