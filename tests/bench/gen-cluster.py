#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Deterministic generator of synthetic /etc/pve trees for firewall compile runs.

usage: gen-cluster.py N_GUESTS RULES_PER_GUEST OUTDIR [--seed S] [--node NAME] [--nodes 1]
                      [--groups 20] [--group-rules 10] [--aliases 50] [--ipsets 20]
                      [--errors PERCENT] [--corosync]

Writes OUTDIR/firewall/{cluster,VMID}.fw, OUTDIR/nodes/NODE/host.fw,
OUTDIR/nodes/NODE/{qemu-server,lxc}/VMID.conf (and corosync.conf with --corosync).
With several nodes, NAME, NAME2 and so on, each has the same host.fw and an equal part of the guests.
Same arguments => byte-identical tree.
"""
import argparse
import os
import random

MACROS = ["SSH", "HTTP", "HTTPS", "DNS", "Ping", "SMTP", "SMTPS", "IMAP", "IMAPS", "POP3S",
          "MySQL", "PostgreSQL", "RDP", "NTP", "Syslog", "LDAP", "LDAPS", "SMB", "FTP", "Web",
          "Webmin", "VNC", "Ceph", "BGP", "Squid", "Git", "Rsync", "SNMP", "Trcrt", "Mail"]
LOGS = ["nolog", "info", "warning", "err", "debug", "notice"]
# only names which /etc/services defines for that protocol: PVE::Firewall does not
# check this, but iptables-restore then rejects the whole table
SERVICES = {"tcp": ["ssh", "http", "https", "domain", "smtp", "imaps", "ldap", "mysql"],
            "udp": ["domain", "https", "ntp", "snmp", "ldap"], "sctp": []}
WORDS = ("web db mail cache proxy backup monitoring office branch vpn customer test staging prod "
         "legacy temporary ticket request allow block internal external partner printer").split()
SET_BASES = ["office", "vpn", "monitoring", "partners", "cdn", "mailrelays", "admins", "backup",
             "bastion", "payment", "offices-eu", "offices-us", "crawlers", "blocklist",
             "trusted", "dmz", "k8s", "ci", "storage", "voip"]


class Gen:
    def __init__(self, a):
        self.a = a
        self.r = random.Random(a.seed)
        self.dc_aliases = []   # (name, cidr, version)
        self.dc_ipsets = []    # names
        self.groups = []
        self.nodes = [a.node] + ["%s%d" % (a.node, i) for i in range(2, a.nodes + 1)]

    # addresses ---------------------------------------------------------------
    def ip4(self):
        r = self.r
        return "%d.%d.%d.%d" % (r.choice([10, 172, 192, 185, 81, 203]), r.randrange(256),
                                r.randrange(256), r.randrange(1, 255))

    def net4(self):
        r = self.r
        p = r.choice([16, 20, 22, 24, 24, 24, 25, 26, 28, 29, 30])
        v = (r.choice([10, 172, 192, 185, 203]) << 24) | r.getrandbits(24)
        v &= (0xFFFFFFFF << (32 - p)) & 0xFFFFFFFF
        return "%d.%d.%d.%d/%d" % (v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255, p)

    def ip6(self):
        r = self.r
        return "2001:db8:%x:%x::%x" % (r.randrange(1, 0xffff), r.randrange(1, 0xffff),
                                       r.randrange(1, 0xffff))

    def net6(self):
        r = self.r
        if r.random() < .5:
            return "2001:db8:%x::/48" % r.randrange(1, 0xffff)
        return "2001:db8:%x:%x::/64" % (r.randrange(1, 0xffff), r.randrange(1, 0xffff))

    def addr(self, ver):
        if ver == 4:
            return self.ip4() if self.r.random() < .5 else self.net4()
        return self.ip6() if self.r.random() < .5 else self.net6()

    def comment(self):
        r = self.r
        c = " ".join(r.choice(WORDS) for _ in range(r.randrange(1, 5)))
        if r.random() < .05:
            c += " Büro"
        return c

    def ports(self, proto):
        r = self.r
        x = r.random()
        if x < .45:
            return str(r.choice([22, 80, 443, 25, 53, 3306, 5432, 8080, 8443, 9100, 6379, 27017]))
        if x < .6:
            s = r.randrange(1024, 60000)
            return "%d:%d" % (s, s + r.randrange(1, 2000))
        if x < .7 and SERVICES[proto]:
            return r.choice(SERVICES[proto])
        n = r.randrange(2, 6)
        out = []
        for _ in range(n):
            if r.random() < .15:
                s = r.randrange(1024, 60000)
                out.append("%d:%d" % (s, s + r.randrange(1, 500)))
            else:
                out.append(str(r.randrange(1, 65535)))
        return ",".join(out)

    # source/dest; returns (text, version or None)
    def endpoint(self, galiases, gsets, ver):
        r = self.r
        x = r.random()
        if x < .35:
            v = ver or (4 if r.random() < .8 else 6)
            return self.addr(v), v
        if x < .45:
            v = ver or 4
            n = r.randrange(2, 6)
            return ",".join(self.addr(v) for _ in range(n)), v
        if x < .50 and ver in (None, 4):
            b = self.ip4().rsplit(".", 1)[0]
            s = r.randrange(1, 100)
            return "%s.%d-%s.%d" % (b, s, b, s + r.randrange(1, 100)), 4
        if x < .65:
            c = [a for a in self.dc_aliases if ver in (None, a[2])]
            if c:
                a = r.choice(c)
                return ("dc/" if r.random() < .6 else "") + a[0], a[2]
        if x < .72:
            c = [a for a in galiases if ver in (None, a[2])]
            if c:
                a = r.choice(c)
                return ("guest/" if r.random() < .6 else "") + a[0], a[2]
        if x < .80 and gsets:
            return "+" + ("guest/" if r.random() < .6 else "") + r.choice(gsets), None
        if self.dc_ipsets:
            return "+" + ("dc/" if r.random() < .7 else "") + r.choice(self.dc_ipsets), None
        v = ver or 4
        return self.addr(v), v

    def rule(self, galiases=(), gsets=(), nnets=0, allow_group=True, ifaces=()):
        r = self.r
        pre = "|" if r.random() < .08 else ""
        if allow_group and self.groups and r.random() < .10:
            l = pre + "GROUP " + r.choice(self.groups)
            if nnets and r.random() < .3:
                l += " -i net%d" % r.randrange(nnets)
            if r.random() < .3:
                l += " # " + self.comment()
            return l
        d = "IN" if r.random() < .75 else "OUT"
        act = r.choices(["ACCEPT", "DROP", "REJECT"], [80, 12, 8])[0]
        l = pre + d + " "
        macro = r.random() < .35
        l += "%s(%s)" % (r.choice(MACROS), act) if macro else act
        if nnets and r.random() < .15:
            l += " -i net%d" % r.randrange(nnets)
        elif ifaces and r.random() < .15:
            l += " -i " + r.choice(ifaces)
        ver = None
        icmp = None
        if not macro and r.random() < .10:
            icmp = r.choice(["icmp", "icmp", "icmpv6"])
            ver = 4 if icmp == "icmp" else 6
        if r.random() < .65:
            t, v = self.endpoint(galiases, gsets, ver)
            ver = ver or v
            l += " -source " + t
        if r.random() < .15:
            t, v = self.endpoint(galiases, gsets, ver)
            ver = ver or v
            l += " -dest " + t
        if icmp:
            l += " -p " + icmp
            if r.random() < .7:
                l += " -icmp-type " + r.choice(
                    ["echo-request", "echo-reply", "destination-unreachable", "time-exceeded"])
        elif not macro and r.random() < .9:
            proto = r.choices(["tcp", "udp", "sctp"], [75, 23, 2])[0]
            l += " -p " + proto
            if r.random() < .92:
                l += " -dport " + self.ports(proto)
            if r.random() < .06:
                l += " -sport " + self.ports(proto)
        if r.random() < .12:
            l += " -log " + r.choice(LOGS)
        if self.a.errors and r.random() * 100 < self.a.errors:
            l += r.choice([" -source no_such_alias", " -dest +dc/nosuchset", " -p foo",
                           " -dport 99999", " --bogus 1", " -sport 20:10 -p tcp"])
        if r.random() < .4:
            l += " # " + self.comment()
        return l

    def ipset_entries(self, n, galiases=(), scope_dc=False):
        r = self.r
        seen = set()
        out = []
        while len(out) < n:
            x = r.random()
            if x < .72:
                e = self.addr(4)
            elif x < .92:
                e = self.addr(6)
            elif scope_dc and self.dc_aliases:
                e = r.choice(self.dc_aliases)[0]
                e = ("dc/" if r.random() < .5 else "") + e
            elif galiases:
                e = "guest/" + r.choice(galiases)[0]
            else:
                e = self.addr(4)
            if e in seen:
                continue
            seen.add(e)
            l = ("!" if r.random() < .04 else "") + e
            if r.random() < .15:
                l += " # " + self.comment()
            out.append(l)
        return out

    # files -------------------------------------------------------------------
    def write(self, rel, lines):
        p = os.path.join(self.a.outdir, rel)
        os.makedirs(os.path.dirname(p), exist_ok=True)
        with open(p, "w", encoding="utf-8", newline="\n") as f:
            f.write("\n".join(lines) + "\n")

    def cluster(self):
        a, r = self.a, self.r
        for i in range(a.aliases):
            v = 4 if r.random() < .75 else 6
            self.dc_aliases.append(("%s_%d" % (r.choice(WORDS), i), self.addr(v), v))
        self.dc_ipsets = ["%s%s" % (SET_BASES[i % len(SET_BASES)],
                                    "" if i < len(SET_BASES) else str(i)) for i in range(a.ipsets)]
        L = ["[OPTIONS]", "", "enable: 1", "policy_in: DROP", "policy_out: ACCEPT",
             "log_ratelimit: enable=1,rate=10/second,burst=20", "", "[ALIASES]", ""]
        for n, c, _ in self.dc_aliases:
            L.append("%s %s%s" % (n, c, " # " + self.comment() if r.random() < .3 else ""))
        L.append("")
        for i, n in enumerate(self.dc_ipsets):
            # 10..500 entries, log-uniform
            cnt = int(round(10 * (50 ** r.random())))
            if i == 0:
                cnt = 500
            L += ["[IPSET %s]%s" % (n, " # " + self.comment() if r.random() < .5 else ""), ""]
            L += self.ipset_entries(cnt, scope_dc=True)
            L.append("")
        L += ["[IPSET management]", "", self.net4(), self.net6(), "",
              "[IPSET blacklist] # drop early", ""]
        L += self.ipset_entries(100) + [""]
        L += ["[RULES]", ""]
        groups = ["%s-grp%d" % (WORDS[i % len(WORDS)][:8], i) for i in range(a.groups)]
        self.groups = groups
        for _ in range(12):
            L.append(self.rule(ifaces=("vmbr0", "vmbr1", "eno1")))
        L.append("")
        for g in groups:
            L += ["[group %s]%s" % (g, " # " + self.comment() if r.random() < .5 else ""), ""]
            for _ in range(a.group_rules):
                L.append(self.rule(allow_group=False))
            L.append("")
        self.write("firewall/cluster.fw", L)

    def host(self):
        L = ["[OPTIONS]", "", "enable: 1", "log_level_in: info", "log_level_out: nolog",
             "tcpflags: 1", "nosmurfs: 1", "smurf_log_level: info", "tcp_flags_log_level: warning",
             "protection_synflood: 1", "nf_conntrack_helpers: ftp,tftp,sip", "", "[RULES]", ""]
        for _ in range(10):
            L.append(self.rule(ifaces=("vmbr0", "vmbr1", "eno1")))
        for node in self.nodes:
            self.write("nodes/%s/host.fw" % node, L)

    def mac(self):
        r = self.r
        return "BC:24:11:%02X:%02X:%02X" % (r.randrange(256), r.randrange(256), r.randrange(256))

    def guest(self, vmid, node):
        a, r = self.a, self.r
        lxc = r.random() < .4
        nn = 1 if r.random() < .65 else 2
        conf = []
        ips = []
        if lxc:
            conf += ["arch: amd64", "cores: %d" % r.randrange(1, 9), "hostname: ct%d" % vmid,
                     "memory: %d" % (512 * r.randrange(1, 17))]
        else:
            conf += ["agent: 1", "boot: order=scsi0;net0", "cores: %d" % r.randrange(1, 17),
                     "memory: %d" % (1024 * r.randrange(1, 33)), "name: vm%d" % vmid]
        for i in range(nn):
            br = "vmbr%d" % (0 if r.random() < .7 else 1)
            tag = ",tag=%d" % r.randrange(2, 4000) if r.random() < .5 else ""
            ip = "10.%d.%d.%d" % (r.randrange(0, 200), r.randrange(256), r.randrange(2, 254))
            ips.append(ip)
            if lxc:
                x = r.random()
                ipopt = ",ip=dhcp" if x < .2 else ",ip=%s/24,gw=%s.1" % (ip, ip.rsplit(".", 1)[0])
                if r.random() < .4:
                    ipopt += ",ip6=" + (self.ip6() + "/64" if r.random() < .7 else "auto")
                conf.append("net%d: name=eth%d,bridge=%s,firewall=1,hwaddr=%s%s%s,type=veth" % (
                    i, i, br, self.mac(), ipopt, tag))
            else:
                conf.append("net%d: virtio=%s,bridge=%s,firewall=1%s" % (i, self.mac(), br, tag))
        if lxc:
            conf += ["ostype: debian", "rootfs: local-lvm:vm-%d-disk-0,size=8G" % vmid,
                     "swap: 512", "unprivileged: 1"]
        else:
            conf += ["numa: 0", "ostype: l26", "scsi0: local-lvm:vm-%d-disk-0,size=32G" % vmid,
                     "scsihw: virtio-scsi-single", "sockets: 1"]
        self.write("nodes/%s/%s/%d.conf" % (node, "lxc" if lxc else "qemu-server", vmid), conf)

        ga = []
        for i in range(r.randrange(0, 5)):
            v = 4 if r.random() < .8 else 6
            ga.append(("ga_%s%d" % (r.choice(WORDS), i), self.addr(v), v))
        gs = ["gset-%s%d" % (r.choice(WORDS), i) for i in range(r.randrange(0, 3))]
        L = ["[OPTIONS]", "", "enable: %d" % (1 if r.random() < .97 else 0)]
        ipf = r.random() < .3
        if ipf:
            L.append("ipfilter: 1")
        if r.random() < .5:
            L.append("policy_in: " + r.choice(["DROP", "DROP", "REJECT", "ACCEPT"]))
        if r.random() < .3:
            L.append("policy_out: " + r.choice(["ACCEPT", "DROP", "REJECT"]))
        if r.random() < .4:
            L.append("log_level_in: " + r.choice(LOGS))
        if r.random() < .2:
            L.append("log_level_out: " + r.choice(LOGS))
        if r.random() < .2:
            L.append("dhcp: %d" % r.randrange(2))
        if r.random() < .1:
            L.append("macfilter: 0")
        if r.random() < .1:
            L.append("ndp: 0")
        if r.random() < .05:
            L.append("radv: 1")
        L.append("")
        if ga:
            L += ["[ALIASES]", ""]
            L += ["%s %s%s" % (n, c, " # " + self.comment() if r.random() < .3 else "")
                  for n, c, _ in ga] + [""]
        for s in gs:
            L += ["[IPSET %s]" % s, ""]
            L += self.ipset_entries(r.randrange(2, 20), ga) + [""]
        if r.random() < .2:
            L += ["[IPSET ipfilter-net0]", "", ips[0]]
            if r.random() < .5:
                L.append(self.ip6())
            L.append("")
        L += ["[RULES]", ""]
        for _ in range(a.rules):
            L.append(self.rule(ga, gs, nn))
        self.write("firewall/%d.fw" % vmid, L)

    def corosync(self):
        L = ["totem {", "  version: 2", "  cluster_name: gen", "  config_version: 3",
             "  ip_version: ipv4-6", "  secauth: on", "  link_mode: passive",
             "  interface {", "    linknumber: 0", "  }", "}", "", "nodelist {"]
        for i, n in enumerate(self.nodes if len(self.nodes) > 1 else [self.a.node, "nodeb", "nodec"]):
            L += ["  node {", "    name: " + n, "    nodeid: %d" % (i + 1),
                  "    quorum_votes: 1", "    ring0_addr: 172.16.1.%d" % (i + 1),
                  "    ring1_addr: fd00:1::%d" % (i + 1), "  }"]
        L += ["}", "", "quorum {", "  provider: corosync_votequorum", "}", "",
              "logging {", "  debug: off", "  to_syslog: yes", "}"]
        self.write("corosync.conf", L)


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("n_guests", type=int)
    p.add_argument("rules", type=int)
    p.add_argument("outdir")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--node", default="nodea")
    p.add_argument("--nodes", type=int, default=1)
    p.add_argument("--groups", type=int, default=20)
    p.add_argument("--group-rules", type=int, default=10)
    p.add_argument("--aliases", type=int, default=50)
    p.add_argument("--ipsets", type=int, default=20)
    p.add_argument("--errors", type=float, default=0.0, help="percent of rules made invalid")
    p.add_argument("--corosync", action="store_true")
    a = p.parse_args()
    if os.path.isdir(a.outdir) and os.listdir(a.outdir):
        p.error("OUTDIR exists and is not empty")
    g = Gen(a)
    g.cluster()
    g.host()
    for i in range(a.n_guests):
        g.guest(100 + i, g.nodes[i * a.nodes // a.n_guests])
    if a.corosync:
        g.corosync()


main()
