#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# refused.sh [TEST…]: what the kernel or a tool refuses is left out, and all the rest is loaded: by `pvefw-cc load`
# and by the service, with iptables and nftables.
#
# Tools that refuse are scripts which stand before the real ones in PATH. Ends with `N passed, N failed`. PVE_FIREWALL,
# PVEFW_CC: the programs, default those of build/.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
in_namespaces "$@"
begin
ip link set lo up
cc=$(readlink -f "${PVEFW_CC:-$tests/../build/pvefw-cc}")
fake=$work/fake
mkdir "$fake"
PATH=$fake:$PATH

# ---- tools that refuse ----

# refusing TOOL [numbered|unnumbered|extension]: refuses every script that a pattern of $work/refused is in, each a line
refusing() {
	local real
	real=$(PATH=${PATH#"$fake":} command -v "$1")
	cat >"$fake/$1" <<-END
		#!/bin/bash
		case "\$1" in save) exec $real "\$@" ;; esac
		cat >$work/script.\$\$
		trap 'rm -f $work/script.\$\$' EXIT
		number=\$(grep -nE -f $work/refused $work/script.\$\$ | head -n 1 | cut -d : -f 1)
		if [ -n "\$number" ]; then
			echo x >>$work/refusals
			case ${2:-numbered} in
			numbered) echo "$1: no such thing; Error occurred at line: \$number" >&2 ;;
			unnumbered) echo "$1: line \$(grep -c . $work/script.\$\$) failed" >&2 ;;
			extension)
				echo "Warning: Extension \$(cat $work/extension) revision 0 not supported, missing kernel module?" >&2
				echo "$1: line \$(grep -c . $work/script.\$\$) failed" >&2 ;;
			esac
			exit 2
		fi
		$real "\$@" <$work/script.\$\$
	END
	chmod +x "$fake/$1"
}

# failing TOOL TEXT: fails whatever it is told
failing() {
	printf '#!/bin/sh\necho "%s" >&2\nexit 3\n' "$2" >"$fake/$1"
	chmod +x "$fake/$1"
}

# without TOOL COMMAND…: with a PATH that has the other tools only
without() {
	local tool
	rm -rf "$work/tools"
	mkdir "$work/tools"
	for tool in {ip,ip6}tables{,-save,-restore} ipset ebtables-save ebtables-restore; do
		[ "$tool" = "$1" ] || ln -s "$(command -v $tool)" "$work/tools/$tool"
	done
	PATH=$work/tools "${@:2}"
}

refuse() {
	printf '%s\n' "$@" >"$work/refused"
}

