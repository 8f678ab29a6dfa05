#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vm.sh: the service with guests and nftables, on Debian's kernel in the virtual machine (tests/vm).
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
command -v qemu-system-x86_64 >/dev/null || give_up "no qemu-system-x86_64"
begin
build STREAM "$here/stream.c" "$tests"/topology/{spec,space}.c
build FLOW "$tests/probes/flow.c" "$tests"/topology/{spec,space}.c
"$tests/vm/run.sh" "$here/payload.sh" "$here/common.sh:/payload/tests/service/common.sh" \
	"$tests/topology:/payload/tests/topology" "$tests/checks/result.sh:/payload/tests/checks/result.sh" \
	"$STREAM:/payload/stream" "$FLOW:/payload/flow" "$service:/payload/build/pve-firewall" >"$work/console" 2>&1
status=$?
tr -d '\r' <"$work/console" >"$work/said"
[ $status != 77 ] || give_up "$(tail -n 1 "$work/said")"
grep -v ' passed, ' "$work/said"
verdict $status "the virtual machine ends with $status"
counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work/said")
[ -n "$counts" ]
verdict $? "the payload has not come to its end"
passed=$((passed + ${counts%% *} + 0)) failed=$((failed + ${counts##* } + 0))
finish
