#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes configuration trees whose values lie at the limits of what can be written and loaded.

usage: trees.py SEED [DIR]

Prints the tree of SEED (any text), or writes it below DIR. The same seed and the same tables give the same bytes.

What there is to write comes from the compiler's own tables (options, macros, ICMP types, helpers, log levels, limits) and
from tests/cases/etc, with lines at borders added: a new row is used without a change here, and an option of a new type ends the
program. Numbers, lengths and counts are taken from lists of borders. Half of the trees hold values up to the limits only; the
others hold some beyond. Values at a limit of compiler/lang/limits.def, and the first beyond, are noted in `used`, as are rows.
"""
import ipaddress
import os
import random
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NODE = "n1"
NOW = 1700000000
INT64_MAX = (1 << 63) - 1
MODELS = ["virtio", "e1000", "e1000-82540em", "e1000e", "i82551", "ne2k_pci", "pcnet", "rtl8139", "vmxnet3"]
ACTIONS = ["ACCEPT", "DROP", "REJECT"]
PORT_PROTOCOLS = ["tcp", "udp", "udplite", "sctp", "dccp", "6", "17", "136", "132", "33"]
NAMES = ("ALIAS_NAME", "SET_NAME", "GROUP_NAME")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
NAME_CHARACTERS = LETTERS + LETTERS.upper() + "0123456789_-"

# Powers of two and ten, and numbers that a tool or the kernel is known to end at.
NUMBERS = sorted({n + d for n in [1 << b for b in range(0, 65)] + [10 ** e for e in range(1, 20)] + [15, 28, 60, 7875]
                  for d in (-1, 0, 1)})


# ---- the tables ----

def rows(path, *macros):
    """Rows of a .def file, as lists of the texts between the commas."""
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/|^\s*#.*?(?<!\\)$", "", file.read(), flags=re.S | re.M)
    for match in re.finditer(r"\b(%s)\(((?:[^()\"]|\"(?:[^\"\\]|\\.)*\"|\([^()]*\))*)\)" % "|".join(macros), text):
        yield [match[1]] + [part.strip() for part in re.findall(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+', match[2])]


def unquote(text):
    return text[1:-1] if text.startswith('"') else text


def limits():
    """The values in the table of limits, by name."""
    return {"LIMIT_" + row[1]: int(row[2], 0) for row in rows("compiler/lang/limits.def", "LIMIT") if row[2][0].isdigit()}


# Lines that the files in /etc have beside those of tests/cases/etc.
ETC = {
    "services": ["zero 0/tcp", "highest 65535/tcp", "highest 65535/udp", "%s 9/tcp" % ("l" * 60), "a-b 10/tcp", "9p 564/tcp",
                 "dotted.name 12/udp"],
    "protocols": ["highest 255 HIGHEST", "fc 133 FC", "%s 254 L" % ("l" * 40)],
    "ethertypes": ["ZERO 0000", "LENGTH 05FF", "LEAST 0600", "NEXT 0601", "HIGHEST FFFF", "%s 0602" % ("l" * 40)],
}


def etc_file(name):
    """The text of a file in /etc."""
    with open(os.path.join(TOP, "tests/cases/etc", name), encoding="utf-8") as file:
        return file.read() + "".join(line + "\n" for line in ETC[name])


def columns(name):
    """The lines of a file as in /etc, without comments, as lists of words."""
    lines = (line.split("#")[0].split() for line in etc_file(name).splitlines())
    return [line for line in lines if len(line) >= 2]


class Facts:
    def __init__(self):
        self.limits = limits()
        numbers = {"INT64_MAX": INT64_MAX, **self.limits}
        self.options = {kind: [] for kind in ("CLUSTER", "HOST", "GUEST", "VNET")}
        for macro, _, key, type_, _, _, least, most, *_ in rows(
                "compiler/lang/options.def", *("OPTION_" + kind for kind in self.options)):
            if not key.startswith('"'):
                continue  # the definition of the macro
            limit = most[6:] if most in self.limits else None
            least, most = (numbers[text] if text in numbers else int(text) for text in (least, most))
            self.options[macro[7:]].append((unquote(key), type_, least, most, limit))
        self.macros = [(unquote(r[1]), r[2]) for r in rows("compiler/lang/macros.def", "MACRO") if r[1].startswith('"')]
        self.icmp = {version: [unquote(r[2]) for r in rows("compiler/lang/icmp_types.def", "ICMP_TYPE") if r[1] == version]
                     for version in ("IPV4", "IPV6")}
        self.helpers = [unquote(r[1]) for r in rows("compiler/lang/helpers.def", "HELPER")]
        self.levels = [unquote(r[2]) for r in rows("compiler/lang/log_levels.def", "LOG_LEVEL")]
        self.parameters = {r[1]: [unquote(s) for s in r[2:5] if s != "NULL"]
                           for r in rows("compiler/lang/rule_params.def", "PARAM")}
        self.services = {}
        for name, port, *_ in columns("services"):
            self.services.setdefault(port.split("/")[1], []).append(name)
        self.protocols = [word for name, number, *_ in columns("protocols") if int(number) < 256
                          for word in (name, number)] + ["icmpv6"]
        self.ethertypes = [word for name, number, *_ in columns("ethertypes") for word in (name, number)]
        for what in (self.limits, *self.options.values(), self.macros, *self.icmp.values(), self.helpers, self.levels,
                     self.parameters, self.services, self.protocols, self.ethertypes):
            assert what, "a table cannot be read"


# ---- values ----

class Values:
    """Random values of each kind, with a liking for those at a limit."""

    def __init__(self, facts, seed):
        self.facts = facts
        self.r = random.Random("pvefw limits %s" % seed)
        self.strict = self.r.random() < .5  # nothing that is known to be wrong
        self.used = set()  # what the coverage is counted by

    def chance(self, probability):
        return self.r.random() < probability

    def beyond(self, probability=.12):
        return not self.strict and self.chance(probability)

    def pick(self, what, choices):
        """One of the choices; that it was used is noted."""
        choice = self.r.choice(choices)
        self.used.add((what, choice))
        return choice

    def mark(self, limit, number):
        """Notes that a number is at a limit, or is the first beyond it; returns the number."""
        value = self.facts.limits.get("LIMIT_%s" % limit)
        if value is not None:
            step = -1 if limit.endswith("_LEAST") else 1
            if number == value:
                self.used.add(("limit", limit + ", at"))
            if number == value + step:
                self.used.add(("limit", limit + ", beyond"))
        return number

    def border(self, least, most, *more):
        """A number from least to most, most likely one at a border."""
        if self.chance(.25):
            return self.r.randint(least, min(most, least + 1000))
        near = [n for n in (least, least + 1, most - 1, most, *more) if least <= n <= most]
        if self.chance(.5):
            near = [n for n in NUMBERS + [n + d for n in self.facts.limits.values() for d in (-1, 0, 1)]
                    if least <= n <= most] or near
        return self.r.choice(near)

    def number(self, least, most, limit=None):
        number = self.any_number(least, most)
        if number.isdigit() and len(number) < 30:
            self.mark(limit, int(number))
        return number

    def any_number(self, least, most):
        if self.beyond(.04):
            return str(most + 1)
        if self.beyond():
            return self.r.choice([str(least - 1), str(most + 1), str(1 << 31), str(1 << 32), str(INT64_MAX), str(1 << 63),
                                  str((1 << 64) - 1), str(1 << 64), "1" + "0" * 30, "-1", "+1", "0x10", "1.5", "1e3", "",
                                  "007", "9" * 1025])
        if self.beyond(.05):
            return "0" * self.r.choice([1, 9, 300]) + str(self.border(least, most))
        return str(self.border(least, most))

    def length(self, least, most, *more):
        """The length of a name."""
        if self.beyond():
            return self.r.choice([max(least - 1, 0), most + 1, most + 2, 255, 256])
        return self.border(least, most, *more)

    def name(self, limit, *more, characters=NAME_CHARACTERS):
        """A name with as many characters as a limit, or a number, says at most; more: other lengths worth trying."""
        length = self.length(2, self.facts.limits["LIMIT_" + limit] if limit in NAMES else limit, *more)
        self.mark(limit if limit in NAMES else None, length)
        if not length:
            return ""
        name = self.r.choice(LETTERS) + "".join(self.r.choices(characters, k=length - 1))
        if self.beyond(.04):
            name = name[:-1] + self.r.choice(["é", ".", "+", "'", "\"", "\\", "$", "!", "%s", "(", "*"])
        return name

    def alike(self, names):
        """The names and perhaps one more that differs from another in a way that something may not tell apart."""
        if names and names[0] and self.chance(.2):
            name = names[0]
            names.append(self.r.choice([name[:-1] + ("_" if name[-1] == "-" else "-"), name.replace("-", "_"),
                                        name[:-1] + "x", name[0] + "0" * (len(name) - 1)] +
                                       ([] if self.strict else [name, name.upper()])))
        return names

    def comment(self, probability=.15):
        if not self.chance(probability):
            return ""
        length = self.r.choice([0, 1, 10, 79, 126, 127, 128, 129, 253, 254, 255, 256, 257, 300, 1023, 1024, 5000])
        alphabet = self.r.choice(["x", "ab ", "é", "€漢字", "😀", "\"", "\\", "'`$(){};|&", "%s%n", "\t ", "# ", "-A x -j y "])
        if self.beyond(.1):
            alphabet += self.r.choice(["\x01", "\x1b[31m", "\x7f", "\r", "\x85", "\u202e"])
        text = "".join(self.r.choices(alphabet, k=length))
        return self.r.choice([" # ", " #", "# "]) + text

    # addresses

    def ip4(self, length=None):
        """An address, of `length` characters (7 to 15)."""
        if length is None and self.chance(.2):
            return self.r.choice(["0.0.0.0", "255.255.255.255", "127.0.0.1", "224.0.0.1", "169.254.0.1", "0.0.0.1", "1.1.1.1",
                                  "100.100.100.100", "223.255.255.255", "240.0.0.0"])
        if length is None:
            return "%d.%d.%d.%d" % (self.r.choice([1, 10, 172, 192, 203]), *self.r.choices(range(256), k=3))
        digits = [1, 1, 1, 1]
        while sum(digits) < length - 3:
            at = self.r.randrange(4)
            digits[at] += digits[at] < 3
        return ".".join(str(self.r.randint(*[(1, 9), (10, 99), (100, 223)][d - 1])) for d in digits)

    def ip6(self, length=None):
        """An address, of `length` characters (3 to 39)."""
        if length is None and self.chance(.45):
            return self.pick("ip6", ["::", "::1", "::ffff:10.1.2.3", "::ffff:0:0", "::ffff:a01:203", "::10.1.2.3", "64:ff9b::1",
                                     "fe80::1", "ff02::1", "2001:DB8::A", "2001:db8:0:0:0:0:0:1", "2001:0db8::0001",
                                     "0000:0000:0000:0000:0000:ffff:255.255.255.255", "2001:db8:0:1:1:1:1:1",
                                     "2001:db8::1:1:1:1:1", "2001:0:0:1:0:0:0:1", "1::", "1:2:3:4:5:6:7::",
                                     "::2:3:4:5:6:7:8", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:0.0.0.0", "2002::",
                                     "::ffff:0:10.1.2.3"] + ([] if self.strict else ["::1.2"]))
        if length is None:
            return "2001:db8:%x::%x" % (self.r.getrandbits(16), self.r.getrandbits(16) or 1)
        groups, start = (8, "") if length >= 15 else ((length + 3) // 5, "::")
        digits = [1] * groups
        while sum(digits) < length - len(start) - (groups - 1):
            at = self.r.randrange(groups)
            digits[at] += digits[at] < 4
        return start + ":".join("%x" % self.r.randint(1 << 4 * (d - 1), (1 << 4 * d) - 1) for d in digits)

    def address(self, version):
        if self.beyond(.05):
            return self.r.choice(["10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1.1", ":::", "1:2:3:4:5:6:7:8:9", "fe80::1%eth0",
                                  "::ffff:10.0.0.256", "2001:db8::12345", "0x0a000001", "167772161", "localhost", "é",
                                  "1.2.3.4" * 200])
        return self.ip4() if version == 4 else self.ip6()

    def prefix_length(self, version, least=0):
        widest = 32 if version == 4 else 128
        if self.beyond(.08):
            return self.r.choice(["", str(widest + 1), "-1", "999999999999", "08", "255.255.255.0", "0"])
        return str(self.r.choice([n for n in (0, 1, 8, 10, 16, 24, 31, 32, 63, 64, 96, 127, 128) if least <= n <= widest]))

    def network(self, version, least=0, masked=False):
        """ADDRESS[/LENGTH]; without host bits if `masked`."""
        address = self.address(version)
        if self.chance(.4):
            return address
        length = self.prefix_length(version, least)
        if masked and length.isdigit():
            address = self.mask(version, address, int(length))
        return "%s/%s" % (address, length)

    @staticmethod
    def mask(version, address, length):
        try:
            network = ipaddress.ip_network("%s/%d" % (address, length), strict=False)
            return str(network.network_address)
        except ValueError:
            return address

    def range(self, version):
        ends = [self.address(version), self.address(version if not self.beyond() else 10 - version)]
        try:
            ends.sort(key=ipaddress.ip_address, reverse=self.beyond())
        except (ValueError, TypeError):
            pass
        if self.chance(.1):
            ends[1] = ends[0]
        return "-".join(ends)

    def address_list(self, version):
        """A comma list, of a certain number of addresses, or of a certain number of characters. Most are short: iptables
        makes a rule of each pair of a source and a destination."""
        if self.chance(.85):
            count = self.r.choice([1, 1, 1, 2, 3] if self.chance(.7) else [15, 16, 17, 63, 64, 65, 127, 128, 129, 256])
            if self.chance(.2):
                return ",".join([self.network(version, 1, True)] * count)  # all the same
            return ",".join(self.network(version, 1, True) for _ in range(count))
        self.used.add(("list", "characters"))
        total = self.r.choice([n for n in self.facts.limits.values() if 100 < n < 10000] + [255, 256, 1023, 1024, 2048, 4096, 8192])
        total += self.r.choice([-1, 0, 1, 2])
        make, least, most = (self.ip4, 7, 15) if version == 4 else (self.ip6, 3, 39)
        addresses = []
        left = total
        while left > most:
            addresses.append(make(self.r.randint(least, min(most, left - 1 - least))))
            left -= len(addresses[-1]) + 1
        addresses = ",".join(addresses + [make(max(left, least))])
        self.mark("ARGUMENT", len(addresses))
        return addresses

    # ports

    def port(self, protocol):
        if self.beyond(.05):
            return self.r.choice(["65536", "0", "-1", "nosuchservice", "80:", ":80", "90:80", "1:2:3", "0x50", "8O", "80-90"])
        if self.chance(.3):
            services = self.facts.services.get(protocol if protocol in self.facts.services else "tcp", [])
            if protocol in self.facts.services:
                return self.pick("service", services)
        if self.chance(.4):
            ends = sorted([self.border(0, 65535, 1024), self.border(0, 65535)])
            return "%d:%d" % tuple(ends)
        return self.number(1, 65535, "PORT")

    def ports(self, protocol):
        count = self.r.choice([1, 1, 2, 6, 7, 8, 13, 14, 15] + ([] if self.strict else [16, 17, 30]))
        items = [self.port(protocol) for _ in range(count)]
        if self.chance(.05):
            items = [items[0]] * len(items)
        while self.strict and sum(2 if ":" in item else 1 for item in items) > 15:
            items.pop()
        self.mark("PORTS_OF_LIST", sum(2 if ":" in item else 1 for item in items))
        if self.beyond(.05):
            items.append("")
        return ",".join(items)

    # names of the machine

    def interface(self):
        name = self.any_interface()
        self.mark("IFACE_NAME", len(name))
        return name

    def any_interface(self):
        if self.beyond():
            return self.r.choice(["", "1eth", "eth-0", "e", "eth+", "!lo", "-i", "a" * 16, "a" * 21, "a" * 22, "a" * 256, "é" * 3,
                                  "eth0.", "eth0:x", "a" * 21 + ":" + "1" * 30, "eth/0", "eth 0"])
        base = self.r.choice(["lo", "eth0", "vmbr0", "en"]) if self.chance(.3) else \
            self.r.choice(LETTERS) + "".join(self.r.choices(LETTERS + LETTERS.upper() + "0123456789_",
                                                            k=self.r.choice([1, 8, 12, 13, 14])))
        suffix = self.r.choice(["", "", ":1", ".4094"])
        if len(base + suffix) > 15:
            suffix = ""
        return base + suffix

    def mac(self):
        if self.beyond(.05):
            return self.r.choice(["01:00:00:00:00:01", "02:00:00:00:00", "02:00:00:00:00:0g", "2:0:0:0:0:1", "", "02-00-00-00-00-01",
                                  "FF:FF:FF:FF:FF:FF"])
        octets = [self.r.choice([0, 2, 4, 0xbc, 0xfe])] + [self.r.choice([0, 1, 0x0a, 0xff, self.r.randrange(256)])
                                                           for _ in range(5)]
        return ":".join(self.r.choice(["%02x", "%02X"]) % octet for octet in octets)


# ---- a tree ----

class Tree(Values):
    """files: bytes by path; arguments: options for the compiler."""

    def __init__(self, facts, seed):
        super().__init__(facts, seed)
        self.files = {}
        self.arguments = ["--node", NODE, "--now", str(NOW)]
        self.aliases, self.sets, self.groups, self.sdn_sets = [], [], [], []
        self.pairs = self.chance(.004 if self.strict else .03)  # a rule with as many pairs of addresses as there may be
        self.many = self.chance(.02)  # a set with more entries than fit into a small one
        self.write_sdn()
        self.write("firewall/cluster.fw", self.cluster())
        self.write("nodes/%s/host.fw" % NODE, self.options("HOST") + self.rules("HOST", [], []))
        self.write_guests()
        if self.chance(.3):
            self.write("corosync.conf", self.corosync())
        if self.chance(.4):
            self.arguments += ["--local-network", self.network(self.r.choice([4, 6]), 1, True)
                               if self.chance(.8) else self.r.choice(["0.0.0.0/0", "::/0", "::ffff:0:0/96"])]
            self.strip_bad_local_network()
        for name in self.altnames:
            self.arguments += ["--altname", "%s=%s" % (name, self.r.choice(["eth0", "enp0s31f6", "a" * 15]))]

    def strip_bad_local_network(self):
        """A network that cannot be read ends the program, as it is no line of the tree."""
        try:
            ipaddress.ip_network(self.arguments[-1], strict=False)
            readable = not re.search(r"/0.|/.*\.|%", self.arguments[-1])
        except ValueError:
            readable = False
        if not readable:
            del self.arguments[-2:]

    altnames = ()

    def write(self, path, lines):
        text = "\n".join(lines) + "\n"
        if self.beyond(.05):  # what is read in order comes in another one
            sections = re.split(r"^(?=\[)", text, flags=re.M)
            self.r.shuffle(sections)
            text = "".join(sections)
        data = text.encode("utf-8", "surrogateescape")
        if self.beyond(.02):
            data = data.replace(b"\n", b"\r\n")
        if self.beyond(.02):
            at = self.r.randrange(len(data))
            data = data[:at] + self.r.choice([b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80"]) + data[at:]
        self.files[path] = data

    # options

    def option_value(self, type_, least, most, limit):
        return {
            "NUMBER": lambda: self.number(least, most, limit),
            "BOOL": lambda: self.r.choice("01") if not self.beyond() else self.r.choice(["2", "", "yes", "00", "-1"]),
            "POLICY": lambda: self.policy(ACTIONS),
            "POLICY_FORWARD": lambda: self.policy(ACTIONS[:2] if self.strict else ACTIONS),
            "RATELIMIT": self.ratelimit,
            "LOGLEVEL": lambda: self.level(),
            "HELPERS": self.helper_list,
            "QUEUES": lambda: self.queues(most),
            "LAYER2": self.layer2,
        }[type_]()

    def policy(self, choices):
        return self.r.choice(choices) if not self.beyond() else self.r.choice(["accept", "DENY", "", "ACCEPT DROP"])

    def level(self):
        if self.beyond():
            return self.r.choice(["", "loud", "7", "INFO", "err,info"])
        return self.pick("level", self.facts.levels)

    def ratelimit(self):
        parts = []
        burst = "5"
        if self.chance(.8):
            parts.append(self.r.choice(["enable=", ""]) + self.r.choice(["1", "0", "on", "off", "yes", "no", "true", "false"]
                                                                        if self.chance(.3) else ["1"]))
        if self.chance(.7):
            burst = self.number(0, 10000, "LOG_BURST")
            parts.append("burst=" + burst)
        if self.chance(.7):
            unit = self.pick("unit", ["second", "minute", "hour", "day"])
            seconds = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}[unit]
            rate = self.number(1, 10000 * seconds, "LOG_RATE" if seconds == 1 else None) if not self.beyond(.25) else \
                str(self.mark("LOG_RATE", 10000 * seconds + 1))
            refill = self.facts.limits.get("LIMIT_LOG_REFILL", 100000)
            if burst.isdigit() and 0 < int(burst) <= 10000 and (self.strict or self.chance(.5)):
                # the rate that just makes up for the burst in time
                least = -(-seconds * int(burst) // refill)
                if self.strict:
                    rate = str(max(int(rate), least + 1))
                if self.chance(.5):
                    rate = str(max(least + self.r.choice([1, 2] if self.strict else [-1, 0, 1]), 1))
                if rate.isdigit():
                    self.used.add(("limit", "LOG_REFILL, " + ("at" if int(rate) * refill >= int(burst) * seconds else "beyond")))
            parts.append("rate=%s/%s" % (rate, unit if not self.beyond() else self.r.choice(
                ["sec", "s", "week", "", "SECOND"])))
        if self.beyond(.05):
            parts.append(self.r.choice(["rate=1", "burst", "burst=1", "enable=1", "", "x=1", "rate=/second"]))
        if self.beyond(.1):
            self.r.shuffle(parts)
        return ",".join(parts) or "1"

    def helper_list(self):
        count = self.r.choice([1, 2, len(self.facts.helpers), len(self.facts.helpers)])
        helpers = self.r.sample(self.facts.helpers, count)
        if self.chance(.1):
            helpers += helpers
        if self.beyond():
            helpers.append(self.r.choice(["h323", "", "ftp ", "FTP", "é"]))
        for helper in helpers:
            self.used.add(("helper", helper))
        return ",".join(helpers)

    def queues(self, most):
        if self.beyond():
            self.mark("QUEUE", 65536)
            self.mark("QUEUE_OF_RANGE", 65535)
            return self.r.choice(["65536", "0:65536", "3:65535", "3:2", "-1", "1:", ":1", "1:2:3", "", "4294967296", "x", "0:65535"])
        if self.chance(.4):
            return str(self.mark("QUEUE", self.border(0, most)))
        most = self.facts.limits.get("LIMIT_QUEUE_OF_RANGE", most)
        first = self.border(0, most)
        last = self.mark("QUEUE_OF_RANGE", self.border(first, most))
        return "%d:%d" % (first, first if self.chance(.1) else last)

    def layer2(self):
        if self.chance(.2):
            names = list(self.facts.ethertypes)
            if self.strict:
                names = self.without_lengths(names)
        else:
            names = [self.pick("ethertype", self.facts.ethertypes) for _ in range(self.r.choice([1, 2, 15, 16, 40]))]
            if self.strict:
                names = self.without_lengths(names) or ["IPv4"]
        for name, number, *_ in columns("ethertypes"):
            if name in names:
                self.mark("ETHERTYPE_LEAST", int(number, 16))
        if self.beyond():
            names.append(self.r.choice(["0x10000", "0x0", "0x05ff", "0x600", "65536", "2048", "NoSuch", "", "0xffff", "LENGTH"]))
        return ",".join(names)

    @staticmethod
    def without_lengths(names):
        """The names without those of numbers that stand for a length."""
        lengths = {word for name, number, *_ in columns("ethertypes") if int(number, 16) <= 0x600 for word in (name, number)}
        return [name for name in names if name not in lengths]

    def options(self, kind, always=()):
        share = self.r.choice([0, .1, .3, .9])
        lines = ["[OPTIONS]"]
        for key, type_, least, most, limit in self.facts.options[kind]:
            for fixed, value in always:
                if key == fixed and self.chance(.96):
                    lines.append("%s: %s" % (key, value))
                    break
            else:
                if self.chance(max(share, .3) if type_ in ("RATELIMIT", "QUEUES", "NUMBER") else share):
                    self.used.add(("option", kind + " " + key))
                    lines.append("%s:%s%s" % (key, self.r.choice([" ", "", "  ", "\t"]),
                                              self.option_value(type_, least, most, limit)))
        if self.beyond(.05):
            lines.append(self.r.choice(["nosuch: 1", "enable 1", "enable: 1 # on", ": 1", "x" * 300 + ": 1", "enable : 1"]))
        return lines

    # aliases and sets

    def alias_lines(self, aliases):
        lines = ["[ALIASES]"]
        for _ in range(self.r.choice([0, 2, 5])):
            name = self.name("ALIAS_NAME", 3)
            version = self.r.choice([4, 6])
            lines.append("%s %s%s" % (name, self.network(version, 0 if self.beyond() else 1, self.chance(.8)), self.comment()))
            aliases.append((name, version))
        if self.chance(.05):
            lines.append("local_network " + self.network(self.r.choice([4, 6]), 1, True))
        return lines

    def entry(self, aliases, guest):
        roll = self.r.random()
        if roll < .15 and aliases:
            name = self.r.choice(aliases)[0]
            return self.reference([name], "guest/" if guest else "dc/")
        if self.beyond(.05):
            self.mark("SET_PREFIX_LEAST", 0)
            return self.r.choice(["0.0.0.0/0", "::/0", self.range(4), "10.0.0.1 10.0.0.2", "dc/nosuch", "+set", "", "! ! 10.0.0.1"])
        entry = self.network(self.r.choice([4, 6]), 1, self.chance(.5))
        if entry.endswith("/1"):
            self.mark("SET_PREFIX_LEAST", 1)
        return entry

    def set_lines(self, name, aliases, guest):
        lines = ["[IPSET %s]%s" % (name, self.comment(.1))]
        count = self.r.choice([0, 1, 1, 2, 5, 10])
        if self.chance(.05):
            count = self.r.choice([62, 63, 64, 65, 127, 128, 129, 255, 256, 257])
        if self.many:
            self.many = False
            count = (1 << self.r.choice([9, 10, 11, 12, 13] if self.chance(.9) else [14, 15, 16])) + self.r.choice([-1, 0, 1])
            self.used.add(("set", "many"))
            only = self.r.choice([4, 6, None])
            for number in range(count):
                version = only or self.r.choice([4, 6])
                lines.append("10.%d.%d.%d" % (number >> 16, number >> 8 & 255, number & 255) if version == 4
                             else "2001:db8::%x" % (number + 1))
            return lines
        for _ in range(count):
            entry = self.entry(aliases, guest)
            lines.append(self.r.choice([""] * 6 + ["!", "! "]) + entry + self.comment(.05))
            if self.chance(.06):  # once more, in another spelling
                whole = "" if "/" in entry or not re.search("[.:]", entry) else "/128" if ":" in entry else "/32"
                lines.append(self.r.choice([entry, "! " + entry, entry + whole,
                                                 entry.upper() + whole if ":" in entry else entry]))
        return lines

    # rules

    def reference(self, names, scope, unknown="nosuch"):
        """One of the names, perhaps with its scope; a reference may be too long with it."""
        if not names or self.beyond(.05):
            return self.r.choice([unknown, scope + unknown])
        name = self.r.choice(names)
        return scope + name if self.chance(.5) and len(scope + name) <= (64 if self.strict else 99) else name

    def endpoint(self, version, kind, aliases, sets):
        """What -source and -dest take."""
        roll = self.r.random()
        names, scope = (sets, "guest/") if kind == "GUEST" and sets and self.chance(.5) else (self.sets, "dc/")
        if roll < .2 and names:
            return "+" + self.reference([name.lower() for name in names], scope)
        if roll < .3 and self.sdn_sets:
            return "+" + self.reference(self.sdn_sets, "sdn/")
        if roll < .45:
            names, scope = (aliases, "guest/") if kind == "GUEST" and aliases and self.chance(.5) else (self.aliases, "dc/")
            names = [name for name, of in names if of == version]
            if names:
                return self.reference(names, scope)
        if roll < .6:
            return self.range(version)
        return self.address_list(version)

    def parameter(self, which, value):
        spellings = self.facts.parameters[which]
        self.used.add(("parameter", which))
        gap = self.r.choice(["  ", "\t", ""]) if self.beyond(.01) else " "
        return "%s%s%s" % (self.r.choice(spellings), gap, value)

    def match(self, macro):
        """-p and what goes with it; the IP version that it fixes, or None."""
        roll = self.r.random()
        if macro:
            return [], None
        if roll < .2:
            return [], None
        if roll < .7:
            protocol = self.pick("port protocol", PORT_PROTOCOLS)
            parts = [self.parameter("PROTO", protocol)]
            if self.chance(.7):
                parts.append(self.parameter("DPORT", self.ports(protocol)))
            if self.chance(.4):
                parts.append(self.parameter("SPORT", self.ports(protocol)))
            return parts, None
        if roll < .85:
            version = self.r.choice([4, 6])
            protocol = "icmp" if version == 4 else self.r.choice(["icmpv6", "ipv6-icmp"])
            types = self.facts.icmp["IPV%d" % version]
            if protocol != "ipv6-icmp" and self.chance(.3):
                value = self.pick("ICMP type %d" % version, types) if self.chance(.5) else self.number(0, 255, "ICMP_TYPE")
                return [self.parameter("PROTO", protocol), self.parameter("DPORT", value)], version
            value = self.pick("ICMP type %d" % version, types) if not self.beyond() else \
                self.r.choice(["8", "256", "nosuch", "3/1", types[0].upper(), "echo-request"])
            return [self.parameter("PROTO", protocol), self.parameter("ICMP_TYPE", value)], version
        protocol = self.pick("protocol", self.facts.protocols) if not self.beyond() else \
            self.r.choice([str(self.r.randrange(256)), "256", "all", "nosuch", "TCP", "-1", "!tcp"])
        version = {"icmp": 4, "icmpv6": 6, "ipv6-icmp": 6}.get(protocol)
        return [self.parameter("PROTO", protocol)], version

    def group_rule(self, kind):
        line = "GROUP " + self.reference([name.lower() for name in self.groups], "", self.r.choice(["nosuch", "a" * 19, ""]))
        if kind in ("CLUSTER", "HOST") and self.chance(.3):
            line += " " + self.parameter("IFACE", self.interface())
        return line

    def rule(self, kind, aliases, sets):
        if kind != "GROUP" and self.groups and self.chance(.15):
            line = self.group_rule(kind)
        else:
            direction = {"VNET": ["FORWARD"], "GUEST": ["IN", "OUT"]}.get(kind, ["IN", "IN", "OUT", "OUT", "FORWARD"])
            type_ = self.r.choice(direction)
            action = self.r.choice(ACTIONS[:2] if type_ == "FORWARD" and self.strict else ACTIONS)
            macro = self.pick("macro", [m[0] for m in self.facts.macros]) if self.chance(.2) else None
            versions = dict(self.facts.macros)[macro] if macro else ""
            parts, version = self.match(macro)
            if versions in ("IPV4", "IPV6"):
                version = int(versions[3])
            version = version or self.r.choice([4, 6])
            if self.pairs and kind in ("CLUSTER", "HOST") and type_ != "FORWARD" and not macro:  # as many rules as one line may make
                self.pairs = False
                counts = 256, self.facts.limits.get("LIMIT_RULES_OF_LINE", 65536) // 256 + (not self.strict)
                self.used.add(("limit", "RULES_OF_LINE, " + ("at" if self.strict else "beyond")))
                version, parts = 4, []
                for which, count in zip(("SOURCE", "DEST"), counts):
                    parts.append(self.parameter(which, ",".join("1.1.%d.%d" % (n >> 8, n & 255) for n in range(count))))
            for which in ("SOURCE", "DEST") if not any("1.1.0.255" in part for part in parts) else ():
                if self.chance(.35):
                    parts.append(self.parameter(which, self.endpoint(version if not self.beyond(.02) else 10 - version,
                                                                     kind, aliases, sets)))
            if self.chance(.2):
                parts.append(self.parameter("LOG", self.level()))
            if kind in ("CLUSTER", "HOST") and self.chance(.25):
                parts.append(self.parameter("IFACE", self.interface()))
            if kind == "GUEST" and self.chance(.2):
                parts.append(self.parameter("IFACE", "net" + self.number(0, 31)))
            self.r.shuffle(parts)
            line = " ".join([type_, "%s(%s)" % (macro, action) if macro else action] + parts)
        return ("|" if self.chance(.03) else "") + line + self.comment()

    def rules(self, kind, aliases, sets):
        count = self.r.choice([0, 3, 10, 20])
        return ["[RULES]"] + [self.rule(kind, aliases, sets) for _ in range(count)]

    # files

    def cluster(self):
        if self.chance(.2):
            self.altnames = [self.interface() for _ in range(2)]
            self.altnames = [n for n in self.altnames if re.fullmatch(r"[A-Za-z][\w.:]+", n)]
        self.groups = self.alike([self.name("GROUP_NAME") for _ in range(self.r.choice([0, 1, 3]))])
        enable = [("enable", "1" if self.chance(.97) else str(NOW - 60 + self.r.choice([-1, 0, 1])))]
        lines = self.options("CLUSTER", enable)
        lines += self.alias_lines(self.aliases)
        names = self.alike([self.name("SET_NAME", 13, 14, 15, 16, 17, 18) for _ in range(self.r.choice([0, 1, 4]))])
        names += [n for n in ("management", "blacklist") if self.chance(.3)]
        for name in names:
            lines += self.set_lines(name, self.aliases, False)
        self.sets += names
        lines += self.rules("CLUSTER", self.aliases, self.sets)
        for name in self.groups:
            lines.append("[group %s]%s" % (name, self.comment(.1)))
            lines += [self.rule("GROUP", self.aliases, self.sets) for _ in range(self.r.choice([0, 1, 5]))]
        return lines

    def nic(self, container, index):
        if container:
            parts = ["name=" + self.r.choice(["eth%d" % index, "e", "a" * 15]), "hwaddr=" + self.mac()]
            if self.chance(.5):
                parts.append("ip=" + (self.ip4() + "/" + self.prefix_length(4, 1) if self.chance(.8)
                                      else self.r.choice(["dhcp", "manual"])))
            if self.chance(.5):
                parts.append("ip6=" + (self.ip6() + "/" + self.prefix_length(6, 1) if self.chance(.8)
                                       else self.r.choice(["auto", "dhcp", "manual"])))
        else:
            parts = ["%s=%s" % (self.pick("model", MODELS), self.mac())]
            if self.chance(.2):
                parts = ["model=virtio", "macaddr=" + self.mac()]
        bridges = ["vmbr0", "v" * 14, "v" * 15] + (["v" * 16, "", "vmbr 0"] if self.beyond() else []) + list(self.vnets)
        parts.append("bridge=" + self.r.choice(bridges))
        parts.append("firewall=" + self.r.choice(["1", "1", "1", "on", "0"]))
        if self.chance(.3):
            parts.append("tag=" + self.number(1, 4094))
        if self.chance(.1):
            parts.append("trunks=" + ";".join(self.number(1, 4094) for _ in range(self.r.choice([1, 2, 20, 200]))))
        if self.beyond(.05):
            parts.append(self.r.choice(["firewall=maybe", "nosuch", "=", "bridge=a,bridge=b", "x=" + "y" * 1024]))
        return ",".join(parts)

    def write_guests(self):
        ids = set()
        for _ in range(self.r.choice([0, 1, 2, 4])):
            ids.add(self.border(100, 999999999, 101, 999, 1000, 99999, 100000, 99999999, 100000000)
                    if not self.beyond(.05) else self.r.choice([0, 1, 99, 1000000000, 4294967396]))
        for vmid in sorted(ids):
            container = self.chance(.4) and not (self.strict and vmid > 99999999)  # the name of its interface would be too long
            indexes = range(32) if self.chance(.05) else {self.border(0, 31, 9, 10) for _ in range(self.r.choice([1, 1, 3]))}
            lines = ["net%d: %s" % (self.mark("NIC_NUMBER", index), self.nic(container, index)) for index in indexes]
            if self.beyond(.1):
                lines.append("net%d: %s" % (self.mark("NIC_NUMBER", self.r.choice([32, 100, 4294967296])), self.nic(container, 0)))
            if not self.chance(.03):
                self.write("nodes/%s/%s/%d.conf" % (NODE, "lxc" if container else "qemu-server", vmid), lines)
            if not self.chance(.03):
                self.write("firewall/%d.fw" % vmid, self.guest(indexes))
            if self.beyond(.02):
                self.write("nodes/%s/lxc/%d.conf" % (NODE, vmid), ["net0: " + self.nic(True, 0)])

    def guest(self, indexes):
        aliases, sets = [], []
        lines = self.options("GUEST", [("enable", "1")] if self.chance(.95) else [])
        lines += self.alias_lines(aliases)
        names = self.alike([self.name("SET_NAME", 8, 9, 10, 11, 12, 13, 14, 15) for _ in range(self.r.choice([0, 1, 2]))])
        names += [name for name in self.sets if self.chance(.05)]
        names += ["ipfilter-net%d" % index for index in indexes if self.chance(.3)]
        for name in names:
            lines += self.set_lines(name, aliases, True)
        sets += names
        return lines + self.rules("GUEST", aliases, sets)

    vnets = ()

    def write_sdn(self):
        if self.chance(.6):
            return
        zone = self.name(8, characters=LETTERS + "0123456789")
        vnets = {self.name(8, characters=LETTERS + "0123456789") for _ in range(self.r.choice([1, 2, 5]))}
        if self.beyond():
            vnets.add("v" + "n" * self.r.choice([8, 14, 15, 40, 60, 100, 200]))
        self.vnets = sorted(vnets)
        subnets = []
        for vnet in self.vnets:
            for _ in range(self.r.choice([0, 1, 2, 64])):
                version = self.r.choice([4, 6])
                length = self.prefix_length(version, 1)
                address = self.address(version)
                network = self.mask(version, address, int(length)) if length.isdigit() else address
                parts = ['"vnet":"%s"' % vnet]
                if self.chance(.5):
                    parts.append('"gateway":"%s"' % address)
                if self.chance(.4):
                    ranges = ['"start-address=%s,end-address=%s"' % tuple(self.range(version).split("-", 1))
                              for _ in range(self.r.choice([1, 2, 3]))]
                    parts.append('"dhcp-range":[%s]' % ",".join(ranges))
                subnets.append('"%s-%s-%s":{%s}' % (zone, network, length, ",".join(parts)))
        self.write("sdn/.running-config", [
            '{"zones":{"ids":{"%s":{}}},' % zone,
            '"vnets":{"ids":{%s}},' % ",".join('"%s":{"zone":"%s"}' % (vnet, zone) for vnet in self.vnets),
            '"subnets":{"ids":{', ",\n".join(subnets), "}}}"])
        self.sdn_sets = [vnet + "-" + what for vnet in self.vnets for what in ("all", "gateway", "no-gateway", "dhcp")]
        for vnet in self.vnets:
            if self.chance(.6) and len(vnet) < 250:
                self.write("sdn/firewall/%s.fw" % vnet,
                           self.options("VNET", [("enable", "1")]) + self.rules("VNET", [], []))
        if self.chance(.5):
            self.write_ipam(zone)

    def write_ipam(self, zone):
        addresses = []
        for _ in range(self.r.choice([1, 10, 64, 65])):
            version = self.r.choice([4, 6])
            addresses.append('"%s":%s' % (self.address(version), self.r.choice(
                ['{"gateway":1}', '{"vmid":"%d"}' % self.border(100, 999999999), '{"vmid":"100","mac":"%s"}' % self.mac()])))
            if '"vmid":"100"' in addresses[-1]:
                self.sdn_sets.append("guest-ipam-100")
        self.write("sdn/pve-ipam-state.json" if self.chance(.5) else "priv/ipam.db",
                   ['{"zones":{"%s":{"subnets":{"10.0.0.0/8":{"ips":{' % zone, ",\n".join(addresses), "}}}}}}"])

    def corosync(self):
        lines = ["totem {", "  transport: " + self.r.choice(["udp", "udpu", "knet"])]
        if self.chance(.5):
            lines.append("  ip_version: " + self.r.choice(["ipv4", "ipv6", "ipv4-6", "ipv6-4"]))
        lines += ["}", "nodelist {"]
        for number in range(self.r.choice([1, 2, 3, 32])):
            lines += ["  node {", "    name: n%d" % (number + 1)]
            for link in range(self.r.choice([1, 2, 8])):
                lines.append("    ring%d_addr: %s" % (link, self.address(self.r.choice([4, 6]))))
            lines.append("  }")
        return lines + ["}"]


def as_text(tree):
    """The tree for people; bytes that are not UTF-8 are escaped."""
    yield "options: " + " ".join(tree.arguments)
    for path, data in sorted(tree.files.items()):
        yield "==> %s" % path
        yield data.decode("utf-8", "backslashreplace")


def write_tree(files, root):
    """Writes `files`, bytes by path, below the folder `root`."""
    for path, data in files.items():
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    tree = Tree(Facts(), sys.argv[1])
    if len(sys.argv) == 3:
        write_tree(tree.files, sys.argv[2])
        print(" ".join(tree.arguments))
    else:
        for text in as_text(tree):
            print(text)


if __name__ == "__main__":
    main()
