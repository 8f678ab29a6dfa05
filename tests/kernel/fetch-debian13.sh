#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fetch-debian13.sh CACHE: Debian 13's nft, iptables and ipset and all they need, unpacked in the folder CACHE; prints where.
#
# apt downloads them from where this machine has its own packages, with lists and a cache in CACHE; nothing
# is installed. What CACHE has already is used as it is, without asking the network: remove it to get newer
# ones. Ends with 77 when that is not to be had.
set -eu
[ $# = 1 ] || {
	echo "usage: fetch-debian13.sh CACHE" >&2
	exit 2
}
suite=trixie
mkdir -p "$1"
cd "$1"
if [ -e "$suite/usr/sbin/xtables-nft-multi" ]; then
	echo "$PWD/$suite"
	exit
fi

# The archive whose package lists this machine has, and that of all sources is the one with nftables
uri=$(apt-cache policy nftables 2>/dev/null | awk '$3 ~ "/main$" && $2 ~ "^http" && $3 !~ "-security" { print $2; exit }')
[ -n "$uri" ] || {
	echo "fetch-debian13.sh: apt knows no archive with nftables (apt-get update?)" >&2
	exit 77
}
work=$(mktemp -d "$PWD/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root"
: >"$work/status"
echo "deb $uri $suite main" >"$work/sources"

apt() {
	apt-get -q -y -o Dir::Etc::SourceList="$work/sources" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State::Lists="$work/lists" -o Dir::State::Status="$work/status" -o Dir::Cache="$work" \
		-o Dir::Cache::Archives="$work/archives" -o Dir::Log="$work" -o APT::Sandbox::User=root \
		-o Acquire::Languages=none "$@"
}

{ apt update && apt install --download-only --no-install-recommends nftables iptables ipset; } >"$work/log" 2>&1 || {
	echo "fetch-debian13.sh: no packages of $suite: $(grep '^[EW]:' "$work/log" | head -n 1)" >&2
	exit 77
}
for package in "$work"/archives/*.deb; do
	dpkg -x "$package" "$work/root"
done
mv "$work/root" "$suite"
echo "$PWD/$suite"
