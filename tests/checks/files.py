#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""lint and fmt of many files by themselves: what they say, read and need.

Many files in one command get what each gets in a command of its own, in any order and under any name of their cluster.fw.
cluster.fw is read once per tree.  Memory does not grow with the files, nor does the work beyond that of compiling the tree.
"""
import concurrent.futures
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
CC = os.path.abspath(os.environ.get("PVEFW_CC", os.path.join(TESTS, "../build/pvefw-cc")))
GENERATE = os.path.join(TESTS, "bench/gen-cluster.py")
MOST_FILES = 150  # of an area
counts = {"passed": 0, "failed": 0, "cannot": 0}


def verdict(good, what):
    counts["passed" if good else "failed"] += 1
    if not good:
        print("FAIL", what)


def cannot(what):
    counts["cannot"] += 1
    print("cannot run here:", what)


def run(*words, cwd=None, given=b""):
    return subprocess.run([CC, *words], cwd=cwd, input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def fw_files(folder):
    found = [os.path.relpath(os.path.join(at, name), folder)
             for at, _, names in os.walk(folder) for name in names if name.endswith(".fw")]
    return sorted(found)


# ---- what is said ----

def findings(output):
    """Without what depends on the other files of the command."""
    kept = []
    for finding in json.loads(output)["diagnostics"]:
        finding.pop("fingerprint", None)
        kept.append(json.dumps(finding, sort_keys=True))
    return kept


def check_same_findings(area):
    folder = os.path.join(TESTS, "cases", area)
    # A comment that suppresses nothing is reported only where a command finds no errors.
    files = [f for f in fw_files(folder) if b"pvefw:" not in open(os.path.join(folder, f), "rb").read()]
    files = sorted(random.Random(len(files)).sample(files, min(len(files), MOST_FILES)))

    def lint(*words):
        return findings(run("lint", "--no-config", "--format", "json", *words, cwd=folder).stdout)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        each = [finding for found in pool.map(lint, files) for finding in found]
        printed = b"".join(pool.map(lambda f: run("fmt", f, cwd=folder).stdout, files))
    shuffled = files[:]
    random.Random(13).shuffle(shuffled)
    for order, name in ((files, "in order"), (files[::-1], "from the last"), (shuffled, "shuffled")):
        together = lint(*order)
        verdict(sorted(together) == sorted(each), "%s: %d files %s: %d findings, %d of each by itself" %
                (area, len(files), name, len(together), len(each)))
    verdict(run("fmt", *files, cwd=folder).stdout == printed, area + ": fmt of all files")


# ---- a tree ----

CLUSTER = """[OPTIONS]
enable: 1
[ALIASES]
good 10.0.0.1
bad 10.0.0.300
[IPSET management]
10.0.0.0/24
[IPSET x]
10.0.0.1
[group web]
IN HTTP(ACCEPT)
"""
SDN = '{"zones":{"ids":{"z1":{"type":"simple"}}},"vnets":{"ids":{"v1":{"zone":"z1"}}},"subnets":{"ids":' \
      '{"z1-10.9.0.0-24":{"vnet":"v1"}}}}'


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_tree(root):
    write(root + "/firewall/cluster.fw", CLUSTER)
    for node in ("n1", "n2", "n3"):
        write("%s/nodes/%s/host.fw" % (root, node), "[RULES]\nIN ACCEPT -source +management\nIN ACCEPT -source bad\n")
    write(root + "/sdn/.running-config", SDN)
    write(root + "/sdn/firewall/v1.fw", "[RULES]\nFORWARD ACCEPT -source +sdn/v1-all\nFORWARD ACCEPT -source bad\n")
    for vmid in range(100, 110):
        write("%s/firewall/%d.fw" % (root, vmid),
              "[RULES]\nGROUP web\nIN ACCEPT -source +sdn/v1-all\nIN DROP -source %s\nIN DROP -source god\n" %
              ("bad" if vmid % 2 else "good"))


def opened(folder, *words):
    """The files that a command opens, and how often."""
    trace = folder + "/trace"
    ran = subprocess.run(["strace", "-f", "-qq", "-e", "trace=openat,open", "-o", trace, CC, *words], cwd=folder,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if ran.returncode > 2 or b"ptrace" in ran.stderr:
        return None
    times = {}
    for line in open(trace, encoding="utf-8", errors="replace"):
        match = re.search(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]*)".*= \d+$', line)
        if match:
            path = os.path.realpath(os.path.join(folder, match[1]))
            times[path] = times.get(path, 0) + 1
    return times


def check_reads(tmp):
    for tree in "ab":
        make_tree("%s/%s" % (tmp, tree))
    a, b = (["%s/%s" % (tree, f) for f in fw_files("%s/%s" % (tmp, tree))] for tree in "ab")
    mixed = [f for pair in zip(a, b) for f in pair]
    if not shutil.which("strace") or opened(tmp, "lint", a[0]) is None:
        cannot("strace")
        return
    for command in ("lint",), ("fmt", "--check"):
        for files, name in ((a + b, "one tree after the other"), (mixed, "in turns"), (mixed[::-1] + ["./" + f for f in a],
                                                                                    "and some under other names")):
            times = opened(tmp, *command, *files)
            for tree in "ab":
                for file in "firewall/cluster.fw", "sdn/.running-config":
                    path = os.path.realpath("%s/%s/%s" % (tmp, tree, file))
                    verdict(times.get(path) == 1, "%s %s: %s is opened %s times" %
                            (command[0], name, path, times.get(path)))


def check_mistakes_of_cluster(tmp):
    """A mistake in cluster.fw is shown once for each file that it makes wrong, under that file's name for it."""
    make_tree(tmp + "/c")
    files = ["firewall/101.fw", "nodes/n1/host.fw", "firewall/103.fw", "nodes/n2/host.fw", "sdn/firewall/v1.fw", "firewall/100.fw"]
    shown = json.loads(run("lint", "--no-config", "--format", "json", *files, cwd=tmp + "/c").stdout)["diagnostics"]
    places = [d["place"]["file"] for d in shown if d["name"] == "bad-alias-address"]
    verdict(places == ["firewall/cluster.fw", "nodes/n1/../../firewall/cluster.fw", "firewall/cluster.fw",
                       "nodes/n2/../../firewall/cluster.fw", "sdn/firewall/../../firewall/cluster.fw"],
            "mistakes of cluster.fw: %s" % places)
    labels = [len(d.get("labels", [])) for d in shown if d["name"] == "bad-alias-address"]
    verdict(labels == [1] * 5, "labels at mistakes of cluster.fw: %s" % labels)
    # Standard input in the place of cluster.fw.
    fixed = CLUSTER.replace("300", "3").encode()
    shown = json.loads(run("lint", "--no-config", "--format", "json", "--stdin-filename", "firewall/cluster.fw", "-", *files,
                           cwd=tmp + "/c", given=fixed).stdout)["diagnostics"]
    verdict(not [d for d in shown if d["name"] == "bad-alias-address"], "standard input is cluster.fw for all files")


