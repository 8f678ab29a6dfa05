#!/bin/sh
# load.sh legacy|nft: loads this folder's rules, written by hand in the shape the compiler's have.
set -eu
cd "$(dirname "$0")"
"iptables-$1-restore" -n <filter-v4.restore
"ip6tables-$1-restore" -n <filter-v6.restore
ebtables-nft-restore <ebtables.restore
