#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vm.sh: traces guests' packets in bridge tables, on Debian's kernel in the virtual machine, in both wirings.
#
# The packets of tests/probes/log pass while pve-firewall trace runs: the model agrees with each, and explain-log finds
# the rule of every line that was logged.  Ends with `N passed, N failed[, N cannot run here]`.
set -u
# shellcheck source=SCRIPTDIR/../probes/common.sh
. "$(dirname "$0")/../probes/common.sh"
top=$(cd "$tests/.." && pwd)
command -v qemu-system-x86_64 >/dev/null || give_up "no qemu-system-x86_64"
begin
cp -r "$tests/probes/log/root" "$work/root"
echo 'nftables: 1' >>"$work/root/nodes/n1/host.fw"
compile nft "$work/root" "$work/trees/log" || { finish; exit; }
cp "$tests/probes/log/packets.spec" "$work/trees/log/spec"
in_vm "$tests/trace/payload.sh" "$tests/probes/payload-common.sh" "$work/trees" "$top/build/pve-firewall:/payload/pve-firewall" \
	"$top/build/pvefw-logger:/payload/pvefw-logger"
[ -z "${TRACE_KEEP:-}" ] || cp "$work/output" "$TRACE_KEEP"
for wiring in fwbr direct; do
	part "$wiring summary" >"$work/summary"
	packets=$(sed -n 's/^\([0-9]*\) packets traced.*/\1/p' "$work/summary")
	[ "${packets:-0}" -gt 60 ]
	verdict $? "$wiring: only ${packets:-no} packets were traced: $(cat "$work/summary")"
	! grep -q DISAGREES "$work/summary"
	verdict $? "$wiring: the model disagrees: $(part "$wiring trace" | grep -A 40 DISAGREES | head -n 45)"
	[ "$(part "$wiring explained" | grep -c '  -->')" -gt 40 ]
	verdict $? "$wiring: few log lines are explained"
	! part "$wiring explained" | grep -q 'note: no rule'
	verdict $? "$wiring: a log line has no rule: $(part "$wiring explained" | grep -B 1 'note: no rule' | head -n 4)"
	! part "$wiring tables" | grep -q pvefw-trace
	verdict $? "$wiring: the trace's tables are left"
done
finish