heal() {
	rm -f "$fake"/*
}

# ---- trees ----

tree() {
	make_tree
	put cluster.fw '[OPTIONS]' 'enable: 1' '' '[RULES]' 'IN ACCEPT -p tcp -dport 8006' 'IN ACCEPT -p tcp -dport 4711' \
		'IN DROP -p udp -dport 4712 -log info'
	put 100.fw '[OPTIONS]' 'enable: 1' 'layer2_protocols: ARP,IPv4' '[IPSET web]' '10.0.0.1' '10.0.0.2' '[RULES]' \
		'IN ACCEPT -p tcp -dport 80 -source +web' 'IN REJECT -p tcp -dport 81'
}

has() {
	PATH=${PATH#"$fake":} rules >"$work/present"
	grep -qE -- "$1" "$work/present"
}

lacks() {
	! has "$1"
}

# drops_all CHAIN: how many rules of it drop everything, as one in the place of a suspect does
drops_all() {
	has x
	grep -c "^iptables -A $1 -j DROP\$" "$work/present"
}

# ---- pvefw-cc load ----

remove() {
	PATH=${PATH#"$fake":} "$cc" load --target iptables --remove >/dev/null 2>&1
}

# load STATUS [OPTION…]: into a namespace that has nothing of ours
load() {
	local wanted=$1 status
	shift
	remove
	"$cc" load --target iptables --root "$work/tree" --node n "$@" >"$work/output" 2>&1
	status=$?
	[ $status = "$wanted" ] || { echo "status $status" && cat "$work/output" && false; }
}

# load_without TOOL STATUS
load_without() {
	local status
	without "$1" "$cc" load --target iptables --root "$work/tree" --node n >"$work/output" 2>&1
	status=$?
	[ $status = "$2" ] || { echo "status $status" && cat "$work/output" && false; }
}

told() {
	grep -qE -- "$1" "$work/output" || { cat "$work/output" && false; }
}

# left_out FILE LINE: it is told of this line, and of no other
left_out() {
	told "^ --> $1:$2:" && [ "$(grep -c '^ --> ' "$work/output")" = 1 ]
}

test_command() {
	tree
	refuse 'dport 4711'
	refusing iptables-restore
	check "a line that is refused by its number: status 1" load 1
	check "by its number: named" left_out firewall/cluster.fw 6
	check "by its number: the words of the tool" told 'error\[E1001\].*iptables-restore.*no such thing'
	check "by its number: what that means" told 'falls through to policy_in DROP'
	check "by its number: left out" lacks 'iptables .*dport 4711'
	check "by its number: the rest" has 'iptables -A PVEFW-HOST-IN .*dport 4712'
	check "with --strict nothing is loaded" load 2 --strict
	check "with --strict nothing is loaded, really" lacks PVEFW
	refusing iptables-restore unnumbered
	check "a line that is refused without number: status 1" load 1
	check "without number: named" left_out firewall/cluster.fw 6
	check "without number: left out" lacks 'iptables .*dport 4711'
	check "without number: the rest" has 'iptables -A PVEFW-HOST-IN .*dport 4712'
	check "without number: nothing but the policy drops everything" [ "$(drops_all PVEFW-HOST-IN)" = 1 ]
	refuse 'dport 4711' 'dport 81 '
	check "two of them: status 1" load 1
	check "two of them: the first" told '^ --> firewall/cluster.fw:6:'
	check "two of them: the second" told '^ --> firewall/100.fw:9:'
	check "two of them: no more" [ "$(grep -c '^ --> ' "$work/output")" = 2 ]
	check "two of them: the rest" has 'iptables -A tap100i0-IN .*dport 80'
	heal
	refuse '10\.0\.0\.2'
	refusing ipset
	check "a member of a set: status 1" load 1
	check "a member of a set: named" left_out firewall/100.fw 6
	check "a member of a set: the others" has 'add PVEFW-100-web-v4 10.0.0.1$'
	refusing ipset unnumbered
	check "a member without number: status 1" load 1
	check "a member without number: named" left_out firewall/100.fw 6
	check "a member without number: the others" has 'add PVEFW-100-web-v4 10.0.0.1$'
	heal
	refuse 'NFLOG'
	echo NFLOG >"$work/extension"
	refusing iptables-restore extension
	refusing ip6tables-restore extension
	check "no NFLOG: status 1" load 1
	check "no NFLOG: named, with its option" told 'loaded without NFLOG: .*log_level'
	check "no NFLOG: nothing logs" lacks NFLOG
	check "no NFLOG: the rule that logs" has 'dport 4712 -j DROP'
	heal
	remove
	check "no ebtables-restore: status 1" load_without ebtables-restore 1
	check "no ebtables-restore: named, with its option" told 'loaded without ebtables: .*`ebtables: 0`'
	check "no ebtables-restore: the rest" has 'iptables -A tap100i0-IN .*dport 80'
	remove
	check "no ip6tables-save: status 1" load_without ip6tables-save 1
	check "no ip6tables-save: named" told 'loaded without ip6tables: IPv6 is not filtered'
	check "no ip6tables-save: the rest" has 'iptables -A tap100i0-IN .*dport 80'
	failing ebtables-save "The kernel doesn't support the ebtables 'filter' table."
	check "no table of ebtables: status 1" load 1
	check "no table of ebtables: named, with its option" told "loaded without ebtables: .*doesn't support.*\`ebtables: 0\`"
	check "no table of ebtables: the rest" has 'iptables -A tap100i0-IN .*dport 80'
	heal
	failing ipset 'Cannot open session to kernel.'
	check "no IP sets: status 1" load 1
	check "no IP sets: named" told 'loaded without ipset: .*Cannot open session'
	check "no IP sets: written out" has 'iptables -A tap100i0-IN -s 10.0.0.2/32 .*dport 80'
	heal
	failing iptables-restore 'nothing works'
	check "nothing can be loaded: status 2" load 2
	heal
	remove
}

# Rules that options ask for, and rules that nothing written asks for
test_options() {
	tree
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1' 'nf_conntrack_helpers: ftp' 'protection_synflood: 1'
	refuse 'CT --helper'
	refusing iptables-restore
	refusing ip6tables-restore
	check "an option: status 1" load 1
	check "an option: named" left_out nodes/n/host.fw 3
	check "an option: the other one of that table" has 'iptables -A PVEFW-PREROUTING .*hashlimit'
	heal
	refuse 'dst-type BROADCAST'
	refusing iptables-restore
	refusing ip6tables-restore
	check "implied rules: status 1" load 1
	check "implied rules: told" told 'without a rule that belongs to no line: .*BROADCAST'
	check "implied rules: left out" lacks 'iptables .*dst-type BROADCAST'
	check "implied rules: the rest" has 'iptables -A tap100i0-IN .*dport 80'
	# nothing is let through for it
	for how in numbered unnumbered; do
		refuse 'j REJECT'
		refusing iptables-restore $how
		check "no REJECT, $how: status 1" load 1
		check "no REJECT, $how: told" told 'a rule that drops everything instead of .*REJECT'
		check "no REJECT, $how: dropped instead" has 'iptables -A PVEFW-reject -j DROP$'
		check "no REJECT, $how: the rest" has 'iptables -A tap100i0-IN .*dport 81 -j PVEFW-reject'
	done
	heal
	refuse 'physdev-out tap100i0 -j tap100i0-IN'
	for how in numbered unnumbered; do
		refusing iptables-restore $how
		check "no way to a guest's rules, $how: status 2" load 2
		check "no way to a guest's rules, $how: nothing is loaded" lacks PVEFW
	done
	heal
	remove
}

# ---- the service ----

# status_says TEXT
status_says() {
	firewall status 2>/dev/null >"$work/status"
	grep -qE -- "$1" "$work/status" || { cat "$work/status" && false; }
}

# condition KIND [N]: so many last
condition() {
	metric_is "conditions{kind=\"$1\"}" "${2:-1}"
}

fresh() {
	rm -rf "$work/run" "$work/log"
	start
}

edit() {
	local before
	before=$(cycles)
	put "$@"
	within 10 cycled_since "$before"
}

test_service() {
	local sent
	tree
	refuse 'dport 4711'
	refusing iptables-restore unnumbered
	fresh
	check "at start: the rest is loaded" has 'iptables -A tap100i0-IN .*dport 80'
	check "at start: the line is left out" lacks 'iptables .*dport 4711'
	check "at start: logged with file and line" \
		logged 'error: firewall/cluster.fw:6: refused: iptables-restore .*; the rule is ignored: .*policy_in DROP'
	check "at start: status" status_says 'firewall/cluster.fw:6: refused: '
	check "at start: metrics" condition line_left_out
	check "at start: nothing is pending" no status_says 'pending changes'
	firewall apply >"$work/output" 2>&1
	check "apply: status 1" [ $? = 1 ]
	check "apply: says so" told 'firewall/cluster.fw:6: refused: '
	sent=$(grep -c 'refused: ' "$work/log")
	edit 101.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 90'
	check "another file's change: in force" within 3 has 'iptables -A veth101i0-IN .*dport 90'
	check "another file's change: the line is not searched for again" [ "$(grep -c 'refused: ' "$work/log")" = "$sent" ]
	# by the short way, and then by the whole
	edit 101.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 91' 'OUT DROP -p tcp -dport 4711'
	check "a guest's line: the rest of its file" within 5 has 'iptables -A veth101i0-IN .*dport 91'
	check "a guest's line: named" within 5 logged 'error: firewall/101.fw:5: refused: .*falls through to policy_out ACCEPT'
	check "a guest's line: left out" lacks 'iptables .*dport 4711'
	check "a guest's line: metrics" within 3 condition line_left_out 2
	check "a guest's line: nothing drops everything" [ "$(drops_all veth101i0-OUT)" = 0 ]
	heal
	reload
	check "accepted again: in force" has 'iptables -A PVEFW-HOST-IN .*dport 4711'
	check "accepted again: logged" logged 'notice: firewall/cluster.fw:6: over: refused: '
	check "accepted again: metrics" condition line_left_out 0
	# in the file's next version it may be right
	refusing iptables-restore unnumbered
	refuse 'dport 4713'
	edit 101.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 4713'
	check "refused in the first version" within 5 condition line_left_out
	edit 101.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 4714'
	check "accepted in the second" within 5 condition line_left_out 0
	check "in force" within 5 has 'iptables .*dport 4714'
	stop
	# without a service, and one that is started in the background
	refuse 'dport 4714'
	firewall apply >"$work/output" 2>&1
	check "apply without a service: status 1" [ $? = 1 ]
	check "apply without a service: says so" told 'firewall/101.fw:4: refused: '
	check "apply without a service: the rest" has 'iptables -A tap100i0-IN .*dport 80'
	firewall start >"$work/output" 2>&1
	check "start: status 1" [ $? = 1 ]
	check "start: says so" told 'not everything is enforced; .*refused: '
	firewall stop >"$work/output" 2>&1
	heal
}

# What is refused is tried again from time to time, without a search and without a word while nothing changes
test_again() {
	local before
	tree
	refuse 'dport 4711'
	refusing iptables-restore unnumbered
	PVEFW_AGAIN_SECONDS=1 fresh
	rules >"$work/old"
	before=$(wc -l <"$work/refusals")
	more_refusals() { [ "$(wc -l <"$work/refusals")" -gt "$before" ]; }
	check "it is tried again" within 10 more_refusals
	check "once each time" [ "$(wc -l <"$work/refusals")" -le $((before + 4)) ]
	# While a line is tried, the other family may have it for a moment.
	same_rules() { rules >"$work/present" && same "$work/old" "$work/present"; }
	check "the same rules are in force" within 10 same_rules
	check "it is told once" [ "$(grep -c 'refused: ' "$work/log")" = 1 ]
	heal
	check "accepted again: in force" within 20 has 'iptables -A PVEFW-HOST-IN .*dport 4711'
	check "accepted again: logged" within 3 logged 'notice: firewall/cluster.fw:6: over: refused: '
	stop
}

test_layers() {
	tree
	put 100.fw '[OPTIONS]' 'enable: 1' 'policy_in: REJECT'
	refuse 'j REJECT'
	refusing iptables-restore
	refusing ip6tables-restore
	fresh
	check "no REJECT: status" status_says 'replaced by one that drops everything: .*REJECT'
	check "no REJECT: nothing is pending" no status_says 'pending changes'
	heal
	stop
	tree
	failing ebtables-save "The kernel doesn't support the ebtables 'filter' table."
	fresh
	check "no ebtables: the rest is loaded" has 'iptables -A tap100i0-IN .*dport 80'
	check "no ebtables: critical in the log, with its option" logged 'critical: ebtables is missing: .*`ebtables: 0`'
	check "no ebtables: status" status_says 'ebtables is missing'
	check "no ebtables: metrics" condition layer_missing
	check "no ebtables: nothing is pending" no status_says 'pending changes'
	edit cluster.fw '[OPTIONS]' 'enable: 1' 'ebtables: 0' '[RULES]' 'IN ACCEPT -p tcp -dport 8006'
	check "with ebtables: 0 nothing is missing" within 3 condition layer_missing 0
	edit cluster.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 8006'
	check "without it something is" within 3 condition layer_missing
	heal
	reload
	check "there again: logged" logged 'notice: over: ebtables is missing'
	check "there again: in force" has '^-A PVEFW-FORWARD -o fwln\+ -j PVEFW-FWBR-OUT'
	stop
	refuse NFLOG
	refusing iptables-restore unnumbered
	refusing ip6tables-restore unnumbered
	tree
	fresh
	check "no NFLOG, without number: the rest is loaded" has 'iptables -A tap100i0-IN .*dport 80'
	check "no NFLOG, without number: told" logged 'critical: NFLOG is missing: .*log_level'
	check "no NFLOG, without number: the rule that logs" has 'dport 4712 -j DROP'
	heal
	stop
}

# Without iptables, by nftables; and what was in force is not replaced by it
test_minimal() {
	tree
	put cluster.fw '[OPTIONS]' 'enable: 1' '[IPSET management]' '192.0.2.0/24' '[RULES]' 'IN ACCEPT -p tcp -dport 4711'
	failing iptables-restore 'nothing works'
	fresh
	check "nothing can be loaded: critical in the log" logged 'critical: .*the minimal ruleset is loaded \(netlink\)'
	check "nothing can be loaded: metrics" condition minimal_ruleset
	check "nothing can be loaded: status" status_says 'minimal ruleset'
	check "the minimal ruleset: management" has '^inet .*192\.0\.2\.'
	check "the minimal ruleset: its services" has '^inet .*dport 8006'
	check "the minimal ruleset: policies of guests" has '^bridge chain tap100i0-in .*policy_in'
	check "the minimal ruleset: no rules" lacks 4711
	heal
	check "when it can be loaded, it is" within 10 has 'iptables -A PVEFW-HOST-IN .*4711'
	check "and nothing is minimal" within 3 condition minimal_ruleset 0
	check "nor left of it" lacks '^inet'
	kill_service
	failing iptables-restore 'nothing works'
	put cluster.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 4712'
	fresh
	check "rules of the service before: stay" has 'iptables -A PVEFW-HOST-IN .*4711'
	check "rules of the service before: nothing minimal" lacks '^inet'
	check "rules of the service before: why" status_says 'could not be applied: .*nothing works'
	heal
	stop
	refuse 'physdev'
	refusing iptables-restore
	fresh
	check "no physdev: the minimal ruleset" condition minimal_ruleset
	check "no physdev: told once" [ "$(grep -c 'error: iptables: .*physdev' "$work/log")" = 2 ] # for both targets
	check "no physdev: policies of guests" has '^bridge chain tap100i0-in .*policy_in'
	check "no physdev: status" status_says 'could not be applied; the minimal ruleset is loaded, .*physdev'
	heal
	stop
	failing iptables-restore 'nothing works'
	firewall apply >"$work/output" 2>&1
	check "apply without a service: status 2" [ $? = 2 ]
	check "apply without a service: the minimal ruleset" has '^inet .*dport 8006'
	check "apply without a service: says so" told 'not applied; the minimal ruleset is loaded: .*nothing works'
	heal
	firewall stop >"$work/output" 2>&1
}

# Somebody's native table that iptables-nft cannot show, beside nftables
test_foreign() {
	make_tree nft
	nft -f - <<-'END'
		table ip filter {
			set blocked { type ipv4_addr; }
			chain input { type filter hook input priority 0; ip saddr @blocked drop; }
		}
	END
	fresh
	check "a foreign ip filter: applied" logged 'netlink: changes are applied'
	check "a foreign ip filter: nothing is called not applied" no logged 'not applied'
	check "a foreign ip filter: no condition" condition not_applied 0
	stop
	check "a foreign ip filter: stays" nft list set ip filter blocked
	check "a foreign ip filter: nothing of ours stays" lacks '^(inet|bridge)'
	nft delete table ip filter
	# tools that do not work at all, on a machine that was never filtered by them
	failing iptables-save 'no'
	fresh
	check "no iptables beside nftables: applied" logged 'netlink: changes are applied'
	check "no iptables beside nftables: nothing is called not applied" no logged 'not applied'
	stop
	check "no iptables beside nftables: all of ours is gone" logged 'its rules are removed from the kernel'
	heal
}

# The target nftables on a kernel that lacks features of bridge tables
test_nftables() {
	if printf 'table bridge x { chain x { ct state new accept; }; }' | nft -c -f - 2>/dev/null; then
		cannot=$((cannot + 1))
		return
	fi
	make_tree nft-guests
	put 100.fw '[OPTIONS]' 'enable: 1' 'ips: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 80' 'IN REJECT -p tcp -dport 81'
	fresh
	check "no bridge conntrack: the host's layer" has '^inet chain host-in .*8006'
	check "no bridge conntrack: guests' rules" has '^bridge chain tap100i0-in .*dport 80 .*accept'
	check "no bridge conntrack: their policies" has '^bridge chain tap100i0-in .*policy_in'
	check "no bridge conntrack: critical in the log, with its option" \
		logged 'critical: connection tracking in bridge tables is missing: .*`nftables: 0`'
	check "no queue: the option's line" logged 'error: firewall/100.fw:3: refused: .*CONFIG_NFT_QUEUE'
	check "no bridge conntrack: metrics" within 3 condition line_left_out
	stop
	"$cc" load --target netlink --root "$work/tree" --node n >"$work/output" 2>&1
	check "pvefw-cc load: status 1" [ $? = 1 ]
	check "pvefw-cc load: names it" told 'loaded without connection tracking in bridge tables'
	"$cc" load --target netlink --remove
}

[ $# != 0 ] || set -- command options service again layers minimal foreign nftables
for test; do
	"test_$test"
done
finish
