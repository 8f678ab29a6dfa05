#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""simulate.py [PVEFW_CC]: simulate tells what real kernels did with the packets of tests/probes.

Those between zones that simulate knows: a probe that another one of the same tree must come before, or whose packet the
command line cannot describe, is left out. And of random packets in the trees of tests/cases/conformance it says the same for
both targets and for what is written, with a reason if there is one. Ends with `N passed, N failed`.
"""
import concurrent.futures
import glob
import json
import os
import random
import re
import subprocess
import sys

# What the state of connection tracking, or other packets, decide and the command line does not say.
LEFT_OUT = {
    ("node", 440): "the source is a broadcast address of a network of the node, known to its routes only",
    ("node", 450): "an ICMP error about no connection is invalid",
    ("node", 451): "an ICMP error about no connection is invalid",
    ("strict", 115): "ndp: 0: there is no neighbour discovery, so no connection",
    ("strict", 116): "ndp: 0: there is no neighbour discovery, so no connection",
}

here = os.path.dirname(os.path.abspath(__file__))
cc = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "..", "build", "pvefw-cc"))
probes = os.path.join(here, "..", "probes")
etc = os.path.join(here, "..", "cases", "etc")
ZONES = {"outside": "outside", "vm100": "vm100", "ct101": "ct101", "vm102": "vm102", "host": "host"}
VNET = "vnet vnet0"
# Between the others only these ways are zones: through the node's routing, and within a vnet.
WAYS = {("routed", "outside"): ("outside", "outside"), ("outside", "routed"): ("outside", "outside"),
        ("vnet-a", "vnet-b"): ("outside", VNET), ("vnet-b", "vnet-a"): ("outside", VNET),
        ("host-vnet", "vnet-a"): ("host", VNET), ("host-vnet", "vnet-b"): ("host", VNET),
        ("vnet-a", "host-vnet"): (VNET, "host"), ("vnet-b", "host-vnet"): (VNET, "host")}
WANTED = {"accept": ("ACCEPT", None), "drop": ("DROP", None), "rst": ("REJECT", "tcp-reset"),
          "unreach": ("REJECT", "port-unreachable")}
hosts = {}
for line in open(os.path.join(here, "..", "topology", "hosts.tsv")):
    if not line.startswith("#"):
        name, _, v4, v6, mac = line.rstrip("\n").split("\t")
        hosts[name] = {"4": v4, "6": v6, "mac": mac}


def result_for(words, comment, target):
    """The result that is wanted of the target, in the wiring with firewall bridges."""
    result = words[4]
    for context, other in re.findall(r"\[([a-z ]+): ([a-z]+)\]", comment):
        if set(context.split()) <= {target, "fwbr"}:
            result = other
    return result


def options_of(words):
    """The options that describe the packet; None: there are none."""
    source, protocol, dest, port = words[:4]
    settings = dict(word.split("=", 1) for word in words[5:])
    way = WAYS.get((source, dest)) or (ZONES.get(source), ZONES.get(dest))
    if None in way or "to" in settings or "flags" in settings or protocol == "ether":
        return None
    family = "6" if protocol.endswith("6") else "4"
    name = {"ip": port, "icmp6": "icmpv6"}.get(protocol, protocol.rstrip("6") if protocol != "ip6" else port)
    options = ["--from", way[0], "--to", way[1], "--protocol", name,
               "--source", settings.get("from", settings.get("source", hosts[source][family])),
               "--mac", settings.get("mac", hosts[source]["mac"])]
    if protocol == "arp":
        return options
    options += ["--dest", settings.get("dest", hosts[dest][family])]
    if name in ("tcp", "udp"):
        options += ["--dport", port, "--sport", settings.get("sport", "40000")]
    if name.startswith("icmp"):
        options += ["--icmp-type", settings.get("type", "8" if family == "4" else "128")]
    if "host" in (source, dest) and "outside" in (source, dest):
        options += ["--interface", "vmbr0"]
    return options


def ask(tree, target, options):
    command = [cc, "simulate", "--root", os.path.join(probes, tree, "root"), "--target", target, "--format", "json"]
    for kind in ("services", "protocols", "ethertypes"):
        command += ["--" + kind, os.path.join(etc, kind)]
    run = subprocess.run(command + options, capture_output=True, text=True)
    if run.returncode:
        return run.stderr.strip(), None
    answer = json.loads(run.stdout)
    return answer["action"], answer.get("reject")


def rows():
    for tree in ("node", "strict", "forward"):
        for number, line in enumerate(open(os.path.join(probes, tree, "probes.spec")), 1):
            line, _, comment = line.partition("#")
            words = line.split()
            options = options_of(words) if words else None
            # Only one tree has rules for the vnet, and so the zone.
            if options and (tree, number) not in LEFT_OUT and (tree == "forward" or VNET not in options):
                for target in ("iptables", "nft"):
                    yield tree, number, target, options, result_for(words, comment, target)


def check(row):
    tree, number, target, options, result = row
    action, reject = ask(tree, target, options)
    wanted = WANTED[result]
    # Where the answer to a rejected packet gets lost, or is not waited for, it looks dropped.
    if (action, reject) in (wanted, ("REJECT", reject) if result == "drop" else wanted):
        return None
    return "%s/probes.spec:%d, %s: %s %s, not %s %s: simulate %s" % (
        tree, number, target, action, reject or "", wanted[0], wanted[1] or "", " ".join(options))


# ---- targets ----

PACKETS = 120


def zones_of(root):
    zones = ["host", "outside"]
    for kind, folder in (("vm", "qemu-server"), ("ct", "lxc")):
        zones += [kind + os.path.basename(path)[:-5] for path in glob.glob(root + "/nodes/*/" + folder + "/*.conf")]
    return sorted(zones)


def random_packets():
    rng = random.Random(5)
    roots = sorted(glob.glob(os.path.join(here, "..", "cases", "conformance", "*", "root")))
    roots = [root for root in roots if len(os.listdir(root + "/nodes")) == 1]
    for _ in range(PACKETS):
        root = rng.choice(roots)
        options = ["--from", rng.choice(zones_of(root)), "--to", rng.choice(zones_of(root))]
        if options[1] == options[3]:
            continue
        options += ["--protocol", rng.choice(["tcp", "udp", "icmp", "icmpv6", "sctp"])]
        if options[-1] in ("tcp", "udp", "sctp"):
            options += ["--dport", rng.choice("22 80 443 53 25 8006 137 445 1900 43 3128 60010 5900 67 68 546".split())]
        if options[5] == "tcp" and rng.random() < 0.3:
            options += ["--state", rng.choice(["established", "invalid"])]
        if options[5] != "icmpv6" and rng.random() < 0.4:
            options += ["--source", rng.choice(["10.1.2.3", "192.168.1.1", "1.2.3.4", "10.0.0.1"])]
        yield root, options


def compare_targets(row):
    root, options = row
    found = []
    for target in ("iptables", "nft", "written"):
        run = subprocess.run([cc, "simulate", "--root", root, "--target", target, "--format", "json", "--local-network",
                              "10.0.0.0/8"] + options, capture_output=True, text=True)
        if run.returncode:
            found.append((run.stderr, True))
            continue
        answer = json.loads(run.stdout)
        reason = answer["line"] is not None or answer["implied"] is not None
        found.append((answer["action"], answer["reject"], answer["queue"], reason))
    # Only what is written has rules for what the node forwards with iptables.
    if found[0] == found[1] and found[0][:3] == found[2][:3]:
        return None
    return "%s: iptables %s, nft %s, written %s: simulate %s" % (
        os.path.relpath(root), *found, " ".join(options))


passed = failed = 0
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for problem in [*pool.map(check, rows()), *pool.map(compare_targets, random_packets())]:
        if problem:
            failed += 1
            print("FAIL", problem)
        else:
            passed += 1
print("%d passed, %d failed" % (passed, failed))
sys.exit(failed > 0)
