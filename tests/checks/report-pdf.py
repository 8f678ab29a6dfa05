# SPDX-License-Identifier: GPL-2.0-or-later
"""report-pdf.py FOLDER NAME SIZE: FOLDER/NAME-SIZE.pdf, which Chromium has printed of NAME.html on A4 or letter paper,
has all words of the page, all that NAME.xml says of zones, services and sets, and no word beyond the edge of the paper.
Prints ok or FAIL for each, at last "done"."""
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

R = "{urn:pvefw:report:1}"
SIZES = {"a4": (595, 842), "letter": (612, 792)}


def check(right, text):
    print("ok" if right else "FAIL", text)


def words(path):
    """Of each page its size and its words with their places."""
    text = subprocess.run(["pdftotext", "-bbox", path, "-"], capture_output=True, text=True, check=True).stdout
    for page in re.findall(r"<page .*?</page>", text, re.S):
        size = tuple(float(v) for v in re.search(r'width="([\d.]+)" height="([\d.]+)"', page).groups())
        yield size, [(tuple(float(v) for v in w[:4]), w[4]) for w in re.findall(
            r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*?)</word>', page)]


def words_of(element):
    """Of the page, as they stand there; titles of pictures are for screen readers."""
    if element.tag in ("title", "desc"):
        return set()
    found = set((element.text or "").split())
    for child in element:
        found |= words_of(child) | set((child.tail or "").split())
    return found


def main(folder, name, size):
    path = f"{folder}/{name}-{size}.pdf"
    pages = list(words(path))
    check(all(abs(s[0] - SIZES[size][0]) < 2 and abs(s[1] - SIZES[size][1]) < 2 for s, _ in pages),
          f"{path}: pages of {pages[0][0]}")
    beyond = [w for s, all_words in pages for (left, _, right, _), w in all_words if left < 20 or right > s[0] - 20]
    check(not beyond, f"{path}: words at the edge or beyond: {beyond[:5]}")
    # A word that is broken at the end of a line is in two pieces.
    text = subprocess.run(["pdftotext", "-raw", path, "-"], capture_output=True, text=True, check=True).stdout
    text = re.sub(r"\s+", "", text)
    report = ElementTree.parse(f"{folder}/{name}.xml").getroot()
    wanted = {z.get(a) for z in report.iter(R + "zone") for a in ("name", "guest", "about", "facts")}
    wanted |= {e.get(a) for e in report.iter() for a in ("source", "destination") if e.tag in (R + "from", R + "to")}
    wanted |= {s.get(a) for s in report.iter(R + "service") for a in ("name", "where", "from", "to")}
    wanted |= {s.get(a) for s in report.iter(R + "set") for a in ("name", "owner", "ipv4", "ipv6")}
    missing = sorted(w for w in wanted - {None} if re.sub(r"\s+", "", w) not in text)
    check(len(wanted) > 10 and not missing, f"{path}: {len(missing)} of {len(wanted)} texts are cut off: {missing[:3]}")
    wanted = words_of(ElementTree.parse(f"{folder}/{name}.html").getroot().find("body"))
    missing = sorted(w for w in wanted if w not in text)
    check(len(wanted) > 100 and not missing, f"{path}: {len(missing)} of {len(wanted)} words are not printed: {missing[:3]}")
    print("done")


main(*sys.argv[1:])
