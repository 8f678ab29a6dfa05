#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
draw.py tree SEED ROOT: writes a configuration whose host, guest 100 and a security group have long lists of rules.
draw.py packets SEED COUNT SCRIPT DIR: draws frames that meet the rules of a compiled script.
draw.py edits SEED COUNT DIR inet|bridge: a list of the host or of guest 100 that is edited COUNT times, in the trees DIR/0, DIR/1, …,
and the frames of DIR/blocked and DIR/open, which each of these trees blocks or accepts.

The frames go to the host and to and from the first guests of the script, half of them each where it has both. Values come
from the rules: ports at and beside the ends of ranges, addresses, protocols; what a rule does not ask is drawn at random.
DIR/frames has a line for each: the link that sends it (outside, or the far end of a guest's), and the frame in hex. Its number
is the identification of an IPv4 packet or the flow label of an IPv6 packet. DIR/guests has the guests: link, bridge, MAC
address. DIR/local has the destinations that must be the host's own.
"""
import ipaddress
import os
import random
import re
import struct
import sys

PROTOCOLS = {"tcp": 6, "udp": 17, "dccp": 33, "sctp": 132, "udplite": 136, "icmp": 1, "icmpv6": 58, "gre": 47}
PORTLESS = [1, 47, 50, 89]  # whose headers get a rule's ports where others have theirs


# ---- a configuration ----

def draw_ports(r, several=True):
    def one():
        base = r.choice([20, 80, 443, 1000, 5900, 8000, 30000])
        first = min(65535, base + r.randrange(60))
        if r.random() < 0.2:
            return f"{first}:{min(65535, first + r.choice([1, 3, 10, 100, 2000]))}"
        return str(first)
    if several and r.random() < 0.12:
        return ",".join(one() for _ in range(r.randint(2, 4)))
    if r.random() < 0.02:
        return r.choice(["0:65535", "1:1023", "1024:65535", "0", "65535"])
    return one()


def draw_rule(r, direction, forward=False):
    words = [direction, r.choices(["ACCEPT", "DROP", "REJECT"], [6, 2, 0 if forward else 2])[0]]
    protocol = r.choices(["tcp", "udp", "sctp", "dccp", "udplite", "icmp", None, "macro"], [60, 20, 3, 2, 2, 3, 2, 8])[0]
    if protocol == "macro":
        words[1] = f"{r.choice(['SSH', 'DNS', 'Web', 'HTTPS', 'Ping', 'SMTP', 'NTP', 'Mail'])}({words[1]})"
    elif protocol:
        words += ["-p", protocol]
        if protocol == "icmp":
            words += r.choice([[], ["-icmp-type", "echo-request"]])
        elif r.random() < 0.95:
            words += ["-dport", draw_ports(r)]
        if protocol in ("tcp", "udp") and r.random() < 0.06:
            words += ["-sport", draw_ports(r)]
    if r.random() < 0.3:
        words += ["-source", r.choice(["10.1.2.0/24", "10.1.2.3", "fd00::/64", "+office", "+six", "office-host", "10.9.0.5-10.9.0.9"])]
    if r.random() < 0.08:
        words += ["-dest", r.choice(["10.99.0.1", "fd99::1", "10.99.0.0/24"])]
    if r.random() < 0.1:
        words += ["-log", r.choice(["info", "nolog", "warning"])]
    if r.random() < 0.03:
        words[0] = "|" + words[0]
    return " ".join(words)


def draw_list(r, direction, count):
    """Rules with ports come in runs, as in the lists of real trees."""
    rules = []
    while len(rules) < count:
        rules.append(draw_rule(r, direction))
        if r.random() < 0.03:
            rules.append(f"GROUP {r.choice(['small', 'large'])}")
    return rules


def write_tree(seed, root):
    r = random.Random(seed)

    def write(path, lines):
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")

    def policy():
        return r.choice(["ACCEPT", "DROP", "REJECT"])

    def length():
        return r.choice([31, 40, 60, 90, 140, 180])
    cluster = ["[OPTIONS]", "enable: 1", f"policy_in: {policy()}", "[ALIASES]", "office-host 10.1.2.9"]
    cluster += ["[IPSET office]", "10.1.0.0/16", "!10.1.2.7", "10.7.0.1", "fd00:1::/64"]
    cluster += ["[IPSET six]", "fd00:2::1", "fd00:2::2", "10.8.0.1", "10.8.0.2"]
    cluster += ["[RULES]"] + draw_list(r, "IN", length())
    cluster += ["[group small]"] + [draw_rule(r, d) for d in ("IN", "OUT") for _ in range(6)]
    cluster += ["[group large]"] + [draw_rule(r, "IN") for _ in range(length())] + [draw_rule(r, "OUT") for _ in range(8)]
    write("firewall/cluster.fw", cluster)
    guest = ["[OPTIONS]", "enable: 1", f"policy_in: {policy()}", f"policy_out: {policy()}", "macfilter: 0", "[RULES]"]
    guest += draw_list(r, "IN", length()) + draw_list(r, "OUT", length())
    write("firewall/100.fw", guest)
    if r.random() < 0.5:  # packets without a port get to the lists
        write("nodes/n/host.fw", ["[OPTIONS]", "nf_conntrack_allow_invalid: 1"])
    nics = ["net0: virtio=02:00:00:00:01:00,bridge=vmbr0,firewall=1"]
    if r.random() < 0.3:  # the guest's NICs share their rules
        nics.append("net1: virtio=02:00:00:00:01:01,bridge=vmbr0,firewall=1")
    write("nodes/n/qemu-server/100.conf", nics)


# ---- packets ----

class Script:
    """What the rules of a script ask for."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        tables = dict(re.findall(r"^table (inet|bridge) pvefw \{\n(.*?)^\}", text, re.M | re.S))
        self.tables = {}
        for family, body in tables.items():
            sets = {name: re.findall(r"^\t\t\t([0-9a-f][^ ,:]*[.:][^ ,]*),", elements, re.M)
                    for name, elements in re.findall(r"^\tset (\S+) \{\n(.*?)^\t\}", body, re.M | re.S)}
            rules = [line.strip() for line in body.split("\n") if " comment \"" in line]
            self.tables[family] = [self.parse(rule, sets) for rule in rules]
        self.guests = []
        macs = re.search(r"^\tmap to-guest-mac \{\n(.*?)^\t\}", tables.get("bridge", ""), re.M | re.S)
        for bridge, mac, link in re.findall(r'"([^"]+)" \. (\S+) : goto (\S+)-in,', macs.group(1) if macs else ""):
            if not bridge.startswith("fwbr") and link not in [g[0] for g in self.guests]:
                self.guests.append((link, bridge, mac))
        self.guests = self.guests[:4]

    @staticmethod
    def parse(rule, sets):
        asks = {"rule": rule}
        for key, name in (("dport", r"(?:tcp|udp|sctp|dccp|udplite|th) dport"), ("sport", r"(?:tcp|udp|sctp|dccp|udplite|th) sport")):
            found = re.search(name + r" (\d+)(?:-(\d+))?", rule)
            if found:
                asks[key] = (int(found.group(1)), int(found.group(2) or found.group(1)))
        found = re.search(r"meta l4proto (\S+)", rule)
        if found:
            asks["protocol"] = PROTOCOLS.get(found.group(1)) or (int(found.group(1)) if found.group(1).isdigit() else None)
        for side in ("saddr", "daddr"):
            found = re.search(r"ip6? " + side + r" (!= )?(\S+)", rule)
            if found:
                values = sets.get(found.group(2)[1:], []) if found.group(2)[0] == "@" else [found.group(2)]
                asks[side] = values
        return asks


def pick_port(r, bounds):
    if r.random() < 0.1:
        return r.randrange(65536)
    first, last = bounds
    return max(0, min(65535, r.choice([first, last, first - 1, last + 1, r.randint(first, last), r.randint(first, last)])))


def pick_address(r, values, version):
    for _ in range(4):
        if not values:
            break
        value = r.choice(values)
        try:
            if "-" in value:
                first, last = (ipaddress.ip_address(v) for v in value.split("-"))
            else:
                net = ipaddress.ip_network(value, strict=False)
                first, last = net[0], net[-1]
        except ValueError:
            continue
        if first.version == version:
            kind = type(first)
            return kind(r.choice([int(first), int(last), r.randint(int(first), int(last))]))
    if version == 4:
        return ipaddress.IPv4Address(r.choice(["10.1.2.3", "10.1.7.7", "10.20.0.5", "192.0.2.77"]))
    return ipaddress.IPv6Address(r.choice(["fd00::5", "fd00:1::7", "fd00:2::1", "2001:db8::9"]))


def is_usable(address):
    """As the source of a packet that is to be filtered, not refused by routing."""
    return not (address.is_multicast or address.is_loopback or address.is_unspecified or address.is_link_local or
                (address.version == 4 and (int(address) >> 24 in (0, 127) or int(address) >> 28 >= 14)))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def header_of(r, protocol, source, target, sport, dport):
    """The header of layer 4, with its checksum; a few are cut short before the port, or after the source's."""
    pseudo = source.packed + target.packed + (struct.pack("!BBH", 0, protocol, 0) if source.version == 4 else
                                              struct.pack("!LL", 0, protocol))

    def summed(header, at, long=None):
        length = len(header) if long is None else long
        fixed = bytearray(pseudo)
        fixed[-2:] = struct.pack("!H", length) if source.version == 4 else fixed[-2:]
        if source.version == 6:
            fixed = bytearray(source.packed + target.packed + struct.pack("!LL", length, protocol))
        value = checksum(bytes(fixed) + header) or 0xffff
        return header[:at] + struct.pack("!H", value) + header[at + 2:]
    if protocol == 6:
        header = summed(struct.pack("!HHLLBBHHH", sport, dport, 1, 0, 5 << 4, 2, 1000, 0, 0), 16)
    elif protocol in (17, 136):
        header = summed(struct.pack("!HHHH", sport, dport, 8, 0), 6)
    elif protocol == 132:
        init = struct.pack("!BBHLLHHL", 1, 0, 20, 7, 1000, 1, 1, 1)
        header = struct.pack("!HHLL", sport, dport, 0, 0) + init
        header = header[:8] + struct.pack("<L", crc32c(header)) + header[12:]
    elif protocol == 33:
        header = summed(struct.pack("!HHBBHBBHLL", sport, dport, 5, 0, 0, 1, 0, 0, 1, 0), 6)
    elif protocol == 1:
        # The checksum is where others have the destination's port: the last word makes it that.
        header = struct.pack("!BBHHH", 8, 0, dport, sport, 0)
        header = header[:6] + struct.pack("!H", checksum(header))
    elif protocol == 58:
        header = summed(struct.pack("!BBHHH", 128, 0, 0, sport, 1), 2)
    else:
        header = struct.pack("!HHL", sport, dport, 0)
    return header[:r.randrange(4)] if protocol in (6, 17, 132) and r.random() < 0.02 else header


CRC32C = []
for number in range(256):
    for _ in range(8):
        number = number >> 1 ^ (0x82f63b78 if number & 1 else 0)
    CRC32C.append(number)


def crc32c(data):
    value = 0xffffffff
    for byte in data:
        value = value >> 8 ^ CRC32C[(value ^ byte) & 0xff]
    return value ^ 0xffffffff


def draw_frame(r, rules, number, to_host):
    asks = r.choice(rules)
    other = r.choice(rules) if r.random() < 0.3 else asks
    version = 6 if "ip6 " in asks["rule"] or "nfproto ipv6" in asks["rule"] else 4
    if r.random() < 0.15:
        version = 10 - version
    protocol = asks.get("protocol") or r.choice([6, 17, 6, 17, 1, 132])
    if r.random() < 0.05:
        protocol = r.choice([6, 17, 132, 33, 136] + PORTLESS)
    if protocol in (1, 58):
        protocol = 1 if version == 4 else 58
    dport = pick_port(r, asks.get("dport") or other.get("dport") or (0, 65535))
    sport = pick_port(r, asks["sport"]) if "sport" in asks and r.random() < 0.9 else 10000 + number
    source = pick_address(r, asks.get("saddr", []), version)
    if not is_usable(source):
        source = pick_address(r, [], version)
    target = pick_address(r, asks["daddr"], version) if "daddr" in asks else None
    if target is None or not is_usable(target):
        target = ipaddress.ip_address("10.99.0.1" if version == 4 else "fd99::1")
    payload = header_of(r, protocol, source, target, sport, dport)
    if version == 4:
        packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), number, 0, 64, protocol, 0) + source.packed + target.packed
        packet = packet[:10] + struct.pack("!H", checksum(packet)) + packet[12:] + payload
    else:
        packet = struct.pack("!LHBB", 6 << 28 | number, len(payload), protocol, 64) + source.packed + target.packed + payload
    return packet, target, to_host


