#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# faults.sh [TEST…]: what the service does when something goes wrong: what was in force stays, the log says why, no
# processor is kept busy, and when the trouble is over the files are enforced without anybody's help.
#
# Ends with `N passed, N failed`. PVE_FIREWALL: the service, default build/pve-firewall. CYCLES: of the test of leaks, default
# 1000 and with iptables 100.
set -u
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"
in_namespaces "$@"
begin
ip link set lo up

# fresh [TARGET]: a new tree, and a service that enforces it
fresh() {
	rm -rf "$work/run" "$work/log"
	make_tree "$@"
	start
	rules >"$work/old"
}

# end: whatever state the service is in
end() {
	[ -z "$pid" ] || stop
	firewall stop >/dev/null 2>&1
}

stays() {
	rules >"$work/present"
	same "$work/old" "$work/present"
}

# again: soon, if not yet
again() {
	within 3 stays || stays
}

allow_port() {
	put cluster.fw '[OPTIONS]' 'enable: 1' '' '[RULES]' 'IN ACCEPT -p tcp -dport 8006' "IN ACCEPT -p tcp -dport $1"
}

# allows PORT: the rules that are loaded do
allows() {
	rules | grep -qE "dport $1( |\$)"
}

# calm [HUNDREDTHS]: the service, with its tools, uses less than so much processor time in 1.5 seconds
calm() {
	local before
	before=$(clock_ticks)
	sleep 1.5
	local used=$(($(clock_ticks) - before))
	[ $used -le "${1:-15}" ] || { echo "$used hundredths of a second in 1.5 seconds" && false; }
}

# ---- the disk ----

# The run directory and the log on a disk that is full
test_full() {
	mkdir "$work/disk"
	mount -t tmpfs -o size=64k none "$work/disk"
	ln -s "$work/disk/run" "$work/run"
	ln -s "$work/disk/log" "$work/log"
	mkdir "$work/disk/run"
	sysctl -qw net.bridge.bridge-nf-call-iptables=0
	make_tree
	: >"$work/disk/log"
	dd if=/dev/zero of="$work/disk/filler" bs=4k count=100 2>/dev/null
	"$service" start --debug --root "$work/tree" --node n --run-dir "$work/run" --log-file "$work/log" >/dev/null 2>&1 &
	pid=$!
	check "full disk: rules are loaded" within 10 allows 8006
	check "full disk: bridges pass through iptables" within 5 grep -qx 1 /proc/sys/net/bridge/bridge-nf-call-iptables
	allow_port 4711
	check "full disk: changes are applied" within 3 allows 4711
	check "full disk: nothing to go back to" no firewall apply --confirm 5
	grep -q "No space left" "$work/said"
	verdict $? "full disk: apply --confirm does not say why"
	check "full disk: busy" calm
	check "full disk: nothing is half-written" test ! -s "$work/run/confirm"
	rm "$work/disk/filler"
	allow_port 4712
	check "space again: the log says what is missing" within 3 logged 'warning: [0-9]+ messages before this one could not be written'
	end
	check "the settings are put back" test "$(cat /proc/sys/net/bridge/bridge-nf-call-iptables)" = 0
	rm "$work/run" "$work/log"
	umount -l "$work/disk" # what would go back looks at it for a minute
}

# ---- the tree ----

# without CAP_DAC_OVERRIDE, root may read what permissions say
test_denied() {
	local less=-dac_override,-dac_read_search
	in=(setpriv "--inh-caps=$less" "--bounding-set=$less")
	fresh nft
	chmod 0 "$work/tree/firewall/cluster.fw"
	check "a file that may not be read: said" within 2 logged 'cluster.fw.*Permission denied'
	check "a file that may not be read: the old rules" stays
	check "a file that may not be read: status" no firewall status
	check "a file that may not be read: busy" calm
	allow_port 4711
	check "readable again: applied" within 1 allows 4711
	in=()
	end
	mkdir -m 500 "$work/closed"
	in=(setpriv "--inh-caps=$less" "--bounding-set=$less")
	"${in[@]}" "$service" start --root "$work/tree" --run-dir "$work/closed/run" >"$work/output" 2>&1
	[ $? = 2 ] && grep -q 'Permission denied' "$work/output"
	verdict $? "a run directory that cannot be made: $(cat "$work/output")"
	in=()
}

