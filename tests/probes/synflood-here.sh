#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# synflood-here.sh HOW DIR: loads the rules of DIR in a topology that is up, and sends all floods.
#
# Prints what burst prints for flood.spec and others.spec, and for connections to the host `host ACCEPTED`
# and `others ACCEPTED`. For synflood.sh, which runs it here and in the virtual machine.
set -u
here=$(cd "$(dirname "$0")" && pwd)
hosts=${TOPOLOGY:-$here/../topology}/hosts.tsv

# accepted SPEC: how many of its probes
accepted() {
	"$PROBE_ALONE" -v "$PREFIX" "$hosts" "$1" | grep -c ': accept, wanted'
}

ip netns exec "$PREFIX-host" "$here/load.sh" "$1" "$2" "$2/flood.spec" || exit 2
"$BURST" "$PREFIX" "$hosts" "$2/flood.spec" 150 || exit 2
"$BURST" "$PREFIX" "$hosts" "$2/others.spec" 15 || exit 2
echo "host $(accepted "$2/host.spec")"
echo "others $(accepted "$2/host-others.spec")"
