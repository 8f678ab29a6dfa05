#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kills.sh [nft|iptables]: the service is killed at random moments while it applies.
#
# With nft the kernel then holds the old ruleset or the new one. With iptables each of its tables and each version of IP
# does. The next service repairs what is left, in any case.
#
# Ends with `N passed, N failed`. KILLS: how often with nft (200); with iptables a fifth of that.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
in_namespaces "$@"
begin
ip link set lo up

# parts TARGET: what is loaded, in pieces each of which must be whole: a file for each below $work/parts
parts() {
	rm -rf "$work/parts"
	mkdir "$work/parts"
	if [ "$1" = nft ]; then
		{ nft -s list table inet pvefw 2>/dev/null; nft -s list table bridge pvefw 2>/dev/null; } >"$work/parts/all"
		return
	fi
	for tool in iptables ip6tables; do
		for table in filter raw; do
			$tool-save -t $table | grep -v '^#' | sed 's/ \[[0-9:]*\]$//' | sort -s -k2,2 >"$work/parts/$tool-$table"
		done
	done
	ebtables-save | grep -v '^#' | sort -s -k1,2 >"$work/parts/ebtables"
}

# settled_parts TARGET: the same when no tool that the service has left behind is at work any more: what is read while
# one is may be of two times
settled_parts() {
	parts "$1"
	sort_parts
	[ "$1" = iptables ] || return 0
	for try in 1 2 3 4 5 6 7 8 9; do
		rm -rf "$work/parts.before"
		mv "$work/parts" "$work/parts.before"
		sleep 0.05
		parts "$1"
		sort_parts
		diff -r "$work/parts.before" "$work/parts" >/dev/null && return
	done
}

# Chains stand in the order in which they came; lines of a table itself belong to none of them.
sort_parts() {
	for file in "$work"/parts/*; do
		awk '/^$/ { next } /^(table |})/ { part = "" } /^\t(chain|set|map) / { part = $1 " " $2 } { print part, $0 }' "$file" | sort -s -k1,2 >"$file.sorted"
		mv "$file.sorted" "$file"
	done
}

# keep TARGET NAME: what is loaded, as a reference
keep() {
	parts "$1"
	sort_parts
	rm -rf "${work:?}/$2"
	mv "$work/parts" "$work/$2"
}

# is_one_of NAME…: each part that is loaded is that of one of these
is_one_of() {
	local found file name
	for file in "$work"/parts/*; do
		found=
		for name; do
			! cmp -s "$file" "$work/$name/${file##*/}" || found=$name
		done
		[ -n "$found" ] || {
			diff "$work/$1/${file##*/}" "$file"
			return 1
		}
		echo "$found" >>"$work/states"
	done
}

# Files that differ in what each tool has to load
make_both() {
	local guests=${1:-} name
	make_tree ${1:+nft}
	for name in a b; do
		{
			printf '%s\n' '[OPTIONS]' 'enable: 1' '[IPSET office]' '[RULES]'
			for ((i = 0; i < 60; i++)); do
				[ $name = a ] && echo "IN ACCEPT -p tcp -dport $((2000 + i))" || echo "IN DROP -source 10.0.0.$i -p udp -dport $i"
			done
		} >"$work/$name.fw"
	done
	sed -i 's/\[IPSET office\]/&\n10.1.0.0\/16/' "$work/a.fw"
	sed -i 's/\[IPSET office\]/&\n10.2.0.0\/16\n10.3.1.1/' "$work/b.fw"
	[ -n "$guests" ] || sed -i 's/IN DROP -source .* -dport 7$/IN DROP -source +office -p udp -dport 7/' "$work/b.fw"
}

switch_to() {
	cp "$work/$1.fw" "$work/tree/new"
	mv "$work/tree/new" "$work/tree/firewall/cluster.fw"
}

applied_since() {
	[ "$(grep -c 'changes are applied' "$work/log")" -gt "$1" ]
}

# kills TARGET COUNT
kills() {
	local target=$1 other name=a next=b time takes before bad=0 broken=0 midway=0
	make_both "${target#iptables}"
	switch_to a
	start
	keep "$target" a
	before=$(grep -c 'changes are applied' "$work/log")
	time=$(now)
	switch_to b
	within 10 applied_since "$before"
	takes=$(($(now) - time))
	keep "$target" b
	switch_to a
	within 10 applied_since "$((before + 1))"
	: >"$work/states"
	for ((i = 0; i < $2; i++)); do
		switch_to $next
		# most changes are over sooner than this script notices
		sleep "$(printf '0.%06d' $((RANDOM * 30 % takes >> RANDOM % 3 * 2)))"
		kill_service
		settled_parts "$target"
		is_one_of $name $next >"$work/difference" || { bad=$((bad + 1)) && head -n 5 "$work/difference"; }
		diff -r "$work/parts" "$work/$next" >/dev/null || midway=$((midway + 1))
		: >"$work/log"
		start
		parts "$target"
		sort_parts
		is_one_of $next >"$work/difference" || { broken=$((broken + 1)) && head -n 5 "$work/difference"; }
		other=$name name=$next next=$other
	done
	echo "$target: $2 kills within ${takes} us of a change; the new ruleset was not there $midway times"
	[ $bad = 0 ]
	verdict $? "$target: $bad of $2 times something between the old ruleset and the new one was left"
	[ $broken = 0 ]
	verdict $? "$target: $broken of $2 times the next service did not repair it"
	stop
	[ $midway != 0 ] && [ $midway != "$2" ] || [ "$target" != nft ]
	verdict $? "$target: $midway of $2 kills came before the change was in force: they prove nothing"
}

kills=${KILLS:-200}
case ${1:-} in
iptables) kills iptables $((kills / 5)) ;;
nft) kills nft "$kills" ;;
*)
	kills nft "$kills"
	kills iptables $((kills / 5))
	;;
esac
finish
