# SPDX-License-Identifier: GPL-2.0-or-later
"""report.py FOLDER NAME...: reads NAME.html, NAME.xml and NAME.lint, and prints a line for each thing that is
right (ok) or wrong (FAIL); the last line is "done".

What the page says must be what the XML says, what lint says, and what stands in the files; every link must
lead somewhere in the page. The tree `odd` is known by heart."""
import collections
import glob
import re
import sys
import xml.etree.ElementTree as ElementTree

R = "{urn:pvefw:report:1}"
D = "{urn:pvefw:diagnostics:1}"
TREES = {"office": "examples/small-office", "hosting": "examples/hosting", "ipv6": "examples/ipv6-cluster",
         "mistakes": "tests/cases/formats/all-formats/pve", "odd": "tests/cases/commands/report/root",
         "about": "tests/cases/commands/report-about/root", "notes": "tests/cases/commands/report-notes/root"}
RULE = re.compile(r"\s*\|?(IN|OUT|FORWARD|GROUP)\s", re.I)

# What the rules of report-tree come to, by reading: zone, source, service, what else is told, partly.
REACH = {
    ("host", "everyone", "Web", "on vmbr1", False),
    # VM 100 is one of the next two and must not send this; everyone is all but the blacklist.
    ("host", "+dc/holes", "SSH", "on vmbr1", True),
    # The line before drops port 8006, so one of three rules is left, in part.
    ("host", "dc/lan (10.1.0.0/16)", "tcp 8000:9000", None, True),
    ("host", "+dc/management", "web interface", None, True),
    ("host", "+dc/management", "SSH", None, True),
    ("host", "+dc/management", "VNC", None, True),
    ("host", "+dc/management", "SPICE", None, True),
    ("host", "+dc/management", "migration", None, True),
    ("host", "dc/a1 (10.0.1.1)", "tcp 1", None, False),
    ("host", "dc/a2 (10.0.1.2)", "tcp 2", None, False),
    ("host", "dc/a3 (10.0.1.3)", "tcp 3", None, False),
    ("host", "dc/a4 (10.0.1.4)", "tcp 4", None, False),
    ("host", "dc/a5 (10.0.1.5)", "tcp 5", None, False),
    ("host", "dc/a6 (10.0.1.6)", "tcp 6", None, False),
    ("host", "dc/a7 (10.0.1.7)", "tcp 7", None, False),
    ("host", "dc/a8 (2001:db8::8)", "tcp 8", None, False),
    ("v-1", "dc/lan (10.1.0.0/16)", "HTTP", "to 10.9.0.0/24", False),
    # 10.1.5.0/24 is dropped before, and SSH before the group lets it in.
    ("n-100-net0", "everyone", "Web", None, True),
    ("n-100-net0", "dc/lan (10.1.0.0/16)", "HTTPS", None, True),
    ("n-100-net0", "+guest/friends", "SMTP", None, False),
    ("n-100-net1", "everyone", "Web", None, True),
    ("n-100-net1", "everyone", "udp 5000", None, True),
    ("n-100-net1", "dc/lan (10.1.0.0/16)", "HTTPS", None, True),
    ("n-100-net1", "+guest/friends", "SMTP", None, False),
    ("n-100-net2", "everyone", "everything", None, False),
    ("n-101-net0", "everyone", "everything", None, False),
    ("n-102-net0", "everyone", "everything else", None, False),
    ("n-103-net0", "everyone", "everything", None, False),
}
# The same for what may go out; only container 102 has a policy that lets out what no rule decides.
EGRESS = {
    ("host", "anywhere", "NTP", None, False),
    ("host", "anywhere", "DNS", "on vmbr1", False),
    ("host", "local_network (10.0.0.0/16)", "web interface", None, False),
    ("host", "local_network (10.0.0.0/16)", "VNC", None, False),
    ("host", "local_network (10.0.0.0/16)", "SPICE", None, False),
    ("host", "local_network (10.0.0.0/16)", "SSH", None, False),
    ("n-100-net0", "anywhere", "DNS", None, False),
    ("n-100-net0", "anywhere", "sctp from port 9", None, False),
    ("n-100-net1", "anywhere", "DNS", None, False),
    ("n-100-net1", "anywhere", "sctp from port 9", None, False),
    ("n-100-net2", "anywhere", "everything", None, False),
    ("n-101-net0", "anywhere", "everything", None, False),
    ("n-102-net0", "anywhere", "everything", None, False),
    ("n-103-net0", "anywhere", "everything", None, False),
}
# Name and owner, entries, addresses of both versions.
SETS = {
    ("+dc/management", "cluster", "2", "1", str(2 ** 17 + 2 ** 8), "0"),
    ("+dc/holes", "cluster", "6", "0", str(2 ** 31 - 2 ** 23), "more than 2^95"),
    ("+dc/empty", "cluster", "0", "0", "0", "0"),
    ("+dc/blacklist", "cluster", "1", "0", "256", "0"),
    ("+guest/ipfilter-net0", "VM 100", "1", "2", "1", "1"),
    ("+guest/ipfilter-net0", "container 102", "0", "3", "1", "1"),
    ("+guest/friends", "VM 100", "1", "0", "16", "0"),
}
# Zones that are not filtered, and why.
OFF = {"n-100-net2": "net2 has no firewall=1", "n-101-net0": "enable is not 1 in 101.fw",
       "n-103-net0": "the guest has no firewall file"}


