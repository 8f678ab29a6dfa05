# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of run.sh nft in the virtual machine. /payload/runs has a line for each run, `WIRING HOW TREE`; the
# runs of one wiring are in the same topology, one after the other.
set -u
# shellcheck source=SCRIPTDIR/payload-common.sh
. /payload/payload-common.sh
options=(-t 2)
[ ! -e verbose ] || options+=(-v)

# run HOW DIR
run() {
	local prober=("$PROBE_ALONE")
	[ ! -e "$2/flows.spec" ] || [ "$1" = none ] || prober=(./change.sh "$1" "$2")
	[ "$1" != cut ] || set -- nft "$2"
	in_host ./load.sh "$1" "$2" "$2/spec" &&
		"${prober[@]}" "${options[@]}" $PREFIX topology/hosts.tsv "$2/spec"
}

while read -r wiring how tree; do
	wire "$wiring"
	announce "$wiring $how $tree"
	forget
	run "$how" "/payload/trees/$tree-$wiring" 2>&1
done <runs
exit 0
