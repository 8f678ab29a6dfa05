#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the suite `service` does on the machine that boot.sh starts: the life of both services there, of the packages, and
# of those of another firewall, in two versions each.
set -u
cd /session || exit
# shellcheck source=tests/checks/result.sh
. ./result.sh

rules() {
	iptables -w -S PVEFW-INPUT >/dev/null 2>&1
}

# soon COMMAND...: it succeeds within five seconds
soon() {
	tries=50
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

state() {
	systemctl show -P ActiveState "${1:-pve-firewall}"
}

main_pid() {
	systemctl show -P MainPID "${1:-pve-firewall}"
}

is_new() {
	[ "$(state)" = active ] && [ "$(main_pid)" != "$before" ]
}

is_inactive() {
	[ "$(state)" = inactive ]
}

# in_force TEXT: the service runs and so do the rules; another process than before, if that is known
in_force() {
	soon is_new && rules
	verdict $? "$1: $(state), rules $(rules && echo there || echo gone)"
	before=$(main_pid)
}

# off TEXT
off() {
	is_inactive && ! rules
	verdict $? "$1: $(state), rules $(rules && echo there || echo gone)"
}

# Looks every 20 ms whether the rules are there, until stop_watching.
start_watching() {
	rm -f gap
	while [ ! -e watched ]; do
		rules || echo gap >>gap
		sleep 0.02
	done &
}

# stop_watching TEXT
stop_watching() {
	touch watched
	wait
	rm watched
	[ ! -e gap ]
	verdict $? "$1: without rules $(grep -c . gap 2>/dev/null) times"
}

no_guard() {
	! pgrep -f 'pve-firewall apply' >/dev/null
}

# await_confirmation: of an edit
await_confirmation() {
	echo "# $(date +%N)" >>/etc/pve/firewall/cluster.fw
	pve-firewall apply --confirm 60 >apply.log 2>&1 && ! no_guard
	verdict $? "apply --confirm: $(cat apply.log)"
}

# wait_is_over TEXT: nobody is left who could load anything
wait_is_over() {
	soon no_guard
	verdict $? "$1, a guard waits for its time: $(pgrep -af 'pve-firewall apply')"
}

package() {
	dpkg --no-triggers "$@" >dpkg.log 2>&1
	verdict $? "dpkg $*: $(tail -n 5 dpkg.log)"
	if [ "$(dpkg-query -W -f '${db:Status-Status}' pvefw 2>/dev/null)" = triggers-pending ]; then
		dpkg --triggers-only pvefw >>dpkg.log 2>&1
		verdict $? "triggers of dpkg $*: $(tail -n 5 dpkg.log)"
	fi
}

# ours VERSION: installs both packages
ours() {
	package -i "pvefw-cc-$1.deb" "pvefw-$1.deb"
}

pvefw_does() {
	pvefw "$@" >pvefw.log 2>&1
	verdict $? "pvefw $*: $(cat pvefw.log)"
}

exe() {
	readlink "/proc/$(main_pid)/exe" | sed 's/ (deleted)//'
}

# who: the first line of `pvefw status`
who() {
	pvefw status | sed -n 1p
}

# in_charge WHO TEXT: says `pvefw status`, and it is so
in_charge() {
	[ "$(who)" = "in charge: $1" ]
	verdict $? "$2: $(pvefw status 2>&1)"
	case $1 in
	pvefw) set -- /usr/lib/pvefw/pve-firewall /usr/lib/pvefw/pve-firewall "$2" ;;
	*) set -- "$(readlink -f /usr/bin/python3)" /usr/sbin/pve-firewall "$2" ;;
	esac
	[ "$(exe)" = "$1" ] && [ "$(readlink -f /usr/sbin/pve-firewall)" = "$2" ] && soon rules
	verdict $? "$3: $(exe) runs, the command is $(readlink -f /usr/sbin/pve-firewall)"
}

# Everything that dpkg, systemd and we could have changed.
snapshot() {
	find /etc /usr/sbin /usr/lib/systemd /usr/lib/sysctl.d /usr/share/man/man8 /usr/share/bash-completion /usr/share/zsh /var/lib/pvefw /run/pve-firewall /run/pvefw.lock \
		\( -type f -o -type l \) ! -path '/etc/ld.so.cache' ! -path '/etc/systemd/system/session.*' ! -name '*-' ! -name '*.lock' ! -path '/etc/.pwd.lock' -printf '%p %m %u %l ' \
		\( -type f -exec md5sum {} \; -o -printf '\n' \) 2>/dev/null | sed 's/  .*//' | sort
}

# ---- the package ----

