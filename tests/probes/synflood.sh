#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# synflood.sh: protection_synflood lets a burst through and drops the rest, and other sources do not notice.
#
# synflood/root allows 40 connections at once from an IPv4 address or an IPv6 /64, and then one a second.
# The files of synflood/ say what is sent; it goes through the rules of iptables here (legacy and nft) and
# those of nftables in the virtual machine (both wirings). iptables counts twice what passes two bridges on
# its way to or from a firewalled guest: there half the burst arrives. Ends with `N passed, N failed[, N
# cannot run here]`.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"

BURST_LENGTH=40 FLOOD=150 OTHERS=15 CONNECTIONS=20

# within WHAT NUMBER LEAST MOST
within() {
	[ "$2" -ge "$3" ] && [ "$2" -le "$4" ]
	verdict $? "$1: $2, wanted $3 to $4"
}

# judge_lines WHAT TARGET SENT LEAST SLACK <LINES: those of one burst; LEAST of a flood come through
judge_lines() {
	local arrived want line least
	while read -r arrived want line; do
		least=$4
		case $2:$line in iptables:*vm100*) least=$((least / 2)) ;; esac
		if [ "$want" = accept ]; then
			within "$1: $line" "$arrived" "$3" "$3"
		else
			within "$1: $line" "$arrived" "$least" $((least + $5))
		fi
	done
}

# judge WHAT TARGET <OUTPUT of synflood-here.sh
judge() {
	local text slack
	text=$(cat)
	# one a second since the first frame, and one for rounding
	slack=$(awk '/^sent from/ { if (!begin) begin = $3; end = $5 } END { print int(end - begin) + 2 }' <<<"$text")
	if ! grep -q '^others ' <<<"$text"; then
		fail "$1: no result"
		sed 's/^/  /' <<<"$text"
		return
	fi
	judge_lines "$1" "$2" $FLOOD $BURST_LENGTH "$slack" < <(sed '/^sent/,$d' <<<"$text")
	judge_lines "$1" "$2" $OTHERS 0 "$slack" < <(sed '1,/^sent/d; /^sent/,$d' <<<"$text")
	within "$1: connections to the host" "$(sed -n 's/^host //p' <<<"$text")" $BURST_LENGTH $((BURST_LENGTH + slack))
	within "$1: other connections" "$(sed -n 's/^others //p' <<<"$text")" $CONNECTIONS $CONNECTIONS
}

begin
export PREFIX=syn$$
dir=$work/trees/synflood
compile iptables "$here/synflood/root" "$dir" || { finish; exit; }
cp "$here"/synflood/*.spec "$dir"
for how in legacy nft-compat; do
	"$tests/topology/topo.sh" up
	judge "$how" iptables < <("$here/synflood-here.sh" $how "$dir" 2>&1)
done
# without rules nothing is limited
"$tests/topology/topo.sh" up
before=$failed passed_before=$passed
judge 'no rules' none < <("$here/synflood-here.sh" none "$dir" 2>&1) >"$work/control"
noticed=$((failed - before)) failed=$before passed=$passed_before
[ "$noticed" -ge 13 ]
verdict $? "no rules: only $noticed of 13 floods notice"

has_nft || give_up "$PVEFW_CC has no --target nft"
rm -r "$dir/root"
compile nft "$here/synflood/root" "$dir" || { finish; exit; }
in_vm "$here/payload-synflood.sh" "$here/payload-common.sh" "$here/synflood-here.sh" "$work/trees"
for wiring in fwbr direct; do
	judge "nft, $wiring" nft < <(part $wiring)
done
finish
