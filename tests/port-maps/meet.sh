#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# meet.sh FOLDER FORM inet|bridge: in a network namespace of its own, sends FOLDER/frames through FOLDER/FORM.nft, and
# prints what was accepted (`seen NUMBER`), the answers to what was rejected, and the counters (`count COMMENT PACKETS`).
#
# For the host, frames arrive from a veth; each destination is local. Guests' links are ports of the bridges that the rules name.
# What is accepted is noted by a table behind all others. SEND: the program send.
set -eu
PATH=$PATH:/usr/sbin:/sbin
[ "${4:-}" = inside ] || exec unshare -n "$0" "$1" "$2" "$3" inside
folder=$1 form=$2 family=$3

# shellcheck source=SCRIPTDIR/wiring.sh
. "$(dirname "$0")/wiring.sh"

watch() {
	local hook=input # lo has the answers
	[ "$family" = inet ] || hook=postrouting
	cat <<-END
		table $family watch {
			set seen4 { typeof ip id; size 65535; flags dynamic; }
			set seen6 { typeof ip6 flowlabel; size 65535; flags dynamic; }
			chain accepted {
				type filter hook $hook priority 2000;
				iifname "lo" accept
				add @seen4 { ip id }
				add @seen6 { ip6 flowlabel }
			}
	END
	[ "$family" = bridge ] || cat <<-END
			chain answers {
				type filter hook output priority 2000;
				tcp flags & rst == rst counter comment "answer rst"
				icmp type destination-unreachable icmp code port-unreachable counter comment "answer port"
				icmp type destination-unreachable counter comment "answer icmp"
				icmpv6 type destination-unreachable counter comment "answer icmpv6"
			}
	END
	echo "}"
}

wire
# What is another family's is not loaded: this kernel may lack it.
other=bridge
[ "$family" = inet ] || other=inet
sed "/^table $other pvefw$/d; /^delete table $other pvefw$/d; /^table $other pvefw {$/,/^}$/d" "$folder/$form.nft" |
	nft -f -
watch | nft -f -
if [ "$family" = inet ]; then
	grep '^host ' "$folder/frames" || :
else
	grep -v '^host ' "$folder/frames" || :
fi | "$SEND"
nft list table "$family" watch | tr -d ' \t\n' | grep -oE 'elements=\{[^}]*' | sed 's/[={,]/\n/g' | sed -n 's/^[0-9].*/seen &/p'
nft list ruleset | sed -nE 's/.*counter packets ([0-9]+) bytes.* comment "([^"]*)".*/\2\t\1/p' |
	awk -F '\t' '{ n[$1] += $2 } END { for (c in n) print "count", c, n[c] }'