watches() {
	cat /proc/"$(reader)"/fdinfo/* | grep -c ^inotify
}

test_vanished() {
	local before
	fresh nft
	mv "$work/tree" "$work/away"
	check "no tree: said" within 2 logged 'critical: .*/tree does not exist'
	check "no tree: the old rules" stays
	check "no tree: busy" calm
	check "no tree: failing" within 2 metric_is failing 1
	printf '%s\n' 'IN ACCEPT -p tcp -dport 4711' >>"$work/away/firewall/cluster.fw"
	mv "$work/away" "$work/tree"
	check "the tree is back: said" within 2 logged 'notice: over: .*/tree does not exist'
	check "the tree is back: applied" within 2 allows 4711
	within 3 logged 'applied after a failure'
	before=$(watches)
	for i in 1 2 3 4 5 6; do
		cp -r "$work/tree" "$work/next"
		mv "$work/tree" "$work/last$i"
		mv "$work/next" "$work/tree"
		sleep 0.3
	done
	allow_port 4712
	check "another tree in its place: watched" within 1 allows 4712
	check "another tree in its place: watches of the others stay ($before, $(watches))" test "$(watches)" = "$before"
	end
	rm -rf "$work/tree" "$work"/last*
	start
	check "no tree at first: the service runs" lives "$pid"
	make_tree nft
	check "no tree at first: applied when it comes" within 5 allows 8006
	end
}

# In the middle of writing, and what is left of a file
test_half() {
	fresh nft
	: >"$work/tree/firewall/cluster.fw"
	sleep 0.1
	check "a file that has just been emptied" stays
	printf '%s\n' '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 4711' 'IN ACC' >"$work/tree/firewall/cluster.fw"
	check "half a line: the others are enforced" within 1 allows 4711
	check "half a line: said" within 1 logged 'firewall/cluster.fw:5: error'
	end
}

# Trees that come in each other's place while they are read
test_replaced() {
	fresh nft
	allow_port 4711
	mv "$work/tree" "$work/tree0"
	cp -r "$work/tree0" "$work/tree1"
	sed -i 's/4711/4712/' "$work/tree1/firewall/cluster.fw"
	ln -s tree0 "$work/tree"
	for ((i = 1; i <= 40; i++)); do
		ln -s "tree$((i % 2))" "$work/link"
		mv -T "$work/link" "$work/tree"
		sleep 0.0$((RANDOM % 9))
	done
	polled 3 # a rule of 4711 may be from before, and what was in between may come yet
	check "a tree that is replaced again and again: the last one counts" within 2 allows 4711
	check "a tree that is replaced again and again: not all of it" no allows 4712
	end
	rm -rf "$work/tree" "$work/tree0" "$work/tree1"
}

# ---- the tools ----

# A tool in front of the real one; it does what $work/MODE is there for
fake_tool() {
	mkdir -p "$work/fake"
	cat >"$work/fake/$1" <<-END
		#!/bin/sh
		[ ! -e $work/fails ] || { echo 'no way' >&2; exit 4; }
		[ ! -e $work/hangs ] || exec sleep 300
		[ ! -e $work/toils ] || { timeout 0.5 sh -c 'while :; do :; done'; exit 4; }
		exec $(command -v "$1") "\$@"
	END
	chmod +x "$work/fake/$1"
}

