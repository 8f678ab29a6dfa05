#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A list of rules like those of real configurations, to measure what a packet costs that passes it.

usage: gen-list.py PLACE KIND COUNT PACKET OUTDIR [SEED]

PLACE   host: rules of the node's host.fw; guest: of the container 101 on vmbr0
KIND    real: sources, IP sets and services in the proportions of 928 rules in 57 published trees;
        ports: a protocol and a port each; usual, exact, overlap: as gen-rules.py has them
PACKET  where the rule stands that matches UDP to port 9000: first, last, or none
COUNT rules in all.  Published trees have mostly TCP, and the packets of flood.c are UDP: here the two are exchanged, so
that the packet meets as many rules of its own protocol as a TCP packet does there.  Sources are in 10.0.0.0/13
and do not match the sender, 10.9.0.0/16 or 10.10.0.0/16.  Same arguments => byte-identical tree.
"""
import importlib.util
import os
import random
import sys

# How often the rules of published trees have what, in tenths of a per cent. Of rules with a port, 91 % have a
# single one; rules without a source and a service end a list there, and are left out.
SOURCES = [("set", 430), ("any", 250), ("alias", 130), ("prefix", 100), ("address", 90)]
SERVICES = [("tcp", 590), ("udp", 140), ("macro", 170), ("icmp", 80), ("none", 20)]
MACROS = [("SSH", 45), ("Ping", 19), ("SMB", 17), ("DNS", 12), ("RDP", 10), ("HTTPS", 10), ("HTTP", 5), ("Web", 3)]
PORTS = [22, 80, 443, 8006, 3128, 445, 139, 53, 123, 3389, 5432, 3306, 8080, 8443, 9090, 9100, 1900, 5353, 6379, 25, 2222,
         111, 2049, 389, 636, 993, 51820, 41641, 5666, 10050]
SET_SIZES = [1] * 34 + [2] * 22 + [3] * 3 + [4] * 11 + [5] * 4 + [6, 6, 7, 8, 9, 15, 16]
GUEST = "net0: name=eth0,bridge=vmbr0,firewall=1,hwaddr=02:00:00:00:01:01,ip=10.10.0.101/24\n"
EXCHANGED = {"tcp": "udp", "udp": "tcp"}
# The macros of the list with their protocols exchanged are rules of their own.
MACRO_RULES = {"SSH": ["udp 22"], "Ping": ["icmp"], "SMB": ["udp 135,445", "tcp 137:139", "udp 139"],
               "DNS": ["tcp 53", "udp 53"], "RDP": ["udp 3389"], "HTTPS": ["udp 443"], "HTTP": ["udp 80"],
               "Web": ["udp 80", "udp 443"]}


def choose(rand, table):
    return rand.choices([row[0] for row in table], [row[1] for row in table])[0]


class RealRules:
    def __init__(self, count, seed):
        self.random = random.Random(seed)
        self.sets = [self.random.choice(SET_SIZES) for _ in range(max(2, count // 12))]
        self.aliases = [self.address() for _ in range(max(2, count // 20))]

    def address(self):
        value = self.random.getrandbits(19)
        return "10.%d.%d.%d" % (value >> 16, value >> 8 & 255, value & 255)

    def prefix(self):
        return self.address().rsplit(".", 1)[0] + ".0/24"

    def endpoint(self, word, kind):
        if kind == "any":
            return ""
        if kind == "set":
            return " %s +dc/set%d" % (word, self.random.randrange(len(self.sets)))
        if kind == "alias":
            return " %s dc/alias%d" % (word, self.random.randrange(len(self.aliases)))
        return " %s %s" % (word, self.address() if kind == "address" else self.prefix())

    def port(self):
        port = self.random.choice(PORTS)
        chance = self.random.random()
        if chance < .08:
            return "%d:%d" % (port, port + self.random.choice([2, 10, 99]))
        return "%d,%d" % (port, self.random.choice(PORTS) + 1) if chance < .1 else str(port)

    def services(self):
        kind = choose(self.random, SERVICES)
        if kind == "macro":
            kind = choose(self.random, MACROS)
            return [" -p %s -dport %s" % tuple(row.split()) if " " in row else " -p " + row for row in MACRO_RULES[kind]]
        if kind in EXCHANGED:
            return [" -p %s -dport %s" % (EXCHANGED[kind], self.port())]
        return [" -p icmp"] if kind == "icmp" else [""]

    def rules(self):
        """The lines of one rule of a published tree: several if it is a macro."""
        services = self.services()
        source = choose(self.random, SOURCES)
        if services == [""] and source == "any":
            source = "set"
        source = self.endpoint("-source", source)
        dest = self.endpoint("-dest", "set") if self.random.random() < .17 else ""
        verdict = "DROP" if self.random.random() < .15 else "ACCEPT"
        return ["IN %s%s%s%s" % (verdict, source, dest, service) for service in services]

    def list(self, count):
        lines = []
        while len(lines) < count:
            lines += self.rules()
        return lines[:count]

    def cluster(self):
        text = "\n[ALIASES]\n\n"
        for i, alias in enumerate(self.aliases):
            text += "alias%d %s\n" % (i, alias)
        for i, size in enumerate(self.sets):
            text += "\n[IPSET set%d]\n\n" % i
            for _ in range(size):
                text += (self.address() if self.random.random() < .6 else self.prefix()) + "\n"
        return text


def port_rules(count, seed):
    rand = random.Random(seed)
    return ["IN %s -p %s -dport %d" % (rand.choice(["ACCEPT", "ACCEPT", "DROP"]), rand.choice(["udp", "udp", "udp", "tcp"]),
                                      rand.choice([p for p in range(1, 8999)])) for _ in range(count)]


def other_rules(kind, count, seed):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gen-rules.py")
    spec = importlib.util.spec_from_file_location("gen_rules", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rules = module.Rules(kind, seed)
    return [rules.rule() for _ in range(count)]


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def main():
    place, kind, count, packet, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]
    seed = int(sys.argv[6]) if len(sys.argv) > 6 else 1
    cluster = "[OPTIONS]\n\nenable: 1\n"
    if kind == "real":
        real = RealRules(count, seed)
        rules = real.list(count - (packet != "none"))
        cluster += real.cluster()
    elif kind == "ports":
        rules = port_rules(count - (packet != "none"), seed)
    else:
        rules = other_rules(kind, count - (packet != "none"), seed)
    target = "IN ACCEPT -p udp -dport 9000"
    rules = [target] + rules if packet == "first" else rules + [target] if packet == "last" else rules
    text = "[OPTIONS]\n\nenable: 1\n\n[RULES]\n\n" + "".join(rule + "\n" for rule in rules)
    write(os.path.join(out, "firewall", "cluster.fw"), cluster)
    if place == "guest":
        write(os.path.join(out, "nodes", "nodea", "lxc", "101.conf"), GUEST)
        write(os.path.join(out, "firewall", "101.fw"), text)
    write(os.path.join(out, "nodes", "nodea", "host.fw"), text if place == "host" else "[OPTIONS]\n\nenable: 0\n")


if __name__ == "__main__":
    main()
