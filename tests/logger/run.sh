#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh: pvefw-logger as a program, in a network namespace with real rules.
cd "$(dirname "$0")/../.." || exit 2
. tests/logger/common.sh "$@"
one=':100:6:tap100i0-IN: policy DROP: '

# The time of each line away.
timeless() {
	sed -E 's,[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4},TIME,'
}

# ---- packets ----

# The frames of packets/, whole and malformed, as they come in by an interface.
golden() {
	ip link add wire type veth peer name peer
	ip link set wire up
	ip link set peer up
	nft -f - <<-EOF
		table netdev golden {
			chain in { type filter hook ingress device wire priority 0; log prefix "$one" group 0; drop; }
		}
	EOF
	verdict $? "golden: no rules"
	start golden
	"$frames" send peer tests/logger/packets/*
	verdict $? "golden: cannot send"
	stop
	"$frames" expect tests/logger/packets/* >"$work/expected"
	grep ' IN=' "$work/golden" | timeless >"$work/actual"
	diff "$work/expected" "$work/actual" >"$work/diff"
	verdict $? "golden: other lines"
	sed 's/^/    /' "$work/diff" | head -n 20
	same "golden: packets" "$(lines "$work/golden")" "$(grep -c . "$work/expected")"
	same "golden: malformed" "$(state golden malformed)" "$(grep -c INVALID= "$work/expected")"
	nft delete table netdev golden
	ip link del wire
}

# traffic: UDP, TCP and ICMP to ourselves, by IPv4 and IPv6; nobody is there to answer
traffic() {
	for address in 127.0.0.1 ::1; do
		echo x >"/dev/udp/$address/9"
		(echo x >"/dev/tcp/$address/9") 2>/dev/null
	done 2>/dev/null
}

# seen NAME WHAT REGEX
seen() {
	grep -qE "$3" "$work/$1"
	verdict $? "$1: no line of $2"
}

check_traffic() {
	local link='IN=lo MAC=([0-9a-f]{2}:){13}[0-9a-f]{2}'
	local ip4='SRC=127\.0\.0\.1 DST=127\.0\.0\.1' ip6='SRC=::1 DST=::1'
	local syn='SEQ=[0-9]+ ACK=0 WINDOW=[0-9]+ SYN mark=7$'
	seen "$1" "UDP" "^100 6 tap100i0-IN .* policy DROP: $link(:08:00)? $ip4 LEN=30 .*PROTO=UDP SPT=[0-9]+ DPT=9 LEN=10 mark=7$"
	seen "$1" "TCP" "^100 6 tap100i0-IN .* policy DROP: $link $ip4 LEN=60 .*PROTO=TCP SPT=[0-9]+ DPT=9 $syn"
	seen "$1" "UDP in IPv6" "^0 3 PVEFW-HOST-IN [^ ]* [^ ]* $link $ip6 LEN=50 .*PROTO=UDP SPT=[0-9]+ DPT=9 LEN=10 mark=7$"
	seen "$1" "TCP in IPv6" "^0 3 PVEFW-HOST-IN [^ ]* [^ ]* $link $ip6 LEN=80 .*PROTO=TCP SPT=[0-9]+ DPT=9 $syn"
	seen "$1" "ICMP" "^0 6 - [^ ]* [^ ]* mine OUT=lo $ip4 .*PROTO=ICMP TYPE=3 CODE=3"
	seen "$1" "ICMPv6" "^0 6 - [^ ]* [^ ]* mine OUT=lo $ip6 .*PROTO=ICMPV6 TYPE=1 CODE=4"
}

with_iptables() {
	local version
	for version in "" 6; do
		[ -n "$version" ] && one=':0:3:PVEFW-HOST-IN: '
		printf '*mangle\n-A INPUT -j MARK --set-mark 7\nCOMMIT\n*filter\n%s\n%s\n%s\nCOMMIT\n' \
			"-A INPUT -p udp -m udp --dport 9 -j NFLOG --nflog-prefix \"$one\"" \
			"-A INPUT -p tcp -m tcp --dport 9 -j NFLOG --nflog-prefix \"$one\"" \
			"-A OUTPUT -p icmp${version:+v6} -j NFLOG --nflog-prefix mine" | "ip${version}tables-$1-restore"
		verdict $? "ip${version}tables-$1: no rules"
	done
	start "iptables-$1"
	traffic
	stop
	check_traffic "iptables-$1"
	for version in "" 6; do
		printf '*mangle\nCOMMIT\n*filter\nCOMMIT\n' | "ip${version}tables-$1-restore"
	done
}

with_nft() {
	nft -f - <<-EOF
		table inet t {
			chain in {
				type filter hook input priority 0
				meta mark set 7
				meta nfproto ipv4 meta l4proto { tcp, udp } th dport 9 log prefix ":100:6:tap100i0-IN: policy DROP: " group 0
				meta nfproto ipv6 meta l4proto { tcp, udp } th dport 9 log prefix ":0:3:PVEFW-HOST-IN: " group 0
			}
			chain out {
				type filter hook output priority 0
				meta l4proto { icmp, icmpv6 } log prefix "mine" group 0
			}
		}
	EOF
	verdict $? "nft: no rules"
	start nft
	traffic
	stop
	check_traffic nft
	nft flush ruleset
}

# A bridge, for the interfaces that only iptables knows of.
bridged() {
	ip link add br0 type bridge
	for end in 1 2; do
		ip link add "port$end" type veth peer name "guest$end"
		ip link set "port$end" master br0
		ip link set "guest$end" up
		ip link set "port$end" up
	done
	ip link set br0 up
	ip addr add 10.9.0.1/24 dev guest1
	ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev guest1
	rules "-A FORWARD -m physdev --physdev-is-bridged -j NFLOG --nflog-prefix \":2:5:fwbr2: ACCEPT: \""
	start bridged
	until_ok grep -q forwarding /sys/class/net/port1/brport/state 2>/dev/null || sleep 0.2
	echo x >/dev/udp/10.9.0.2/9
	stop
	seen bridged "the bridge" "^2 5 fwbr2 .* ACCEPT: IN=br0 OUT=br0 PHYSIN=port1 PHYSOUT=port2 MAC=02:00:00:00:00:02:.*:08:00 SRC=10.9.0.1 DST=10.9.0.2 .*PROTO=UDP"
	rules ""
	for link in port1 port2 br0; do ip link del $link; done
}

# ---- life ----

rotation() {
	start rotated
	flood 9 500 0
	until_ok grep -q ' IN=' "$work/rotated"
	mv "$work/rotated" "$work/rotated.1"
	flood 9 500 0
	kill -HUP "$pid"
	until_ok test -e "$work/rotated"
	verdict $? "rotation: no new file"
	flood 9 500 0
	stop
	same "rotation: packets" "$(lines "$work/rotated" "$work/rotated.1")" 1500
	[ "$(lines "$work/rotated")" -ge 500 ]
	verdict $? "rotation: the new file has $(lines "$work/rotated") packets"
	same "rotation: losses" "$(state rotated lost_kernel) $(state rotated lost_disk)" "0 0"
	same "rotation: mode" "$(stat -c %a "$work/rotated")" 640
}

# Removed, or renamed without a signal: created again, even if there is nothing to write.
removal() {
	start removed
	flood 9 10 0
	until_ok grep -q ' IN=' "$work/removed"
	rm "$work/removed"
	until_ok test -e "$work/removed"
	verdict $? "removal: no new file"
	flood 9 500 0
	until_ok grep -q ' IN=' "$work/removed"
	rm "$work/removed"
	flood 9 500 0
	until_ok grep -q ' IN=' "$work/removed" 2>/dev/null
	mv "$work/removed" "$work/removed.1"
	until_ok test -e "$work/removed"
	verdict $? "removal: no new file after renaming"
	flood 9 7 0
	stop
	same "removal: packets after the last renaming" "$(lines "$work/removed")" 7
	[ "$(lines "$work/removed.1")" -ge 500 ]
	verdict $? "removal: $(lines "$work/removed.1") packets, not those after the removal"
	same "removal: losses" "$(state removed lost_kernel) $(state removed lost_disk)" "0 0"
}

# As in its unit: the user cannot create a file there. Another program does; the logger keeps running.
unprivileged() {
	local place=$work/closed said=$work/unprivileged.err number
	mkdir -p "$place" "$work/unprivileged.run/logger"
	chmod 755 "$work" "$place"
	chown 65534 "$work/unprivileged.run/logger"
	NOTIFY_SOCKET=@pvefw-nobody-$$ setpriv --reuid 65534 --clear-groups --inh-caps=+net_admin --ambient-caps=+net_admin \
		--bounding-set=-all,+net_admin "$logger" --foreground --log-file "$place/log" --run-dir "$work/unprivileged.run" 2>"$said" &
	number=$!
	pids="$pids $number"
	until_ok grep -q "cannot write $place/log: Permission denied; retrying" "$said"
	verdict $? "unprivileged: not said that there is no file: $(cat "$said")"
	for file in log.lock log; do
		install -o 65534 -m 600 /dev/null "$place/$file"
	done
	until_ok grep -q 'starting pvefw-logger' "$place/log"
	verdict $? "unprivileged: nothing written to the file that has come"
	rm "$place/log"
	flood 9 50 0
	until_ok eval '[ $(grep -c "cannot write" "$said") = 2 ]'
	verdict $? "unprivileged: not said that the file is gone: $(cat "$said")"
	install -o 65534 -m 600 /dev/null "$place/log"
	until_ok eval '[ "$(lines "$place/log")" = 50 ]'
	verdict $? "unprivileged: $(lines "$place/log") packets after the removal, not 50"
	kill -0 $number
	verdict $? "unprivileged: it has ended"
	kill -TERM $number
	wait $number
	same "unprivileged: exit status" $? 0
}

only_one() {
	start first
	timeout 10 "$logger" --foreground --log-file "$work/first" --run-dir "$work/r" --group 7 2>"$work/err"
	same "second: exit status" $? 2
	grep -q "$work/first is written by another pvefw-logger" "$work/err"
	verdict $? "second: $(cat "$work/err")"
	timeout 10 "$logger" --foreground --log-file "$work/other" --run-dir "$work/r" 2>"$work/err"
	same "second of the group: exit status" $? 2
	grep -q 'NFLOG group 0: another program listens' "$work/err"
	verdict $? "second of the group: $(cat "$work/err")"
	timeout 10 "$logger" --log-file "$work/first" --run-dir "$work/r" 2>/dev/null
	same "second in the background: exit status" $? 2
	timeout 10 "$logger" --log-file "$work/no/folder" 2>/dev/null
	same "no folder: exit status" $? 2
	stop
}

# Packets of another group are ignored and do not count as lost.
two_groups() {
	start group0
	local first=$pid
	start group5 --group 5
	rules "-A INPUT -p udp --dport 9 -j NFLOG --nflog-prefix \"$one\"
-A INPUT -p udp --dport 10 -j NFLOG --nflog-group 5 --nflog-prefix five"
	for _ in 1 2 3; do
		flood 9 10 0
		flood 10 20 0
	done
	flood 9 1 0
	stop
	stop "$first"
	same "group 0: packets" "$(lines "$work/group0") $(state group0 lost_kernel) $(state group0 other_groups)" "31 0 60"
	same "group 5: packets" "$(lines "$work/group5") $(state group5 lost_kernel)" "60 0"
}

background() {
	timeout 10 "$logger" --log-file "$work/behind" --run-dir "$work/behind.run" 2>"$work/err"
	same "background: exit status" $? 0
	found=$(grep -lF "$work/behind" /proc/[0-9]*/cmdline 2>/dev/null | tr -dc '0-9\n' | head -n 1)
	[ -n "$found" ]
	verdict $? "background: nobody there"
	[ -n "$found" ] || return
	pids="$pids $found"
	flood 9 3 0
	kill -TERM "$found"
	until_ok grep -q 'stopping pvefw-logger' "$work/behind"
	same "background: packets" "$(lines "$work/behind")" 3
}

