#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# edit.sh FOLDER inet|bridge: in a network namespace of its own, loads the trees FOLDER/0, FOLDER/1, … one after the other while
# floods of new connections arrive, and prints `blocked SENT PASSED` and `open SENT PASSED`, and the number of trees that load.
# PVEFW_CC: the compiler. FLOOD: the program flood. LOAD: options of load.
set -eu
PATH=$PATH:/usr/sbin:/sbin
[ "${3:-}" = inside ] || exec unshare -n "$0" "$1" "$2" inside
folder=$1 family=$2
# shellcheck source=SCRIPTDIR/wiring.sh
. "$(dirname "$0")/wiring.sh"

if [ "$family" = inet ]; then
	link=host hook=input
else
	link=outside hook=postrouting
fi

# What has come, before all rules, and what is left behind them, by port.
count_ports() {
	local chain
	echo "table $family watch {"
	for chain in early late; do
		[ $chain = late ] || echo "chain early { type filter hook $([ "$family" = inet ] && echo input || echo prerouting) priority -400;"
		[ $chain = early ] || echo "chain late { type filter hook $hook priority 2000;"
		echo 'th dport { 7100, 7150, 7200, 7300 } ip saddr 10.1.7.7 counter comment "blocked"'
		echo 'th dport { 7000, 7050 } ip saddr 10.1.7.7 counter comment "open"'
		echo '}'
	done
	echo "}"
}

# counted NAME: the packets before and behind the rules
counted() {
	nft list table "$family" watch | sed -n "s/.*counter packets \([0-9]*\) .* comment \"$1\".*/\1/p" | xargs echo "$1"
}

# load TREE
load() {
	# shellcheck disable=SC2086 # options
	"$PVEFW_CC" load --target netlink --root "$folder/$1" ${LOAD:-} >/dev/null 2>"$folder/errors" || [ $? = 1 ]
}

wire
load 0
count_ports | nft -f -
cat "$folder/blocked" "$folder/open" | "${FLOOD:?}" "$link" &
flood=$!
trap 'kill $flood 2>/dev/null' EXIT
until [ "$(counted open | cut -d ' ' -f 2)" -gt 100 ]; do kill -0 $flood; done
loaded=1
while [ -d "$folder/$loaded" ] && load $loaded; do
	loaded=$((loaded + 1))
done
kill $flood
wait $flood || :
trap - EXIT
counted blocked
counted open
echo "loaded $loaded"
