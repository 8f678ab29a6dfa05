#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""edits.py EDITS SEED SERVICE NAMESPACE WORK: random edits of a tree in pmxcfs under a running service.

Edits come from other nodes and from this one, the way editors save files too; the file system is unmounted, killed and stopped,
and so is the service. After each step what is loaded in the network namespace must become what the tree is, loaded by
a fresh process into an empty namespace.

What tests/service/edits.sh floods stays blocked in every version of the tree: UDP port 7001 of the host and of
guests 100 and 101; and UDP port 7000 of the host stays open.

Prints each difference as a line that begins with FAIL, and at the end `N edits, N steps, N differences, slowest S s,
longest save N ms`.
"""
import difflib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pmxcfs  # noqa: E402

EDITS, SEED, SERVICE, NAMESPACE, WORK = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:6]
TREE, SOCKET, LOG = WORK + "/tree", WORK + "/pmxcfs.sock", WORK + "/log"
OTHER = NAMESPACE + "-other"
HERE = os.path.dirname(os.path.abspath(__file__))
R = random.Random(SEED)
LIMIT = 8  # seconds until a step must be in force


def run(*command, namespace=None, **options):
    if namespace:
        command = ("nsenter", "--net=/run/netns/" + namespace) + command
    return subprocess.run(command, capture_output=True, text=True, errors="replace", **options)


# ---- the tree ----

class File:
    """What a .fw file says; `first` are rules that no edit touches."""

    def __init__(self, options, first=()):
        self.options, self.first = options, list(first)
        self.aliases, self.sets, self.groups, self.rules = {}, {}, {}, []

    def text(self):
        parts = ["[OPTIONS]"] + ["%s: %s" % item for item in self.options.items()]
        parts += ["[ALIASES]"] + ["%s %s" % item for item in self.aliases.items()] if self.aliases else []
        for name, members in self.sets.items():
            parts += ["[IPSET %s]" % name] + members
        parts += ["[RULES]"] + self.first + self.rules
        for name, rules in self.groups.items():
            parts += ["[group %s]" % name] + rules
        return "\n".join(parts) + "\n"


CLUSTER = File({"enable": "1"}, ["IN ACCEPT -p udp -dport 7000", "IN DROP -p udp -dport 7001"])
CLUSTER.aliases = {"office": "10.9.0.0/16"}
CLUSTER.sets = {"many": ["10.1.0.0/16", "10.2.0.7", "2001:db8::/32"]}
CLUSTER.groups = {"web": ["IN ACCEPT -p tcp -dport 80"]}
HOST = File({"enable": "1"}, CLUSTER.first)
# VMID: [folder, {NIC: text}, File or None]
GUESTS = {
    100: ["qemu-server", {0: "virtio=02:00:00:00:01:00,bridge=vmbr0,firewall=1"},
          File({"enable": "1"}, ["IN DROP -p udp -dport 7001"])],
    101: ["lxc", {0: "name=eth0,hwaddr=02:00:00:00:01:01,bridge=vmbr0,firewall=1"},
          File({"enable": "1"}, ["IN DROP -p udp -dport 7001"])],
}
KEPT = set(GUESTS)


def address():
    return R.choice(["+dc/" + name for name in CLUSTER.sets] + ["dc/" + name for name in CLUSTER.aliases] +
                    ["10.%d.%d.0/24" % (R.randrange(5), R.randrange(3)), "10.7.7.1-10.7.7.9", "2001:db8:5::/64", "nosuch"])


def rule(groups=True):
    if groups and CLUSTER.groups and R.random() < .15:
        return "GROUP " + R.choice(list(CLUSTER.groups))
    text = "%s%s %s" % (R.choice(["", "", "|"]), R.choice(["IN", "IN", "OUT"]), R.choice(["ACCEPT", "DROP", "REJECT"]))
    text += " -source " + address() if R.random() < .4 else ""
    protocol = R.choice(["", "tcp", "sctp", "icmp"])
    text += " -p " + protocol if protocol else ""
    text += " -dport %d" % R.randint(1, 6999) if protocol in ("tcp", "sctp") else ""
    if not protocol and "ACCEPT" in text:  # else it would open what is flooded
        text += " -p tcp -dport %d" % R.randint(1, 6999)
    return text + (" -log info" if R.random() < .2 else "")


def nic(folder, vmid, number):
    mac = "02:00:00:01:%02X:%02X" % (vmid & 255, number)
    kind = "virtio=" + mac if folder == "qemu-server" else "name=eth%d,hwaddr=%s" % (number, mac)
    return kind + ",bridge=vmbr0" + R.choice([",firewall=1", ",firewall=1", ""])


def edit_lines(lines, make):
    if not lines or R.random() < .5:
        lines.insert(R.randint(0, len(lines)), make())
    elif R.random() < .5:
        del lines[R.randrange(len(lines))]
    else:
        lines[R.randrange(len(lines))] = make()


def toggle(options, names):
    name = R.choice(names)
    if name in options:
        del options[name]
    else:
        options[name] = {"policy_in": "REJECT", "policy_out": "DROP", "log_level_in": "info", "layer2_protocols": "ARP,IPv4"}.get(name, "1")


def edit_cluster():
    kind = R.choice(["rule", "rule", "set", "alias", "group", "option"])
    if kind == "rule":
        edit_lines(CLUSTER.rules, lambda: rule(False))
    elif kind == "set":
        members = CLUSTER.sets.setdefault(R.choice(["many", "few", "blacklist"]), [])
        edit_lines(members, lambda: R.choice(["10.%d.0.0/16" % R.randrange(9), "10.3.1.%d" % R.randrange(9), "2001:db8:%d::/48" % R.randrange(5)]))
    elif kind == "alias":
        CLUSTER.aliases[R.choice(["office", "desk"])] = "10.9.%d.0/24" % R.randrange(9)
    elif kind == "group":
        edit_lines(CLUSTER.groups.setdefault(R.choice(["web", "db"]), []), lambda: rule(False))
    else:
        toggle(CLUSTER.options, ["policy_in", "policy_out", "ebtables"])
    return "cluster: " + kind


def edit_host():
    if R.random() < .5:
        edit_lines(HOST.rules, lambda: rule(False))
    else:
        toggle(HOST.options, ["nosmurfs", "tcpflags", "ndp", "log_level_in"])
    return "host"


def edit_guests():
    others = [vmid for vmid in GUESTS if vmid not in KEPT]
    if len(others) < 3 or (len(others) < 8 and R.random() < .1):
        vmid = R.choice([number for number in range(110, 122) if number not in GUESTS])
        folder = R.choice(["qemu-server", "lxc"])
        GUESTS[vmid] = [folder, {0: nic(folder, vmid, 0)}, File({"enable": R.choice("110")})]
        return "guest %d appears" % vmid
    vmid = R.choice(others)
    folder, nics, file = GUESTS[vmid]
    kind = R.choice(["leaves", "NIC", "NIC", "file", "renumbered"])
    if kind == "leaves":
        del GUESTS[vmid]
    elif kind == "NIC":
        number = R.randrange(3)
        if nics.pop(number, None) is None:
            nics[number] = nic(folder, vmid, number)
    elif kind == "file":
        GUESTS[vmid][2] = None if file else File({"enable": "1"})
    else:
        GUESTS[R.choice([number for number in range(110, 122) if number not in GUESTS])] = GUESTS.pop(vmid)
    return "guest %d: %s" % (vmid, kind)


def edit_guest_file():
    vmid = R.choice([vmid for vmid, guest in GUESTS.items() if guest[2]])
    file = GUESTS[vmid][2]
    kind = R.choice(["rule", "rule", "rule", "option", "alias"])
    if kind == "rule":
        edit_lines(file.rules, rule)
    elif kind == "alias":
        file.aliases["desk"] = "10.5.5.%d" % R.randrange(9)
    else:
        names = ["policy_in", "policy_out", "macfilter", "ipfilter", "dhcp", "ndp", "radv", "log_level_in", "layer2_protocols"]
        # the flood must go on being blocked by the first rule
        toggle(file.options, names[:1] + names[4:-1] if vmid in KEPT else names)
    return "%d.fw: %s" % (vmid, kind)


def edit():
    return R.choice([edit_cluster, edit_cluster, edit_host, edit_guests, edit_guest_file, edit_guest_file, edit_guest_file])()


def wanted():
    files = {"firewall/cluster.fw": CLUSTER.text(), "nodes/n/host.fw": HOST.text()}
    for vmid, (folder, nics, file) in GUESTS.items():
        files["nodes/n/%s/%d.conf" % (folder, vmid)] = "".join("net%d: %s\n" % item for item in sorted(nics.items())) + "memory: 512\n"
        if file:
            files["firewall/%d.fw" % vmid] = file.text()
    return files


# ---- writing ----

def another_node(path, data):
    pmxcfs.ask(SOCKET, op="write", path=path, data=data)


def another_node_twice(path, data):
    pmxcfs.ask(SOCKET, op="write", path=path, data="# first\n" + data)
    time.sleep(R.choice([0, .05, .3]))
    pmxcfs.ask(SOCKET, op="write", path=path, data=data)


class Gap:
    """How long a file is missing, empty or not complete: the service takes it as it is after half a second."""

    longest = 0.0

    def __enter__(self):
        self.begin = time.monotonic()

    def __exit__(self, *_):
        Gap.longest = max(Gap.longest, time.monotonic() - self.begin)


def another_node_slowly(path, data):
    with Gap():
        pmxcfs.ask(SOCKET, op="write", path=path, data="")
        time.sleep(R.random() * .2)
        pmxcfs.ask(SOCKET, op="write", path=path, data=data)


def put(path, data):
    with open(TREE + "/" + path, "w", encoding="ascii") as file:
        file.write(data)


def rename_into_place(path, data):
    put(path + ".tmp.1", data)
    os.rename("%s/%s.tmp.1" % (TREE, path), TREE + "/" + path)


def rename_away(path, data):
    with Gap():
        if os.path.exists(TREE + "/" + path):
            os.rename(TREE + "/" + path, TREE + "/" + path + "~")
        time.sleep(R.random() * .2)
        put(path, data)
    if os.path.exists(TREE + "/" + path + "~"):
        os.unlink(TREE + "/" + path + "~")


def truncate_first(path, data):
    with Gap():
        put(path, "")
        time.sleep(R.random() * .2)
        put(path, data)


def in_two_parts(path, data):
    with Gap(), open(TREE + "/" + path, "w", encoding="ascii") as file:
        file.write(data[:len(data) // 2])
        file.flush()
        time.sleep(R.random() * .2)
        file.write(data[len(data) // 2:])


WAYS = [another_node, another_node, another_node_twice, another_node_slowly, put, rename_into_place, rename_into_place,
        rename_away, truncate_first, in_two_parts]


def write(have):
    """Makes the tree what it is to be, each file in some way."""
    files, ways = wanted(), []
    for path in [path for path in have if path not in files]:
        if R.random() < .5:
            pmxcfs.ask(SOCKET, op="rm", path=path)
        else:
            os.unlink(TREE + "/" + path)
        del have[path]
        ways.append("remove " + path)
    for path, data in files.items():
        if have.get(path) != data:
            way = R.choice(WAYS)
            way(path, data)
            have[path] = data
            ways.append("%s %s" % (way.__name__, path))
    return ways


# ---- processes ----

class Processes:
    """The file system and the service."""

    def __init__(self):
        self.filesystem = self.service = None

    def mount(self):
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)
        self.filesystem = subprocess.Popen(["/usr/bin/python3", HERE + "/pmxcfs.py", TREE, SOCKET, WORK + "/pmxcfs.state"],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: os.path.ismount(TREE) and os.path.exists(SOCKET), 20)

    def unmount(self):
        run("umount", "-l", TREE)
        try:
            self.filesystem.wait(3)
        except subprocess.TimeoutExpired:
            self.filesystem.kill()
            self.filesystem.wait()

    def start(self):
        command = ["nsenter", "--net=/run/netns/" + NAMESPACE, SERVICE, "start", "--debug", "--root", TREE, "--node", "n",
                   "--run-dir", WORK + "/run", "--log-file", LOG]
        with open(WORK + "/output", "a", encoding="ascii") as output:
            self.service = subprocess.Popen(command, stdout=output, stderr=output)

    def kill_service(self):
        self.service.kill()
        self.service.wait()


P = Processes()


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(.02)
    return True


def pve_cluster_restarts():
    P.unmount()
    time.sleep(R.choice([0, .3, 1.2]))
    P.mount()


def pmxcfs_is_killed():
    P.filesystem.kill()
    P.filesystem.wait()
    time.sleep(R.choice([0, .4, 1.2]))
    run("umount", "-l", TREE)
    P.mount()


def pmxcfs_hangs():
    P.filesystem.send_signal(signal.SIGSTOP)
    time.sleep(R.choice([.3, 1.5, 4.5]))
    P.filesystem.send_signal(signal.SIGCONT)


def service_is_killed():
    P.kill_service()
    P.start()


def service_is_killed_unmounted():
    P.unmount()
    P.kill_service()
    P.start()
    time.sleep(R.choice([.2, 1]))
    P.mount()


def service_reloads():
    P.service.send_signal(signal.SIGHUP)


def guest_file_fails():
    path = "firewall/%d.fw" % R.choice(list(KEPT))
    pmxcfs.ask(SOCKET, op="fail", path=path, errno=5)
    time.sleep(R.choice([.3, 1]))
    pmxcfs.ask(SOCKET, op="fail", path=path, errno=0)


FAULTS = [pve_cluster_restarts, pmxcfs_is_killed, pmxcfs_hangs, service_is_killed, service_is_killed_unmounted, service_reloads,
          guest_file_fails]


# ---- comparing ----

def rules(namespace):
    lines = []
    for tool in ("iptables", "ip6tables"):
        saved = run(tool + "-save", namespace=namespace).stdout.splitlines()
        lines += [tool + " " + re.sub(r" \[[0-9:]*\]$", "", line) for line in saved if not line.startswith("#")]
    lines.sort(key=lambda line: line.split(" ")[:3])
    lines += sorted(re.sub(r" initval 0x[0-9a-f]*", "", line) for line in run("ipset", "save", namespace=namespace).stdout.splitlines())
    saved = run("ebtables-save", namespace=namespace).stdout.splitlines()
    return lines + sorted((line for line in saved if not line.startswith("#")), key=lambda line: line.split(" ")[:2])


def comparable(lines):
    """Without what is there only because it was looked for, and hooks that lead nowhere."""
    lines = [line for line in lines if not re.search(r"(^|tables )(\*\w+|COMMIT|:(FORWARD|INPUT|OUTPUT|PREROUTING|BROUTING) ACCEPT)$", line)]
    filled = {match[1] + match[2] for match in (re.match(r"(.*tables |)-A (PVEFW-\S+)", line) for line in lines) if match}

    def is_empty(line):
        match = (re.match(r"(.*tables |):(PVEFW-(?:INPUT|OUTPUT|FORWARD|PREROUTING)) ", line) or
                 re.match(r"(.*tables |)-A (?:INPUT|OUTPUT|FORWARD|PREROUTING) -j (PVEFW-\S+)$", line))
        return match and match[1] + match[2] not in filled
    return [line for line in lines if not is_empty(line)]


def fresh():
    """What the tree is, loaded by somebody who knows nothing."""
    run("ip", "netns", "add", OTHER)
    run("ip", "-n", OTHER, "link", "set", "lo", "up")
    done = run(SERVICE, "apply", "--root", TREE, "--node", "n", "--run-dir", WORK + "/other", "--log-file", WORK + "/other.log",
               namespace=OTHER)
    lines = comparable(rules(OTHER))
    run("ip", "netns", "del", OTHER)
    return lines, done


def log_text():
    with open(LOG, encoding="ascii", errors="replace") as file:
        return file.read()


def compare(step, what):
    """0 if what is loaded becomes what it must be in time, else 1; and the seconds that it took."""
    begin = time.monotonic()
    expected, done = fresh()
    loaded = []

    def is_loaded():
        nonlocal loaded
        loaded = comparable(rules(NAMESPACE))
        return loaded == expected

    if done.returncode == 0 and wait_for(is_loaded, LIMIT):
        return 0, time.monotonic() - begin
    print("FAIL step %d: %s" % (step, what))
    print("    apply: status %d %s" % (done.returncode, done.stderr.strip()))
    for line in list(difflib.unified_diff(expected, loaded, "fresh", "service", lineterm="", n=0))[:14]:
        print("    " + line)
    print("    log: " + "\n    log: ".join(log_text().splitlines()[-8:]), flush=True)
    return 1, time.monotonic() - begin


def put_mark(name):
    with open(WORK + "/" + name, "w", encoding="ascii"):
        pass


def main():
    edits = steps = differences = 0
    slowest, have = 0.0, {}
    os.makedirs(TREE, exist_ok=True)
    P.mount()
    for folder in ("firewall", "nodes", "nodes/n", "nodes/n/qemu-server", "nodes/n/lxc", "nodes/m", "nodes/m/qemu-server"):
        os.mkdir(TREE + "/" + folder)
    write(have)
    P.start()
    wait_for(lambda: os.path.exists(LOG) and "changes are applied" in log_text(), 20)
    print("ready", flush=True)
    while edits < EDITS and differences < 5:
        what = []
        for _ in range(R.choice([1, 1, 1, 2, 3])):
            what.append(edit())
            what += write(have)
            edits += 1
            time.sleep(R.choice([0, .05, .3]))
        if R.random() < .15:
            fault = R.choice(FAULTS)
            fault()
            what.append(fault.__name__)
        steps += 1
        failed, took = compare(steps, what)
        differences += failed
        slowest = max(slowest, took)
        if P.service.poll() is not None:
            print("FAIL the service has ended with status %s" % P.service.returncode)
            differences += 1
            break
    # whoever floods ends first, as `stop` opens everything
    put_mark("stopping")
    wait_for(lambda: os.path.exists(WORK + "/stopped"), 10)
    P.service.terminate()
    P.service.wait(30)
    P.unmount()
    shutil.rmtree(WORK + "/other", True)
    print("%d edits, %d steps, %d differences, slowest %.1f s, longest save %d ms" %
          (edits, steps, differences, slowest, Gap.longest * 1000), flush=True)


if __name__ == "__main__":
    main()
