# SPDX-License-Identifier: GPL-2.0-or-later
"""container.py FILE WORK: builds an image as FILE says, in root file systems below WORK, and runs it.

Of a container file's instructions it knows those that packaging/Containerfile has. A stage begins with Debian's minimal
system of the release that FROM names; the one that builds has the packages already that tests/install-deps would install,
and is left out where the suite trixie has left what it makes in build/chroot/debs. Needs a mount namespace of its own. Status 77: there is no archive to be had. WORK/passed gets the number of checks."""
import fnmatch, glob, json, os, re, shlex, shutil, subprocess, sys

file, work = sys.argv[1:]
top = os.getcwd()
releases = {"12": "bookworm", "13": "trixie"}
passed = 0


def check(good, what):
    global passed
    if not good:
        print("FAIL", what)
        sys.exit(1)
    passed += 1


def instructions(path):
    text = re.sub(r"\\\n", "", "".join(line for line in open(path) if not line.startswith("#")))
    return [line.split(None, 1) for line in text.splitlines() if line.strip()]


def minimal(release, lists):
    """A folder with that system; it is not to be changed."""
    made = subprocess.run(["tests/chroot/make.sh", release, *lists], capture_output=True, text=True)
    if made.returncode == 77:
        print("container: cannot run here:", made.stderr.strip())
        sys.exit(77)
    check(made.returncode == 0, f"a system of {release}: {made.stderr}")
    return made.stdout.strip()


class Stage:
    def __init__(self, number, image, builds):
        name, version = re.fullmatch(r"(debian):(\d+)-slim", image).groups()
        self.debs = f"{top}/build/chroot/debs" if builds and glob.glob("build/chroot/debs/*.deb") else None
        if self.debs:
            check(version == "13", "the suite trixie builds for another release")
            return
        lower = minimal(releases[version], ["build", "cases", "deb", "node"] if builds else [])
        self.root, layer = f"{work}/{number}/root", f"{work}/{number}"
        for folder in "root", "upper", "work":
            os.makedirs(f"{layer}/{folder}")
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={lower},upperdir={layer}/upper,workdir={layer}/work", self.root], check=True)
        for kind in "proc", "dev":
            subprocess.run(["mount", "--rbind", f"/{kind}", f"{self.root}/{kind}"], check=True)
        shutil.copy("/etc/resolv.conf", f"{self.root}/etc/resolv.conf")
        self.folder, self.entry, self.command = "/", [], []

    def run(self, command, **variables):
        kept = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        # Optimization is of no use to what is looked at here.
        path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEB_BUILD_OPTIONS": "noopt nocheck noautodbgsym",
                "DEB_CFLAGS_STRIP": "-g", "DEBIAN_FRONTEND": "noninteractive"}
        return subprocess.run(["chroot", self.root, "/usr/bin/env", "-C", self.folder, *command], env=kept | path | variables,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def copy(self, sources, base, target):
        target = os.path.normpath(self.root + os.path.join(self.folder, target))
        os.makedirs(target, exist_ok=True)
        for source in sources:
            found = [base] if source == "." else glob.glob(f"{base}{source}")
            check(found, f"COPY: no {source}")
            for path in found:
                if os.path.isdir(path):
                    ignored = [line.strip() for line in open(f"{top}/.dockerignore") if line[0] not in "#\n"]
                    subprocess.run("tar -c " + " ".join(f"--exclude=./{shlex.quote(name)}" for name in ignored) +
                                   f" . | tar -x -C {shlex.quote(target)}", shell=True, check=True, cwd=path)
                else:
                    shutil.copy(path, target)


def base(stage):
    """Where COPY takes from: the sources, or another stage's root, whose package lies in /source/build."""
    if stage is None:
        return top
    return names[stage].root if not names[stage].debs else f"{work}/made"


stages, names = [], {}
os.makedirs(f"{work}/made/source")
if os.path.isdir("build/chroot/debs"):
    shutil.copytree("build/chroot/debs", f"{work}/made/source/build")
steps = instructions(file)
for word, rest in steps:
    if word == "FROM":
        image, name = re.fullmatch(r"(\S+)(?: AS (\S+))?", rest).groups()
        stages.append(Stage(len(stages), image, builds=name is not None))
        names[name] = stages[-1]
        continue
    stage = stages[-1]
    if stage.debs:
        print(f"{word} {rest}: as the suite trixie has done")
        continue
    if word == "WORKDIR":
        stage.folder = rest
        os.makedirs(stage.root + rest, exist_ok=True)
    elif word == "COPY":
        words = rest.split()
        other = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else None
        stage.copy(words[:-1], base(other), words[-1])
    elif word == "RUN":
        said = stage.run(["/bin/sh", "-c", rest])
        check(said.returncode == 0, f"RUN {rest}: {(said.stdout + said.stderr)[-2000:]}")
        print(f"RUN {rest}: status 0")
    elif word == "ENTRYPOINT":
        stage.entry = json.loads(rest)
    elif word == "CMD":
        stage.command = json.loads(rest)
    else:
        check(False, f"{word} is not known")

image = stages[-1]
shutil.copytree(f"{top}/examples/small-office", image.root + image.folder, dirs_exist_ok=True)
good = image.run(image.entry + image.command)
check(good.returncode == 0 and not good.stderr, f"the image on an example: {good.stdout}{good.stderr}")
with open(f"{image.root}{image.folder}/firewall/110.fw", "a") as rules:
    rules.write("IN SHH(ACCEPT)\n")
bad = image.run(image.entry + image.command)
check(bad.returncode == 1 and "macro `SHH` does not exist" in bad.stdout, f"the image on a broken one: {bad.stdout}{bad.stderr}")
here = subprocess.run([f"{top}/build/pvefw-cc", *image.command], cwd=image.root + image.folder, capture_output=True, text=True)
check(bad.stdout == here.stdout, f"the image says another thing than this build: {bad.stdout}")
packages = image.run(["dpkg-query", "-W", "-f", "${Package}\n"]).stdout.split()
surplus = [name for name in packages if name in ("pvefw", "iptables", "ebtables", "ipset", "nftables", "systemd", "gcc", "perl", "python3")]
check("pvefw-cc" in packages and not surplus, f"packages of the image: {surplus} are too many")
size = subprocess.run(["du", "-sxm", f"{work}/{len(stages) - 1}/upper"], capture_output=True, text=True).stdout.split()[0]
print(f"the image is Debian's and {size} MiB of its own, with {len(packages)} packages")
with open(f"{work}/passed", "w") as result:
    print(passed, file=result)
