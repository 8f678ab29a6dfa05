#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nflog.sh [-v]: both targets log the same packets with the same prefixes and fields.
#
# The packets of log/packets.spec pass the rules of log/root with iptables here (legacy and nft) and with
# nftables in the virtual machine (both wirings); what reaches NFLOG is compared by compare-log.awk. The
# rules of log-limit/root log so many packets of each kind as log_ratelimit says. Ends with `N passed, N
# failed[, N cannot run here]`; a packet is one. -v shows all.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
verbose=
[ "${1:-}" != -v ] || verbose=1

# record HOW TREE: what is logged here, to $work/HOW-TREE
record() {
	local dir=$work/trees/$2
	"$tests/topology/topo.sh" up
	ip netns exec "$PREFIX-host" "$here/load.sh" "$1" "$dir" "$dir/spec" &&
		ip netns exec "$PREFIX-host" "$NFLOG" 1 "$PROBE_ALONE" "$PREFIX" "$tests/topology/hosts.tsv" \
			"$dir/spec" >"$work/$1-$2" 2>"$work/$1-$2.error" && return
	fail "$2, $1: $(head -n 1 "$work/$1-$2.error")"
}

# count_lines WHAT FILE: counts what compare-log.awk found
count_lines() {
	local good bad
	good=$(grep -c '^ok' "$2") bad=$(grep -c '^FAIL' "$2")
	[ -z "$verbose" ] || grep '^ok' "$2"
	grep '^FAIL' "$2" | sed "s|^FAIL |FAIL $1: |"
	[ "$good" != 0 ] || fail "$1: nothing is logged"
	echo "$1: $good packets the same, $bad not"
	passed=$((passed + good)) failed=$((failed + bad))
}

# compare HOW WIRING FILE: with what iptables-legacy logged
compare() {
	awk -v WIRING="$2" -f "$here/compare-log.awk" "$work/legacy-log" "$3" >"$work/compared"
	count_lines "log, $1 ($2)" "$work/compared"
}

# check_limit WHAT FILE: seven lines of each of the two rules
check_limit() {
	for port in 81 82; do
		lines=$(grep -c " dport=$port " "$2")
		[ "$lines" = 7 ]
		verdict $? "log-limit, $1: $lines of 20 packets to port $port are logged, not 7"
	done
}

begin
export PREFIX=nflog$$ WIRING=fwbr
for tree in log log-limit; do
	compile iptables "$here/$tree/root" "$work/trees/$tree" || { finish; exit; }
	cp "$here/$tree/packets.spec" "$work/trees/$tree/spec"
	for how in legacy nft-compat; do
		record $how $tree
	done
done
compare nft-compat fwbr "$work/nft-compat-log"
check_limit legacy "$work/legacy-log-limit"
check_limit nft-compat "$work/nft-compat-log-limit"

has_nft || give_up "$PVEFW_CC has no --target nft"
for tree in log log-limit; do
	rm -r "$work/trees/$tree/root"
	compile nft "$here/$tree/root" "$work/trees/$tree" || { finish; exit; }
done
in_vm "$here/payload-nflog.sh" "$here/payload-common.sh" "$work/trees"
for wiring in fwbr direct; do
	part "$wiring log" >"$work/nft-log"
	compare nft $wiring "$work/nft-log"
	part "$wiring log-limit" >"$work/nft-log-limit"
	check_limit "nft, $wiring" "$work/nft-log-limit"
done
finish
