#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# end-to-end.sh: the service on a node with guests (tests/topology). TARGET=iptables, or nft, for which the kernel needs
# connection tracking in bridges.
#
# Changes of the files are seen by running traffic within a second, however they are noticed; what is established
# goes on without a lost packet; many changes at once are few compilations; `stop` leaves nothing.
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
begin
export PREFIX=pvefwe$$
in=(ip netns exec "$PREFIX-host")
target=${TARGET:-iptables}
[ "$target" = iptables ] || export WIRING=direct
hosts=$tests/topology/hosts.tsv
build STREAM "$here/stream.c" "$tests"/topology/{spec,space}.c
build FLOW "$tests/probes/flow.c" "$tests"/topology/{spec,space}.c
"$tests/topology/topo.sh" up || give_up "no topology"
if [ "$target" = nft ]; then make_tree nft-guests; else make_tree; fi

# What somebody else has; with it the tables are there that the tools make when they look.
make_others() {
	for tool in iptables ip6tables; do
		"${in[@]}" $tool -N mine
		"${in[@]}" $tool -A mine -p tcp --dport 99 -j DROP
		"${in[@]}" $tool -A INPUT -i eth7 -j mine
		"${in[@]}" $tool -t raw -A PREROUTING -i eth7 -j ACCEPT
	done
	"${in[@]}" ipset create mine hash:net
	"${in[@]}" ipset add mine 192.0.2.0/24
	"${in[@]}" ebtables -A FORWARD -i eth7 -j DROP
	"${in[@]}" nft 'add table inet mine; add chain inet mine c; add rule inet mine c counter'
	"${in[@]}" sysctl -qw net.bridge.bridge-nf-call-ip6tables=0 net.ipv4.tcp_syncookies=0
}

# The empty chains that iptables-nft makes when it looks are no trace of ours.
everything() {
	rules
	"${in[@]}" nft -s list table inet mine
	"${in[@]}" nft list tables | sort
	settings
}

# ---- streams ----

