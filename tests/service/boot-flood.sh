#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# boot-flood.sh: the boot of a node (node-boot.sh) with each target, in network namespaces: no blocked packet arrives at a
# guest, from its first link on. vm.sh does the same on Debian's kernel, with the tools that the stock unit chooses.
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
begin
export PREFIX=pvefwb$$ WIRING=direct BRIDGE_NF=0
flag=$PVEFW_FWBR_FLAG packaging=$tests/../packaging SETPRIV=setpriv
build STREAM "$here/stream.c" "$tests"/topology/{spec,space}.c
build NOTIFY "$here/notify.c"
# shellcheck source=SCRIPTDIR/node-boot.sh
. "$here/node-boot.sh"
boot iptables
shut_down
boot nftables 'nftables: 1'
check "nftables: the file is there" test ! -e "$flag"
shut_down
finish
