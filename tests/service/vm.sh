#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vm.sh [PAYLOAD…]: the service with guests and nftables (payload.sh), and the boot of a node (payload-boot.sh), on
# Debian's kernel in the virtual machine (tests/vm).
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
command -v qemu-system-x86_64 >/dev/null || give_up "no qemu-system-x86_64"
begin
build STREAM "$here/stream.c" "$tests"/topology/{spec,space}.c
build FLOW "$tests/probes/flow.c" "$tests"/topology/{spec,space}.c
build NOTIFY "$here/notify.c"

# in_machine PAYLOAD FILE…
in_machine() {
	"$tests/vm/run.sh" "$here/$1" "$here/common.sh:/payload/tests/service/common.sh" \
		"$tests/topology:/payload/tests/topology" "$tests/checks/result.sh:/payload/tests/checks/result.sh" \
		"$STREAM:/payload/stream" "$service:/payload/build/pve-firewall" "${@:2}" >"$work/console" 2>&1
	status=$?
	tr -d '\r' <"$work/console" >"$work/said"
	[ $status != 77 ] || give_up "$(tail -n 1 "$work/said")"
	grep -v ' passed, ' "$work/said"
	verdict $status "$1: the virtual machine ends with $status"
	counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work/said")
	[ -n "$counts" ]
	verdict $? "$1 has not come to its end"
	passed=$((passed + ${counts%% *} + 0)) failed=$((failed + ${counts##* } + 0))
}

payloads=${*:-payload.sh payload-boot.sh}
for payload in $payloads; do
	case $payload in
	payload.sh) in_machine payload.sh "$FLOW:/payload/flow" ;;
	*) in_machine "$payload" "$NOTIFY:/payload/notify" "$here/node-boot.sh:/payload/tests/service/node-boot.sh" \
		"$tests/../packaging:/payload/packaging" "$(command -v setpriv):/payload/setpriv" ;;
	esac
done
finish
