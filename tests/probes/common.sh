# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the scripts of this folder share; sourced, not run. Sets here, tests, PVEFW_CC, work (a folder that is
# removed at the end), and, built for this run, the programs PROBE_ALONE, FLOW, NFLOG, BURST and FORGET.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tests=$(dirname "$here")
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=SCRIPTDIR/../checks/result.sh
. "$tests/checks/result.sh"
PVEFW_CC=$(readlink -f "${PVEFW_CC:-$tests/../build/pvefw-cc}")
export PVEFW_CC

give_up() {
	echo "cannot run here: $1"
	[ $((passed + failed)) -gt 0 ] || exit 77
	cannot=$((cannot + 1))
	finish
	exit
}

# build VARIABLE SOURCE…: a program; its name in VARIABLE
build() {
	export "$1=$work/programs/${1,,}"
	mkdir -p "$work/programs"
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -o "$work/programs/${1,,}" "${@:2}" -lmnl || exit 2
}

begin() {
	if [ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null; then
		give_up "needs root and network namespaces"
	fi
	[ -x "$PVEFW_CC" ] || give_up "no $PVEFW_CC"
	work=$(mktemp -d) || exit 2
	trap 'leave' EXIT
	trap 'exit 1' HUP INT TERM
	build PROBE_ALONE "$tests"/topology/{probe,spec,raw,space}.c
	build FLOW "$here/flow.c" "$tests"/topology/{spec,space}.c
	build NFLOG "$here/nflog.c"
	build FORGET "$here/forget.c"
	build BURST "$here/burst.c" "$tests"/topology/{spec,raw,space}.c
}

leave() {
	if [ -n "${PREFIX:-}" ]; then "$tests/topology/topo.sh" down; fi
	rm -rf "$work"
}

# compile TARGET ROOT DIR: what is loaded of a tree
compile() {
	mkdir -p "$3"
	cp -r "$2" "$3/root"
	case $1 in
	iptables) mkdir -p "$3/iptables" && set -- "$@" -o "$3/iptables" ;;
	nft) set -- "$@" -o "$3/nft.script" ;;
	esac
	"$PVEFW_CC" compile --target "$1" --root "$2" "${@:4}" 2>"$3/diagnostics" && return
	fail "$2: does not compile"
	sed 's/^/  /' "$3/diagnostics"
	return 1
}

has_nft() {
	"$PVEFW_CC" compile --help | grep -q '^ .*: .*\<nft\>'
}

# in_vm PAYLOAD FILE…: runs it with the scripts and programs of this folder beside it; its output is $work/output
in_vm() {
	local status
	"$tests/vm/run.sh" "$@" "$tests/topology" "$here/load.sh" "$here/change.sh" "$work/programs" \
		"$PVEFW_CC:/payload/pvefw-cc" >"$work/output" 2>&1
	status=$?
	[ $status != 77 ] || give_up "$(tail -n 1 "$work/output")"
	[ $status != 0 ] || return 0
	fail "the virtual machine ends with $status"
	tail -n 5 "$work/output" | sed 's/^/  /'
	return 1
}

# part NAME: what the payload printed between the line `@@ NAME` and the next such line
part() {
	awk -v name="@@ $1" '/^@@/ { shown = $0 == name; next } shown' "$work/output"
}