notifications() {
	timeout 30 python3 - "$logger" "$work" <<-'EOF'
		import os, signal, socket, subprocess, sys
		logger, work = sys.argv[1:]
		notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		notify.bind(work + "/notify")
		notify.settimeout(10)
		def said(what):
		    """The first notification that is not of the watchdog is this."""
		    while (got := notify.recv(100)) == b"WATCHDOG=1":
		        pass
		    assert got == what, got
		# Without --foreground: systemd waits for this process.
		p = subprocess.Popen([logger, "--log-file", work + "/told", "--run-dir", work + "/told.run"],
		                     env=dict(os.environ, NOTIFY_SOCKET=work + "/notify", WATCHDOG_USEC="400000"))
		try:
		    said(b"READY=1")
		    assert [notify.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
		    p.send_signal(signal.SIGTERM)
		    said(b"STOPPING=1")
		    assert p.wait(10) == 0
		finally:
		    p.kill()
	EOF
	verdict $? "notifications"
}

# Nothing to do: nothing is done.
idle() {
	start idle
	sleep 1.5
	before=$(awk '/ctxt/ { sum += $2 } END { print sum }' "/proc/$pid/status")
	sleep 2
	after=$(awk '/ctxt/ { sum += $2 } END { print sum }' "/proc/$pid/status")
	[ $((after - before)) -le 2 ]
	verdict $? "idle: awake $((after - before)) times in two seconds"
	grep -q '^CapEff:[[:space:]]0000000000001000$' "/proc/$pid/status"
	verdict $? "capabilities: $(grep CapEff "/proc/$pid/status")"
	stop
}

# ---- losses ----

small_disk() {
	mkdir "$work/small"
	mount -t tmpfs -o size=64k tmpfs "$work/small"
	verdict $? "small disk: cannot mount"
	ln -s small/log "$work/disk"
	start disk
	flood 9 12000 15000
	until_ok grep -q 'cannot write' "$work/disk.err"
	verdict $? "small disk: nothing said"
	ticks=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	sleep 1.5
	[ $(($(awk '{ print $14 + $15 }' "/proc/$pid/stat") - ticks)) -le 10 ]
	verdict $? "small disk: busy while there is nothing to do"
	[ "$(state disk lost_disk)" -gt 1000 ]
	verdict $? "small disk: $(state disk lost_disk) lost"
	mount -o remount,size=16m "$work/small"
	until_ok grep -q 'lines* lost' "$work/disk"
	verdict $? "small disk: no line tells losses"
	flood 9 10 0
	stop
	same "small disk: packets and losses" $(($(lines "$work/disk") + $(told_lost "$work/disk" lines) + $(told_lost "$work/disk" packets))) $((sent + 12000))
	same "small disk: counted" "$(state disk lost_disk)" "$(told_lost "$work/disk" lines)"
	same "small disk: said" "$(grep -c 'cannot write' "$work/disk.err") $(grep -c 'again$' "$work/disk.err")" "1 1"
	grep -vqE '^[0-9]+ [0-7] [^ ]+ [0-9]{2}/[A-Z][a-z]{2}/[0-9:]+ [+-][0-9]{4} ' "$work/disk"
	same "small disk: broken lines" $? 1
}

# A failed reopening is retried.
no_folder() {
	mkdir "$work/place"
	ln -s place/log "$work/moved"
	start moved
	mv "$work/place" "$work/place.1"
	kill -HUP "$pid"
	flood 9 5 0
	until_ok grep -q 'cannot write' "$work/moved.err"
	verdict $? "no folder: nothing said"
	mkdir "$work/place"
	until_ok grep -q ' IN=' "$work/place/log" 2>/dev/null
	verdict $? "no folder: nothing written"
	stop
	same "no folder: packets" "$(lines "$work/place/log")" 5
}

too_slow() {
	start slow --buffer 64
	kill -STOP "$pid"
	flood 9 20000 0
	kill -CONT "$pid"
	until_ok grep -q ' IN=' "$work/slow.out"
	sleep 0.5
	flood 9 1 0
	stop
	told=$(told_lost "$work/slow" packets)
	same "too slow: packets and losses" $(($(lines "$work/slow") + told)) 20001
	same "too slow: counted" "$(state slow lost_kernel)" "$told"
	[ "$told" -gt 1000 ]
	verdict $? "too slow: only $told lost"
	[ "$(state slow overruns)" -gt 0 ]
	verdict $? "too slow: the kernel has not said so"
}

# ---- connections ----

# One flow; once more after its entry is too old, which ends it.
flow() {
	python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 4000))