mkdir -p /etc/pve/firewall "/etc/pve/nodes/$(hostname)"
printf '[OPTIONS]\nenable: 1\n' >/etc/pve/firewall/cluster.fw
before=0
dpkg --no-triggers --purge pve-firewall pvefw pvefw-cc >/dev/null 2>&1
rm -rf /var/lib/pvefw
package -i stock-5.1.deb
in_force "the other firewall"
snapshot >as-stock
ours 0.2
[ "$(main_pid)" = "$before" ]
verdict $? "installing has restarted the other firewall"
in_charge "Proxmox VE" "after installing"
new=$(snapshot | diff as-stock - | grep '^[<>]' | grep -v ' /usr/share/man/man8/pvefw.8\(.gz\)\{0,1\} \|^> /usr/sbin/pvefw \|/completions/pvefw\(-cc\)\{0,1\} \|/_pvefw\(-cc\)\{0,1\} ')
[ -z "$new" ]
verdict $? "installing changes: $new"
pvefw handback >pvefw.log 2>&1
verdict $? "a handback with nothing to hand back: $(cat pvefw.log)"
snapshot >as-installed
pvefw takeover --dry-run >pvefw.log 2>&1
verdict $? "takeover --dry-run: $(cat pvefw.log)"
[ "$(main_pid)" = "$before" ] && snapshot | diff as-installed -
verdict $? "takeover --dry-run changes something"

# An error in the configuration refuses it, and says which.
sed -i '1i[RULES]\nIN ACEPT' /etc/pve/firewall/cluster.fw
pvefw takeover >pvefw.log 2>&1
[ $? = 1 ] && grep -q 'cluster.fw:2' pvefw.log && [ "$(main_pid)" = "$before" ]
verdict $? "takeover with an error: $(cat pvefw.log)"
sed -i '1,2d' /etc/pve/firewall/cluster.fw

# On a terminal it asks.
echo n | script -qec 'pvefw takeover' /dev/null >pvefw.log 2>&1
[ $? = 1 ] && grep -q 'Take over? \[y/N\]' pvefw.log && [ "$(main_pid)" = "$before" ] && [ "$(who)" = "in charge: Proxmox VE" ]
verdict $? "takeover that is answered with no: $(cat pvefw.log)"

start_watching
pvefw_does takeover
in_force "after the takeover"
stop_watching "takeover"
in_charge pvefw "after the takeover"
pvefw_does takeover
[ "$(main_pid)" = "$before" ]
verdict $? "a second takeover does something"

# ---- the services ----

[ "$(state pvefw-logger)" = active ]
verdict $? "the logger is not wanted"
grep -q '^CapEff:.*0000000000001000$' "/proc/$(main_pid pvefw-logger)/status" &&
	[ "$(stat -c %U "/proc/$(main_pid pvefw-logger)")" = pvefw-logger ]
verdict $? "the logger can do more than it must"
[ "$(stat -c '%U %a' /run/pve-firewall /run/pve-firewall/logger | xargs)" = "root 755 pvefw-logger 755" ]
verdict $? "the run directory: $(stat -c '%U %a' /run/pve-firewall /run/pve-firewall/logger | xargs)"

