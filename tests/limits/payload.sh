#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# payload.sh: loads the trees in /payload/trees in the virtual machine (run --vm sends it), with ebtables-legacy, nft and our
# netlink loader; with all tools, if there is a file /payload/trees/everything.
#
# A tree is a folder: root, arguments (options of the compiler, a word a line), and what was compiled from it: ipset.restore and so
# on, and nft. Prints `FAIL TREE STEP: MESSAGE` for what is refused, and `done COUNT` at the end. Each process takes long in
# this machine, so there are few.
set -u
cd /payload/trees || exit 1
modprobe -a ebtables ebtable_filter

# attempt STEP SCRIPT COMMAND...: anything on standard error is a refusal, but for the tools' remarks
attempt() {
	step=$1 script=$2
	shift 2
	"$@" >/tmp/said 2>/tmp/errors <"$script"
	status=$? complaints=
	while read -r line; do
		case $line in
		"" | "# Warning: "ip*"tables-legacy tables present"* | "Warning: never matched protocol: "*) ;;
		*) complaints="$complaints; $line" ;;
		esac
	done </tmp/errors
	[ "$status$complaints" = 0 ] && return
	complaints="status $status$complaints"
	echo "FAIL $tree $step: ${complaints:0:400}"
	return 1
}

load_everything() {
	attempt ebtables-nft ebtables.restore ebtables-nft-restore
	attempt ipset ipset.restore ipset restore || return
	for family in iptables ip6tables; do
		cat $family-raw.restore $family-filter.restore >/tmp/script
		for variant in legacy nft; do
			attempt $family-$variant /tmp/script $family-$variant-restore -n
		done
	done
	nft flush ruleset
}

load_with_nft() {
	attempt nft /dev/null nft -f nft || return
	mapfile -t arguments <arguments
	arguments+=(--target netlink --strict --root root --stats --fail-on never --output /dev/null)
	attempt netlink /dev/null /payload/pvefw-cc load --whole "${arguments[@]}" || return
	attempt "netlink again" /dev/null /payload/pvefw-cc load "${arguments[@]}" || return
	said=$(</tmp/said)
	[[ $said = *"messages 0"* ]] || echo "FAIL $tree netlink again: finds something to change: ${said//$'\n'/ }"
}

# The part inside a new network namespace is this script again: payload.sh TREE
if [ $# = 1 ]; then
	tree=$1
	cd "$tree" || exit 1
	attempt ebtables-legacy ebtables.restore ebtables-legacy-restore
	[ ! -e ../everything ] || load_everything
	load_with_nft
	exit 0
fi
count=0
for tree in */; do
	unshare -n "$0" "${tree%/}"
	count=$((count + 1))
done
echo "done $count"
