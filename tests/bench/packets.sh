#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# packets.sh [FEW MANY]: what a packet to a guest costs with FEW (10) and with MANY (1000) guests on the node.
#
# A flood of UDP packets goes through the bridges to guest 101 of a generated node (gen-cluster.py), in the
# virtual machine, with the rules of both targets; the result is the fastest of five floods. A container, as iptables
# has containers' chains after those of all virtual machines. With nftables the ratio of MANY to FEW must be
# at most 1.3; that of iptables is printed for comparison. The virtual machine's clock counts instructions, so
# that the result is the same on a busy computer (and knows no caches); VM_CLOCK=real measures by the real clock.
# Ends with `N passed, N failed[, N cannot run here]`.
set -u
bench=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=SCRIPTDIR/../probes/common.sh
. "$bench/../probes/common.sh"
few=${1:-10} many=${2:-1000}
MOST=1.3
export VM_SECONDS=1500 VM_TIMEOUT=1400 # of a clock that shows what iptables takes

# make_tree GUESTS ROOT: guest 101 is that of the topology
make_tree() {
	"$bench/gen-cluster.py" "$1" 5 "$2" || return
	rm -f "$2"/firewall/10[0-2].fw "$2"/nodes/*/*/10[0-2].conf
	echo 'net0: name=eth0,bridge=vmbr0,firewall=1,hwaddr=02:00:00:00:01:01,ip=10.10.0.101/24' >"$2/nodes/nodea/lxc/101.conf"
	printf '[OPTIONS]\n\nenable: 1\n\n[RULES]\n\nIN ACCEPT -p udp -dport 9000\n' >"$2/firewall/101.fw"
}

# fastest TARGET GUESTS
fastest() {
	awk -v target="$1" -v guests="$2" '$1 == target && $2 == guests && $3 ~ /^[0-9.]+$/ && $4 == "" &&
		(!least || $3 < least) { least = $3 } END { print least }' "$work/output"
}

# ratio TARGET: of the two numbers of guests
ratio() {
	local a b
	a=$(fastest "$1" "$few") b=$(fastest "$1" "$many")
	[ -n "$a" ] && [ -n "$b" ] || return
	awk -v a="$a" -v b="$b" -v what="$1: $few guests $a us, $many guests $b us a packet" 'BEGIN {
		printf "%s, ratio %.2f\n", what, b / a }'
}

begin
has_nft || give_up "$PVEFW_CC has no --target nft"
"$PVEFW_CC" load --help >/dev/null 2>&1 || give_up "$PVEFW_CC has no load"
build FLOOD "$bench/flood.c"
for guests in "$few" "$many"; do
	dir=$work/trees/$guests
	mkdir -p "$dir/iptables"
	make_tree "$guests" "$dir/root" || give_up "no tree"
	"$PVEFW_CC" compile --target iptables --root "$dir/root" -o "$dir/iptables" --fail-on never 2>/dev/null ||
		fail "$guests guests do not compile"
done
in_vm "$bench/payload-packets.sh" "$tests/probes/payload-common.sh" "$work/trees" "$FLOOD:/payload/flood"
sed -n 's/^@ //p' "$work/output"
for target in nft iptables; do
	line=$(ratio $target)
	if [ -z "$line" ]; then
		fail "$target: no result"
		sed 's/^/  /' "$work/output"
		continue
	fi
	echo "$line"
	[ $target = iptables ] || {
		awk -v most=$MOST '{ exit $NF > most }' <<<"$line"
		verdict $? "$line, wanted at most $MOST"
	}
done
finish
