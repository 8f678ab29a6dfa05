# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of synflood.sh in the virtual machine.
set -u
# shellcheck source=SCRIPTDIR/payload-common.sh
. /payload/payload-common.sh
for wiring in fwbr direct; do
	wire $wiring
	announce "$wiring"
	./synflood-here.sh nft trees/synflood 2>&1
done
exit 0
