#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# monitoring.sh: examples/monitoring fits the service's metrics: promtool accepts metrics, job, alert rules and the
# expressions of the dashboard, the rules' own tests pass, and each metric that they name is there.
#
# promtool is Debian's, unpacked in a cache (tests/fetch-debs).
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall.
set -u
cache=${VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pvefw-vm}
tests=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -e "$cache/prometheus" ]; then
	"$tests/fetch-debs" "$cache/prometheus" bookworm "$(dpkg --print-architecture)" prometheus || exit 77
fi
# shellcheck source=SCRIPTDIR/common.sh
. "$tests/service/common.sh"
in_namespaces "$@"
begin
ip link set lo up
promtool=$cache/prometheus/usr/bin/promtool
examples=$tests/../examples/monitoring

# said COMMAND…: it succeeds; else what it says is shown
said() {
	"$@" >"$work/said" 2>&1 || { sed 's/^/    /' "$work/said" && false; }
}

metrics() {
	"${in[@]}" bash -c 'exec 3<>/dev/tcp/127.0.0.1/9199 && printf "GET /metrics HTTP/1.0\r\n\r\n" >&3 && timeout 20 cat <&3' |
		sed '1,/^\r*$/d'
}

make_tree
start
printf '%s 1\n' received written lost_kernel lost_disk malformed >"$work/run/logger.state"
metrics >"$work/metrics"
check "metrics" said "$promtool" check metrics <"$work/metrics"
check "the job" said "$promtool" check config "$examples/prometheus.yml"
check "the alert rules" said "$promtool" check rules "$examples/pvefw-alerts.yml"
check "tests of the alert rules" said "$promtool" test rules "$examples/pvefw-alerts-test.yml"
check "the dashboard" said /usr/bin/python3 "$tests/service/monitoring.py" "$examples" "$work/metrics" "$work/rules.yml"
check "expressions of the dashboard" said "$promtool" check rules "$work/rules.yml"
stop
finish
