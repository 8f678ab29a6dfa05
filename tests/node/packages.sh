#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# packages.sh 8|9 OUT: makes the packages of a node of that release of Proxmox VE (packages.tsv) in the folder OUT. What
# they hold is for tests: only pve-firewall and proxmox-firewall do something (stock/), with units and maintainer scripts
# that treat dpkg and systemd as upstream's do. OUT/new has a second version of pve-firewall.
set -eu
[ $# = 2 ] || {
	echo "usage: packages.sh 8|9 OUT" >&2
	exit 2
}
here=$(cd "$(dirname "$0")" && pwd)
release=$1 out=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out/new"
lib=usr/lib
[ "$release" != 8 ] || lib=lib

# unit PACKAGE NAME, its text on standard input
unit() {
	install -D -m 644 /dev/stdin "$work/$1/$lib/systemd/system/$2"
}

# script PACKAGE NAME, its text on standard input
script() {
	{ printf '#!/bin/sh\nset -e\n' && cat; } | install -D -m 755 /dev/stdin "$work/$1/DEBIAN/$2"
}

# service_scripts PACKAGE UNIT ACTION...: as debhelper makes them. Each unit is enabled when it is first installed; then
# the first ACTION is done with it, on an upgrade the second; it is stopped before it is removed.
service_scripts() {
	script "$1" postinst <<-END
		case \$1 in configure | abort-*) ;; *) exit 0 ;; esac
		for unit in $2; do
			if deb-systemd-helper --quiet was-enabled \$unit; then
				deb-systemd-helper enable \$unit >/dev/null || true
			else
				deb-systemd-helper update-state \$unit >/dev/null || true
			fi
		done
		[ -d /run/systemd/system ] || exit 0
		systemctl --system daemon-reload >/dev/null || true
		$3
	END
	script "$1" prerm <<-END
		[ "\$1" != remove ] || [ ! -d /run/systemd/system ] || deb-systemd-invoke stop $2 >/dev/null || true
	END
	script "$1" postrm <<-END
		[ "\$1" != purge ] || deb-systemd-helper purge $2 >/dev/null || true
		[ "\$1" != remove ] || [ ! -d /run/systemd/system ] || systemctl --system daemon-reload >/dev/null || true
	END
}

fill_pve_cluster() {
	unit pve-cluster pve-cluster.service <<-'END'
		[Unit]
		Description=The cluster's file system: here a folder
		DefaultDependencies=no
		After=local-fs.target network.target
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/true
	END
	# As upstream's: what bridges forward does not pass iptables, unless the firewall wants that.
	printf 'net.bridge.bridge-nf-call-%s = 0\n' ip6tables iptables arptables |
		install -D -m 644 /dev/stdin "$work/pve-cluster/$lib/sysctl.d/pve.conf"
	service_scripts pve-cluster pve-cluster.service 'deb-systemd-invoke start pve-cluster.service >/dev/null || true'
}