# A change is not applied while FILE is there, for a reason that says TEXT; then it is
broken_tool() {
	local before
	touch "$work/$1"
	before=$(metric applies_total)
	allow_port "$3"
	check "a tool that $1: said" within 6 logged "$2"
	check "a tool that $1: not applied" within 6 logged 'not applied; the previous rules stay loaded'
	check "a tool that $1: the old rules" stays
	check "a tool that $1: busy" calm 60
	check "a tool that $1: failing" within 2 metric_is failing 1
	check "a tool that $1: status" within 5 eval 'firewall status | grep -q "could not be applied"'
	check "a tool that $1: tried too often" test $(($(metric applies_total) - before)) -le 5
	rm "$work/$1"
	check "a tool that $1 no more: applied" within 20 allows "$3"
	rules >"$work/old"
}

# What costs much is not tried again in a second
toiling_tool() {
	touch "$work/toils"
	: >"$work/log"
	allow_port "$1"
	check "a tool that toils: not applied" within 6 logged 'not applied'
	check "a tool that toils: busy" calm 10
	rm "$work/toils"
	allow_port "$2"
	check "a tool that toils no more: applied" within 20 allows "$2"
}

test_tools() {
	fake_tool iptables-restore
	local path=$PATH
	PATH=$work/fake:$PATH PVEFW_TOOL_SECONDS=1
	export PVEFW_TOOL_SECONDS
	fresh
	broken_tool fails 'iptables-restore failed with status 4: no way' 4711
	broken_tool hangs 'iptables-restore did not end within 1 s and was killed' 4712
	check "nothing that hung is left" no pgrep -f '^sleep 300$'
	toiling_tool 4713 4714
	end
	PATH=$path
	unset PVEFW_TOOL_SECONDS
}

# ---- what the commands say ----

# said STATUS TEXT COMMAND...: the exit status and what is printed of it
said() {
	local expected=$1 text=$2 status
	shift 2
	"$@" >"$work/output" 2>&1
	status=$?
	cat "$work/output"
	[ $status = "$expected" ] && grep -q -- "$text" "$work/output"
}

# Those of a user who may not ask the service
test_said() {
	make_tree nft
	mv "$work/tree" "$work/away"
	check "start, no tree: said" said 2 'the service runs, but the configuration is not applied' firewall start
	firewall stop
	mv "$work/away" "$work/tree"
	check "start, no place for the log: said" said 0 'cannot write .*/none/log: No such file' \
		firewall start --log-file "$work/none/log"
	chmod 755 "$work"
	in=(setpriv --reuid 65534 --clear-groups)
	check "status, not permitted: not said to be stopped" said 2 'Status: enabled/unknown' firewall status
	check "status, not permitted: json" said 2 '"running": null' firewall status --format json
	check "compile, not permitted" said 2 'not known whether this differs' firewall compile
	in=()
	check "counters --zero takes no file" said 2 'zero applies to all files' firewall counters --zero cluster.fw
	check "counters --top takes no file" said 2 'top applies to all files' firewall counters --top 3 cluster.fw
	check "counters --top, json" said 0 '^\[' firewall counters --top 3 --format json
	check "stop after all that" firewall stop
}

# ---- others ----

test_two() {
	local time status
	fresh nft
	time=$(now)
	firewall start >"$work/output" 2>&1
	status=$?
	time=$((($(now) - time) / 1000))
	[ $status = 2 ] && grep -q "another pve-firewall, process $pid, holds" "$work/output"
	verdict $? "a second service: status $status, $(cat "$work/output")"
	check "a second service waits ($time ms)" test $time -ge 9900 -a $time -le 20000
	check "the first one goes on" lives "$pid"
	end
}

# while_others SECONDS COMMAND…: it runs again and again, until the time is over
while_others() {
	local end=$(($(now) + $1 * 1000000))
	shift
	while [ "$(now)" -lt $end ]; do
		"$@" 2>/dev/null
		sleep 0.02
	done
}

flush_iptables() {
	iptables -F PVEFW-HOST-IN
	ip6tables -F PVEFW-HOST-IN
}

# flushed TARGET COMMAND…
flushed() {
	local target=$1 before used
	shift
	before=$(clock_ticks)
	while_others 4 "$@"
	used=$(($(clock_ticks) - before))
	check "$target: others flush again and again: $used hundredths of a second in 4 seconds" test $used -le 140
	check "$target: others flush: said" within 2 logged 'rules in the kernel were changed externally'
	check "$target: others flush: $(metric repairs_total) repairs" test "$(metric repairs_total)" -le 6
	check "$target: others flush: loaded again" again
}

