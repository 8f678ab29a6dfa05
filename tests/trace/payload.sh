# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of vm.sh in the virtual machine: in each wiring, guests' packets pass the bridge table while they are traced
# and logged.  Prints the summary of the trace, every disagreement, and the log.
set -u
# shellcheck source=SCRIPTDIR/../probes/payload-common.sh
. /payload/payload-common.sh
modprobe nfnetlink_log

# traced WIRING: sends the packets of the tree's spec
traced() {
	ip netns exec $PREFIX-host ./pvefw-logger --foreground --log-file /tmp/log --run-dir /tmp/run &
	logger=$!
	ip netns exec $PREFIX-host ./pve-firewall trace --root trees/log/root --node n1 --run-dir /tmp/run --packets 5000 --rate 1000 --seconds 80 \
		>/tmp/trace 2>/tmp/error &
	tracer=$!
	until grep -q '^tracing' /tmp/error; do
		kill -0 $tracer || break
		sleep 0.1
	done
	"$PROBE_ALONE" -t 2 $PREFIX topology/hosts.tsv trees/log/spec >/tmp/probes 2>&1
	# A last packet: when it has arrived, so have all others.
	ip netns exec $PREFIX-outside bash -c 'echo >/dev/udp/10.10.0.1/4711'
	for ((i = 0; i < 50; i++)); do
		grep -q '10.10.0.1:4711' /tmp/trace && break
		sleep 0.1
	done
	# The process that traces is told to end, and says so in its last line.
	kill $tracer
	for ((i = 0; i < 50; i++)); do
		tail -n 1 /tmp/trace | grep -q ' traced; ' && break
		sleep 0.1
	done
	kill $logger
	wait $logger
}

for wiring in fwbr direct; do
	wire $wiring
	forget
	rm -f /tmp/log
	in_host ./load.sh netlink trees/log trees/log/spec
	traced
	announce "$wiring summary"
	tail -n 1 /tmp/trace
	cat /tmp/error
	announce "$wiring trace"
	cat /tmp/trace
	announce "$wiring log"
	cat /tmp/log
	announce "$wiring explained"
	in_host ./pve-firewall explain-log --root trees/log/root --node n1 --run-dir /tmp/run </tmp/log
	announce "$wiring tables"
	in_host nft list tables
done
exit 0