# begin_streams LINE…: traffic along these lines, each hundredth of a second
begin_streams() {
	printf '%s\n' "$@" | sed 's/$/ accept/' >"$work/spec"
	"$STREAM" "$PREFIX" "$hosts" "$work/spec" 10000 >"$work/streams" &
	streams=$!
	for ((i = 1; i <= $#; i++)); do
		within 5 is_known $i
	done
}

is_known() {
	grep -q "^$1 " "$work/streams"
}

end_streams() {
	kill $streams
	wait $streams 2>/dev/null
}

# turned NUMBER STATE TIME: it has, since that time
turned() {
	awk -v number="$1" -v state="$2" -v time="$3" '
		$1 == number { last = $2; if ($3 * 1e6 > time) when = $3 }
		END { if (last == state && when) printf "%d\n", when * 1e6 - time; else exit 1 }' "$work/streams"
}

all_turned() {
	for ((n = 1; n <= $2; n++)); do
		turned $n "$1" "$3" || return 1
	done
}

# seen STATE COUNT COMMAND…: all streams turn so within a second of the command's end. The best of three counts: a busy
# machine is no slow service. `undo` puts things back in between.
seen() {
	local state=$1 count=$2 time
	shift 2
	for try in 1 2 3; do
		"$@"
		time=$(now)
		# the packet before the one that tells may have been sent before this
		if within 5 all_turned "$state" "$count" $((time - 20000)); then
			delay=0
			for ((n = 1; n <= count; n++)); do
				one=$(turned $n "$state" $((time - 20000)))
				[ "$one" -le $delay ] || delay=$one
			done
			echo "$state after $((delay / 1000)) ms" >>"$work/delays"
			[ $delay -gt 1000000 ] || return 0
		fi
		undo
		polled 5
	done
	return 1
}

allow() {
	put 100.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 80' 'IN ACCEPT -source 10.10.0.254'
}

forbid() {
	put 100.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 80'
}

test_changes() {
	begin_streams 'outside udp vm100 7000' 'outside tcp vm100 7001' 'outside icmp vm100 -'
	check "blocked to begin with" all_turned shut 3 0
	undo() { forbid; }
	check "what a new rule allows passes within a second" seen open 3 allow
	undo() { allow; }
	# a ping that has been answered is established
	check "what no rule allows any more is blocked within a second" seen shut 2 forbid
	end_streams
}

# ---- established ----

test_established() {
	sed 's/#.*//' >"$work/flows" <<-'END'
		vm100	tcp	outside	5005	accept
		vm100	udp	outside	5006	accept
		vm100	icmp	vm102	-	accept
		outside	tcp	vm100	80	accept
		outside	tcp	ct101	80	accept
		ct101	tcp	host	8006	accept
		vm100	tcp6	outside	5007	accept
	END
	cat >"$work/change" <<-END
		for i in 1 2 3 4 5; do
			before=\$(grep -c 'changes are applied' "$work/log")
			printf '[OPTIONS]\nenable: 1\n[RULES]\nIN ACCEPT -p tcp -dport 80\nIN DROP -p udp -dport 10%s\n' \$i \
				>"$work/tree/firewall/101.fw"
			for n in \$(seq 100); do
				[ \$(grep -c 'changes are applied' "$work/log") = \$before ] || break
				sleep 0.05
			done
		done
	END
	check "established connections lose a packet" "$FLOW" -v "$PREFIX" "$hosts" "$work/flows" sh "$work/change"
	check "the changes were not applied" has_rule 'dport 105'
	grep -h 'probes' "$work/said"
}

# has_rule TEXT
has_rule() {
	rules | grep -q -- "$1"
}

# ---- by .version alone ----

# Written through another name, of which the watched folders know nothing.
test_version() {
	local before
	ln "$work/tree/firewall/101.fw" "$work/alias"
	echo 1 >"$work/tree/.version"
	within 5 settled
	polled 9 # until no change can hide behind the times of the last one: files are scanned until then
	begin_streams 'outside udp ct101 7000'
	before=$(metric compilations_total)
	printf '%s\n' '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p udp -dport 7000' >"$work/alias"
	polled 3
	check "a file changed without an event is noticed without .version" test "$(metric compilations_total)" = "$before"
	check "blocked until .version changes" no turned 1 open 0
	undo() { :; }
	check "what .version tells is enforced within a second" seen open 1 eval 'echo $RANDOM$RANDOM >"$work/tree/.version"'
	end_streams
}

# No cycle is due any more.
settled() {
	local before
	before=$(metric compilations_total)
	polled 3
	[ "$(metric compilations_total)" = "$before" ]
}

# The same, within 10 seconds.  last_cycle: when the last was seen
until_settled() {
	local end=$(($(now) + 10000000)) seen count
	seen=$(metric compilations_total)
	last_cycle=$(now)
	while [ "$(now)" -lt $end ] && [ $(($(now) - last_cycle)) -lt 900000 ]; do
		sleep 0.05
		count=$(metric compilations_total)
		[ "$count" = "$seen" ] || last_cycle=$(now)
		seen=$count
	done
}

# ---- many at once ----

test_many() {
	local before reads count many=${MANY:-1000}
	mkdir "$work/many"
	for ((i = 1000; i < 1000 + many; i++)); do
		printf '[OPTIONS]\nenable: 1\n[RULES]\nIN ACCEPT -p tcp -dport %d\n' $i >"$work/many/$i.fw"
	done
	within 5 settled
	before=$(metric compilations_total)
	time=$(now)
	cp "$work"/many/*.fw "$work/tree/firewall/"
	echo "written in $((($(now) - time) / 1000)) ms"
	until_settled
	count=$(($(metric compilations_total) - before))
	time=$(((last_cycle - time) / 1000))
	echo "$many files in $time ms: $count compilations"
	# more where writing and reading take longer than the quarter of a second after which a file is a change of its own
	check "$many files at once: $count compilations" test $count -ge 1 -a $count -le $((2 + time / 250))
	reads=$(metric files_read_total)
	put 100.fw '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 80' 'IN DROP -p udp -dport 4711'
	within 5 has_rule 'dport 4711'
	within 5 settled
	reads=$(($(metric files_read_total) - reads))
	# a second time when all is compiled, as it had changed just before it was read
	check "one file changed: $reads are read" test $reads -ge 1 -a $reads -le 2
}

# ---- all of it ----

make_others
# What runs in the background has nobody to tell it.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$work/sanitizer"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}log_path=$work/sanitizer"
everything >"$work/before"
check "status without a service" status_is "enabled/stopped (pending changes)"
check "start in the background" firewall start
pid=$(grep -x '[1-9][0-9]*' "$work/run/lock") # /proc/locks has -1 for the owner of such a lock
check "it runs" lives "$pid"
check "status with a service" status_is "enabled/running"
bridges=1
[ "$target" = iptables ] || bridges=0
check "the settings of bridges" test "$("${in[@]}" cat /proc/sys/net/bridge/bridge-nf-call-ip6tables)" = $bridges
test_changes
test_established
test_version
test_many
sed 's/^/streams: /' "$work/delays"
check "stop" firewall stop
check "it has ended" within 10 gone "$pid"
check "sanitizers have nothing to say" no ls "$work"/sanitizer.*
everything >"$work/after"
check "stop leaves nothing" same "$work/before" "$work/after"
check "stop once more" firewall stop
check "status after it" status_is "enabled/stopped (pending changes)"
check "no file but the lock and the generations stays" test "$(ls -A "$work/run")" = "$(printf '%s\n' generations lock log_nf_conntrack)"
finish
