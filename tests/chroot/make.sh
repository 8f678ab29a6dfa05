#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make.sh RELEASE [LIST...]: a root file system of a Debian release with the packages of these lists (tests/install-deps), or
# the smallest; prints where it is.
#
# It lies in build/chroot and is used again as long as neither the lists nor this script change: remove it to get newer
# packages. apt downloads from the archive that this machine has its own packages from. Nothing in it is ever changed: tests
# put an overlay on it (enter.sh). Ends with 77, and says why, when it cannot be had.
set -eu
[ $# -ge 1 ] || {
	echo "usage: make.sh RELEASE [LIST...]" >&2
	exit 2
}
cd "$(dirname "$0")/../.."
release=$1 folder=$PWD/build/chroot/$1
shift
[ $# != 0 ] || folder=$folder-minimal
mkdir -p build/chroot
exec 9>"$folder.lock"
flock 9

packages=
[ $# = 0 ] || packages=$(tests/install-deps --print "$@" | sort -u)
stamp=$(printf '%s\n' "$packages" | cat - tests/chroot/make.sh | cksum)
if [ "$(cat "$folder.stamp" 2>/dev/null)" = "$stamp" ] && [ -d "$folder" ]; then
	echo "$folder"
	exit
fi

give_up() {
	echo "make.sh: $1" >&2
	exit 77
}

[ "$(id -u)" = 0 ] || give_up "a root file system of $release needs root"
command -v mmdebstrap >/dev/null || give_up "no mmdebstrap"
# The archive whose package lists this machine has
uri=$(apt-cache policy libc6 2>/dev/null | awk '$3 ~ "/main$" && $2 ~ "^http" && $3 !~ "-security" { print $2; exit }')
[ -n "$uri" ] || give_up "apt knows no archive (apt-get update?)"
rm -rf "$folder.stamp" "$folder.new"
# Manual pages and other texts are of no use there; copyright files are, to lintian.
# shellcheck disable=SC2086 # words
mmdebstrap --variant=minbase --mode=root --quiet ${packages:+--include=$(echo $packages | tr ' ' ,)} --aptopt='Acquire::Languages "none"' \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
	"$release" "$folder.new" "deb $uri $release main" >"$folder.log" 2>&1 9>&- ||
	give_up "no root file system of $release: $(grep '^E:' "$folder.log" | head -n 1)"
rm -rf "$folder"
mv "$folder.new" "$folder"
echo "$stamp" >"$folder.stamp"
echo "$folder"
