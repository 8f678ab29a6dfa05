# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the scripts of this folder share; sourced, not run. Sets here, tests, PVEFW_CC, work (a folder that is removed at
# the end), and, built for this run, the programs DRAW, INJECT and QUEUE.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tests=$(dirname "$here")
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=SCRIPTDIR/../checks/result.sh
. "$tests/checks/result.sh"
PVEFW_CC=$(readlink -f "${PVEFW_CC:-$tests/../build/pvefw-cc}")
PVEFW_LIB=$(readlink -f "${PVEFW_LIB:-$tests/../build/libpvefw.a}")
export PVEFW_CC

give_up() {
	echo "cannot run here: $1"
	exit 77
}

build_programs() {
	local top=$tests/..
	DRAW=$work/draw INJECT=$work/inject QUEUE=$work/queue
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -iquote "$top/compiler" -iquote "$top/grammar" -iquote "$top/backends" \
		-iquote "$top/build" -o "$DRAW" "$here/draw.c" "$PVEFW_LIB" \
		-ljansson -lnftnl -lmnl -lmd -lpthread || exit 2
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$QUEUE" "$here/queue.c" -lmnl || exit 2
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$INJECT" "$here/inject.c" "$here/frame.c" || exit 2
}

begin() {
	if [ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null; then
		give_up "needs root and network namespaces"
	fi
	if [ ! -x "$PVEFW_CC" ] || [ ! -e "$PVEFW_LIB" ]; then
		give_up "no $PVEFW_CC or no $PVEFW_LIB"
	fi
	work=$(mktemp -d) || exit 2
	trap 'leave' EXIT
	trap 'exit 1' HUP INT TERM
	build_programs
}

leave() {
	jobs -p | xargs -r kill 2>/dev/null
	wait
	for how in legacy nft-compat inet none; do
		[ ! -e "/run/netns/mk$$-$how-host" ] || ip netns pids "mk$$-$how-host" | xargs -r kill
		PREFIX=mk$$-$how "$tests/topology/topo.sh" down
	done
	rm -rf "$work"
}

# prepare HOW SEED PACKETS DIR: a random configuration, what is loaded of it, and packets with the model's word on each
prepare() {
	local how=$1 seed=$2 count=$3 dir=$4 options=()
	mkdir -p "$dir"
	"$here/random-tree" "$seed" "$dir/root" || return
	case $how in
	legacy | nft-compat)
		mkdir -p "$dir/iptables"
		"$PVEFW_CC" compile --target iptables --root "$dir/root" -o "$dir/iptables" 2>"$dir/diagnostics" || return
		;;
	*)
		"$PVEFW_CC" compile --target nft --root "$dir/root" -o "$dir/nft.script" 2>"$dir/diagnostics" || return
		;;
	esac
	case $how in
	legacy | nft-compat) set -- iptables ;;
	inet)
		set -- nft
		options=(-r)
		;;
	direct)
		set -- nft
		options=(-d)
		;;
	*) set -- nft ;;
	esac
	# This kernel may have no bridge table; the host's own packets do not meet it.
	if [ "$how" = inet ]; then
		sed -i '/^table bridge pvefw$/d; /^delete table bridge pvefw$/d; /^table bridge pvefw {$/,/^}$/d' "$dir/nft.script"
	fi
	"$DRAW" "${options[@]}" "$dir/root" "$1" "$seed" "$count" >"$dir/packets"
}

shown=5

# judge WHAT DIR: counts the packets of a run, and shows at most `shown` that fare otherwise
judge() {
	local count bad
	read -r count bad < <(sed -n 's/^\([0-9]*\) packets, \([0-9]*\) not as the model says.*/\1 \2/p' "$2/seen")
	if [ -z "${bad:-}" ]; then
		fail "$1: no result"
		head -n 5 "$2/seen" | sed 's/^/  /'
		return
	fi
	grep '^FAIL' "$2/seen" | head -n "$shown" | sed "s|^FAIL|FAIL $1:|"
	echo "$1: $(tail -n 1 "$2/seen")"
	passed=$((passed + count - bad)) failed=$((failed + bad))
}

# judge_control DIR: without rules, nine in ten of the packets that pass then and should not are noticed
judge_control() {
	local refused bad
	refused=$(grep -cE ' (drop|reset|port|host|admin)$' "$1/packets")
	bad=$(sed -n 's/^.* packets, \([0-9]*\) not as the model says.*/\1/p' "$1/seen")
	[ "$refused" -gt 0 ] && [ $((10 * ${bad:-0})) -ge $((9 * refused)) ]
	verdict $? "without rules ${bad:-none} of $refused packets are noticed"
}