def check(right, text):
    print("ok" if right else "FAIL", text)


def texts(element):
    return "".join(element.itertext())


def check_links(name, page):
    ids = [e.get("id") for e in page.iter() if e.get("id")]
    links = [e.get("href") for e in page.iter() if e.get("href") is not None]
    lost = [link for link in links if link[:1] != "#" or link[1:] not in set(ids)]
    check(len(ids) == len(set(ids)), f"{name}: ids that are there twice")
    check(links and not lost, f"{name}: links that lead nowhere: {lost[:5]}")
    outside = [e.tag for e in page.iter() if e.tag in ("script", "link", "iframe", "img") or e.get("src")]
    check(not outside, f"{name}: needs something from elsewhere: {outside[:5]}")
    style = texts(page.find(".//style"))
    check("url(" not in style and "@import" not in style, f"{name}: the style sheet needs something from elsewhere")
    used = [e.get("aria-labelledby").split() for e in page.iter("svg")]
    check(used and all(i in set(ids) for pair in used for i in pair), f"{name}: pictures without a name")


def check_files(name, report):
    for file in report.iter(R + "file"):
        with open(f"{TREES[name]}/{file.get('path')}", "rb") as stream:
            lines = stream.read().split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        shown = [line.text or "" for line in file]
        same = len(shown) == len(lines) and all(
            a == b.decode("utf-8", "replace").rstrip("\r") for a, b in zip(shown, lines) if b"\\x" not in b)
        check(same, f"{name}: {file.get('path')} is not shown as it is")


def check_rules(name, report, page):
    lines = {f.get("path"): [line.text or "" for line in f] for f in report.iter(R + "file")}
    for rule in report.iter(R + "rule"):
        if rule.get("origin") != "line":
            continue
        line = lines[rule.get("file")][int(rule.get("line")) - 1]
        wanted = "GROUP" if rule.get("outcome") == "ask" else rule.get("outcome").upper()
        if not (RULE.match(line) and wanted in line and line.strip().startswith("|") == (rule.get("disabled") == "true")):
            check(False, f"{name}: {rule.attrib} is not what stands at its line: {line}")
            return
    check(True, f"{name}: rules and their lines")
    rows = sum(len(t.find("tbody")) for t in page.iter("table") if t.get("class") == "rules")
    check(rows == sum(1 for _ in report.iter(R + "rule")), f"{name}: the page has {rows} rows")
    zones = [d.get("id") for d in page.iter("details") if d.get("class", "").startswith("zone")]
    check(sorted(zones) == sorted(z.get("id") for z in report.iter(R + "zone")), f"{name}: other zones in the page")


def check_findings(name, report, page, lint):
    told = [d.find(D + "message").text for d in report.iter(D + "diagnostic")]
    want = [d.find(D + "message").text for d in lint.iter(D + "diagnostic")]
    check(told == want, f"{name}: findings are not those of lint: {set(told) ^ set(want)}")
    kinds = [a for a in page.iter("article") if a.find("details") is not None]
    single = [texts(a.find("h3")).split(" ", 1)[1] for a in page.iter("article") if a not in kinds]
    lists = [texts(li) for a in kinds for ul in a.iter("ul") if ul.get("class") == "all" for li in ul]
    summed = sum(int(re.search(r", (\d+) times", texts(a)).group(1)) for a in kinds)
    check(len(single) + summed == len(told), f"{name}: {len(single)} and {summed} findings in the page, not {len(told)}")
    missing = [t for t in told if t not in single and not any(li.startswith(t) for li in lists)]
    check(not missing, f"{name}: findings that the page does not have: {missing[:3]}")
    seen = collections.Counter((d.get("id"), d.get("severity")) for d in report.iter(D + "diagnostic"))
    many = sum(1 for (_, severity), count in seen.items() if severity != "error" and count > 3)
    check(len(kinds) == many, f"{name}: {len(kinds)} kinds of findings are summed up, not {many}")
    parts = [e.text for d in report.iter(D + "diagnostic") for e in d if e.tag in (D + "note", D + "help")]
    items = [texts(li).split(" ", 1)[1] for a in page.iter("article") for li in a.iter("li")]
    missing = [p for p in parts if p not in items]
    check(not missing, f"{name}: notes that the page does not have: {missing[:3]}")


