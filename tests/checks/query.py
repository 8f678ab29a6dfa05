#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""query.py [PVEFW_CC]: a packet is in the answer of query exactly if simulate says that it is accepted.

Packets are random ones of the values at the edges of query's rows, and beside them.  Ends with `N passed, N failed`.
"""
import concurrent.futures
import ipaddress
import json
import os
import random
import socket
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
cc = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "..", "build", "pvefw-cc"))
root = os.path.join(here, "..", "..")
PACKETS = 100
QUESTIONS = [
    ("examples/small-office", "outside", "vm100"), ("examples/small-office", "outside", "host"),
    ("examples/small-office", "ct110", "outside"), ("examples/small-office", "host", "vm100"),
    ("tests/probes/node/root", "outside", "vm100"), ("tests/probes/node/root", "ct101", "vm100"),
    ("tests/probes/node/root", "host", "outside"), ("tests/probes/strict/root", "ct101", "host"),
]
PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": 58}
MAXIMA = {"sport": 65535, "dport": 65535, "icmp-type": 255, "icmp-code": 255}


def run(command, tree, options):
    done = subprocess.run([cc, command, "--root", os.path.join(root, tree), "--format", "json"] + options,
                          capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit("%s: %s" % (" ".join(options), done.stderr))
    return json.loads(done.stdout)


def number(text):
    try:
        return int(ipaddress.ip_address(text)) if "." in text or ":" in text else int(text)
    except ValueError:
        return PROTOCOLS.get(text) or socket.getprotobyname(text)


def ranges(text):
    """The ranges of a list of values; None: any value."""
    if text is None:
        return None
    found = []
    for item in text.split(","):
        if "/" in item:
            network = ipaddress.ip_network(item)
            found.append((int(network[0]), int(network[-1])))
        elif item[0].isalpha() and ":" not in item: # a name may have a dash
            found.append((number(item), number(item)))
        else:
            first, _, last = item.partition("-")
            found.append((number(first), number(last or first)))
    return found


def has(row, packet):
    """Whether a row has the packet, as far as it says: a part that the packet does not have is not asked."""
    for part, value in packet.items():
        known = row.get(part)
        if known is not None and not any(first <= value <= last for first, last in known):
            return False
    family4 = "source4" in packet
    return not (row["family"] == "ipv6" if family4 else row["family"] == "ipv4")


def edges(rows, part, maximum):
    values = {0, maximum}
    for row in rows:
        for first, last in row.get(part) or []:
            values |= {first, last, first - 1, last + 1}
    return sorted(value for value in values if 0 <= value <= maximum)


def options_of(packet):
    names = {value: name for name, value in PROTOCOLS.items()}
    options = ["--protocol", names[packet["protocol"]].replace("ipv6-icmp", "icmpv6")]
    for part, value in packet.items():
        if part in ("source4", "source6", "dest4", "dest6"):
            kind = ipaddress.IPv4Address if part[-1] == "4" else ipaddress.IPv6Address
            options += ["--" + part[:-1], str(kind(value))]
        elif part in ("sport", "dport"):
            options += ["--" + part, str(value)]
    if "icmp-type" in packet:
        options += ["--icmp-type", "%d/%d" % (packet["icmp-type"], packet["icmp-code"])]
    return options


def is_unicast(family, value):
    address = (ipaddress.IPv4Address if family == "4" else ipaddress.IPv6Address)(value)
    return not address.is_multicast and value != 0xffffffff and value != 0


def random_packet(rows, rng):
    family = rng.choice("46")
    packet = {"protocol": rng.choice([6, 17, 1 if family == "4" else 58])}
    for part in ("source", "dest"):
        top = 2 ** (32 if family == "4" else 128) - 1
        usual = 0x0a000001 if family == "4" else int(ipaddress.ip_address("2001:db8::1"))
        choices = [value for value in edges(rows, part + family, top) if is_unicast(family, value)]
        packet[part + family] = rng.choice(choices + [usual])
    for part in ("sport", "dport") if packet["protocol"] in (6, 17) else ("icmp-type", "icmp-code"):
        packet[part] = rng.choice([value for value in edges(rows, part, MAXIMA[part]) if part != "sport" or value])
    return packet


def check(question):
    tree, source, dest = question
    zones = ["--from", source, "--to", dest]
    answer = run("query", tree, zones + ["--limit", "100000"])
    rows = rows_of(answer)
    if not answer["complete"] or not rows:
        return 0, ["%s %s -> %s: not complete, or empty" % question]
    rng = random.Random(" ".join(question))
    wrong = []
    accepted = 0
    for _ in range(PACKETS):
        packet = random_packet(rows, rng)
        is_found = any(has(row, packet) for row in rows)
        action = run("simulate", tree, zones + options_of(packet))["action"]
        accepted += action == "ACCEPT"
        if is_found != (action == "ACCEPT"):
            wrong.append("%s: query %s, simulate %s: %s" % (
                tree, is_found, action, " ".join(zones + options_of(packet))))
    if not 0 < accepted < PACKETS:
        wrong.append("%s %s -> %s: all packets fare alike" % question)
    return PACKETS - len(wrong), wrong


def write_rules(tree, count, ports):
    """A guest with rules that overlap in three fields, or with their source ports in four."""
    rng = random.Random(3)
    lines = []
    for _ in range(count):
        line = "IN %s -source %d.%d.0.0/16 -dest %d.%d.%d.0/24 -p tcp" % (
            rng.choice(["ACCEPT", "DROP"]), rng.randrange(1, 200), rng.randrange(256), rng.randrange(1, 200),
            rng.randrange(256), rng.randrange(256))
        for port in ports:
            first = rng.randrange(1, 50000)
            line += " -%s %d:%d" % (port, first, first + rng.randrange(9000))
        lines.append(line + "\n")
    files = {"firewall/cluster.fw": "[OPTIONS]\nenable: 1\n",
             "firewall/100.fw": "[OPTIONS]\nenable: 1\n[RULES]\n" + "".join(lines),
             "nodes/pve1/qemu-server/100.conf": "net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1\n"}
    for name, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(tree, name)), exist_ok=True)
        with open(os.path.join(tree, name), "w", encoding="utf-8") as file:
            file.write(text)


def check_over_budget(tree):
    """A question that is too large is not decided, and says at which chain; one that is not has its answer."""
    write_rules(tree, 1500, ("dport", "sport"))
    for target, chain in (("iptables", "tap100i0-IN"), ("nft", "tap100i0-in")):
        command = [cc, "query", "--root", tree, "--target", target, "--budget", "1", "--to", "vm100"]
        command += ["--format", "json"] if target == "nft" else []
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 2 or "not decided: chain %s " % chain not in done.stderr or "--budget" not in done.stderr:
            yield "%s, over budget: status %d: %s" % (target, done.returncode, done.stderr)
        if target == "nft" and done.stdout:
            yield "%s, over budget: JSON of a part: %s" % (target, done.stdout[:200])
        done = subprocess.run(command + ["--protocol", "udp", "--action", "DROP"], capture_output=True, text=True)
        if done.returncode != 0 or "policy_in" not in done.stdout:
            yield "%s, within budget: status %d: %s" % (target, done.returncode, done.stderr)


def rows_of(answer):
    return [{name: value if name in ("text", "family", "state", "mac", "interface") else ranges(value)
             for name, value in row.items()} for part in answer["answers"] for row in part["rows"]]


def check_parts(tree):
    """What is asked in parts has the same packets as what is asked at once, and each of them once."""
    write_rules(tree, 300, ("dport",))
    options = ["--to", "vm100", "--limit", "100000"]
    whole, parts = (rows_of(run("query", tree, options + ["--budget", budget])) for budget in ("20", "1"))
    if len(parts) <= len(whole):
        yield "not asked in parts: %d rows, %d rows" % (len(whole), len(parts))
    rng = random.Random(7)
    for _ in range(PACKETS * 5):
        packet = random_packet(rng.choice((whole, parts)), rng)
        count = sum(has(row, packet) for row in parts)
        if count != sum(has(row, packet) for row in whole):
            yield "in parts otherwise than at once: %s" % packet


passed = failed = 0
for check_tree in (check_over_budget, check_parts):
    with tempfile.TemporaryDirectory() as planted:
        problems = list(check_tree(planted))
    passed += not problems
    failed += len(problems)
    for problem in problems:
        print("FAIL", problem)
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for good, wrong in pool.map(check, QUESTIONS):
        passed += good
        failed += len(wrong)
        for problem in wrong:
            print("FAIL", problem)
print("%d passed, %d failed" % (passed, failed))
sys.exit(failed > 0)