test_flushed() {
	fresh nft
	flushed nft nft delete table inet pvefw
	end
	fresh
	flushed iptables flush_iptables
	iptables -R tap100i0-IN 2 -j ACCEPT
	check "iptables: a rule replaced by another" again
	# what others have is no reason to say that they have changed ours
	local before
	before=$(metric repairs_total)
	iptables -A OUTPUT -d 192.0.2.1 -j ACCEPT
	polled 2 kernel
	check "iptables: rules of others" test "$(metric repairs_total)" = "$before"
	ipset flush PVEFW-0-management-v4
	check "iptables: members of a set, when everything is compared" reload
	iptables -D OUTPUT -d 192.0.2.1 -j ACCEPT
	check "iptables: a set is whole again" again
	end
}

# Messages of the kernel are lost while the service cannot read them
test_lost_messages() {
	fresh nft
	kill -STOP "$pid"
	{
		echo 'table ip mine { set s { type ipv4_addr; elements = {'
		for ((i = 0; i < 20000; i++)); do echo "10.0.$((i / 250)).$((i % 250)),"; done
		printf '}\n}\n}\n'
	} >"$work/many.nft"
	for i in 1 2 3; do
		nft -f "$work/many.nft"
		nft delete table ip mine
	done
	nft flush table inet pvefw
	kill -CONT "$pid"
	check "messages of the kernel lost: loaded again" again
	end
}

# The kernel has no room for what we send, or for what it answers
test_no_buffers() {
	mkdir "$work/lose"
	build LOSE_LIBRARY "$here/lose.c" -shared -fPIC -ldl
	in=(env LD_PRELOAD="$LOSE_LIBRARY" LOSE="$work/lose")
	fresh nft
	in=()
	touch "$work/lose/send"
	allow_port 4711
	check "a batch cannot be sent: said" within 2 logged 'error: .*No buffer space'
	check "a batch cannot be sent: what was in force stays" stays
	check "a batch cannot be sent: busy" calm
	rm "$work/lose/send"
	check "a batch can be sent again: applied" within 10 allows 4711
	touch "$work/lose/answer"
	allow_port 4712
	check "the answer is lost: said" within 2 logged 'error: .*lost'
	rm "$work/lose/answer"
	check "the answer is lost: what is in force is known again" within 10 eval 'allows 4712 && status_is enabled/running'
	end
}

# No descriptors left: nothing can be read, nobody can be accepted
test_descriptors() {
	fresh nft
	local before
	before=$(ls "/proc/$pid/fd" | wc -l)
	prlimit --pid "$pid" --nofile="$((before + 1)):4096"
	prlimit --pid "$(reader)" --nofile=5:4096
	allow_port 4711
	check "no descriptors: said" within 3 logged 'Too many open files'
	python3 - "$work/run/control.sock" <<-'END' &
		import socket, sys, time
		clients = []
		for _ in range(8):
		    clients.append(socket.socket(socket.AF_UNIX))
		    clients[-1].connect(sys.argv[1])
		time.sleep(3)
	END
	check "no descriptors: busy" calm 20
	wait $!
	prlimit --pid "$pid" --nofile=1024:4096
	prlimit --pid "$(reader)" --nofile=1024:4096
	check "descriptors again: applied" within 10 allows 4711
	check "descriptors again: $(ls "/proc/$pid/fd" | wc -l) instead of $before" within 12 eval "[ \$(ls /proc/$pid/fd | wc -l) = $before ]"
	end
}

# Too few descriptors to start: an error is said, whatever could not be opened
test_few_descriptors() {
	local limit status
	make_tree nft
	for limit in 4 5 6 7 8 9 10 12 14; do
		(ulimit -n $limit && exec timeout 20 "${in[@]}" "$service" start --debug --root "$work/tree" --node n \
			--run-dir "$work/run" --log-file "$work/log") >"$work/output" 2>&1 </dev/null
		status=$?
		check "$limit descriptors: ends with $status" test $status = 2
		check "$limit descriptors: not said" grep -q 'Too many open files' "$work/output"
	done
}

