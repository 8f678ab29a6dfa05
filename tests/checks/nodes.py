#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what lint finds in trees of several nodes with what it finds for each node by itself.

usage: nodes.py PVEFW_CC OPTIONS TREE...

A finding of `lint --node X` about X, or about what all nodes have in common, is one of `lint` that names X
or no node, and the other way round. What a run about one node says of the guests of other nodes is left out:
it does not know their NICs.
"""
import json
import os
import subprocess
import sys


def lint(*words):
    ran = subprocess.run([sys.argv[1], "lint", "--no-config", "--format", "json", *sys.argv[2].split(), *words],
                         stdout=subprocess.PIPE, check=False)
    return json.loads(ran.stdout)["diagnostics"]


def homes_of(tree):
    """VMID -> the nodes that have the guest."""
    homes = {}
    for node in os.listdir(tree + "/nodes"):
        for kind in ("qemu-server", "lxc"):
            folder = os.path.join(tree, "nodes", node, kind)
            for file in os.listdir(folder) if os.path.isdir(folder) else []:
                homes.setdefault(file.split(".")[0], set()).add(node)
    return homes


def is_about(finding, node, tree, homes):
    """Whether its file is the node's, or everyone's."""
    path = finding["place"]["file"][len(tree) + 1:].split("/") if finding["place"] else [""]
    if path[0] == "nodes":
        return path[1] == node
    if path[0] == "firewall" and path[1] != "cluster.fw":
        return node in homes.get(path[1].split(".")[0], ())
    return True


def key(finding):
    finding = {k: v for k, v in finding.items() if k not in ("nodes", "fingerprint")}
    finding["notes"] = [n for n in finding["notes"] if not n.startswith("on node ")]
    return json.dumps(finding, sort_keys=True)


def main():
    for tree in sys.argv[3:]:
        homes = homes_of(tree)
        together = lint(tree)
        for node in sorted(os.listdir(tree + "/nodes")):
            alone = sorted(key(d) for d in lint("--node", node, tree) if is_about(d, node, tree, homes))
            part = sorted(key(d) for d in together
                          if node in d.get("nodes", [node]) and is_about(d, node, tree, homes))
            print("%s %s, node %s: %d findings" % ("ok" if alone == part else "FAIL", tree, node, len(part)))
            for finding in sorted(set(alone) ^ set(part))[:5]:
                print("  %s %s" % ("missing" if finding in alone else "too much", finding[:1000]))
        keys = [key(d) + str(d.get("nodes")) for d in together]
        print("%s %s: %d findings, each once" % ("ok" if len(keys) == len(set(keys)) else "FAIL", tree, len(keys)))
    print("done")


main()
