# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The part of run.sh nft in the virtual machine: /payload/runs has a line for each run of topology/run.sh.
# What one prints comes after a line `@@` and the line of /payload/runs.
set -u
echo 1 >/proc/sys/kernel/printk
modprobe br_netfilter
export PROBE=/payload/probe TOPOLOGY=/payload/topology
verbose=
[ ! -e /payload/verbose ] || verbose=-v
while read -r wiring how tree; do
	echo "@@ $wiring $how $tree"
	dir=/payload/trees/$tree-$wiring
	/payload/topology/run.sh $verbose -t 2.5 -w "$wiring" "$dir/spec" /payload/load.sh "$how" "$dir" "$dir/spec" 2>&1
done </payload/runs
echo "@@ up for $(cut -d ' ' -f 1 /proc/uptime) s"
exit 0