# has_open FILE: the logger has
has_open() {
	for descriptor in "/proc/$(main_pid pvefw-logger)/fd"/*; do
		[ "$(readlink "$descriptor")" != "$1" ] || return 0
	done
	return 1
}

# By Proxmox VE's file, which makes the log anew as root's.
logrotate --force /etc/logrotate.d/pve-firewall
verdict $? "logrotate with the other firewall's file"
soon has_open /var/log/pve-firewall.log && [ "$(stat -c '%U %a' /var/log/pve-firewall.log)" = "pvefw-logger 640" ]
verdict $? "the log after a rotation by the other firewall's file: $(ls -l /var/log/pve-firewall*)"

start_watching
systemctl kill --signal=KILL pve-firewall
in_force "after a crash"
systemctl restart pve-firewall
in_force "after restarting"
systemctl try-restart pve-firewall
in_force "after restarting if it runs"
systemctl reload pve-firewall
verdict $? "reload"
systemctl restart pvefw-logger
[ "$(state)" = active ]
verdict $? "the logger's restart ends the firewall"
ours 0.3
in_force "after an upgrade"
ours 0.2
in_force "after a downgrade"
package -i stock-5.2.deb
[ "$(main_pid)" = "$before" ]
verdict $? "an upgrade of the other firewall restarts ours, or starts that"
in_charge pvefw "after an upgrade of the other firewall"
grep -q '^# 5.2' /usr/sbin/pve-firewall.stock
verdict $? "the upgrade has not come to its place"
touch stop-on-upgrade
package -i stock-5.1.deb
rm stop-on-upgrade
in_force "after a package that stops its service"
package -r pve-firewall
in_force "after the other firewall's package is removed"
package -P pve-firewall
[ "$(systemctl is-enabled pve-firewall)" = enabled ]
verdict $? "not enabled after the other firewall's package is purged"
package -i stock-5.1.deb
in_charge pvefw "after the other firewall's package is installed"
stop_watching "crash, restart, upgrades"
before=$(main_pid)

[ "$(stat -c '%U %a' /var/lib/pvefw)" = "root 700" ]
verdict $? "the generations: $(stat -c '%U %a' /var/lib/pvefw)"
await_confirmation
systemctl stop pve-firewall
off "after stopping"
wait_is_over "after stopping"
systemctl start pve-firewall
systemctl kill --signal=TERM pve-firewall
soon is_inactive
off "after SIGTERM"

# ---- handing back ----

systemctl start pve-firewall
await_confirmation
start_watching
pvefw_does handback
wait_is_over "after handing back"
in_force "after handing back"
in_charge "Proxmox VE" "after handing back"
stop_watching "handback"
new=$(snapshot | diff as-stock - | grep '^[<>]' | grep -v ' /usr/share/man/man8/pvefw.8\(.gz\)\{0,1\} \|^> /usr/sbin/pvefw \|/completions/pvefw\(-cc\)\{0,1\} \|/_pvefw\(-cc\)\{0,1\} \|/var/lib/pvefw/generations\|/etc/\(passwd\|group\|shadow\|gshadow\) ')
[ -z "$new" ]
verdict $? "after handing back there is: $new"

# What a takeover makes and takes away
places() {
	ls -lR --time-style=+ /etc/systemd/system
	ls -l --time-style=+ /usr/sbin/pve* /var/lib/pvefw/takeover /var/lib/pvefw/saved /etc/logrotate.d 2>/dev/null
	dpkg-divert --list
}

# refused COMMAND TEXT: with TEXT, and nothing has changed
refused() {
	before=$(main_pid)
	places >refused
	pvefw $1 >pvefw.log 2>&1
	[ $? = 1 ] && grep -q "$2" pvefw.log && [ "$(main_pid)" = "$before" ]
	verdict $? "$1, where it must be refused for '$2': $(cat pvefw.log)"
	places | diff refused -
	verdict $? "$1 is refused, and changes something"
}

# What the administrator has changed is respected, and is so again after a handback.
places >places
dpkg-divert --quiet --rename --divert /usr/sbin/pve-firewall.mine --add /usr/sbin/pve-firewall
cp /usr/sbin/pve-firewall.mine /usr/sbin/pve-firewall
refused 'takeover --force' 'administrator diverts /usr/sbin/pve-firewall'
rm /usr/sbin/pve-firewall
dpkg-divert --quiet --rename --remove /usr/sbin/pve-firewall
mv /etc/pve/firewall/cluster.fw cluster.fw
pvefw_does takeover --dry-run
mv cluster.fw /etc/pve/firewall/cluster.fw
sed 's/^.Unit./&\nDescription=mine/' /lib/systemd/system/pve-firewall.service >/etc/systemd/system/pve-firewall.service
systemctl daemon-reload
pvefw_does takeover
grep -q 'system/pve-firewall.service is moved away' pvefw.log
verdict $? "a unit that is moved away is not reported: $(cat pvefw.log)"
: >/var/lib/pvefw/takeover
pvefw status >pvefw.log
[ $? = 1 ] && grep -q '^fault: .*damaged' pvefw.log
verdict $? "status with a damaged file: $(cat pvefw.log)"
pvefw_does takeover
in_charge pvefw "after the file was damaged"
echo '# edited' >>/etc/systemd/system/pvefw-logger.service
pvefw status >pvefw.log
[ $? = 1 ] && grep -q '^fault: .*pvefw-logger.service was edited' pvefw.log
verdict $? "status with an edited unit: $(cat pvefw.log)"
mount -t tmpfs tmpfs /etc/pve
refused handback 'cannot read /etc/pve'
umount /etc/pve
rm /var/lib/pvefw/takeover
pvefw_does handback
grep -q '^Description=mine' /etc/systemd/system/pve-firewall.service
verdict $? "a unit of the administrator's is lost: $(head -n 2 /etc/systemd/system/pve-firewall.service)"
rm /etc/systemd/system/pve-firewall.service
systemctl daemon-reload
systemctl --quiet mask --now pve-firewall
pvefw_does takeover
refused handback 'pve-firewall.service was masked'
dpkg -r pvefw >dpkg.log 2>&1
[ $? != 0 ] && rules && [ "$(who)" = "in charge: pvefw" ]
verdict $? "removing where nobody would filter: $(cat dpkg.log)"
pvefw_does handback --force
! rules && [ "$(systemctl is-enabled pve-firewall)" = masked ]
verdict $? "forced: the other service is $(systemctl is-enabled pve-firewall); $(cat pvefw.log)"
systemctl --quiet unmask pve-firewall
systemctl --quiet enable --now pve-firewall
before=0
in_force "unmasked"
new=$(places | diff places -)
[ -z "$new" ]
verdict $? "after what the administrator has changed there is: $new"

# Interrupted after a step: nothing is open, status says so, and either command completes or undoes it.
interrupted() {
	PVEFW_STOP_AFTER=$2 pvefw "$1" >/dev/null 2>&1
	[ "$(who)" = "in charge: $1 interrupted" ]
	verdict $? "$1 interrupted after $2: $(pvefw status)"
}

start_watching
for step in units kill tables; do
	interrupted takeover $step
	if [ $step = tables ]; then
		pvefw_does takeover
		in_charge pvefw "after a takeover interrupted after $step"
	fi
	pvefw_does handback
	in_charge "Proxmox VE" "handback of a takeover interrupted after $step"
done
pvefw_does takeover
for step in stop divert; do
	interrupted handback $step
	if [ $step = divert ]; then
		pvefw_does handback
		in_charge "Proxmox VE" "after a handback interrupted after $step"
	fi
	pvefw_does takeover
	in_charge pvefw "takeover of a handback interrupted after $step"
done
# The services of these names may be the other firewall's then, which an upgrade must not stop.
interrupted handback start
ours 0.3
pvefw_does handback
in_charge "Proxmox VE" "after an upgrade within a handback"
ours 0.2
pvefw_does takeover
stop_watching "interruptions"

# ---- what is left of the package ----

await_confirmation
start_watching
before=$(main_pid)
package -r pvefw
wait_is_over "after removing"
in_force "after removing"
stop_watching "removing"
[ "$(exe)" = "$(readlink -f /usr/bin/python3)" ]
verdict $? "after removing, $(exe) runs"
[ -e /var/log/pve-firewall.log ]
verdict $? "the log is removed"
package -P pvefw
package -P pvefw-cc
new=$(snapshot | diff as-stock -)
[ -z "$new" ]
verdict $? "after purging there is: $new"

# Without the other package there is nobody to hand back to, which is said.
ours 0.2
pvefw_does takeover
package -P pve-firewall
before=0
in_force "alone"
pvefw handback >pvefw.log 2>&1
[ $? = 1 ] && rules
verdict $? "handback to nobody: $(cat pvefw.log)"
package -r pvefw
! rules
verdict $? "after removing it alone, rules are there"
grep -q 'removing all rules' dpkg.log
verdict $? "removing it says nothing: $(cat dpkg.log)"
package -P pvefw
left=$(find /var/log /run/pve-firewall /etc /usr/sbin -name '*pve-firewall*' 2>/dev/null)$(ls -d /var/lib/pvefw 2>/dev/null)
[ -z "$left" ]
verdict $? "after purging there is $left"

# ---- the log ----

ours 0.3
before=0
pvefw_does takeover
in_force "at last"
[ "$(stat -c '%U %a' /var/log/pve-firewall.log)" = "pvefw-logger 640" ]
verdict $? "the log: $(stat -c '%U %a' /var/log/pve-firewall.log)"
logrotate --force /etc/logrotate.d/pvefw
verdict $? "logrotate"
soon has_open /var/log/pve-firewall.log && [ -e /var/log/pve-firewall.log.1 ]
verdict $? "not opened anew after rotation: $(ls -l /var/log/pve-firewall* /proc/$(main_pid pvefw-logger)/fd)"

# Removed while the logger runs, which may make no file there; then before it starts.
logger_before=$(main_pid pvefw-logger)
log_is_back() {
	[ "$(stat -c '%U %a' /var/log/pve-firewall.log 2>/dev/null)" = "pvefw-logger 640" ] && has_open /var/log/pve-firewall.log
}
rm /var/log/pve-firewall.log
soon log_is_back
verdict $? "removed, the log is not made anew: $(ls -l /var/log/pve-firewall*; systemctl status --no-pager pvefw-logger-file.path pvefw-logger-file.service)"
[ "$(main_pid pvefw-logger)" = "$logger_before" ]
verdict $? "the logger has ended when its file was removed"
systemctl stop pvefw-logger
soon eval '[ "$(systemctl is-active pvefw-logger-file.path)" = inactive ]'
verdict $? "the log is still watched without the logger"
rm -f /var/log/pve-firewall.log /var/log/pve-firewall.log.lock
systemctl start pvefw-logger
soon log_is_back
verdict $? "the logger starts without its file: $(state pvefw-logger)"
[ "$(systemctl show -P NRestarts pvefw-logger)" = 0 ]
verdict $? "the logger was started $(systemctl show -P NRestarts pvefw-logger) times more"

# The machine goes down with rules in force, which `service` sees.
rm -f /run/pve-firewall/keep
[ "${failed:-1}" = 0 ] || journalctl --no-pager -u pve-firewall -u pvefw-logger | sed 's/^/    /'
finish
