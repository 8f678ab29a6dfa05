#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# load.sh [SECONDS [RATE]]: pvefw-logger takes RATE packets a second (20000) for so many seconds (10).
#
# None may be lost, and the file must have them all. What it cost is printed.
cd "$(dirname "$0")/../.." || exit 2
. tests/logger/common.sh "$@"
seconds=${1:-10} rate=${2:-20000}

rules '-A INPUT -p udp --dport 9 -j NFLOG --nflog-prefix ":100:6:tap100i0-IN: policy DROP: "
-A INPUT -p udp --dport 9 -j DROP'
"$logger" --foreground --log-file "$work/load" --run-dir "$work/load.run" 2>"$work/load.err" &
pid=$! name=load
pids=$pid
until_ok grep -q starting "$work/load"
verdict $? "no start: $(cat "$work/load.err")"
flood 9 $((seconds * rate)) "$rate"
read -r user system peak <<<"$(awk '{ print $14, $15 }' "/proc/$pid/stat") $(awk '/VmHWM/ { print $2 }' "/proc/$pid/status")"
stop

same "packets sent" "$sent" $((seconds * rate))
# Had the sender been slower than RATE, this would show less than it says.
[ "$took" -le $((seconds * 1050 + 500)) ]
verdict $? "sending took $took ms"
same "packets in the file" "$(lines "$work/load")" "$sent"
same "packets received" "$(state load received)" "$sent"
same "lost by the kernel, and by the file" "$(state load lost_kernel) $(state load lost_disk)" "0 0"
same "lines that tell losses" "$(grep -c ' lost' "$work/load")" 0
echo "$sent packets in $took ms: $((user + system)) hundredths of a second of processor time," \
	"$(awk -v t=$((user + system)) -v n="$sent" 'BEGIN { printf "%.1f", t * 10000 / n }') us a packet; $peak KiB"
finish
