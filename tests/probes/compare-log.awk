# SPDX-License-Identifier: GPL-2.0-or-later
#
# compare-log.awk: compares what two targets logged (lines of nflog.c): first the file of iptables, then that of
# nftables. A packet must be logged as often, with the same prefix but for the spelling of the chain
# (`PVEFW-HOST-IN`, `host-in`). Of what the kernel tells beside it, what both can know must be the same:
#
# - sizes of packet and link-layer header (which a frame of the host itself does not have yet where nftables sees
#   it leave: hook postrouting without a way in); the mark without the two bits each target uses for itself
# - in the chains of the host, where the packet enters and leaves
# - of a guest's packet in its own OUT chain, the bridge and the guest's device (WIRING fwbr; else only the device)
#
# iptables sees a bridged packet on its way through the last bridge (hook forward), nftables where it enters a
# bridge, so the other fields are different by design. Prints a line for each packet: `ok …` or `FAIL …`.

function key(line, prefix, parts) {
	match(line, /\[[^]]*\]/)
	prefix = substr(line, RSTART, RLENGTH)
	split(prefix, parts, ":")
	parts[4] = tolower(parts[4])
	sub(/^pvefw-/, "", parts[4])
	return substr(line, 1, RSTART - 1) "[:" parts[2] ":" parts[3] ":" parts[4] ":" substr(prefix, 1 + length(parts[1] parts[2] parts[3] parts[4]) + 4 + (prefix ~ /:PVEFW-/ ? 6 : 0))
}

# field(LINE, NAME): the value of NAME=
function field(line, name) {
	if (!match(line, " " name "=[^ ]*"))
		return ""
	return substr(line, RSTART + length(name) + 2, RLENGTH - length(name) - 2)
}

function mark(line) {
	value = field(line, "mark")
	sub(/^0x/, "", value)
	while (length(value) < 8)
		value = "0" value
	return (index("0123456789abcdef", substr(value, 1, 1)) - 1) % 4 substr(value, 2)
}

function compare(name, a, b) {
	if (field(a, name) != field(b, name))
		differences = differences " " name "=" field(a, name) "/" field(b, name)
}

function compare_all(a, b) {
	differences = ""
	compare("size", a, b)
	if (field(b, "hook") != 4 || field(b, "in") != "-")
		compare("link", a, b)
	if (mark(a) != mark(b))
		differences = differences " mark"
	if (field(a, "hook") == 1)
		compare("in", a, b)
	if (field(a, "hook") == 3)
		compare("out", a, b)
	if (field(a, "hook") == 2 && field(a, "physin") ~ /^(tap|veth)/) {
		if (WIRING == "fwbr")
			compare("in", a, b)
		compare("physin", a, b)
	}
	return differences
}

!/^src=/ { next }

FNR == NR {
	k = key($0)
	wanted[k, ++count[k]] = $0
	next
}

{
	k = key($0)
	if (++found[k] > count[k])
		print "FAIL only in nftables: " $0
	else if (compare_all(wanted[k, found[k]], $0) != "")
		print "FAIL " k ":" differences
	else
		print "ok   " k
}

END {
	for (k in count)
		for (i = found[k] + 1; i <= count[k]; i++)
			print "FAIL only in iptables: " wanted[k, i]
}
