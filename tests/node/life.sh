#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# life.sh 8|9: what a node of Proxmox VE 8 or 9 goes through with the packages of pvefw: they are installed, take over,
# hand back, are upgraded, downgraded, removed and purged, as is the firewall that the node came with; both orders, and
# with takeover and handback killed after each of their steps. All the time packets flow that the configuration blocks, of
# which not one may pass, and others that it allows, which are not interrupted; connections stay.
#
# The node is systemd and the release's Debian in namespaces (node.sh); its own firewall and the packages that depend on it
# are mocks (packages.sh). What each step prints is in the log. Ends with `N passed, N failed`.
set -u
# shellcheck source=SCRIPTDIR/../service/common.sh
. "$(dirname "$0")/../service/common.sh"
case ${1:-} in
8 | 9) release=$1 ;;
*)
	echo "usage: life.sh 8|9" >&2
	exit 2
	;;
esac
begin
export PREFIX=pvefwn$release$$
# shellcheck source=SCRIPTDIR/node.sh
. "$tests/node/node.sh"
trap 'switch_off; leave' EXIT
in=(ip netns exec "$PREFIX-host")
build STREAM "$tests/service/stream.c" "$tests"/topology/{spec,space}.c
root=$(root_of "$release") || { echo "$root" && exit 77; }
debs=$(packages_for "$release") || { echo "$debs" && exit 77; }
session=$work/session
: >"$work/steps"

# ---- packages ----

# repack VERSION FOLDER: as they are, in another version
repack() {
	local deb name
	mkdir -p "$2"
	for deb in $debs; do
		name=$(dpkg-deb -f "$deb" Package)
		rm -rf "$work/package"
		dpkg-deb -R "$deb" "$work/package"
		sed -i "s/^Version: .*/Version: $1/; s/(= [^)]*)/(= $1)/" "$work/package/DEBIAN/control"
		dpkg-deb -Znone -b "$work/package" "$2/$name.deb" >/dev/null || return
	done
}

# ---- the tree ----

# write FILE, its text on standard input: below the node's /etc/pve, the whole at once
write() {
	node sh -c "mkdir -p /etc/pve/\$(dirname $1) && cat >/etc/pve/.new && mv /etc/pve/.new /etc/pve/$1"
}

guest_file() {
	printf '%s\n' '[OPTIONS]' 'enable: 1' '' '[RULES]' 'OUT DROP -p udp -dport 7005' "$@" 'IN ACCEPT -p udp -dport 7000' 'IN ACCEPT -p tcp -dport 7003' \
		'IN ACCEPT -p tcp -dport 7006'
}

make_session() {
	local etc=$session/root/etc ebtables=
	mkdir -p "$etc/pve/firewall" "$etc/pve/nodes/n/qemu-server" "$etc/pve/nodes/n/lxc" "$session/packages"
	# the kernel may lack the table of ebtables-legacy, which nodes have
	"${in[@]}" ebtables-legacy -L >/dev/null 2>&1 || ebtables='ebtables: 0'
	printf '%s\n' '[OPTIONS]' 'enable: 1' $ebtables '' '[RULES]' 'IN ACCEPT -p tcp -dport 8106' 'IN ACCEPT -p udp -dport 7000' |
		sed 's/^ebtables:$/ebtables: 0/; /^0$/d' >"$etc/pve/firewall/cluster.fw"
	printf '%s\n' '[OPTIONS]' 'enable: 1' >"$etc/pve/nodes/n/host.fw"
	guest_file >"$etc/pve/firewall/100.fw"
	guest_file >"$etc/pve/firewall/101.fw"
	echo 'net0: virtio=02:00:00:00:01:00,bridge=vmbr0,firewall=1' >"$etc/pve/nodes/n/qemu-server/100.conf"
	echo 'net0: name=eth0,hwaddr=02:00:00:00:01:01,bridge=vmbr0,firewall=1' >"$etc/pve/nodes/n/lxc/101.conf"
	ln -s nodes/n "$etc/pve/local"
	echo n >"$etc/hostname"
	printf '127.0.0.1 localhost\n10.10.0.1 n\n' >"$etc/hosts"
	"$tests/node/packages.sh" "$release" "$session/stock"
	mv "$session"/stock/*.deb "$session/packages/"
}

"$tests/topology/topo.sh" up || give_up "no topology"
mkdir -p "$session/root"
make_session
switch_on "$root"

# ---- what is in charge ----

main_pid() {
	node systemctl show -P MainPID "$1"
}

# program_of UNIT: that its main process runs
program_of() {
	node readlink "/proc/$(main_pid "$1")/exe"
}

rules_of_all() {
	node sh -c 'for tool in iptables ip6tables; do $tool-save; done; ipset save' | sed '/^#/d; s/\[[0-9:]*\]//'
}

stock_in_charge() {
	case $(program_of pve-firewall.service) in */sh | */dash | */bash) ;; *) return 1 ;; esac
	rules_of_all | grep -q -e '-A tap100i0-IN'
}

