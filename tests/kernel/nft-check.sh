# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# For nft-load.sh to include, here and in the virtual machine.

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

# check_script SCRIPT WORK [TIMES]: loads it in this namespace, twice or as TIMES (once, again) says, without a
# word of nft. What is there then is all of the script, the same both times. Says what is wrong.
check_script() {
	for time in ${3:-once again}; do
		if ! nft -f "$1" >"$2/said" 2>&1 || [ -s "$2/said" ]; then
			echo "does not load $time: $(grep -v '^$' "$2/said" | head -n 3 | tr '\n\t' '; ')"
			return 1
		fi
		nft list ruleset >"$2/$time" 2>"$2/said"
	done
	if [ $# = 2 ] && ! cmp -s "$2/once" "$2/again"; then
		echo "another ruleset when it is loaded again"
		return 1
	fi
	wanted=$(census <"$1") found=$(census <"$2/once")
	[ "$wanted" = "$found" ] && return
	echo "the script has $wanted, the kernel $found"
	return 1
}