s.sendto(b"x", ("127.0.0.1", 4001))'
}

# flow_is_over: the kernel's entry of the flow is too old
flow_is_over() {
	! grep -q 'sport=4000' /proc/net/nf_conntrack
}

connections() {
	[ -e /proc/net/nf_conntrack ]
	verdict $? "connections: the kernel does not show its connections (CONFIG_NF_CONNTRACK_PROCFS)"
	rules "-A INPUT -m conntrack --ctstate INVALID -j DROP"
	echo 1 >/proc/sys/net/netfilter/nf_conntrack_udp_timeout
	start connections
	flow
	sleep 0.4
	! grep -q 'sport=4000' "$work/connections"
	verdict $? "connections: logged without being asked"
	echo 1 >"$work/connections.run/new"
	mv "$work/connections.run/new" "$work/connections.run/log_nf_conntrack"
	until_ok flow_is_over
	flow
	until_ok grep -qE '^ *\[NEW\] ipv4 +2 udp +17 .*src=127.0.0.1 dst=127.0.0.1 sport=4000 dport=4001' "$work/connections"
	verdict $? "connections: no beginning"
	# The first flow began before the logger listened, so the kernel does not report its end.
	until_ok flow_is_over
	flow
	until_ok grep -qE '^ *\[DESTROY\] ipv4 +2 udp +17 .*sport=4000 dport=4001' "$work/connections"
	verdict $? "connections: no end"
	echo 0 >"$work/connections.run/log_nf_conntrack"
	sleep 0.4
	count=$(grep -c sport=4000 "$work/connections")
	until_ok flow_is_over
	flow
	stop
	same "connections: after they were turned off" "$(grep -c sport=4000 "$work/connections")" "$count"
	start always --conntrack
	rm -rf "$work/always.run"
	until_ok test -e "$work/always.run/logger/logger.state"
	flow
	until_ok grep -q 'sport=4000' "$work/always"
	verdict $? "connections: --conntrack does nothing"
	until_ok test -e "$work/always.run/logger/logger.state"
	verdict $? "the run directory is not made anew"
	stop
}

