# SPDX-License-Identifier: GPL-2.0-or-later
#
# awk -f check-messages.awk STDERR STOCK-MESSAGES
#
# Every line of a .fw file that the stock compiler complains about must be shown
# by a diagnostic of ours; prints those which are not, and exits 1.  Lines of a
# section that is skipped for its bad name count as shown: the diagnostic at the
# header covers them.  Messages that name no line are passed over.

function stop_skipping() {
	while ((getline text < ("root/" file)) > 0) {
		number++
		if (number > line && text ~ /^[ \t]*\[/)
			break
		if (number > line)
			shown[file ":" number] = 1
	}
	close("root/" file)
}

# "  --> firewall/100.fw:14:25", "  ::: firewall/…"
NR == FNR && /^ *(-->|:::) / {
	split($2, part, ":")
	file = part[1]
	line = part[2]
	shown[file ":" line] = 1
	if (bad_name) {
		number = 0
		stop_skipping()
	}
}

# A label about several lines.
NR == FNR && / \(to line [0-9]+\)$/ {
	for (last = $NF + 0; line <= last; line++)
		shown[file ":" line] = 1
}

NR == FNR {
	bad_name = /^error\[E010[45]\]/
	next
}

# "/etc/pve/firewall/100.fw (line 14): …", "… (line 14) - …"
match($0, /^\/etc\/pve\/[^ ]* \(line [0-9]+\)/) {
	file = $1
	sub(/^\/etc\/pve\//, "", file)
	place = file ":" ($3 + 0)
	if (!(place in shown)) {
		print place
		missing = 1
	}
}

END { exit missing }
