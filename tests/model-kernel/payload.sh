# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of vm.sh in the virtual machine: /payload/trees has a folder WIRING-SEED for each run.
set -u
# shellcheck source=SCRIPTDIR/../probes/payload-common.sh
. /payload/payload-common.sh

# send NAME DIR: what has been loaded is told of the packets of DIR
send() {
	announce "$1"
	./inject -q $PREFIX topology/hosts.tsv <"$2/packets"
}

# wire_silent WIRING
wire_silent() {
	wire "$1"
	./wire.sh
	in_host sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
	in_host programs/queue 0 2 3 4 # those of random-tree
}

for wiring in fwbr direct; do
	wire_silent $wiring
	if [ $wiring = fwbr ]; then
		for dir in trees/fwbr-*; do
			send control "$dir"
			break
		done
	fi
	for dir in "trees/$wiring"-*; do
		in_host nft flush ruleset
		in_host "$FORGET"
		if ! in_host nft -f "$dir/nft.script"; then
			announce "${dir##*/}"
			echo "the rules do not load"
			continue
		fi
		send "${dir##*/}" "$dir"
	done
done 2>&1
announce end
exit 0
