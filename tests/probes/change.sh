#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# change.sh HOW DIR [-v] [-t SECONDS] PREFIX HOSTS SPEC: stands in for probe where rules change.
#
# In a topology in which the rules of DIR are loaded it opens the connections of DIR/flows.spec, loads the
# rules of DIR/after in the way HOW, sees what became of the connections, and then sends the probes of
# SPEC. HOW `cut` stops all traffic instead, and sends no probes. FLOW, PROBE_ALONE: the built programs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
how=$1 dir=$2
shift 2
verbose=
[ "$1" != -v ] || verbose=-v
for spec; do :; done
"$FLOW" $verbose "$PREFIX" "${TOPOLOGY:-$here/../topology}/hosts.tsv" "$dir/flows.spec" \
	ip netns exec "$PREFIX-host" "$here/load.sh" "$how" "$dir/after" "$spec"
status=$?
[ $status = 2 ] || [ "$how" = cut ] || "$PROBE_ALONE" "$@" || status=$?
exit $status