ours_in_charge() {
	case $(program_of pve-firewall.service) in */pve-firewall) ;; *) return 1 ;; esac
	rules_of_all | grep -q -e '-A tap100i0-IN'
}

# charge_is stock|ours WHAT
charge_is() {
	within 15 "$1_in_charge"
	verdict $? "$2: $1 is not in charge: $(program_of pve-firewall.service), $(node systemctl is-active pve-firewall.service)"
	[ "$(blocked_passed | tee "$work/leaks")" = "${leaks:-}" ]
	verdict $? "$2: packets have passed that are blocked: $(tr '\n' ';' <"$work/leaks")"
	leaks=$(cat "$work/leaks")
	node systemctl --failed --no-legend --plain >"$work/output"
	[ ! -s "$work/output" ]
	verdict $? "$2: units have failed: $(cat "$work/output")"
}

# edit WHAT: a port is opened in a guest's file, which is in force then, and closed again
edit() {
	step "edit of a guest's file, $1"
	guest_file 'IN ACCEPT -p udp -dport 7004' | write firewall/100.fw
	within 15 flows 12 open
	verdict $? "$1: an edit that opens a port is not in force"
	guest_file | write firewall/100.fw
	within 15 flows 12 shut
	verdict $? "$1: an edit that closes a port is not in force"
}

# says TEXT: the output of the last command
says() {
	grep -qE -- "$1" "$work/output"
	verdict $? "no '$1' in: $(head -n 4 "$work/output" | tr '\n' ';')"
}

# paths: what is on the node's disk but for what dpkg, systemd and logs keep of their own; with what it is, and holds
paths() {
	node sh -c 'find /etc /usr /var /lib /sbin /bin -xdev ! -type d ! -path "/var/lib/dpkg/*" ! -path "/var/log/*" ! -path "/var/cache/*" \
		! -path "/var/lib/systemd/*" ! -path "/var/lib/apt/*" ! -path "/etc/pve/*" ! -path "/etc/*-" ! -path "/etc/.pwd.lock" \
		\( -type l -printf "%p -> %l\n" -o -printf "%p %m %U %s\n" \)' | sort
}

installs() {
	run apt-get -y --no-install-recommends --allow-downgrades install "/session/$1/pvefw-cc.deb" "/session/$1/pvefw.deb"
	verdict $? "apt-get install $1: $(tail -n 5 "$work/output" | tr '\n' ';')"
	says ' 0 to remove'
}

# ---- the life ----

repack 0.2.0+1 "$session/one" && repack 0.2.0+2 "$session/two"
verdict $? "the packages cannot be made again in another version"

flood 'accept outside udp vm100 7000' 'accept outside tcp vm100 7003' 'accept outside udp host 7000' 'accept outside udp6 ct101 7000' \
	'drop outside udp vm100 7001' 'drop outside tcp vm100 7002' 'drop outside icmp vm100 -' 'drop outside udp6 vm100 7001' \
	'drop outside udp host 7001' 'drop vm102 udp ct101 7001' 'drop vm100 udp outside 7005' 'edit outside udp vm100 7004'
connect guest outside vm100 10.10.0.100 7006
connect host outside host 10.10.0.1 8106

step "Proxmox VE $release, with its own firewall"
charge_is stock 'before all'
run dpkg -l 'pve*' 'qemu-server' 'proxmox*' 'libpve*' | tail -n 20
paths >"$work/paths.before"
rules_of_all >"$work/rules.before"

step 'simulation of the installation'
must apt-get -s --no-install-recommends install /session/one/pvefw-cc.deb /session/one/pvefw.deb
says ' 0 to remove'
no grep -q '^Remv' "$work/output"
verdict $? "apt would remove: $(grep '^Remv' "$work/output" | tr '\n' ';')"

