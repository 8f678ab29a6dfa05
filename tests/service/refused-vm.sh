#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# refused-vm.sh: ebtables-legacy without its modules, on Debian's kernel in the virtual machine (tests/vm), with the
# capabilities that the service's unit leaves it: all but layer 2 is loaded, and when the modules are there, layer 2, too.
#
# Ends with `N passed, N failed`. PVEFW_CC: the compiler, default build/pvefw-cc.
set -u
if [ "$(dirname "$0")" != /payload ]; then
	# shellcheck source=SCRIPTDIR/common.sh
	. "$(dirname "$0")/common.sh"
	command -v qemu-system-x86_64 >/dev/null || give_up "no qemu-system-x86_64"
	begin
	"$tests/vm/run.sh" "$0" "$(command -v setpriv):/usr/bin/setpriv" "$(command -v modprobe):/payload/modprobe" \
		"$tests/checks/result.sh" "${PVEFW_CC:-$tests/../build/pvefw-cc}:/payload/pvefw-cc" >"$work/console" 2>&1
	status=$?
	tr -d '\r' <"$work/console" >"$work/said"
	[ $status != 77 ] || give_up "$(tail -n 1 "$work/said")"
	grep -v ' passed, ' "$work/said"
	verdict $status "the virtual machine ends with $status"
	counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work/said")
	[ -n "$counts" ]
	verdict $? "the payload has not come to its end"
	passed=$((passed + ${counts%% *} + 0)) failed=$((failed + ${counts##* } + 0))
	finish
	exit
fi

. /payload/result.sh
cd /tmp || exit 2
mkdir bin
PATH=/tmp/bin:/usr/sbin:/usr/bin:/sbin:/bin
for tool in {ip,ip6}tables; do
	for part in '' -save -restore; do
		ln -s "/usr/sbin/$tool-legacy$part" "bin/$tool$part"
	done
done
ln -s /usr/sbin/ebtables-legacy-restore bin/ebtables-restore
# Debian's is a Perl script around this
cat >bin/ebtables-save <<-'END'
	#!/bin/bash
	listed=$(ebtables-legacy -t filter -L) || exit
	echo '*filter'
	echo "$listed" | sed -n 's/^Bridge chain: \([^,]*\), .*policy: \(.*\)/:\1 \2/p'
	echo "$listed" | awk '/^Bridge chain:/ { chain = $3; sub(",", "", chain); next } /^-/ { print "-A", chain, $0 }'
END
chmod +x bin/ebtables-save
mkdir -p T/firewall T/nodes/n/qemu-server
printf '%s\n' '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 8006' >T/firewall/cluster.fw
echo 'net0: virtio=02:00:00:0A:01:00,bridge=vmbr0,firewall=1' >T/nodes/n/qemu-server/100.conf
printf '%s\n' '[OPTIONS]' 'enable: 1' '[RULES]' 'IN ACCEPT -p tcp -dport 80' >T/firewall/100.fw
modprobe -r ebtable_filter ebtables 2>/dev/null
modprobe -a ip_tables ip6_tables iptable_filter ip6table_filter iptable_raw ip6table_raw nf_conntrack ip_set ip_set_hash_net \
	xt_set xt_physdev xt_conntrack xt_mark xt_connmark xt_addrtype xt_multiport xt_comment xt_tcpudp xt_mac xt_NFLOG \
	xt_limit ipt_REJECT ip6t_REJECT br_netfilter 2>/dev/null

# load STATUS: with what the unit leaves the service
load() {
	setpriv --bounding-set=-all,+net_admin,+net_raw --inh-caps=-all --no-new-privs /payload/pvefw-cc load \
		--target iptables --root T --node n >said 2>&1
	[ $? = "$1" ]
}

! grep -q '^ebtable' /proc/modules
verdict $? "the modules of ebtables cannot be taken out"
load 1
verdict $? "without the modules: not status 1: $(cat said)"
grep -q 'loaded without ebtables: .*`ebtables: 0`' said
verdict $? "without the modules: ebtables is not named: $(cat said)"
iptables-legacy-save | grep -q -- '-A tap100i0-IN .*dport 80'
verdict $? "without the modules: the rest is not loaded"
modprobe ebtable_filter
load 0
verdict $? "with the modules: not status 0: $(cat said)"
ebtables-legacy -L PVEFW-FORWARD | grep -q PVEFW-FWBR-OUT
verdict $? "with the modules: layer 2 is not filtered: $(ebtables-legacy -L)"
/payload/pvefw-cc load --target iptables --remove
finish
