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


def run(command, folder, **variables):
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=60,
                          env=os.environ | variables)


right, broken = tree("right", False), tree("broken", True)
with open(f"{broken}/firewall/110.fw", encoding="utf-8") as file:
    wrong_line = len(file.readlines())

github = load("examples/ci/github.yml")
steps = [step["run"] for job in github["jobs"].values() for step in job["steps"] if "run" in step]
gitlab = load("examples/ci/gitlab.yml")
jobs = {name: job for name, job in gitlab.items() if isinstance(job, dict) and "script" in job}
steps += [line for job in jobs.values() for line in job["script"]]
checks = [step for step in steps if step.startswith("pvefw-cc ") and " diff " not in step]
verdict(len(checks) == 4, "the examples run pvefw-cc four times")
for command in checks:
    good, bad = run(command, right), run(command, broken)
    verdict(good.returncode == 0, f"{command}: succeeds on the example: {good.stdout}{good.stderr}")
    verdict(bad.returncode != 0, f"{command}: fails on a broken one")

# The tables for a pull and for a merge request.
repository = tree("repository", False)
for command in ("git init -q -b main", "git config user.name n", "git config user.email n@example.org", "git add -A", "git commit -qm one"):
    assert run(command, repository).returncode == 0, command
base = run("git rev-parse HEAD", repository).stdout.strip()
with open(f"{repository}/firewall/110.fw", "a", encoding="utf-8") as file:
    file.write("\n[RULES]\n\nIN ACCEPT -p tcp -dport 4321\n")
assert run("git commit -qam two", repository).returncode == 0
comment = load("examples/ci/github-diff.yml")["jobs"]["changes"]["steps"]
compare = {"BASE": next(step["run"] for step in comment if step["name" if "name" in step else "uses"] == "Compare"),
           "CI_MERGE_REQUEST_DIFF_BASE_SHA": next(line for line in jobs["changes"]["script"] if " diff " in line)}
for variable, command in compare.items():
    good = run(f"sh -ec '{command}'", repository, **{variable: base, "GITHUB_STEP_SUMMARY": f"{work}/summary"})
    with open(f"{repository}/changes.md", encoding="utf-8") as file:
        table = file.read()
    verdict(good.returncode == 0 and "**+ newly allowed**" in table and "4321" in table, f"{command}: {good.stderr}{table}")
    bad = run(f"sh -ec '{command}'", repository, **{variable: "0" * 40, "GITHUB_STEP_SUMMARY": f"{work}/summary"})
    verdict(bad.returncode != 0, f"{command}: fails if there is no such revision")
with open(f"{work}/summary", encoding="utf-8") as file:
    verdict("4321" in file.read(), "the summary of GitHub's job has the table")

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

# The action: with the pvefw-cc in PATH, with one that is named, and in a container. docker is a script that notes
# what it is told and runs the pvefw-cc of this build.
action = load("action.yml")
(step,) = action["runs"]["steps"]
variables = {}
for name, value in step["env"].items():
    match = re.fullmatch(r"\$\{\{ (?:inputs\.(\w+)|github\.action_path) \}\}", value)
    variables[name] = top if not match[1] else action["inputs"][match[1]]["default"]
verdict("${{" not in step["run"], "no input is part of the action's script")


def act(folder, **inputs):
    return run(step["run"], folder, **(variables | {f"PVEFW_{name.upper()}": value for name, value in inputs.items()}))


def annotates(said):
    return re.findall(r"^::error file=(?:\./)?(\S+?),line=(\d+)", said.stdout, re.M) == [("firewall/110.fw", str(wrong_line))]


good, bad = act(right), act(broken)
verdict(good.returncode == 0, f"the action succeeds on the example: {good.stdout}{good.stderr}")
verdict(bad.returncode == 1 and annotates(bad), f"the action annotates a broken one: {bad.stdout}{bad.stderr}")
bad = act(work, root="broken", arguments="--exit-zero", layout="false")
verdict(bad.returncode == 0 and f"file=broken/firewall/110.fw,line={wrong_line}," in bad.stdout,
        f"the action's root, arguments and layout: {bad.stdout}{bad.stderr}")
bad = act(broken, arguments="--exit-zero")
verdict(bad.returncode == 1, f"the action fails for the layout alone: {bad.stdout}{bad.stderr}")
bad = act(right, layout="yes")
verdict(bad.returncode == 2 and "layout must be true or false" in bad.stdout, "the action knows no layout `yes`")
os.mkdir(f"{work}/bin")
with open(f"{work}/bin/docker", "w", encoding="utf-8") as file:
    file.write(f"""#!/bin/sh
echo "$*" >>"{work}/docker"
case $1 in
build) [ -e "$4" ] && echo sha256:1234 ;;
run)
	while [ "$1" != sha256:1234 ]; do shift; done
	shift
	exec "{top}/build/pvefw-cc" "$@" ;;
esac
""")
os.chmod(f"{work}/bin/docker", 0o755)
for folder, status in (right, 0), (broken, 1):
    said = run(step["run"], folder, **variables, PATH=f"{work}/bin:/usr/bin:/bin")
    verdict(said.returncode == status and annotates(said) == bool(status),
            f"the action in a container, status {status}: {said.stdout}{said.stderr}")
with open(f"{work}/docker", encoding="utf-8") as file:
    told = file.read().splitlines()
verdict(told[:3] == [f"build -q -f {top}/packaging/Containerfile {top}",
                     f"run --rm -v {right}:{right} -w {right} sha256:1234 lint --format github --root .",
                     f"run --rm -v {right}:{right} -w {right} sha256:1234 fmt --check ."], f"docker is told {told}")
named = act(right, program=f"{top}/build/pvefw-cc")
verdict(named.returncode == 0, f"the action with a named program: {named.stderr}")
workflow = load("examples/ci/github-action.yml")
given = [step.get("with", {}) for job in workflow["jobs"].values() for step in job["steps"] if step["uses"].endswith("/pvefw@main")]
verdict(len(given) == 1 and set(given[0]) <= set(action["inputs"]), "the workflow gives the action inputs that it has")

# pre-commit itself, in a repository that holds a tree, with this repository's hooks
shutil.copytree(right, f"{work}/committed")
os.mkdir(f"{work}/hooks")
shutil.copy(f"{top}/.pre-commit-hooks.yaml", f"{work}/hooks")
config = load("examples/ci/pre-commit-config.yaml")
config["repos"][0] |= {"repo": f"{work}/hooks", "rev": "HEAD"}
with open(f"{work}/committed/.pre-commit-config.yaml", "w", encoding="utf-8") as file:
    yaml.safe_dump(config, file)
commit = "git init -q . && git add -A && git -c user.name=t -c user.email=t@t commit -q -m 1"
verdict(run(commit, f"{work}/hooks").returncode == run(commit, f"{work}/committed").returncode == 0, "two repositories")
check = "pre-commit run --all-files --color never"
good = run(check, f"{work}/committed", PRE_COMMIT_HOME=f"{work}/pre-commit")
verdict(good.returncode == 0 and good.stdout.count("Passed") == 2, f"pre-commit on the example: {good.stdout}{good.stderr}")
shutil.copy(f"{broken}/firewall/110.fw", f"{work}/committed/firewall")
bad = run(check, f"{work}/committed", PRE_COMMIT_HOME=f"{work}/pre-commit")
verdict(bad.returncode == 1 and bad.stdout.count("Failed") == 2 and "macro `SHH` does not exist" in bad.stdout,
        f"pre-commit on a broken one: {bad.stdout}{bad.stderr}")

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
