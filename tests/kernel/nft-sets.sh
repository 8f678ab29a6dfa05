#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nft-sets.sh [COUNT]: the ranges made of IP sets with exceptions match what the kernel's sets match.
#
# COUNT (200) random sets, nested exceptions among them, are loaded with ipset in a network namespace, and
# asked for addresses at the edges of their entries. Ends with `N passed, N failed`; an address is one.
# NFT_SETS: the built nft-sets.c, else it is built here.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C
# shellcheck source=tests/checks/result.sh
. "$here/../checks/result.sh"

# The part inside a new namespace is this script again: nft-sets.sh --inside LINES
if [ "${1:-}" = --inside ]; then
	grep -v '^test ' "$2" | ipset restore || exit
	grep '^test ' "$2" | while read -r _ set address wanted; do
		if ipset -q test "$set" "$address"; then found=yes; else found=no; fi
		echo "$set $address: wanted $wanted, found $found"
	done
	exit
fi

give_up() {
	echo "cannot run here: $1"
	echo "0 passed, 0 failed, 1 cannot run here"
	exit 77
}

if [ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null; then
	give_up "needs root and network namespaces"
fi
unshare -n ipset create probe hash:net 2>/dev/null || give_up "no ipset hash:net"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
if [ -z "${NFT_SETS:-}" ]; then
	NFT_SETS=$work/nft-sets
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -I"$top/compiler" -I"$top/tests/unit" -o "$NFT_SETS" \
		"$here/nft-sets.c" "$top"/compiler/net/prefix_set.c "$top"/compiler/net/address.c "$top"/compiler/base/arena.c "$top"/compiler/memory/slab.c "$top"/compiler/base/xmalloc.c \
		"$top"/compiler/base/text.c || exit 2
fi
"$NFT_SETS" "${1:-200}" >"$work/lines" || fail "$NFT_SETS does not run"
unshare -n "$here/nft-sets.sh" --inside "$work/lines" >"$work/results" || fail "the sets do not load"
passed=$(grep -cE 'wanted yes, found yes|wanted no, found no' "$work/results")
while read -r line; do
	[ -z "$line" ] || fail "$line"
done <<END
$(grep -E 'wanted yes, found no|wanted no, found yes' "$work/results")
END
[ "$passed" -gt 0 ] || fail "no address was asked for"
finish
