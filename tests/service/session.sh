#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the suite `service` does on the machine that boot.sh starts: the life of both services there,
# and of the package, old.deb, new.deb and stock.deb.
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
}

# ---- the package ----

mkdir -p /etc/pve/firewall "/etc/pve/nodes/$(hostname)"
printf '[OPTIONS]\nenable: 1\n' >/etc/pve/firewall/cluster.fw
before=0
dpkg --no-triggers --purge pve-firewall pvefw >/dev/null 2>&1
package -i old.deb
off "after installing"
[ "$(systemctl is-enabled pve-firewall)" = disabled ]
verdict $? "enabled by installing"

# ---- the services ----

systemctl start pve-firewall
in_force "after starting"
[ "$(state pvefw-logger)" = active ]
verdict $? "the logger is not wanted"
grep -q '^CapEff:.*0000000000001000$' "/proc/$(main_pid pvefw-logger)/status" &&
	[ "$(stat -c %U "/proc/$(main_pid pvefw-logger)")" = pvefw-logger ]
verdict $? "the logger can do more than it must"
[ "$(stat -c '%U %a' /run/pve-firewall /run/pve-firewall/logger | xargs)" = "root 755 pvefw-logger 755" ]
verdict $? "the run directory: $(stat -c '%U %a' /run/pve-firewall /run/pve-firewall/logger | xargs)"

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
package -i new.deb
in_force "after an upgrade"
stop_watching "crash, restart, upgrade"

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

# ---- what is left of the package ----

systemctl start pve-firewall
await_confirmation
package -r pvefw
off "after removing"
wait_is_over "after removing"
grep -q 'rules are removed' dpkg.log
verdict $? "removing it says nothing: $(cat dpkg.log)"
[ -s /var/log/pve-firewall.log ]
verdict $? "the log is removed"
package -P pvefw
left=$(find /var/log /run/pve-firewall /etc -name '*pve-firewall*' 2>/dev/null)$(ls -d /var/lib/pvefw 2>/dev/null)
[ -z "$left" ]
verdict $? "after purging there is $left"

# ---- changing over, and back ----

enabled() {
	[ "$(systemctl is-enabled pve-firewall 2>&1)" = enabled ]
	verdict $? "$1: $(systemctl is-enabled pve-firewall 2>&1)"
}

before=0
package -i stock.deb
in_force "the other firewall"
start_watching
systemctl kill --signal=KILL pve-firewall
package -i new.deb
systemctl start pve-firewall
in_force "after changing over"
stop_watching "changing over"
enabled "after changing over"

start_watching
touch /run/pve-firewall/keep
await_confirmation
package -r pvefw
wait_is_over "after changing back"
grep -q 'stay in force' dpkg.log
verdict $? "changing back says nothing: $(cat dpkg.log)"
package -i stock.deb
in_force "after changing back"
stop_watching "changing back"
package -P pvefw
enabled "after purging"
[ -e /etc/logrotate.d/pve-firewall ] && [ -e /var/log/pve-firewall.log ]
verdict $? "purging removes what is the other package's"
[ ! -e /var/lib/pvefw ]
verdict $? "purging leaves the generations"

# ---- the log ----

# has_open FILE: the logger has
has_open() {
	for descriptor in "/proc/$(main_pid pvefw-logger)/fd"/*; do
		[ "$(readlink "$descriptor")" != "$1" ] || return 0
	done
	return 1
}

systemctl kill --signal=KILL pve-firewall
package -i new.deb
systemctl start pve-firewall
in_force "at last"
[ "$(stat -c '%U %a' /var/log/pve-firewall.log)" = "pvefw-logger 640" ]
verdict $? "the log: $(stat -c '%U %a' /var/log/pve-firewall.log)"
logrotate --force /etc/logrotate.d/pve-firewall
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
