# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of nflog.sh in the virtual machine: what nftables logs in each wiring.
set -u
# shellcheck source=SCRIPTDIR/payload-common.sh
. /payload/payload-common.sh
modprobe nfnetlink_log
for wiring in fwbr direct; do
	wire $wiring
	for tree in log log-limit; do
		announce "$wiring $tree"
		forget
		in_host ./load.sh nft trees/$tree trees/$tree/spec &&
			in_host "$NFLOG" 1 "$PROBE_ALONE" -t 2 $PREFIX topology/hosts.tsv trees/$tree/spec
	done
done
exit 0
