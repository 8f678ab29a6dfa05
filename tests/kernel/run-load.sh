#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run-load.sh [DIR…]: load-restore.sh for many folders, two at a time.
# run-load.sh --self-test: shows that load-restore.sh notices what it should.
#
# A DIR holds the restore scripts or has them in DIR/expect; without any, every folder below
# tests/cases that holds restore scripts is taken. Prints a line for each failure, what was left out
# because the kernel cannot do it, and `N passed, N failed, N cannot run here`. Exit status: 0 unless
# something failed; 77 when nothing could run. NORMALISE: the built normaliser, else it is built here.
#
# The self-test loads the scripts of self-test/ spoiled in one way after the other (mutations.tsv),
# each of which must be noticed, and as they are, which must pass.
set -u
here=$(cd "$(dirname "$0")" && pwd)

# The worker, started by xargs: run-load.sh --one WORK NUMBER DIR [LOADED]
if [ "${1:-}" = --one ]; then
	work=$2 number=$3
	shift 3
	"$here/load-restore.sh" "$@" >"$work/$number.output" 2>&1
	echo $? >"$work/$number.status"
	exit 0
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
if [ -z "${NORMALISE:-}" ]; then
	NORMALISE=$work/normalise
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$NORMALISE" "$here/normalise.c" "$here/canonical.c" || exit 1
fi
export NORMALISE

# Jobs are lines of words: NUMBER DIR [LOADED]. No path here has blanks in it.
run_jobs() {
	xargs -P 2 -L 1 "$here/run-load.sh" --one "$work" <"$work/jobs"
}

list_cases() {
	if [ $# = 0 ]; then
		find "$here/../cases" -name ipset.restore -exec dirname {} \; | sort
		return
	fi
	for dir; do
		[ -e "$dir/expect/ipset.restore" ] && dir=$dir/expect
		[ -e "$dir/ipset.restore" ] && echo "$dir"
	done
}

# 'cannot run here: WHAT (3 rules)' of many cases, added up
sum_left_out() {
	cat "$work"/*.output | sed -n 's/^cannot run here: \(.*\) (\([0-9]*\) rules)$/\2 \1/p' |
		awk '{ n = $1; sub(/^[0-9]* /, ""); rules[$0] += n; cases[$0]++ }
		     END { for (what in rules) printf "left out, cannot run here: %s: %d rules in %d runs\n",
			   what, rules[what], cases[what] }' | sort
}

run_cases() {
	passed=0 failed=0 cannot=0
	list_cases "$@" | awk '{ print NR, $0 }' >"$work/jobs"
	run_jobs
	while read -r number dir; do
		case $(cat "$work/$number.status") in
		0) passed=$((passed + 1)) ;;
		77) cannot=$((cannot + 1)) reason=$(grep '^cannot run here' "$work/$number.output") ;;
		*)
			failed=$((failed + 1))
			echo "FAIL $dir: $(grep -v '^cannot run here\|all of them there$' "$work/$number.output" | head -n 3 | tr '\n\t' '; ')"
			;;
		esac
	done <"$work/jobs"
	sum_left_out
	[ $cannot = 0 ] || echo "$reason" | head -n 1
	echo "$passed passed, $failed failed, $cannot cannot run here"
	[ $failed = 0 ] || return 1
	[ $passed != 0 ] || return 77
}

# One folder of spoiled scripts a line of mutations.tsv, numbered like the lines.
make_mutations() {
	number=0
	while IFS='	' read -r file command what; do
		number=$((number + 1))
		case $file in '#'*) continue ;; esac
		cp -r "$here/self-test" "$work/$number"
		sed "$command" "$here/self-test/$file" >"$work/$number/$file"
		if cmp -s "$work/$number/$file" "$here/self-test/$file"; then
			echo "FAIL mutations.tsv:$number changes nothing: $what" >&2
			bad=$((bad + 1))
		fi
		echo "$number $here/self-test $work/$number"
	done <"$here/self-test/mutations.tsv" >"$work/jobs"
}

check_mutations() {
	run_jobs
	while read -r number _; do
		count=$((count + 1))
		status=$(cat "$work/$number.status")
		[ "$status" = 1 ] && continue
		echo "FAIL mutations.tsv:$number gives $status instead of 1: $(cat "$work/$number.output")"
		bad=$((bad + 1))
	done <"$work/jobs"
}

# A rule no kernel can do (IPv6 has no broadcast) is reported, and the rest still compared.
check_left_out() {
	cp -r "$here/self-test" "$work/lacking"
	sed '/^-A PVEFW-INPUT -m set/i -A PVEFW-INPUT -m addrtype --dst-type BROADCAST -j DROP' \
		"$here/self-test/ip6tables-filter.restore" >"$work/lacking/ip6tables-filter.restore"
	output=$("$here/load-restore.sh" "$work/lacking") &&
		echo "$output" | grep -q '^cannot run here: ip6tables-legacy: addrtype .* (1 rules)' && return
	echo "FAIL a rule the kernel cannot do: $output"
	bad=$((bad + 1))
}

self_test() {
	bad=0 count=0
	output=$("$here/load-restore.sh" "$here/self-test")
	status=$?
	if [ $status != 0 ]; then
		echo "$output"
		echo "self-test: the unspoiled scripts give $status"
		return $status
	fi
	make_mutations
	check_mutations
	check_left_out
	echo "self-test: $count spoiled scripts, $bad not noticed"
	[ "$bad" = 0 ]
}

if [ "${1:-}" = --self-test ]; then
	self_test
else
	run_cases "$@"
fi
