#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# changes.sh inet|vm [EDITS [SEED]]: while a list with port maps is edited again and again, no packet passes that every version
# blocks, and none is lost that every version accepts.
#
# Rules are inserted, deleted and changed, and the list grows above the length of maps and shrinks below it (draw.py edits).
# inet: the host's list, in a network namespace. vm: the host's and a guest's, on Debian's kernel (tests/vm).
# A control has a version that blocks and accepts others. Ends with `N passed, N failed`. PVEFW_CC: the compiler, default
# build/pvefw-cc.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tests=$(dirname "$here")
# shellcheck source=SCRIPTDIR/../checks/result.sh
. "$tests/checks/result.sh"
PVEFW_CC=$(readlink -f "${PVEFW_CC:-$tests/../build/pvefw-cc}")
FLOOD=

give_up() {
	echo "cannot run here: $1"
	exit 77
}

# judge NAME FILE: what edit.sh has printed
judge() {
	local sent passed_by lost
	read -r sent passed_by < <(sed -n 's/^blocked //p' "$2")
	[ "${sent:-0}" -gt 1000 ] && [ "$passed_by" = 0 ]
	verdict $? "$1: of ${sent:-no} blocked packets ${passed_by:-all} pass"
	read -r sent passed_by < <(sed -n 's/^open //p' "$2")
	lost=$((${sent:-0} - ${passed_by:-0}))
	# Of two processors each can be at a packet that began before the change: see backends/nft/load/README.md.
	[ "${sent:-0}" -gt 500 ] && [ $lost -ge 0 ] && [ $lost -le $((2 * edits)) ]
	verdict $? "$1: of ${sent:-no} accepted packets $lost are lost in $edits edits"
	grep -qx "loaded $edits" "$2"
	verdict $? "$1: not all trees load: $(tail -n 1 "$2")"
	echo "$1: $edits edits, $(tr '\n' ' ' <"$2")($lost lost)"
}

how=${1:-} edits=${2:-60} seed=${3:-1}
if [ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null; then
	give_up "needs root and network namespaces"
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$work/flood" "$here/flood.c" || exit 2
FLOOD=$work/flood
export PVEFW_CC FLOOD
for family in inet bridge; do
	mkdir -p "$work/edits/$family"
	"$here/draw.py" edits "$seed" "$edits" "$work/edits/$family" $family || exit 2
done
case $how in
inet)
	"$here/edit.sh" "$work/edits/inet" inet >"$work/seen" 2>&1
	judge inet "$work/seen"
	rm -rf "$work"/edits/inet/[6-9] "$work"/edits/inet/??
	sed -i '/DROP.*7100:7200/d; s/ACCEPT -p udp -dport 7000/DROP -p udp -dport 7000/' "$work/edits/inet/3/firewall/cluster.fw"
	"$here/edit.sh" "$work/edits/inet" inet >"$work/seen" 2>&1
	awk '/^blocked/ && $3 > 0 { n++ } /^open/ && $2 > $3 { n++ } END { exit n != 2 }' "$work/seen"
	verdict $? "a version that opens and blocks other ports is not noticed: $(tr '\n' ' ' <"$work/seen")"
	;;
vm)
	for family in inet bridge; do
		echo "echo '@@ $family'; PVEFW_CC=/payload/pvefw-cc FLOOD=/payload/flood /payload/edit.sh /payload/edits/$family $family"
	done >"$work/payload"
	"$tests/vm/run.sh" "$work/payload" "$here/edit.sh" "$here/wiring.sh" "$PVEFW_CC" "$work/flood" "$work/edits" >"$work/output" 2>&1
	status=$?
	[ $status != 77 ] || give_up "$(tail -n 1 "$work/output")"
	[ $status = 0 ] || fail "the virtual machine ends with $status: $(tail -n 1 "$work/output")"
	for family in inet bridge; do
		awk -v name="@@ $family" '/^@@/ { shown = $0 == name; next } shown' "$work/output" >"$work/seen"
		judge "Debian's kernel, $family" "$work/seen"
	done
	;;
*)
	echo "usage: changes.sh inet|vm [EDITS [SEED]]" >&2
	exit 2
	;;
esac
finish
