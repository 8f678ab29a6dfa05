# SPDX-License-Identifier: GPL-2.0-or-later
"""fmt-writer.py PVEFW-CC FOLDER COUNT: the formatter and Proxmox VE's own writer agree.

Makes COUNT random configurations of every kind of file and writes each as Proxmox VE 9 does when the web interface
saves it: options in any order (a Perl hash), aliases, sets, entries and groups sorted, a header followed by an empty
line, the lines and an empty line, also when there are no lines; the options of a rule in one order; comments as
UTF-8 behind " # ". `fmt --check` has to name none of them. Then a person takes the same content and writes it down
carelessly, and fmt has to make the writer's file of it again, byte for byte. Prints ok or FAIL for each, at last
"done"."""
import os
import random
import subprocess
import sys

PORTS = ["22", "80,443", "8000:8010", "5900:5999,3128", "domain", "6789,6800:7300"]
LEVELS = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog"]
MACROS = ["SSH", "Web", "DNS", "Ping", "SMB", "Ceph", "DHCPfwd"]
CIDRS = ["192.0.2.1", "10.0.0.0/8", "2001:db8::/32", "fd00::1", "198.51.100.128/25", "2001:DB8:1::5", "0.0.0.0/1"]
WORDS = ["web", "Mail server", "äöü ß", "日本語", "→ see #12", "50% off", "%41 %2F", "a  b", "  indented", "\tby a tab",
         "#", "# again", "\"quoted\" 'too'", "<b>&amp;", "|", "[RULES]", "🙂", "IN ACCEPT -p tcp", "pvefw: not for us"]
OPTIONS = {
    "cluster": {"enable": ["0", "1"], "ebtables": ["0", "1"], "policy_in": ["ACCEPT", "DROP", "REJECT"],
                "policy_out": ["ACCEPT", "DROP"], "policy_forward": ["ACCEPT", "DROP"],
                "log_ratelimit": ["enable=1,rate=5/second,burst=3", "1,rate=1/minute"]},
    "host": {"enable": ["0", "1"], "nosmurfs": ["1"], "tcpflags": ["0", "1"], "ndp": ["0"], "nftables": ["0", "1"],
             "log_level_in": LEVELS + [""], "log_level_out": LEVELS, "tcp_flags_log_level": LEVELS + [""],
             "nf_conntrack_max": ["262144", "0"], "nf_conntrack_helpers": ["ftp,sip", "amanda"],
             "protection_synflood": ["1"], "protection_synflood_rate": ["200"]},
    "guest": {"enable": ["0", "1"], "dhcp": ["0"], "ndp": ["1"], "radv": ["1"], "macfilter": ["0"],
              "ipfilter": ["1"], "ips": ["1"], "ips_queues": ["0", "1:3"], "policy_in": ["REJECT"],
              "policy_out": ["DROP"], "log_level_in": LEVELS + [""], "layer2_protocols": ["ARP,IPv4", "ARP"]},
    "vnet": {"enable": ["0", "1"], "policy_forward": ["ACCEPT", "DROP"], "log_level_forward": LEVELS},
}
DIRECTIONS = {"cluster": ["IN", "OUT", "FORWARD"], "host": ["IN", "OUT", "FORWARD"], "guest": ["IN", "OUT"],
              "vnet": ["FORWARD"]}
pick = random.choice


def some(most):
    return range(random.randrange(most + 1))


def comment():
    """Without blanks at its end: what reads the file takes them away."""
    return " ".join(pick(WORDS) for _ in range(random.randint(1, 3))) if random.random() < 0.5 else ""


def name():
    return pick("abcdefghXYZ") + "".join(pick("abcxyzXYZ0189-_") for _ in range(random.randint(1, 9)))


def rule(kind, names, in_group):
    """(disabled, what, options, comment)"""
    options = []

    def maybe(key, values, chance=0.3):
        if values and random.random() < chance:
            options.append((key, pick(values)))
    iface = {"guest": ["net0", "net13"], "vnet": None}.get(kind, ["vmbr0", "eno1"])
    if not in_group:
        maybe("-i", iface)
    if names["groups"] and not in_group and random.random() < 0.25:
        return random.random() < 0.2, "GROUP " + pick(names["groups"]), options, comment()
    addresses = CIDRS + ["192.0.2.1,192.0.2.9", "10.0.0.1-10.0.0.9"] + names["addresses"]
    maybe("-source", addresses)
    maybe("-dest", addresses)
    if random.random() < 0.3:
        what = f"{pick(MACROS)}({pick(['ACCEPT', 'DROP'])})"
        maybe("-log", LEVELS)
    elif random.random() < 0.2:
        what = "DROP"
        options.append(("-p", "icmp"))
        maybe("-log", LEVELS)
        maybe("-icmp-type", ["echo-request", "host-unreachable", "any"])
    else:
        what = pick(["ACCEPT", "DROP"])
        if random.random() < 0.5:
            options.append(("-p", pick(["tcp", "udp", "sctp"])))
            maybe("-dport", PORTS)
            maybe("-sport", PORTS)
        maybe("-log", LEVELS)
    return random.random() < 0.2, f"{pick(DIRECTIONS[kind])} {what}", options, comment()


