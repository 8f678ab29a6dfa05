#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""lint's checks of covered rules are exact, and finish for 10,000 rules.

A rule is never reached exactly if the packets fare the same when it decides otherwise: `diff` says whether they do.
"""
import concurrent.futures
import json
import os
import random
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CC = os.path.abspath(os.environ.get("PVEFW_CC", os.path.join(TESTS, "../build/pvefw-cc")))
COVERED = ("W0951", "N0952")
counts = [0, 0]


def verdict(good, what):
    counts[not good] += 1
    if not good:
        print("FAIL", what)


def write(root, rules, cluster=""):
    for path, text in (("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n" + cluster),
                       ("firewall/100.fw", "[OPTIONS]\nenable: 1\n\n[RULES]\n" + "".join(rule + "\n" for rule in rules)),
                       ("nodes/n/qemu-server/100.conf", "net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1\n")):
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)


def generated(kind, count, tmp):
    root = "%s/%s-%d" % (tmp, kind, count)
    subprocess.run([os.path.join(TESTS, "bench/gen-rules.py"), kind, str(count), root], check=True)
    with open(root + "/firewall/100.fw", encoding="utf-8") as file:
        return file.read().split("[RULES]\n")[1].splitlines()


def unions(rand):
    """Networks after addresses that fill them, or all but one of them; port ranges after parts of them."""
    rules = []
    for net in range(4):
        hosts = list(range(16))
        rand.shuffle(hosts)
        rules += ["IN %s -source 10.0.%d.%d -p tcp -dport 22" % (rand.choice(["ACCEPT", "DROP"]), net, host)
                  for host in hosts[net % 2:]]
        rules += ["IN REJECT -source 10.0.%d.0/28 -p tcp -dport 22" % net, "IN ACCEPT -source 10.0.%d.0/29" % net]
    return rules + ["IN ACCEPT -p udp -dport 1:99", "IN DROP -p udp -dport 100:200", "IN ACCEPT -p udp -dport 50:200",
                    "IN DROP -p udp -dport 50:201"]


def covered_lines(root, first):
    """The numbers of the rules that are never reached, as lint says."""
    found = json.loads(subprocess.run([CC, "lint", "--no-config", "--format", "json", "--root", root], check=False,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)["diagnostics"]
    lines = set()
    for d in (d for d in found if d["id"] in COVERED):
        lines.add(d["place"]["begin"]["line"])
        lines.update(label["place"]["begin"]["line"] for label in d.get("labels", []) if label["text"] == "nor is this rule")
    return {line - first for line in lines}


def check_exact(tmp, name, rules):
    root = "%s/exact-%s" % (tmp, name)
    write(root, rules)

    def is_reached(i):
        other = "%s-%d" % (root, i)
        words = rules[i].split(" ", 2)
        words[1] = "DROP" if words[1] == "ACCEPT" else "ACCEPT"
        write(other, rules[:i] + [" ".join(words)] + rules[i + 1:])
        return subprocess.run([CC, "diff", root, other], check=False, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode != 0

    with concurrent.futures.ThreadPoolExecutor() as pool:
        reached = list(pool.map(is_reached, range(len(rules))))
    exact = {i for i, is_one in enumerate(reached) if not is_one}
    said = covered_lines(root, 5)
    verdict(said == exact, "%s: rules %s" % (name, ", ".join("%d %s" % (i, rules[i]) for i in sorted(said ^ exact))))


def check_finishes(tmp, name, rules, cluster=""):
    root = "%s/many-%s" % (tmp, name)
    write(root, rules, cluster)
    ran = subprocess.run([CC, "lint", "--no-config", "--format", "gcc", "--root", root], check=False, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    verdict(ran.returncode == 0 and b"N0955" not in ran.stdout and b"N09" in ran.stdout,
            "%s: %d rules are not all compared" % (name, len(rules)))


def main():
    rand = random.Random(13)
    with tempfile.TemporaryDirectory() as tmp:
        for kind in ("exact", "overlap", "wild"):
            check_exact(tmp, kind, generated(kind, 60, tmp))
        check_exact(tmp, "unions", unions(rand))
        for kind in ("usual", "exact", "overlap", "wild"):
            check_finishes(tmp, kind, generated(kind, 10000, tmp))
        actions = ["ACCEPT", "DROP", "REJECT"]
        check_finishes(tmp, "pairs", ["IN DROP -source 10.0.%d.%d -p tcp -dport %d" % (i >> 8, i & 255, i + 1)
                                      for i in range(10000)])
        cluster = "".join("\n[IPSET set%d]\n" % s + "".join("10.%d.%d.%d\n" % (s, i, rand.randrange(256)) for i in range(100))
                          for s in range(50))
        check_finishes(tmp, "sets", ["IN %s -source +dc/set%d -p tcp -dport %d" %
                                     (rand.choice(actions), rand.randrange(50), rand.randrange(1, 5000)) for _ in range(10000)],
                       cluster)
    print("%d passed, %d failed" % tuple(counts))
    return counts[1] != 0


if __name__ == "__main__":
    sys.exit(main())