step 'installation'
installs one
node test -x /usr/sbin/pvefw || { finish && exit || exit; }
charge_is stock 'after the installation'
rules_of_all | diff "$work/rules.before" - >"$work/output"
verdict $? "the installation changes rules: $(head -n 4 "$work/output" | tr '\n' ';')"
must pvefw status
says 'in charge: Proxmox VE'

step 'takeover, first what it would do'
must pvefw takeover --dry-run
charge_is stock 'after --dry-run'
step 'takeover'
must pvefw takeover --yes
charge_is ours 'after the takeover'
must pvefw status
says 'in charge: pvefw'
must pve-firewall status
says 'Status: enabled/running$'
edit 'pvefw is in charge'

step "upgrade of Proxmox VE's package"
run sh -c 'dpkg -i /session/stock/new/*.deb'
verdict $? "the upgrade of pve-firewall fails: $(tail -n 3 "$work/output" | tr '\n' ';')"
charge_is ours "after the upgrade of Proxmox VE's package"
must perl -MPVE::Firewall -e 'print "PVE::Firewall $PVE::Firewall::VERSION\n"'
says "$(dpkg-deb -f "$session"/stock/new/*.deb Version)\$"
must pvefw status

before=$(main_pid pve-firewall.service)
step 'upgrade of pvefw'
installs two
charge_is ours 'after the upgrade of pvefw'
[ "$(main_pid pve-firewall.service)" != "$before" ]
verdict $? 'the upgrade does not restart the service'
step 'downgrade of pvefw'
installs one
charge_is ours 'after the downgrade of pvefw'
must pvefw status

step handback
must pvefw handback --yes
charge_is stock 'after the handback'
must pvefw status
says 'in charge: Proxmox VE'
edit "Proxmox VE is in charge"

step 'takeover again'
must pvefw takeover --yes
charge_is ours 'after the second takeover'

step 'removal of pvefw'
must apt-get -y remove pvefw
charge_is stock 'after the removal'
step 'purge'
must apt-get -y purge pvefw pvefw-cc
charge_is stock 'after the purge'
paths | sed "s/pve-firewall$/&/" >"$work/paths.after"
diff "$work/paths.before" "$work/paths.after" | grep '^[<>]' | grep -v PVE/Firewall.pm >"$work/output"
verdict $((1 - $?)) "what purging leaves, or has taken away: $(head -n 20 "$work/output" | tr '\n' ';')"

# ---- interruptions ----

# On Debian 12, tests/checks/service does the others.
takeover_steps='state units divert kill start tables' handback_steps='state stop units divert start tables'
[ "$release" != 8 ] || takeover_steps='kill start tables' handback_steps='stop units start'
installs one
for step in $takeover_steps; do
	step "takeover, killed after $step"
	run env PVEFW_STOP_AFTER=$step pvefw takeover --yes
	run pvefw status
	says 'interrupted'
	if [ $step = units ] || [ $step = start ]; then
		must pvefw handback --yes
		charge_is stock "a handback after a takeover that was killed after $step"
		must pvefw takeover --yes
	else
		must pvefw takeover --yes
	fi
	charge_is ours "a takeover after one that was killed after $step"
	[ $step = tables ] || must pvefw handback --yes
done
for step in $handback_steps; do
	step "handback, killed after $step"
	run env PVEFW_STOP_AFTER=$step pvefw handback --yes
	run pvefw status
	says 'interrupted'
	if [ $step = stop ] || [ $step = divert ]; then
		must pvefw takeover --yes
		charge_is ours "a takeover after a handback that was killed after $step"
		must pvefw handback --yes
	else
		must pvefw handback --yes
	fi
	charge_is stock "a handback after one that was killed after $step"
	must pvefw takeover --yes
done
charge_is ours 'at the end of interruptions'

# ---- the other order ----

step "removal of Proxmox VE's package and what depends on it"
must apt-get -y remove pve-firewall
charge_is ours "after the removal of Proxmox VE's package"
edit "Proxmox VE's package is removed"
disconnect 'the whole life'
end_flood 'the whole life'
step 'removal of pvefw, where nothing else is there'
must apt-get -y purge pvefw
[ -z "$(rules_of_all | grep -E 'PVEFW|tap100i0')" ]
verdict $? "rules are left: $(rules_of_all | grep -E 'PVEFW|tap100i0' | head -n 3)"
finish
