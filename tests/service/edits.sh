#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# edits.sh [EDITS [SEED]]: random edits of a tree in pmxcfs under a running service, with unmounts, kills and editors
# (tests/pmxcfs/edits.py): what is loaded is what a fresh load gives; and a flood through all of it: no packet passes that
# every version of the tree blocks.
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall. KEEP: where its log is copied to.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
in_namespaces "$@"
begin
[ -c /dev/fuse ] || give_up "no /dev/fuse"
export PREFIX=pvefwp$$
build STREAM "$here/stream.c" "$tests"/topology/{spec,space}.c
"$tests/topology/topo.sh" up || give_up "no topology"
edits=${1:-12} seed=${2:-1}

/usr/bin/python3 "$tests/pmxcfs/edits.py" "$edits" "$seed" "$service" "$PREFIX-host" "$work" >"$work/edits" 2>&1 &
editor=$!
within 30 grep -q '^ready' "$work/edits" || gone $editor
printf '%s accept\n' 'outside udp host 7000' 'outside udp host 7001' 'outside udp vm100 7001' 'vm102 udp ct101 7001' >"$work/spec"
"$STREAM" "$PREFIX" "$tests/topology/hosts.tsv" "$work/spec" 1000 >"$work/flood" &
flood=$!
while lives $editor; do
	sleep 0.1
	# before the service takes its rules away, nothing more is sent
	! grep -q '^[0-9]* edits' "$work/edits" || break
	[ -e "$work/stopping" ] && [ -n "$flood" ] && { kill $flood; wait $flood 2>/dev/null; flood=; : >"$work/stopped"; }
done
wait $editor
[ -z "$flood" ] || { kill $flood; wait $flood 2>/dev/null; }
[ -z "${KEEP:-}" ] || cp "$work/log" "$KEEP"
cat "$work/edits"
sed 's/^/flood: /' "$work/flood"
result=$(tail -n 1 "$work/edits")
case $result in
*" edits, "*" steps, 0 differences, "*) pass ;;
*) fail "$result" ;;
esac
check "sent along each line" awk '$2 == "total" && $3 < 500 { exit 1 }' "$work/flood"
check "the flood itself" awk '$1 == 1 && $2 == "total" { exit !($3 > 500 && $4 > 0.99 * $3) }' "$work/flood"
# Where this machine is too busy to save a file in half a second, the file was empty for the service, too.
save=$(sed -n '$s/.*longest save \([0-9]*\) ms/\1/p' "$work/edits")
[ "${save:-0}" -lt 450 ] || give_up "saving a file took $save ms"
check "packets pass that are always blocked" awk '$1 != 1 && $2 == "total" { n += $4; lines++ } END { exit n != 0 || lines != 3 }' "$work/flood"
umount -l "$work/tree" 2>/dev/null
finish
