#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fetch-kernel.sh CACHE: an unpacked Debian kernel in the folder CACHE; prints where.
#
# Takes the package that linux-image-cloud-amd64 depends on (its name carries the version), downloads it
# with apt-get and unpacks it. Nothing is installed. What CACHE has already is used as it is, without
# asking the network: remove it to get a newer kernel.
set -eu
[ $# = 1 ] || {
	echo "usage: fetch-kernel.sh CACHE" >&2
	exit 2
}
mkdir -p "$1"
cd "$1"

unpacked() {
	for kernel in "$PWD"/linux-image-*/boot/vmlinuz-*; do
		[ -e "$kernel" ] && dirname "$(dirname "$kernel")" && return
	done
	return 1
}

unpacked && exit
package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image-/ { print $2; exit }')
[ -n "$package" ] || {
	echo "fetch-kernel.sh: apt knows no linux-image-cloud-amd64 (apt-get update?)" >&2
	exit 77
}
# unpacked beside and moved, so that an interrupted run leaves nothing that looks whole
work=$(mktemp -d "$PWD/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get -o APT::Sandbox::User=root download "$package" >&2)
dpkg -x "$work"/*.deb "$work/$package"
mv "$work/$package" .
unpacked