# ---- when guests may start ----

# With systemd, what comes after the service waits until it says that it is ready. notified FILE: what it says goes there
notified() {
	build NOTIFY "$here/notify.c"
	"$NOTIFY" "$work/notify" >"$1" &
	within 5 test -S "$work/notify"
}

is_ready() {
	grep -q '^READY=1' "$work/notifications"
}

test_ready() {
	local listener
	rm -rf "$work/run"
	make_tree nft
	mv "$work/tree" "$work/away"
	notified "$work/notifications"
	listener=$!
	in=(env NOTIFY_SOCKET="$work/notify" PVEFW_READY_SECONDS=3)
	start
	polled 3
	check "ready before there is anything to apply" no is_ready
	mv "$work/away" "$work/tree"
	check "not ready when the first rules are in force" within 3 is_ready
	check "ready before the first rules" allows 8006
	kill_service
	nft delete table inet pvefw
	mv "$work/tree" "$work/away"
	: >"$work/notifications"
	start
	check "no tree: ready at once" no is_ready
	check "no tree: what starts later is held up for ever" within 6 is_ready
	check "no tree: not said" grep -q 'STATUS=.*FAILING' "$work/notifications"
	in=()
	mv "$work/away" "$work/tree"
	end
	kill $listener
	rm -f "$work/notify" "$work"/notifications*
}

# ---- files that others may write ----

# scraped: the metrics come, in two seconds
scraped() {
	timeout 2 "${in[@]}" bash -c 'exec 3<>/dev/tcp/127.0.0.1/9199 && printf "GET /metrics HTTP/1.0\r\n\r\n" >&3 && cat <&3' >"$work/metrics" &&
		grep -q '^pvefw_enabled 1$' "$work/metrics"
}

# goes_on WHAT PORT: the service answers, and applies what changes
goes_on() {
	check "$1: metrics" scraped
	allow_port "$2"
	check "$1: a change is applied" within 2 allows "$2"
	check "$1: status" timeout 5 "$service" status --root "$work/tree" --node n --run-dir "$work/run"
}

# The folder of the logger, which has a user of its own: nothing in it may stop the service or fill its memory
test_foreign() {
	fresh nft
	local state=$work/run/logger/logger.state before
	mkdir -p "$work/run/logger"
	printf '%s\n' 'received 12' 'written 1x' 'lost_kernel nan' 'xlost_disk 3' 'malformed -1' >"$state"
	check "logger.state: metrics" scraped
	[ "$(grep '^pvefw_log_' "$work/metrics")" = 'pvefw_log_received_total 12' ]
	verdict $? "logger.state: what is not a number counts: $(grep '^pvefw_log_' "$work/metrics")"
	rm "$state"
	mkfifo "$state"
	goes_on "a FIFO as logger.state" 4711
	rm "$state"
	ln -s /dev/zero "$state"
	before=$(resident)
	goes_on "a link to /dev/zero as logger.state" 4712
	check "a link to /dev/zero: memory grows" test $(($(resident) - before)) -le 20000
	rm "$state"
	ln -s "$work/log" "$state"
	goes_on "a link to a file as logger.state" 4713
	rm "$state"
	truncate -s 8G "$state"
	before=$(resident)
	goes_on "a large logger.state" 4714
	check "a large logger.state: memory grows" test $(($(resident) - before)) -le 20000
	rm -r "$work/run/logger"
	ln -s /proc/self "$work/run/logger"
	goes_on "a link as the logger's folder" 4715
	for name in confirm held sysctls counters; do
		rm -rf "${work:?}/run/$name"
		mkfifo "$work/run/$name"
	done
	kill_service
	check "FIFOs as the service's own files: the next one starts" start
	goes_on "FIFOs as the service's own files" 4716
	end
	: >"$work/log"
}

