# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of run.sh in the virtual machine: /payload/trees has a folder for each tree.
set -u
cd /payload || exit 2
export SEND=/payload/send
read -ra wanted <families
for dir in trees/*/; do
	[ -e "$dir/plain.nft" ] || continue
	for form in plain map; do
		for family in "${wanted[@]}"; do
			[ "$family" = inet ] || [ -s "$dir/guests" ] || continue
			echo "@@ $(basename "$dir")/$form.$family"
			./meet.sh "$dir" $form "$family"
		done
	done
done 2>&1
echo "@@ end"
exit 0
