#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nft-load.sh [--debian13] [CASE…]: every script that `compile --target nft` prints loads, whole and twice, and
# what nft then lists loads, too, as the same. --debian13: with the nft of Debian 13 (fetch-debian13.sh).
#
# A CASE is a folder with root/ and perhaps args; without any, all below tests/cases. Each script is
# loaded in a network namespace of its own; rules that this kernel cannot do (the bridge family's ct,
# reject and ibrname, and queue) are left out, and their number is printed; netlink-equal.sh --vm loads
# those. Anything nft says is a failure.
#
# Ends with `N passed, N failed[, N cannot run here]`. PVEFW_CC: the compiler, default build/pvefw-cc.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tests=$(dirname "$here")
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

# census <LISTING: how many rules, chains, sets and comments a script or a listing has
census() {
	awk '
		/^\t(set|map) / { sets++ }
		/^\tct helper / { helpers++ }
		/^\tchain / { chains++; inside = 1; next }
		/^\t}/ { inside = 0 }
		inside && !/^\t\ttype filter hook/ { rules++ }
		inside && / comment "/ { comments++ }
		END { print rules + 0, "rules", chains + 0, "chains", sets + 0, "sets", helpers + 0, "helpers", comments + 0, "comments" }'
}

# load_and_list SCRIPT LISTING: without a word of nft
load_and_list() {
	# Words: a command. shellcheck disable=SC2086
	if ! $NFT -f "$1" >"$2.said" 2>&1 || [ -s "$2.said" ]; then
		echo "$(basename "$2"): does not load: $(grep -v '^$' "$2.said" | head -n 3 | tr '\n\t' '; ')"
		return 1
	fi
	# shellcheck disable=SC2086
	$NFT list ruleset >"$2" 2>&1
}

# check_script SCRIPT WORK: loads it in this namespace twice, and in place of it what is listed. What is there
# then is all of the script, the same each time. Says what is wrong.
check_script() {
	load_and_list "$1" "$2/once" && load_and_list "$1" "$2/again" || return
	{ echo 'flush ruleset'; cat "$2/once"; } >"$2/fed"
	load_and_list "$2/fed" "$2/back" || return
	for time in again back; do
		if ! cmp -s "$2/once" "$2/$time"; then
			echo "$time: another ruleset: $(diff "$2/once" "$2/$time" | head -n 4 | tr '\n\t' '; ')"
			return 1
		fi
	done
	wanted=$(census <"$1") found=$(census <"$2/once")
	[ "$wanted" = "$found" ] && return
	echo "the script has $wanted, the kernel $found"
	return 1
}

# The part inside a new namespace is this script again: nft-load.sh --inside SCRIPT WORK
if [ "${1:-}" = --inside ]; then
	check_script "$2" "$3"
	exit
fi
# shellcheck source=tests/checks/result.sh
. "$tests/checks/result.sh"
PVEFW_CC=$(readlink -f "${PVEFW_CC:-$tests/../build/pvefw-cc}")
etc=$tests/cases/etc

give_up() {
	echo "cannot run here: $1"
	echo "0 passed, 0 failed, 1 cannot run here"
	exit 77
}

list_cases() {
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@"
	else
		find "$tests/cases" -name root -type d -path '*/cases/*/*/root' -exec dirname {} \; | sort
	fi
}

# compile CASE: $work/scripts/NAME.nft; what it complains about is for other tests
compile() {
	name=$(echo "${1#"$tests/cases/"}" | tr / _)
	# shellcheck disable=SC2046 # words
	"$PVEFW_CC" compile --target nft --root "$1/root" --services "$etc/services" --protocols "$etc/protocols" \
		--ethertypes "$etc/ethertypes" $(cat "$1/args" 2>/dev/null) >"$work/scripts/$name.nft" 2>/dev/null
	sum=$(md5sum <"$work/scripts/$name.nft")
	case $sums in *"$sum"*) rm "$work/scripts/$name.nft" ;; esac # the same as another one, or empty
	sums="$sums $sum"
}

# can STATEMENTS: would this kernel take them in the bridge family?
can() {
	printf 'table bridge probe { chain c { type filter hook prerouting priority 0; %s; }; }\n' "$1" |
		unshare -n nft -f - 2>/dev/null
}

# Patterns of rules, and of the blocks that name helpers, for sed.
find_lacks() {
	lacks=
	can 'ct state new' || lacks="$lacks;/^\t\t.*ct state /d;/^\t\tct mark set/{s/ct mark set [0-9]* *//;/^\t\t$/d};/ct helper set/d;/^\tct helper /,/^\t}/d"
	can 'reject with tcp reset' || lacks="$lacks;/reject with/d"
	can 'meta ibrname "x"' || lacks="$lacks;/meta ibrname/d"
	can 'queue flags bypass to 0' || lacks="$lacks;/\tqueue /d;/ queue flags/d"
}

# The inet table stays as it is.
leave_out() {
	[ -n "$lacks" ] || return 0
	sed "/^table bridge pvefw {/,\${${lacks#;}}" "$1" >"$work/rest"
	left=$(($(wc -l <"$1") - $(wc -l <"$work/rest")))
	lines_left=$((lines_left + left))
	mv "$work/rest" "$1"
}

load_here() {
	unshare -n true 2>/dev/null || give_up "needs root and network namespaces"
	lines_left=0
	find_lacks
	for script in "$work"/scripts/*.nft; do
		leave_out "$script"
		said=$(unshare -n "$here/nft-load.sh" --inside "$script" "$work" 2>&1)
		verdict $? "$(basename "$script" .nft): $said"
	done
	[ $lines_left = 0 ] || echo "left out, cannot run here: $lines_left lines of bridge tables"
}

# use_debian13: another NFT, with its own libraries
use_debian13() {
	cache=${VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pvefw-vm}
	root=$("$here/fetch-debian13.sh" "$cache/debian13" 2>&1) || give_up "$root"
	for loader in "$root"/usr/lib/*-linux-gnu/ld-linux*.so.*; do
		NFT="$loader --library-path $(dirname "$loader") $root/usr/sbin/nft"
	done
	$NFT --version || give_up "Debian 13's nft does not run"
}

export NFT=nft
if [ "${1:-}" = --debian13 ]; then
	shift
	use_debian13
fi
[ -x "$PVEFW_CC" ] || give_up "no $PVEFW_CC"
command -v nft >/dev/null || give_up "no nft"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/scripts"
sums=$(md5sum </dev/null) # options of another command, or a tree that cannot be read
for case in $(list_cases "$@"); do
	compile "$case"
done
load_here
finish