# ---- the kernel's settings ----

timeouts=/proc/sys/net/netfilter/nf_conntrack_tcp_timeout

host_options() {
	put ../nodes/n/host.fw '[OPTIONS]' 'enable: 1' 'nftables: 1' 'nf_conntrack_allow_invalid: 1' "$@"
}

# holds PLACE VALUE
holds() {
	[ "$(cat "$1")" = "$2" ]
}

test_settings() {
	local before most
	before=$(cat ${timeouts}_established) most=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
	fresh nft
	host_options 'nf_conntrack_tcp_timeout_established: 7875' 'nf_conntrack_tcp_timeout_syn_recv: 45' 'nf_conntrack_max: 270337'
	check "settings that are wanted" within 2 holds ${timeouts}_established 7875
	check "settings that are wanted: all" within 2 holds ${timeouts}_syn_recv 45
	# namespaces cannot have their own
	check "connections: the next multiple of 8192" within 2 logged 'warning: cannot set /proc/sys/net/netfilter/nf_conntrack_max to 278528'
	check "connections: the hash table" within 2 logged 'cannot set /sys/module/nf_conntrack/parameters/hashsize to 69632'
	host_options
	check "settings that are not wanted any more" within 2 holds ${timeouts}_established "$before"
	host_options 'nf_conntrack_tcp_timeout_established: 7875' 'nf_conntrack_max: 5000'
	within 2 holds ${timeouts}_established 7875
	kill_service
	check "settings: stop after a kill" firewall stop
	check "settings: put back after a kill" holds ${timeouts}_established "$before"
	start
	check "settings: the next service" within 2 holds ${timeouts}_established 7875
	check "connections: not below the default" within 2 eval "[ $most = 262144 ] || logged 'nf_conntrack_max to 262144'"
	reload # no cycle is to come that would set it again
	echo 9000 >${timeouts}_established
	stop
	check "settings that somebody else has changed are left" holds ${timeouts}_established 9000
	echo "$before" >${timeouts}_established
}

# ---- leaks ----

resident() {
	awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"
}

# many_cycles COUNT: requests to compare everything; every tenth with another tree
many_cycles() {
	python3 - "$work/run/control.sock" "$work/tree/firewall/cluster.fw" "$1" <<-'END'
		import os, socket, sys
		text = open(sys.argv[2]).read()
		for i in range(int(sys.argv[3])):
		    if i % 10 == 0:
		        with open(sys.argv[2] + ".new", "w") as file:
		            file.write(text + "IN ACCEPT -p tcp -dport %d\n" % (1000 + i % 30))
		        os.rename(sys.argv[2] + ".new", sys.argv[2])
		    client = socket.socket(socket.AF_UNIX)
		    client.connect(sys.argv[1])
		    client.sendall(b'{"command":"reload"}\n')
		    assert b'"applied":true' in client.recv(4096)
	END
}

# leaks TARGET CYCLES: with "" for iptables, each of whose cycles runs its tools
leaks() {
	local memory files
	fresh "$1"
	many_cycles 200
	memory=$(resident) files=$(ls "/proc/$pid/fd" | wc -l)
	many_cycles "$2"
	verdict $? "a cycle fails"
	memory=$(($(resident) - memory))
	echo "${1:-iptables}: $2 cycles: $memory KiB more; $(metric compilations_total) compilations"
	check "memory grows by $memory KiB" test $memory -le 400
	check "descriptors: $files, then $(ls "/proc/$pid/fd" | wc -l)" test "$(ls "/proc/$pid/fd" | wc -l)" = "$files"
	end
}

test_leaks() {
	leaks nft "${CYCLES:-1000}"
	leaks "" "${CYCLES:-100}"
}

all="full denied vanished half replaced tools said two flushed lost_messages no_buffers descriptors few_descriptors ready foreign settings leaks"
[ $# != 0 ] || set -- $all
for test; do
	time=$(now)
	test_"$test"
	echo "$test: $((($(now) - time) / 1000)) ms"
done
finish
