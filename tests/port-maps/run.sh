#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh [-v] inet|vm [LISTS [PACKETS [FIRST]]]: port maps decide and count each packet as the plain list of rules does.
#
# LISTS random configurations (draw.py, seeds from FIRST on), and those of tests/cases that have port maps, are compiled with
# and without --no-optimize. PACKETS random packets go through both, and must be accepted by both or by neither; then
# the counters of each line must be equal. inet: the host's rules, in network namespaces. vm: guests' rules, on Debian's kernel
# (tests/vm), of the random lists only; with FAMILIES="inet bridge" the host's, too. With ROOTS, a list of trees, these
# too, if they make port maps or not.
#
# Controls: a verdict, and a counter, that differ between the forms are noticed. Of a rule with a log that stands in several
# segments, the limit is one. Ends with `N passed, N failed`. PVEFW_CC: the compiler, default build/pvefw-cc.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tests=$(dirname "$here")
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=SCRIPTDIR/../checks/result.sh
. "$tests/checks/result.sh"
PVEFW_CC=$(readlink -f "${PVEFW_CC:-$tests/../build/pvefw-cc}")
shown=3

# has_maps SCRIPT
has_maps() {
	grep -qE 'vmap @[^ ]*-[0-9a-f]{8}$' "$1"
}

# prepare NAME SEED ROOT [OPTION…]: the scripts and frames of a tree; false if it cannot be compiled
prepare() {
	local dir=$work/trees/$1 seed=$2 root=$3
	shift 3
	mkdir -p "$dir"
	"$PVEFW_CC" compile --target nft --root "$root" -o "$dir/map.nft" "$@" >/dev/null 2>&1
	"$PVEFW_CC" compile --target nft --no-optimize --root "$root" -o "$dir/plain.nft" "$@" >/dev/null 2>&1
	[ -s "$dir/map.nft" ] && [ -s "$dir/plain.nft" ] &&
		"$here/draw.py" packets "$seed" "$packets" "$dir/plain.nft" "$dir"
}

prepare_lists() {
	local seed
	for ((seed = first; seed < first + lists; seed++)); do
		"$here/draw.py" tree "$seed" "$work/root-$seed" && prepare "list-$seed" "$seed" "$work/root-$seed"
		verdict $? "list $seed cannot be prepared"
		has_maps "$work/trees/list-$seed/map.nft"
		verdict $? "list $seed makes no port map"
	done
}

prepare_trees() {
	local root name
	[ "$how" = inet ] || set --
	for root; do
		# Below 30 rules there is no map.
		[ "$(cat "$root"/firewall/*.fw "$root"/nodes/*/host.fw 2>/dev/null | grep -cE '^ *(IN|OUT) ')" -ge 30 ] || continue
		name=$(basename "$(dirname "$root")")
		# shellcheck disable=SC2046 # words
		prepare "$name" 1 "$root" $(cat "${root%/root}/args" 2>/dev/null) && has_maps "$work/trees/$name/map.nft" && continue
		rm -rf "$work/trees/${name:?}"
	done
	for root in ${ROOTS:-}; do
		name=$(basename "${root%/root}")
		prepare "$name" 1 "$root" || rm -rf "$work/trees/${name:?}"
	done
}

# A fault in the script with maps: the first chain for ports that has met a packet drops, or does not count.
prepare_control() {
	local name=list-$first
	cp -r "$work/trees/$name" "$work/trees/control"
	sed -i 's/\<vmap @\([^ ]*-[0-9a-f]\{8\}\)$/vmap @\1 comment "fault"/; s/ goto accept-in comment/ drop comment/; s/ accept comment/ drop comment/' \
		"$work/trees/control/map.nft"
}