# ---- printing ----

printing() {
	timeout 0.5 "$logger" --print --log-file "$work/missing" 2>&1 | grep -q 'missing does not exist yet'
	verdict $? "printing: nothing is said of a file that is missing"
	for number in $(seq 20); do echo "100 6 chain TIME DROP: IN=x$number SRC=10.0.0.1"; done >"$work/shown"
	"$logger" --print --log-file "$work/shown" >"$work/plain" &
	plain=$!
	"$logger" --print --log-file "$work/shown" --color=always >"$work/coloured" &
	coloured=$!
	pids="$pids $plain $coloured"
	until_ok grep -q IN=x20 "$work/plain"
	verdict $? "printing: nothing"
	same "printing: first lines" "$(grep -c . "$work/plain") $(head -n 1 "$work/plain")" "10 100 6 chain TIME DROP: IN=x11 SRC=10.0.0.1"
	printf '1 2 half' >>"$work/shown"
	sleep 0.5
	! grep -q half "$work/plain"
	verdict $? "printing: half a line"
	echo ' more' >>"$work/shown"
	until_ok grep -qx '1 2 half more' "$work/plain"
	verdict $? "printing: not what comes"
	mv "$work/shown" "$work/shown.1"
	echo 'last of the old' >>"$work/shown.1"
	until_ok grep -q 'last of the old' "$work/plain"
	verdict $? "printing: not what comes after renaming"
	echo 'first of the new' >"$work/shown"
	until_ok grep -q 'first of the new' "$work/plain"
	verdict $? "printing: not the new file"
	echo short >"$work/shown"
	until_ok grep -q short "$work/plain"
	verdict $? "printing: not a file that begins anew"
	until_ok grep -q short "$work/coloured"
	grep -qF "$(printf '\033[36mSRC=10.0.0.1\033[0m')" "$work/coloured"
	verdict $? "printing: no colours"
	! grep -q "$(printf '\033')" "$work/plain"
	verdict $? "printing: colours without a terminal"
	kill $plain $coloured
	# It ends when its reader has ended.
	timeout 10 "$logger" --print --log-file "$work/shown.1" 2>&1 | head -n 1 >/dev/null
	same "printing: exit status behind a pipe" "${PIPESTATUS[0]}" 0
	timeout 10 "$logger" --print --log-file "$work" 2>/dev/null
	same "printing: a folder" $? 2
}

golden
with_iptables legacy
one=':100:6:tap100i0-IN: policy DROP: '
with_iptables nft
one=':100:6:tap100i0-IN: policy DROP: '
with_nft
bridged
rules "-A INPUT -p udp --dport 9 -j NFLOG --nflog-prefix \"$one\""
rotation
removal
unprivileged
only_one
two_groups
background
notifications
idle
small_disk
no_folder
too_slow
connections
printing
finish