def mac(text):
    return bytes(int(part, 16) for part in text.split(":"))


def write_packets(seed, count, path, folder):
    r = random.Random(seed)
    script = Script(path)
    local, lines = set(), []
    host = script.tables.get("inet") or []
    bridge = (script.tables.get("bridge") or []) if script.guests else []
    for number in range(1, count + 1):
        to_host = bool(host) and (not bridge or r.random() < 0.5)
        if not host and not bridge:
            break
        packet, target, _ = draw_frame(r, host if to_host else bridge, number, to_host)
        ethertype = b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"
        outside = mac("02:00:00:00:00:fe")
        if to_host:
            local.add(str(target))
            lines.append(f"host {(mac('02:00:00:00:00:01') + outside + ethertype + packet).hex()}")
            continue
        link, _, address = r.choice(script.guests)
        if r.random() < 0.6:
            lines.append(f"outside {(mac(address) + outside + ethertype + packet).hex()}")
        else:
            lines.append(f"{link} {(outside + mac(address) + ethertype + packet).hex()}")
    for name, what in (("frames", lines), ("local", sorted(local)), ("guests", [" ".join(g) for g in script.guests])):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write("".join(line + "\n" for line in what))


# ---- edits ----

BLOCKED, OPEN = (7100, 7150, 7200, 7300), (7000, 7050)