# meet_all: every tree's packets in both forms, into FORM.FAMILY of its folder
meet_all() {
	local dir form
	SEND=$work/send
	export SEND
	for dir in "$work"/trees/*/; do
		for form in plain map; do
			"$here/meet.sh" "$dir" $form inet >"$dir/$form.inet" 2>"$dir/$form.errors" || : >"$dir/$form.inet"
		done
	done
}

meet_all_vm() {
	local status
	echo "$families" >"$work/families"
	find "$work/trees" -name frames -empty -execdir rm plain.nft \;
	"$tests/vm/run.sh" "$here/payload.sh" "$here/meet.sh" "$here/wiring.sh" "$work/send" "$work/trees" "$work/families" >"$work/output" 2>&1
	status=$?
	[ $status != 77 ] || give_up "$(tail -n 1 "$work/output")"
	[ $status = 0 ] || fail "the virtual machine ends with $status: $(tail -n 1 "$work/output")"
	awk -v trees="$work/trees/" '/^@@ / { file = trees $2; next } file { print >file }' "$work/output"
}

# differs DIR FAMILY seen|count: what the two forms do otherwise
differs() {
	diff <(grep "^$3 " "$1/plain.$2" | sort) <(grep "^$3 " "$1/map.$2" | sort)
}

judge_tree() {
	local dir=$1 family=$2 name kind
	name=$(basename "$dir")
	if [ ! -s "$dir/plain.$family" ] || [ ! -s "$dir/map.$family" ]; then
		fail "$name, $family: not loaded: $(cat "$dir"/*.errors 2>/dev/null | tail -n 1)"
		return
	fi
	for kind in seen count; do
		differs "$dir" "$family" $kind >"$dir/difference"
		verdict $? "$name, $family: the forms differ: $kind"
		head -n $shown "$dir/difference"
	done
	lines=$((lines + $(awk '/^count/ && $NF > 0' "$dir/map.$family" | wc -l)))
	case $family in
	inet) sent=$((sent + $(grep -c '^host ' "$dir/frames"))) ;;
	*) sent=$((sent + $(grep -vc '^host ' "$dir/frames"))) ;;
	esac
	accepted=$((accepted + $(grep -c '^seen' "$dir/map.$family")))
}

# A rule with a log that stands in several segments: a second's burst is logged once, not once a segment.
judge_limit() {
	local dir=$work/limit port form logged
	mkdir -p "$dir/root/firewall"
	{
		printf '%s\n' '[OPTIONS]' 'enable: 1' 'policy_in: DROP' '[RULES]' 'IN DROP -p udp -dport 1000:2000 -log info'
		for ((port = 1000; port < 1040; port++)); do
			echo "IN ACCEPT -p udp -dport $port"
		done
	} >"$dir/root/firewall/cluster.fw"
	"$PVEFW_CC" compile --target nft --root "$dir/root" -o "$dir/map.nft" >/dev/null 2>&1
	"$PVEFW_CC" compile --target nft --no-optimize --root "$dir/root" -o "$dir/plain.nft" >/dev/null 2>&1
	"$here/draw.py" packets 1 400 "$dir/plain.nft" "$dir"
	has_maps "$dir/map.nft"
	verdict $? "a list with a log makes no port map"
	for form in plain map; do
		# The rule itself is counted too, after all of its logs.
		sed -i 's/ packets log prefix \(.*\) comment .*/ packets counter log prefix \1 comment "logged"/' "$dir/$form.nft"
		SEND=$work/send "$here/meet.sh" "$dir" $form inet >"$dir/$form.inet" 2>"$dir/$form.errors"
		logged=$(sed -n 's/^count logged //p' "$dir/$form.inet")
		# A burst of 5, and one more for each second that it takes
		[ "${logged:-0}" -ge 5 ] && [ "$logged" -le 12 ]
		verdict $? "$form: ${logged:-none} of hundreds of packets are logged, with a limit of 1/second and a burst of 5"
	done
}

judge_all() {
	local dir family
	for dir in "$work"/trees/*/; do
		[ "$(basename "$dir")" != control ] || continue
		for family in $families; do
			[ ! -e "$dir/map.$family" ] || judge_tree "$dir" "$family"
		done
	done
	echo "$sent packets, $accepted accepted, $lines lines that have counted"
	[ $((accepted * 20)) -gt "$sent" ] && [ $((accepted * 20)) -lt $((sent * 19)) ]
	verdict $? "of $sent packets $accepted are accepted: too few or too many to tell"
	for family in $families; do
		! differs "$work/trees/control" "$family" seen >/dev/null
		verdict $? "$family: a map that drops what the list accepts is not noticed"
	done
}

give_up() {
	echo "cannot run here: $1"
	exit 77
}

if [ "${1:-}" = -v ]; then
	shown=100000
	shift
fi
case ${1:-} in
inet) families=inet ;;
vm) families=${FAMILIES:-bridge} ;;
*)
	echo "usage: run.sh [-v] inet|vm [LISTS [PACKETS [FIRST]]]" >&2
	exit 2
	;;
esac
how=$1 lists=${2:-10} packets=${3:-500} first=${4:-1} sent=0 accepted=0 lines=0
if [ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null; then
	give_up "needs root and network namespaces"
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/trees"
${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$work/send" "$here/send.c" || exit 2
prepare_lists
prepare_trees "$tests"/cases/{field,conformance,examples}/*/root
prepare_control
if [ "$how" = vm ]; then
	meet_all_vm
else
	meet_all
	judge_limit
fi
judge_all
finish
