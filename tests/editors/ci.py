# SPDX-License-Identifier: GPL-2.0-or-later
"""ci.py TOP WORK: runs what the CI examples and the hooks run on an example, and on a broken copy of it."""
import json, os, re, shutil, subprocess, sys
import yaml

top, work = sys.argv[1:]
os.environ["PATH"] = f"{top}/build:{os.environ['PATH']}"


def verdict(good, what):
    print("ok" if good else "FAIL", what)


def load(path):
    with open(f"{top}/{path}", encoding="utf-8") as file:
        return json.load(file) if path.endswith(".json") else yaml.safe_load(file)


def tree(name, broken):
    folder = f"{work}/{name}"
    shutil.copytree(f"{top}/examples/small-office", folder)
    if broken:
        with open(f"{folder}/firewall/110.fw", "a", encoding="utf-8") as file:
            file.write("IN  ACCEPT\nIN SHH(ACCEPT)\n")
    return folder


def run(command, folder):
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=60)


right, broken = tree("right", False), tree("broken", True)

github = load("examples/ci/github.yml")
steps = [step["run"] for job in github["jobs"].values() for step in job["steps"] if "run" in step]
gitlab = load("examples/ci/gitlab.yml")
jobs = {name: job for name, job in gitlab.items() if isinstance(job, dict) and "script" in job}
steps += [line for job in jobs.values() for line in job["script"]]
checks = [step for step in steps if "pvefw-cc" in step]
verdict(len(checks) == 4, "the examples run pvefw-cc four times")
for command in checks:
    good, bad = run(command, right), run(command, broken)
    verdict(good.returncode == 0, f"{command}: succeeds on the example: {good.stdout}{good.stderr}")
    verdict(bad.returncode != 0, f"{command}: fails on a broken one")
report = jobs["lint"]["artifacts"]["reports"]["codequality"]
with open(f"{broken}/{report}", encoding="utf-8") as file:
    verdict(len(json.load(file)) == 1, "GitLab's report has the mistake")

(pattern,) = load("examples/ci/pvefw-matcher.json")["problemMatcher"][0]["pattern"]
said = run("pvefw-cc lint --format gcc --root .", broken).stdout.splitlines()
found = [match for match in (re.match(pattern["regexp"], line) for line in said) if match]
verdict(len(found) == 1, f"the matcher finds the mistake in: {said}")
match = found[0]
verdict((match[pattern["file"]], match[pattern["severity"]], match[pattern["column"]]) ==
        ("firewall/110.fw", "error", "4") and match[pattern["code"]].startswith("E"), f"and its parts: {match.groups()}")

hooks = {hook["id"]: hook for hook in load(".pre-commit-hooks.yaml")}
names = ["firewall/cluster.fw", "firewall/110.fw", "nodes/office/host.fw"]
for hook in hooks.values():
    matches = [name for name in names + ["sdn/firewall/vnet0.fw", "x.fw", "110.fw.old"] if re.search(hook["files"], name)]
    verdict(matches == names + ["sdn/firewall/vnet0.fw"], f"{hook['id']}: its files are {matches}")
    good = run(f"{hook['entry']} {' '.join(names)}", right)
    verdict(good.returncode == 0 and not good.stdout, f"{hook['id']}: succeeds on the example {good.stdout}")
for example in ["hosting", "ipv6-cluster", "small-office"]:
    folder = shutil.copytree(f"{top}/examples/{example}", f"{work}/{example}")
    files = sorted(os.path.relpath(os.path.join(path, name), folder)
                   for path, _, entries in os.walk(folder) for name in entries if name.endswith(".fw"))
    for hook in hooks.values():
        unmatched = [name for name in files if not re.search(hook["files"], name)]
        verdict(files and not unmatched, f"{hook['id']} takes all files of {example}, not {unmatched}")
        good = run(f"{hook['entry']} {' '.join(files)}", folder)
        verdict(good.returncode == 0 and "changes" not in good.stdout,
                f"{hook['id']}: succeeds on {example}: {good.stdout}{good.stderr}")
bad = run(f"{hooks['pvefw-lint']['entry']} {' '.join(names)}", broken)
verdict(bad.returncode == 1, "pvefw-lint fails on a broken one")
bad = run(f"{hooks['pvefw-fmt']['entry']} {' '.join(names)}", broken)
verdict(bad.stdout == "firewall/110.fw: 2 changes\n", f"pvefw-fmt changes a file: {bad.stdout}")
print("done")