def configuration(kind):
    """A list of sections (header, comment, lines), in the writer's order; a line is (words, comment)."""
    sections = []
    names = {"addresses": ["dc/gone", "+dc/gone"], "groups": []}
    options = [k for k in OPTIONS[kind] if random.random() < 0.5]
    random.shuffle(options)
    if options:
        sections.append(("[OPTIONS]", "", [([k + ":", pick(OPTIONS[kind][k])], "") for k in options]))
    if kind in ("cluster", "guest"):
        aliases = {n.lower(): n for n in (name() for _ in some(5))}
        if aliases:
            sections.append(("[ALIASES]", "", [([aliases[k], pick(CIDRS)], comment()) for k in sorted(aliases)]))
        scope = "dc/" if kind == "cluster" else "guest/"
        names["addresses"] += [scope + a for a in aliases.values()]
        for n in sorted({name().lower() for _ in some(4)}):
            entries = {pick(CIDRS + [scope + a for a in aliases.values()]): pick(["", "", "!"]) for _ in some(5)}
            sections.append((f"[IPSET {n}]", comment(), [([entries[c] + c], comment()) for c in sorted(entries)]))
            names["addresses"].append("+" + scope + n)
    if kind == "cluster":
        names["groups"] = sorted({name().lower() for _ in some(4)})
    rules = [rule(kind, names, False) for _ in some(8)]
    if rules:
        sections.append(("[RULES]", "", [rule_line(*r) for r in rules]))
    for n in names["groups"]:
        sections.append((f"[group {n}]", comment(), [rule_line(*rule(kind, names, True)) for _ in some(4)]))
    return sections


def rule_line(disabled, what, options, text):
    return ["|" * disabled + what.split()[0], what.split()[1]] + [f"{k} {v}" for k, v in options], text


def behind(text, before=" ", after=" "):
    return f"{before}#{after}{text}" if text else ""


def written(sections):
    """As Proxmox VE writes it."""
    return "".join(f"{header}{behind(text)}\n\n" + "".join(f"{' '.join(words)}{behind(c)}\n" for words, c in lines) + "\n"
                   for header, text, lines in sections)


def careless(sections):
    """As a person may have written it."""
    out = []
    end = pick(["\n", "\r\n"])
    options = [s for s in sections if s[0] == "[OPTIONS]"]
    for header, text, lines in [s for s in sections if s[0] != "[OPTIONS]"] + options:
        header = header[:1] + pick([header[1:], header[1:].lower()])
        out.append(pick(["", "  "]) + header + behind(text, pick([" ", "   ", "\t"]), blank_after(text)))
        for words, c in lines:
            if any(w.startswith("-") for w in words):
                tail = words[2:]
                random.shuffle(tail)
                words = words[:2] + tail
            if len(words) == 2 and words[0].endswith(":"):
                key = words[0] if words[0] == "log_ratelimit:" else words[0].upper()  # the only one whose case matters
                line = key + pick(["", " ", "    "]) + words[1] if words[1] else " ".join(words)
            elif header.lower() == "[aliases]":
                line = words[0] + pick([" ", "\t"]) + words[1]
            else:
                line = pick([" ", "   "]).join(words)
            no_comment = pick(["", "", "", " #", "#  "]) if header.lower() != "[options]" else ""
            out.append(pick(["", "   "]) + line + (behind(c, pick(["", " ", "\t  "]), blank_after(c)) or no_comment))
        out += [""] * random.randrange(2)
    return end.join(out) + end * random.randrange(2)


def blank_after(text):
    return pick(["", " ", "\t"]) if text[:1] not in " \t" else " "


def save(folder, kind, number, text):
    path = {"cluster": f"{number}/firewall/cluster.fw", "host": f"{number}/nodes/pve/host.fw",
            "guest": f"{number}/firewall/{100 + number}.fw", "vnet": f"{number}/sdn/firewall/v{number}.fw"}[kind]
    path = os.path.join(folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return path


def fmt(binary, option, paths):
    return subprocess.run([binary, "fmt", option, *paths], capture_output=True, text=True, check=False)


def with_errors(binary, paths):
    """A line with an error stays as it is."""
    run = subprocess.run([binary, "lint", "--format", "gcc", *paths], capture_output=True, text=True, check=False)
    return {line.split(":")[0] for line in (run.stdout + run.stderr).split("\n") if " error: " in line}


def main(binary, folder, count):
    random.seed(20261130)
    made = [(kind, n, configuration(kind)) for kind in OPTIONS for n in range(count)]
    made = [m for m in made if m[2]]
    paths = [save(folder + "/written", kind, n, written(s)) for kind, n, s in made]
    run = fmt(binary, "--check", paths)
    named = run.stdout.split()
    print("FAIL" if named or run.returncode else "ok", f"{len(named)} of {len(paths)} files of Proxmox VE's writer change: {named[:3]}",
          fmt(binary, "--diff", named[:1]).stdout if named else run.stderr)
    # An alias that it could not read is a line with one blank, which comes first.
    paths_of_broken = [save(folder + "/broken", kind, n, text.replace("[ALIASES]\n\n", "[ALIASES]\n\n \n"))
                       for kind, n, text in ((k, n, written(s)) for k, n, s in made) if "[ALIASES]" in text]
    run = fmt(binary, "--check", paths_of_broken)
    print("FAIL" if run.stdout or run.returncode or not paths_of_broken else "ok",
          f"{len(run.stdout.split())} of {len(paths_of_broken)} files with an alias that Proxmox VE could not read change")
    wrong = with_errors(binary, paths)
    made = [m for m, path in zip(made, paths) if path not in wrong]
    print("ok" if len(made) > count else "FAIL", f"{len(made)} files without errors")
    paths = [save(folder + "/careless", kind, n, careless(s)) for kind, n, s in made]
    run = fmt(binary, "--write", paths)
    others = []
    for path, (_, _, sections) in zip(paths, made):
        with open(path, encoding="utf-8", newline="") as file:
            if file.read() != written(sections):
                others.append(path)
    print("FAIL" if others or run.returncode else "ok", f"{len(others)} of {len(paths)} careless files do not become the writer's: {others[:3]}", run.stderr)
    print("done")


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
