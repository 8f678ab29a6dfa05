#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fetch-debian13.sh CACHE: Debian 13's nft, iptables and ipset and all they need, unpacked in the folder CACHE; prints where.
#
# What CACHE has already is used as it is, without asking the network: remove it to get newer
# ones. Ends with 77 when that is not to be had (tests/fetch-debs).
set -eu
[ $# = 1 ] || {
	echo "usage: fetch-debian13.sh CACHE" >&2
	exit 2
}
suite=trixie
mkdir -p "$1"
fetch=$(realpath "$(dirname "$0")/../fetch-debs")
cd "$1"
[ -e "$suite/usr/sbin/xtables-nft-multi" ] ||
	"$fetch" "$PWD/$suite" $suite "$(dpkg --print-architecture)" nftables iptables ipset
echo "$PWD/$suite"
