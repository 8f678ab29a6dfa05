# SPDX-License-Identifier: GPL-2.0-or-later
# effective.awk: what a spec file wants in one context. CONTEXT is a list of words: the target, the wiring.
# A comment `[WORDS: RESULT]` replaces the line's RESULT where CONTEXT has all of WORDS.
BEGIN {
	count = split(CONTEXT, words, " ")
	for (i = 1; i <= count; i++)
		present[words[i]] = 1
}

/^[^#]*[^# \t].*#.*\[[a-z ]+: [a-z]+\]/ {
	comment = substr($0, index($0, "#"))
	while (match(comment, /\[[a-z ]+: [a-z]+\]/)) {
		split(substr(comment, RSTART + 1, RLENGTH - 2), parts, ": ")
		comment = substr(comment, RSTART + RLENGTH)
		count = split(parts[1], wanted, " ")
		all = 1
		for (i = 1; i <= count; i++)
			all = all && wanted[i] in present
		if (all)
			$5 = parts[2]
	}
}

{ print }