def check_order(name, report, page):
    """Reach comes before the findings, with both tables open."""
    ids = [s.get("id") for s in page.iter("section") if s.get("id")]
    check(ids[:3] == ["summary", "reach", "findings"], f"{name}: the sections are {ids}")
    tables = [t for t in page.iter("table") if t.get("class") == "reach"]
    folded = [t for d in page.iter("details") for t in d.iter("table") if t.get("class") == "reach"]
    check(len(tables) == 2 and not folded, f"{name}: {len(tables)} tables of reach, {len(folded)} folded")
    for table, element in zip(tables, ("destination", "origin")):
        rows = [r.find("th/a").get("href")[1:] for r in table.find("tbody")]
        check(rows == [e.get("zone") for e in report.iter(R + element)], f"{name}: the rows of {element} are {rows}")


def check_names(name, report, page):
    """Names of guests as their configurations have them, and comments as the lines have them."""
    lines = {f.get("path"): [line.text or "" for line in f] for f in report.iter(R + "file")}
    for zone in report.iter(R + "zone"):
        wanted = None
        if zone.get("kind") == "nic":
            number = zone.get("id").split("-")[1]
            for path in glob.glob(f"{TREES[name]}/nodes/*/*/{number}.conf"):
                with open(path, encoding="utf-8") as file:
                    text = file.read().split("\n[")[0]
                found = re.search(r"^(?:host)?name:\s*(.*?)\s*$", text, re.M)
                wanted = found and found.group(1)
        check(zone.get("guest") == wanted, f"{name}: {zone.get('id')} is called {zone.get('guest')}, not {wanted}")
        summary = next(d for d in page.iter("details") if d.get("id") == zone.get("id")).find("summary")
        rows = [texts(r.find("th")) for r in page.iter("tr") if r.find("th/a") is not None
                and r.find("th/a").get("href") == "#" + zone.get("id")]
        check(not wanted or (wanted in texts(summary) and len(rows) == 2 and all(wanted in r for r in rows)),
              f"{name}: {zone.get('id')} without its name in the page")
    comments = collections.Counter()
    for rule in report.iter(R + "rule"):
        if rule.get("origin") == "line":
            wanted = lines[rule.get("file")][int(rule.get("line")) - 1].partition("#")[2].strip() or None
            wanted = None if wanted and wanted.startswith("pvefw:") else wanted
            comments[wanted] += wanted is not None
            check(rule.get("comment") == wanted, f"{name}: {rule.attrib} has not the comment {wanted}")
    shown = collections.Counter(texts(s) for s in page.iter("span") if s.get("class") == "comment")
    check(shown == +comments, f"{name}: other comments in the page: {shown - comments} {comments - shown}")


def check_odd(report):
    egress = {(d.get("zone"), s.get("to") or f.get("destination"), s.get("name"), s.get("where"), s.get("partly") == "true")
              for d in report.iter(R + "origin") for f in d for s in f}
    check(egress == EGRESS, f"odd: what may go out: {sorted(map(str, egress ^ EGRESS))}")
    reach = {(d.get("zone"), s.get("from") or f.get("source"), s.get("name"), s.get("where"), s.get("partly") == "true")
             for d in report.iter(R + "destination") for f in d for s in f}
    check(reach == REACH, f"odd: who reaches what: {sorted(map(str, reach ^ REACH))}")
    sets = {tuple(s.get(a) for a in ("name", "owner", "written", "implied", "ipv4", "ipv6")) for s in report.iter(R + "set")}
    check(sets == SETS, f"odd: the sets: {sets ^ SETS}")
    off = {z.get("id"): z.get("off") for z in report.iter(R + "zone") if z.get("off")}
    check(off == OFF, f"odd: not filtered: {off}")
    policies = {(z.get("id"), c.get("direction")): c.get("policy") for z in report.iter(R + "zone") for c in z}
    want = {("host", "IN"): "reject", ("host", "OUT"): "drop", ("host", "FORWARD"): "drop", ("v-1", "FORWARD"): "drop",
            ("n-100-net0", "IN"): "drop", ("n-100-net0", "OUT"): "reject", ("n-102-net0", "IN"): "accept"}
    check(all(policies[k] == v for k, v in want.items()), f"odd: policies: {policies}")
    because = {r.get("because").split(":")[0] for z in report.iter(R + "zone") if z.get("id") == "n-100-net0"
               for c in z if c.get("direction") == "OUT" for r in c if r.get("because")}
    want = {"protection_synflood", "nf_conntrack_helpers", "nf_conntrack_allow_invalid", "dhcp", "macfilter",
            "[IPSET ipfilter-net0]", "policy_out"}
    check(because == want, f"odd: what VM 100 implies: {because ^ want}")


def main(folder, names):
    for name in names:
        page = ElementTree.parse(f"{folder}/{name}.html").getroot()
        report = ElementTree.parse(f"{folder}/{name}.xml").getroot()
        lint = ElementTree.parse(f"{folder}/{name}.lint").getroot()
        check_links(name, page)
        check_files(name, report)
        check_rules(name, report, page)
        check_findings(name, report, page, lint)
        check_order(name, report, page)
        check_names(name, report, page)
        if name == "odd":
            check_odd(report)
    print("done")


main(sys.argv[1], sys.argv[2:])
