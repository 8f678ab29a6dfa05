#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""formats.py OUTPUTS TOP: compares what lint has printed in each format, OUTPUTS/FORMAT, with the files
that it is about, below TOP, and with each other."""

import json
import os
import re
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

import junitparser

outputs, top = sys.argv[1:]


def read(name):
    with open(os.path.join(outputs, name), encoding="utf-8") as file:
        return file.read()


def check(name, wrong):
    if wrong:
        print("FAIL", name)
        for line in wrong[:10]:
            print("    ", line)
    else:
        print("ok", name)


told = json.loads(read("json"))
diagnostics = told["diagnostics"]
LEVEL = {"error": "error", "warning": "warning", "note": "note"}


# ---- JSON against the files ----

def units(text):
    return sum(2 if ord(c) > 0xFFFF else 1 for c in text)


def point_of(data, byte):
    start = data.rfind(b"\n", 0, byte) + 1
    before = data[start:byte].decode("utf-8", "surrogateescape")
    return {"byte": byte, "line": data.count(b"\n", 0, byte) + 1, "column": len(before) + 1,
            "column16": units(before) + 1}


def places(d):
    if d["place"]:
        yield d["place"]
    for label in d["labels"]:
        yield label["place"]
    for fix in d["fixes"]:
        for edit in fix["edits"]:
            yield edit["place"]


def wrong_places():
    files = {}
    for d in diagnostics:
        for place in places(d):
            if place["file"] not in files:
                with open(os.path.join(top, place["file"]), "rb") as file:
                    files[place["file"]] = file.read()
            data = files[place["file"]]
            for end in "begin", "end":
                if point_of(data, place[end]["byte"]) != place[end]:
                    yield f"{d['id']} {place}"


check("json: the counts", [s for s in ("error", "warning", "note")
                           if told[s + "s"] != sum(d["severity"] == s for d in diagnostics)])
check("json: valid", [] if told["valid"] == (told["errors"] == 0) else ["valid"])
check("json: many kinds of diagnostics", [] if len({d["id"] for d in diagnostics}) > 100 else ["few"])
check("json: places in the files", list(wrong_places()))
check("json: fingerprints are unique",
      [] if len({d["fingerprint"] for d in diagnostics}) == len(diagnostics) else ["some are the same"])


# ---- the others against JSON ----

def compare(name, found, expected):
    found, expected = list(found), list(expected)
    wrong = [f"{a!r} is not {b!r}" for a, b in zip(found, expected) if a != b]
    if len(found) != len(expected):
        wrong.append(f"{len(found)} instead of {len(expected)}")
    check(name, wrong)


def whole(d):
    return "\n".join([d["message"], *d["notes"], *d["helps"]])


def one_line(d):
    """The message where notes are not printed: of them, it has the one about nodes."""
    return d["message"] + "".join(" (%s)" % n for n in d["notes"] if "nodes" in d and n.startswith("on node "))


def file_of(d, otherwise):
    return d["place"]["file"] if d["place"] else otherwise


def begin(d):
    return d["place"]["begin"] if d["place"] else {"line": 1, "column": 1}


GCC = re.compile(r"^(?:(?P<file>[^:]+):(?P<line>\d+):(?P<column>\d+)|pvefw): "
                 r"(?P<severity>error|warning|note): (?P<message>.*) \[(?P<id>[EWN]\d{4})\]$")
compare("gcc", (tuple(GCC.match(line).group("file", "line", "column", "severity", "message", "id"))
                for line in read("gcc").splitlines()),
        ((d["place"] and d["place"]["file"], d["place"] and str(begin(d)["line"]),
          d["place"] and str(begin(d)["column"]), d["severity"], one_line(d), d["id"]) for d in diagnostics))

CHECKSTYLE = {"error": "error", "warning": "warning", "note": "info"}
compare("checkstyle", ((file.get("name"), error.get("line"), error.get("column"), error.get("severity"),
                        error.get("message"), error.get("source"))
                       for file in ElementTree.fromstring(read("checkstyle")) for error in file),
        ((file_of(d, "."), str(begin(d)["line"]), str(begin(d)["column"]), CHECKSTYLE[d["severity"]],
          whole(d), f"pvefw.{d['id']}.{d['name']}") for d in diagnostics))

suites = junitparser.JUnitXml.fromfile(os.path.join(outputs, "junit"))
compare("junit: failures", (r.message for suite in suites for case in suite for r in case.result
                            if isinstance(r, junitparser.Failure)),
        (d["message"] for d in diagnostics if d["severity"] == "error"))
compare("junit: tests", ((suite.name, suite.tests, suite.failures) for suite in suites),
        ((suite.name, len(list(suite)), sum(bool(case.result) for case in suite)) for suite in suites))
compare("junit: suites with diagnostics",
        sorted({suite.name for suite in suites for case in suite if case.name != "nothing found"}),
        sorted({file_of(d, "input") for d in diagnostics}))

GITLAB = {"error": "critical", "warning": "minor", "note": "info"}
compare("gitlab", json.loads(read("gitlab")),
        ({"type": "issue", "check_name": d["id"], "description": one_line(d), "categories": ["Security"],
          "severity": GITLAB[d["severity"]], "fingerprint": d["fingerprint"],
          "location": {"path": file_of(d, "."), "lines": {
              "begin": begin(d)["line"], "end": d["place"]["end"]["line"] if d["place"] else 1}}}
         for d in diagnostics))

run = json.loads(read("sarif"))["runs"][0]
rules = run["tool"]["driver"]["rules"]


def region(place):
    return {"startLine": place["begin"]["line"], "startColumn": place["begin"]["column16"],
            "endLine": place["end"]["line"], "endColumn": place["end"]["column16"],
            "byteOffset": place["begin"]["byte"], "byteLength": place["end"]["byte"] - place["begin"]["byte"]}


def physical(place):
    return {"artifactLocation": {"uri": urllib.parse.quote(place["file"])}, "region": region(place)}


def replacements(result):
    return [(change["artifactLocation"]["uri"], r["deletedRegion"], r["insertedContent"]["text"])
            for fix in result.get("fixes", []) for change in fix["artifactChanges"] for r in change["replacements"]]


compare("sarif: rules", (rules[r["ruleIndex"]]["id"] for r in run["results"]), (d["id"] for d in diagnostics))
compare("sarif: results", ((r["ruleId"], r["level"], r["message"]["text"], list(r["partialFingerprints"].values()))
                           for r in run["results"]),
        ((d["id"], LEVEL[d["severity"]], whole(d), [d["fingerprint"]]) for d in diagnostics))
compare("sarif: places", ([loc["physicalLocation"] for loc in r.get("locations", []) + r.get("relatedLocations", [])]
                          for r in run["results"]),
        ([physical(p) for p in ([d["place"]] if d["place"] else []) + [label["place"] for label in d["labels"]]]
         for d in diagnostics))
compare("sarif: fixes", (replacements(r) for r in run["results"]),
        ([(urllib.parse.quote(edit["place"]["file"]), region(edit["place"]), edit["text"])
          for fix in d["fixes"] for edit in fix["edits"]] for d in diagnostics))

NS = "{urn:pvefw:diagnostics:1}"
ENDS = {"begin": "", "end": "end-"}


def place_of(element):
    if element.get("file") is None:
        return None
    return {"file": element.get("file"), **{
        end: {unit: int(element.get(prefix + unit)) for unit in ("byte", "line", "column", "column16")}
        for end, prefix in ENDS.items()}}


def from_xml(element):
    here = element.find(NS + "here")
    return {"id": element.get("id"), "name": element.get("name"), "severity": element.get("severity"),
            "message": element.findtext(NS + "message"), "label": None if here is None else here.text,
            "place": place_of(element),
            "labels": [{"text": e.text or "", "place": place_of(e)} for e in element.findall(NS + "label")],
            "notes": [e.text for e in element.findall(NS + "note")],
            "helps": [e.text for e in element.findall(NS + "help")],
            "fixes": [{"certain": e.get("certain") == "true",
                       "edits": [{"place": place_of(x), "text": x.text or ""} for x in e]}
                      for e in element.findall(NS + "fix")],
            "fingerprint": element.get("fingerprint"),
            **({"nodes": [e.text for e in element.findall(NS + "node")]} if element.find(NS + "node") is not None else {})}


compare("xml", map(from_xml, ElementTree.fromstring(read("xml"))), diagnostics)
print("done")