fill_pve_firewall() {
	install -D -m 755 -t "$work/pve-firewall/usr/sbin" "$here/stock/pve-firewall" "$here/stock/pvefw-logger"
	unit pve-firewall pve-firewall.service <<-'END'
		[Unit]
		Description=Proxmox VE firewall (for tests)
		ConditionPathExists=/usr/sbin/pve-firewall
		DefaultDependencies=no
		Wants=pve-cluster.service pvefw-logger.service
		After=pvefw-logger.service pve-cluster.service network.target systemd-modules-load.service
		Conflicts=shutdown.target
		Before=shutdown.target
		[Service]
		Type=forking
		PIDFile=/run/pve-firewall.pid
		ExecStartPre=-/usr/bin/update-alternatives --set ebtables /usr/sbin/ebtables-legacy
		ExecStartPre=-/usr/bin/update-alternatives --set iptables /usr/sbin/iptables-legacy
		ExecStartPre=-/usr/bin/update-alternatives --set ip6tables /usr/sbin/ip6tables-legacy
		ExecStart=/usr/sbin/pve-firewall start
		ExecStop=/usr/sbin/pve-firewall stop
		ExecReload=/usr/sbin/pve-firewall restart
		[Install]
		WantedBy=multi-user.target
	END
	unit pve-firewall pvefw-logger.service <<-'END'
		[Unit]
		Description=Proxmox VE firewall logger (for tests)
		ConditionPathExists=/usr/sbin/pvefw-logger
		DefaultDependencies=no
		After=local-fs.target
		Conflicts=shutdown.target
		Before=shutdown.target
		[Service]
		Type=forking
		PIDFile=/run/pvefw-logger.pid
		TimeoutStopSec=5
		ExecStart=/usr/sbin/pvefw-logger
		[Install]
		WantedBy=multi-user.target
	END
	echo 'net.ipv4.conf.all.rp_filter = 2' | install -D -m 644 /dev/stdin "$work/pve-firewall/$lib/sysctl.d/pve-firewall.conf"
	install -D -m 644 /dev/stdin "$work/pve-firewall/etc/logrotate.d/pve-firewall" <<-'END'
		/var/log/pve-firewall.log {
			daily
			missingok
		}
	END
	echo /etc/logrotate.d/pve-firewall >"$work/pve-firewall/DEBIAN/conffiles"
	echo 'START_FIREWALL=yes' | install -D -m 644 /dev/stdin "$work/pve-firewall/etc/default/pve-firewall"
	echo /etc/default/pve-firewall >>"$work/pve-firewall/DEBIAN/conffiles"
	mkdir -p "$work/pve-firewall/var/lib/pve-firewall"
	# An upgrade leaves the service of rules running, and lets it begin anew; the logger is restarted.
	service_scripts pve-firewall 'pvefw-logger.service pve-firewall.service' \
		"deb-systemd-invoke \$([ -n \"\$2\" ] && echo restart || echo start) pvefw-logger.service >/dev/null || true
		deb-systemd-invoke \$([ -n \"\$2\" ] && echo try-reload-or-restart || echo start) pve-firewall.service >/dev/null || true"
}

# What others need of the package: modules of Perl, which say in which version they are.
add_modules() {
	printf 'package PVE::Firewall;\nour $VERSION = "%s";\n1;\n' "$1" |
		install -D -m 644 /dev/stdin "$work/pve-firewall/usr/share/perl5/PVE/Firewall.pm"
}

fill_proxmox_firewall() {
	install -D -m 755 -t "$work/proxmox-firewall/usr/libexec/proxmox" "$here/stock/proxmox-firewall"
	unit proxmox-firewall proxmox-firewall.service <<-'END'
		[Unit]
		Description=Proxmox nftables firewall (for tests)
		Wants=pve-cluster.service pvefw-logger.service
		After=pvefw-logger.service pve-cluster.service network.target systemd-modules-load.service
		[Service]
		ExecStart=/usr/libexec/proxmox/proxmox-firewall start
		[Install]
		WantedBy=multi-user.target
	END
	service_scripts proxmox-firewall proxmox-firewall.service \
		"deb-systemd-invoke \$([ -n \"\$2\" ] && echo restart || echo start) proxmox-firewall.service >/dev/null || true"
}

# Guests start when the firewall has: /etc/pve-guests is what a test wants done then.
fill_pve_manager() {
	unit pve-manager pve-guests.service <<-'END'
		[Unit]
		Description=PVE guests (for tests)
		ConditionPathExists=/etc/pve-guests
		Wants=pve-firewall.service
		After=pve-firewall.service lxc.service
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/etc/pve-guests
		[Install]
		WantedBy=multi-user.target
	END
	service_scripts pve-manager pve-guests.service :
}

# control PACKAGE VERSION DEPENDS RECOMMENDS
control() {
	mkdir -p "$work/$1/DEBIAN"
	{
		printf 'Package: %s\nVersion: %s\nArchitecture: all\n' "$1" "$2"
		[ -z "$3" ] || echo "Depends: $3"
		[ -z "$4" ] || echo "Recommends: $4"
		case $1 in pve-firewall | proxmox-firewall) echo 'Conflicts: ulogd' ;; esac
		printf 'Section: admin\nPriority: optional\nMaintainer: none <none@example.org>\n'
		printf 'Description: a package of Proxmox VE, for tests\n'
	} >"$work/$1/DEBIAN/control"
}

pack() {
	dpkg-deb --root-owner-group -Znone -b "$work/$1" "$2" >/dev/null
}

# Fields may be empty, which blanks between them could not be.
tr '\t' '|' <"$here/packages.tsv" | while IFS='|' read -r of package version depends recommends; do
	[ "$of" = "$release" ] || continue
	control "$package" "${version%+}" "$depends" "$recommends"
	case $package in
	pve-cluster) fill_pve_cluster ;;
	pve-firewall) fill_pve_firewall && add_modules "${version%+}" ;;
	proxmox-firewall) fill_proxmox_firewall ;;
	pve-manager) fill_pve_manager ;;
	esac
	pack "$package" "$out"
	case $version in *+)
		version=${version%+}
		next=${version%.*}.$((${version##*.} + 1))
		control "$package" "$next" "$depends" "$recommends"
		add_modules "$next"
		pack "$package" "$out/new"
		;;
	esac
done
