# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The part of nft-load.sh --vm in the virtual machine: every script of /payload/scripts. Each takes the
# place of the one before.
set -u
# shellcheck source=tests/kernel/nft-check.sh
. ./nft-check.sh
status=0
mkdir /tmp/work
for script in scripts/*.nft; do
	name=$(basename "$script" .nft)
	if said=$(check_script "$script" /tmp/work once 2>&1); then
		echo "ok $name"
	else
		echo "FAIL $name: $said"
		status=1
	fi
done
echo "@@ up for $(cut -d ' ' -f 1 /proc/uptime) s"
exit $status