# ---- what is needed ----

def memory(folder, *words):
    """The largest memory of the command, in KiB."""
    pid = os.posix_spawn(CC, [CC, *words], os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
    return os.wait4(pid, 0)[2].ru_maxrss


def instructions(tmp, *words):
    out = tmp + "/callgrind"
    subprocess.run(["valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=" + out, CC, *words],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return int(re.search(r"^(?:summary|totals): (\d+)", open(out, encoding="utf-8").read(), re.M)[1])


def check_needs(tmp):
    root = tmp + "/cluster"
    subprocess.run([GENERATE, "1000", "20", root], check=True, stdout=subprocess.DEVNULL)
    files = ["%s/%s" % (root, f) for f in fw_files(root)]
    few = files[:200]
    for command in ("lint",), ("fmt", "--check"):
        small, large = (min(memory(root, *command, *part) for _ in range(3)) for part in (few, files))
        verdict(large <= small + 1024, "%s: %d KiB for %d files, but %d KiB for %d" %
                (command[0], small, len(few), large, len(files)))
    tree = min(memory(root, "compile", "--root", root, "-o", tmp + "/out") for _ in range(3))
    large = memory(root, "lint", *files)
    verdict(large <= tree, "lint of %d files needs %d KiB, compiling the tree %d KiB" % (len(files), large, tree))
    if not shutil.which("valgrind"):
        cannot("valgrind")
        return
    whole = instructions(tmp, "compile", "--root", root, "-o", tmp + "/out")
    for command in ("lint",), ("fmt", "--check"):
        each = instructions(tmp, *command, *files)
        verdict(each <= 3 * whole, "%s of %d files takes %d instructions, compiling the tree %d" %
                (command[0], len(files), each, whole))


def main():
    for area in sys.argv[1:] or ["diag", "lint", "field"]:
        check_same_findings(area)
    with tempfile.TemporaryDirectory() as tmp:
        check_reads(tmp)
        check_mistakes_of_cluster(tmp)
        if "asan" not in CC:
            check_needs(tmp)
    print("%d passed, %d failed" % (counts["passed"], counts["failed"]) +
          (", %d cannot run here" % counts["cannot"] if counts["cannot"] else ""))
    return counts["failed"] != 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
