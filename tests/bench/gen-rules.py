#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One guest with many random rules, or with large IP sets, to see how fast packets of all kinds are asked about.

usage: gen-rules.py KIND COUNT OUTDIR [SEED]

KIND says what COUNT rules are like:
  usual    one source and one service each
  exact    a source, at times a destination, and one of 20 services
  overlap  overlapping prefixes and port ranges, a third with source ports
  wild     everything random in four fields: as hard as it can be
  sets     a few rules, and three IP sets of COUNT prefixes, a fifth of them IPv6, a tenth exceptions
Same arguments => byte-identical tree.
"""
import os
import random
import sys

SERVICES = [22, 80, 443, 25, 53, 5432, 3306, 8080, 8443, 9090, 6379, 27017, 5900, 123, 161, 389, 636, 993, 995, 587]
SET_RULES = """IN DROP -source +dc/big
IN ACCEPT -source +dc/other -dest 10.0.0.5 -p tcp -dport 443
IN ACCEPT -source +dc/third -p tcp -dport 22
IN ACCEPT -source 10.0.0.0/8 -p tcp -dport 5432
OUT REJECT -dest +dc/big
OUT ACCEPT -dest +dc/other -p tcp -dport 80,443
"""


class Rules:
    def __init__(self, kind, seed):
        self.kind = kind
        self.random = random.Random(seed)

    def prefix(self, least, most):
        length = self.random.randint(least, most)
        address = self.random.getrandbits(32)
        if self.kind not in ("wild", "sets"):
            address = 10 << 24 | (address & 0xffffff)
        address &= ~((1 << (32 - length)) - 1) & 0xffffffff
        return "%d.%d.%d.%d/%d" % (address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255, length)

    def prefix6(self):
        length = self.random.randint(32, 64)
        text = "%032x" % ((0x2000 << 112 | self.random.getrandbits(112)) >> (128 - length) << (128 - length))
        return ":".join(text[i:i + 4] for i in range(0, 32, 4)) + "/%d" % length

    def ports(self):
        if self.kind == "exact" or self.random.random() < .5:
            return str(self.random.randint(1, 65535) if self.kind == "wild" else self.random.choice(SERVICES))
        first = self.random.randint(1, 65000)
        return "%d:%d" % (first, min(65535, first + self.random.randint(1, 5000)))

    def rule(self):
        chance = self.random.random
        rule = "IN " + self.random.choice(["ACCEPT", "ACCEPT", "DROP", "REJECT"])
        if self.kind == "usual":
            return rule + " -source %s -p tcp -dport %d" % (self.prefix(24, 32), self.random.choice(SERVICES[:8]))
        if self.kind == "exact":
            rule += " -source " + self.prefix(16, 32)
            if chance() < .3:
                rule += " -dest " + self.prefix(24, 32)
            return rule + " -p %s -dport %s" % (self.random.choice(["tcp", "udp"]), self.ports())
        shortest = 1 if self.kind == "wild" else 8
        for word in ("-source", "-dest"):
            if chance() < .9:
                rule += " %s %s" % (word, self.prefix(shortest, 32))
        rule += " -p " + self.random.choice(["tcp", "udp"])
        if chance() < .9:
            rule += " -dport " + self.ports()
        if chance() < .3 or self.kind == "wild":
            rule += " -sport " + self.ports()
        return rule

    def set(self, name, count):
        entries = {}
        while len(entries) < count:
            entry = self.prefix(14, 32) if self.random.random() < .8 else self.prefix6()
            entries.setdefault(entry, "!" if self.random.random() < .1 else "")
        return "\n[IPSET %s]\n" % name + "".join("%s%s\n" % (mark, entry) for entry, mark in entries.items())


def main():
    kind, count, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    rules = Rules(kind, int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    guest = os.path.join(out, "nodes", "n", "qemu-server")
    for folder in (os.path.join(out, "firewall"), guest):
        os.makedirs(folder, exist_ok=True)
    cluster = "[OPTIONS]\nenable: 1\n"
    if kind == "sets":
        text = SET_RULES
        cluster += "".join(rules.set(name, count) for name in ("big", "other", "third"))
    else:
        text = "".join(rules.rule() + "\n" for _ in range(count))
    for path, content in ((os.path.join(out, "firewall", "cluster.fw"), cluster),
                          (os.path.join(out, "firewall", "100.fw"), "[OPTIONS]\nenable: 1\n\n[RULES]\n" + text),
                          (os.path.join(guest, "100.conf"), "net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1\n")):
        with open(path, "w") as file:
            file.write(content)


if __name__ == "__main__":
    main()
