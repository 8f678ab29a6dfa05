#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes small random configuration trees that use as much of the language as possible.

usage: trees.py DIR FIRST COUNT [LENGTH]

Writes DIR/SEED for each of COUNT seeds from FIRST on; lists of rules are LENGTH times as long, and have more ports. The same seed gives the same bytes. Nearly all lines are valid: what a
tree asks of packets is what counts. Addresses and ports come from few values with neighbours, so that rules overlap.
"""
import os
import random
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def names_of(path, macro, column):
    """A column of the rows of a .def file."""
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    rows = re.findall(r"^%s\(([^)]*)" % macro, text, re.M)
    return [row.split(",")[column].strip().strip('"') for row in rows if '"' in row]


MACROS = names_of("compiler/lang/macros.def", "MACRO", 0)
with open(os.path.join(TOP, "compiler/lang/icmp_types.def"), encoding="utf-8") as table:
    ROWS = re.findall(r'^ICMP_TYPE\((IPV[46]), *"([^"]+)"', table.read(), re.M)
ICMP = {4: [n for f, n in ROWS if f == "IPV4"], 6: [n for f, n in ROWS if f == "IPV6"]}
HELPERS = ["amanda", "ftp", "irc", "netbios-ns", "pptp", "sane", "sip", "snmp", "tftp"]
LEVELS = ["nolog", "info", "warning", "err", "debug", "notice", "emerg", "alert", "crit"]
POLICIES = ["ACCEPT", "DROP", "REJECT"]
PORTS = ["22", "80", "443", "53", "8006", "5900:5999", "1024:65535", "0:1023", "22,80,443", "53,67:68,123", "1", "65535",
         "ssh", "http", "domain", "21", "3128", "111", "60000:60050", "80,443,1:10,8000:8010"]
V4 = ["10.0.0.1", "10.0.0.2", "10.0.0.0/24", "10.0.0.0/8", "10.0.1.0/24", "192.168.0.5", "192.168.0.0/16", "172.16.3.0/25",
      "203.0.113.7", "224.0.0.0/4", "255.255.255.255", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.128/25"]
V6 = ["2001:db8::1", "2001:db8::/64", "2001:db8::/32", "fe80::/10", "fd00::5", "ff02::1", "::/1", "8000::/1", "2001:db8:0:1::/64"]
IFACES = ["vmbr0", "vmbr1", "eth0", "lo", "bond0", "eno1"]


class Tree:
    def __init__(self, seed, length):
        self.r = random.Random("pvefw proofs %d" % seed)
        self.length = length
        self.files = {}
        self.aliases = {}  # name -> family, of cluster.fw
        self.sets = []
        self.groups = []
        self.vnets = []

    def chance(self, p):
        return self.r.random() < p

    def pick(self, items):
        return self.r.choice(items)

    # ---- addresses ----

    def address(self, family):
        return self.pick(V4 if family == 4 else V6)

    def own_set(self, names):
        """Entries of an IP set."""
        lines = []
        for entry in {self.pick(V4) if self.chance(.6) else self.pick(V6) for _ in range(self.r.randrange(0, 6))}:
            lines.append(("! " if self.chance(.25) else "") + entry)
        if names and self.chance(.3):
            lines.append("dc/" + self.pick(names) if self.chance(.5) else self.pick(names))
        return lines

    def endpoint(self, family, scope):
        kind = self.r.random()
        aliases = [n for n, f in self.aliases.items() if f == family]
        if kind < .25 and self.sets:
            name = self.pick(self.sets)
            return "+" + ("dc/" if self.chance(.5) else "") + name
        if kind < .35 and aliases:
            return ("dc/" if self.chance(.5) else "") + self.pick(aliases)
        if kind < .40 and scope.get("sets"):
            return "+" + ("guest/" if self.chance(.5) else "") + self.pick(scope["sets"])
        if kind < .44 and scope.get("aliases", {}).get(family):
            return ("guest/" if self.chance(.5) else "") + self.pick(scope["aliases"][family])
        if kind < .54:
            return "10.0.0.5-10.0.1.7" if family == 4 else "2001:db8::5-2001:db8::ff"
        if kind < .64:
            return ",".join(sorted({self.address(family) for _ in range(self.r.randrange(1, 4))}))
        return self.address(family)

    # ---- rules ----

    def match(self, scope):
        family = 4 if self.chance(.7) else 6
        words = []
        if self.chance(.45):
            words.append("-source " + self.endpoint(family, scope))
        if self.chance(.3):
            words.append("-dest " + self.endpoint(family, scope))
        return family, words

    def service(self, family):
        kind = self.r.random()
        if kind < .25:
            return []
        if kind < .7:
            proto = self.pick(["tcp", "udp", "sctp", "tcp", "6", "17", "udplite", "dccp"])
            words = ["-p " + proto]
            numbers = [p for p in PORTS if not re.match(r"[a-z]", p)] if proto != "tcp" else PORTS
            if self.length > 1 and self.chance(.6):
                numbers = [str(self.r.randrange(1, 65536)), str(self.r.randrange(5000, 5100))]
            if self.chance(.75):
                words.append("-dport " + self.pick(numbers))
            if self.chance(.25):
                words.append("-sport " + self.pick(numbers))
            return words
        if kind < .9:
            words = ["-p " + ("icmp" if family == 4 else self.pick(["icmpv6", "ipv6-icmp"]))]
            if self.chance(.7):
                words.append("-icmp-type " + self.pick(ICMP[family] + ["3"] if family == 4 else ICMP[family]))
            return words
        return ["-p " + self.pick(["gre", "esp", "47", "ospf", "igmp", "vrrp", "0", "ah"])]

    def rule(self, scope):
        direction = self.pick(scope["directions"])
        off = "|" if self.chance(.05) else ""
        if direction != "FORWARD" and self.groups and not scope.get("in_group") and self.chance(.15):
            iface = " -i " + self.pick(scope["ifaces"]) if scope["ifaces"] and self.chance(.3) else ""
            return off + "GROUP " + self.pick(self.groups) + iface
        action = self.pick(["ACCEPT", "DROP"] if direction == "FORWARD" else POLICIES)
        family, words = self.match(scope)
        if self.chance(.25):
            head = "%s %s(%s)" % (direction, self.pick(MACROS), action)
            if self.chance(.5):
                words = []
        else:
            head = "%s %s" % (direction, action)
            words += self.service(family)
        if scope["ifaces"] and self.chance(.2):
            words.append("-i " + self.pick(scope["ifaces"]))
        if self.chance(.3):
            words.append("-log " + self.pick(LEVELS))
        self.r.shuffle(words)
        return off + " ".join([head] + words) + ("  # note" if self.chance(.1) else "")

    def rules(self, scope, most):
        return [self.rule(scope) for _ in range(self.r.randrange(0, most * self.length))]

    def options(self, rows):
        """Some of (name, values)."""
        return ["%s: %s" % (name, self.pick(values)) for name, values in rows if self.chance(.4)]

    # ---- files ----

    @staticmethod
    def section(name, lines):
        return "[%s]\n\n%s\n\n" % (name, "\n".join(lines)) if lines else ""

    def cluster(self):
        for i in range(self.r.randrange(0, 5)):
            family = 4 if self.chance(.6) else 6
            self.aliases["al%d" % i] = family
        aliases = ["%s %s" % (n, self.address(f)) for n, f in self.aliases.items()]
        self.sets = ["set%d" % i for i in range(self.r.randrange(0, 4))]
        self.sets += [n for n in ("management", "blacklist") if self.chance(.3)]
        self.groups = ["grp%d" % i for i in range(self.r.randrange(0, 3))]
        options = ["enable: 1"] if self.chance(.95) else []
        options += self.options([("policy_in", POLICIES), ("policy_out", POLICIES), ("policy_forward", ["ACCEPT", "DROP"]),
                                 ("ebtables", ["0", "1"])])
        text = self.section("OPTIONS", options) + self.section("ALIASES", aliases)
        for name in self.sets:
            text += self.section("IPSET " + name, self.own_set(list(self.aliases)) or ["10.7.7.7"])
        host = {"directions": ["IN", "IN", "OUT", "FORWARD"], "ifaces": IFACES}
        text += self.section("RULES", self.rules(host, 6))
        for name in self.groups:
            scope = {"directions": ["IN", "OUT"], "ifaces": [], "in_group": True}
            text += self.section("group " + name, self.rules(scope, 5))
        self.files["firewall/cluster.fw"] = text

    def host(self):
        levels = [("log_level_in", LEVELS), ("log_level_out", LEVELS), ("smurf_log_level", LEVELS), ("tcp_flags_log_level", LEVELS)]
        options = self.options([("enable", ["1", "1", "1", "0"]), ("nosmurfs", "01"), ("tcpflags", "01"), ("ndp", "01"),
                                ("protection_synflood", "01"), ("nf_conntrack_allow_invalid", "01"), ("nftables", "01"),
                                ("nf_conntrack_helpers", [",".join(self.r.sample(HELPERS, 2)), "ftp"])] + levels)
        host = {"directions": ["IN", "IN", "OUT", "FORWARD"], "ifaces": IFACES}
        self.files["nodes/n1/host.fw"] = self.section("OPTIONS", options) + self.section("RULES", self.rules(host, 7))

    def guest(self, vmid):
        vm = self.chance(.6)
        nics = sorted(self.r.sample(range(0, 4), self.r.randrange(1, 4)))
        conf = []
        for n in nics:
            mac = "BC:24:11:%02X:%02X:%02X" % (vmid >> 8 & 255, vmid & 255, n if not self.chance(.03) else 0)
            bridge = self.pick(["vmbr0", "vmbr0", "vmbr1"] + self.vnets)
            words = "bridge=%s" % bridge + (",firewall=1" if self.chance(.85) else "")
            words += ",tag=%d" % self.pick([5, 100]) if bridge.startswith("vmbr") and self.chance(.2) else ""
            if vm:
                conf.append("net%d: virtio=%s,%s" % (n, mac, words))
            else:
                ip = self.pick(["", ",ip=dhcp", ",ip=10.0.0.%d/24" % (vmid % 250), ",ip=10.0.0.9/24,ip6=2001:db8::9/64"])
                conf.append("net%d: name=eth%d,hwaddr=%s,%s%s,type=veth" % (n, n, mac, words, ip))
        self.files["nodes/n1/%s/%d.conf" % ("qemu-server" if vm else "lxc", vmid)] = "\n".join(conf) + "\n"
        if self.chance(.1):
            return
        keys = ["net%d" % n for n in nics]
        sets = [n for n in ["own"] + ["ipfilter-" + k for k in keys] if self.chance(.3)]
        aliases = {f: ["own%d" % f] for f in (4, 6) if self.chance(.3)}
        options = ["enable: 1"] if self.chance(.93) else []
        options += self.options([("policy_in", POLICIES), ("policy_out", POLICIES), ("dhcp", "01"), ("ndp", "01"), ("radv", "01"),
                                 ("macfilter", "01"), ("ipfilter", "01"), ("log_level_in", LEVELS), ("log_level_out", LEVELS)])
        options += ["ips: 1"] if self.chance(.15) else []
        options += ["ips_queues: %s" % self.pick(["0", "3", "0:3"])] if self.chance(.1) else []
        options += ["layer2_protocols: %s" % self.pick(["ARP", "IPv4,ARP", "802_1Q,ARP"])] if self.chance(.1) else []
        text = self.section("OPTIONS", options)
        text += self.section("ALIASES", ["%s %s" % (n, "10.0.0.77" if f == 4 else "2001:db8::77") for f, ns in aliases.items() for n in ns])
        for name in sets:
            text += self.section("IPSET " + name, [e for e in self.own_set(list(self.aliases)) if "/1" not in e] or ["10.7.7.8"])
        scope = {"directions": ["IN", "OUT"], "ifaces": keys, "sets": [s for s in sets if s == "own"], "aliases": aliases}
        text += self.section("RULES", self.rules(scope, 9))
        self.files["firewall/%d.fw" % vmid] = text

    def vnet(self, name):
        options = self.options([("enable", ["1", "1", "0"]), ("policy_forward", ["ACCEPT", "DROP"]), ("log_level_forward", LEVELS)])
        scope = {"directions": ["FORWARD"], "ifaces": []}
        self.files["sdn/firewall/%s.fw" % name] = self.section("OPTIONS", options) + self.section("RULES", self.rules(scope, 5))

    def corosync(self):
        self.files["corosync.conf"] = """totem {
  version: 2
  cluster_name: c
  transport: %s
}
nodelist {
  node {
    name: n1
    nodeid: 1
    quorum_votes: 1
    ring0_addr: 192.168.0.5
  }
  node {
    name: n2
    nodeid: 2
    quorum_votes: 1
    ring0_addr: %s
  }
}
""" % (self.pick(["knet", "udp", "udpu"]), self.pick(["192.168.0.6", "fd00::5"]))

    def make(self):
        self.vnets = ["vnet%d" % i for i in range(self.r.randrange(0, 3))] if self.chance(.3) else []
        self.cluster()
        self.host()
        for vmid in self.r.sample(range(100, 110), self.r.randrange(0, 4)):
            self.guest(vmid)
        for name in self.vnets:
            if self.chance(.8):
                self.vnet(name)
        if self.chance(.2):
            self.corosync()
        return self.files


def main():
    folder, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    length = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    for seed in range(first, first + count):
        for path, text in Tree(seed, length).make().items():
            path = os.path.join(folder, "%d" % seed, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)


main()