def draw_filler(r, after):
    """A rule that decides none of the ports above, where it comes before the rules that do."""
    base = r.choice([7110, 7140, 7151, 7190, 7045, 7300]) if after and r.random() < 0.5 else r.randrange(100, 6800)
    last = base + r.choice([0, 0, 0, 1, 9, 40])
    ports = f"{base}:{last}" if last > base else base
    if r.random() < 0.1:
        return f"IN {r.choice(['ACCEPT', 'DROP'])} -source 10.55.{r.randrange(9)}.0/24"
    return f"IN {r.choice(['ACCEPT', 'ACCEPT', 'DROP', 'REJECT'])} -p {r.choice(['tcp', 'udp'])} -dport {ports}"


def write_edits(seed, count, folder, is_host):
    """The list grows above the length of port maps and shrinks below it; its policy accepts what no rule blocks."""
    r = random.Random(seed)
    fixed = [f"IN {action} -p {protocol} -dport {ports}" for protocol in ("udp", "tcp")
             for action, ports in (("ACCEPT", 7000), ("DROP", "7100:7200"), ("ACCEPT", "7040:7060"), ("REJECT", 7300))]
    before, after = [draw_filler(r, False) for _ in range(12)], [draw_filler(r, True) for _ in range(12)]
    for number in range(count):
        part, is_after = (after, True) if r.random() < 0.6 else (before, False)
        what = r.random()
        if what < 0.1:  # far over or under the threshold
            part[:] = [draw_filler(r, is_after) for _ in range(r.choice([4, 30]))]
        elif what < 0.45 or len(part) < 4:
            part.insert(r.randrange(len(part) + 1), draw_filler(r, is_after))
        elif what < 0.8:
            del part[r.randrange(len(part))]
        elif what < 0.9:
            part[r.randrange(len(part))] = draw_filler(r, is_after)
        else:
            r.shuffle(fixed)
        root = os.path.join(folder, str(number))
        os.makedirs(root + "/firewall")
        os.makedirs(root + "/nodes/n/qemu-server")
        rules = before + fixed + after
        text = "\n".join(["[OPTIONS]", "enable: 1", "policy_in: ACCEPT", "[RULES]"] + rules) + "\n"
        files = {"firewall/cluster.fw": text if is_host else "[OPTIONS]\nenable: 1\npolicy_in: ACCEPT\n"}
        if not is_host:
            files["firewall/100.fw"] = text
            files["nodes/n/qemu-server/100.conf"] = "net0: virtio=02:00:00:00:01:00,bridge=vmbr0,firewall=1\n"
        for path, contents in files.items():
            with open(os.path.join(root, path), "w", encoding="ascii") as file:
                file.write(contents)
    source, target = ipaddress.ip_address("10.1.7.7"), ipaddress.ip_address("10.99.0.1")
    for name, ports in (("blocked", BLOCKED), ("open", OPEN)):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            for address, link in (("02:00:00:00:00:01", "host"), ("02:00:00:00:01:00", "outside")):
                for port in ports:
                    for protocol in (6, 17):
                        payload = header_of(random.Random(1), protocol, source, target, 10000, port)
                        packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + source.packed + target.packed
                        packet = packet[:10] + struct.pack("!H", checksum(packet)) + packet[12:] + payload
                        print(link, (mac(address) + mac("02:00:00:00:00:fe") + b"\x08\x00" + packet).hex(), file=file)
    for name, what in (("local", str(target)), ("guests", "tap100i0 vmbr0 02:00:00:00:01:00")):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            print(what, file=file)


if sys.argv[1] == "tree":
    write_tree(int(sys.argv[2]), sys.argv[3])
elif sys.argv[1] == "edits":
    write_edits(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5] == "inet")
else:
    write_packets(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5])
