# SPDX-License-Identifier: GPL-2.0-or-later
"""phrases.py FILE...: prints the phrases that texts for users must not contain, with file and line.

Of .c, .h and .def files only string literals are texts; a .def file's comments, and other code, are not. Every other
file is a text as a whole, such as a manual page or what a program prints. Exits 1 if there is any.
"""
import re
import sys

PHRASES = [
    r"(?<!there )\b(is|are) no (?!longer\b)\w+",
    r"\b(none|one) that is\b",
    r"\bthat is none\b",
    r"\bin force\b",
    r"\bput right\b",
    r"\bbehind (it|them|the|its|a)\b",
    r"\bbelongs? into\b",
    r"\bstands? (in|for|behind|alone|before|above|beside|between|there|twice)\b",
    r"(?<!-)\bblanks?\b",
    r"\bline ends\b",
    r"\bcounts? (everywhere|for nothing|again)\b",
    r"\bthe last one counts\b",
    r"\bwithout a word\b",
    r"\bat hand\b",
    r"\bcomma list\b",
    r"\banew\b",
    r"\b(tells|says) (its|why|more|so)\b",
    r"\bfolders?\b",
    r"\bof (ours|theirs)\b",
    r"\btold\b",
    r"\bsomebody else\b",
    r"\bgo(es)? for\b",
    r"\ball the same\b",
    r"\bput together\b",
    r"\bof which there is\b",
]
FORBIDDEN = re.compile("|".join(PHRASES), re.IGNORECASE)
TOKEN = re.compile(r'/\*.*?\*/|"((?:[^"\\\n]|\\.)*)"|\'(?:[^\'\\]|\\.)*\'', re.DOTALL)


def literals(source):
    """Pairs of offset and text; adjacent literals are one."""
    texts, end = [], None
    for token in TOKEN.finditer(source):
        if token.group(1) is None:
            continue
        if end is not None and not source[end:token.start()].strip():
            texts[-1][1] += token.group(1)
        else:
            texts.append([token.start(), token.group(1)])
        end = token.end()
    return texts


found = False
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        content = file.read()
    texts = literals(content) if path.endswith((".c", ".h", ".def")) else [[0, content]]
    for begin, text in texts:
        for hit in FORBIDDEN.finditer(text.replace("\n", " ")):
            at = begin if path.endswith((".c", ".h", ".def")) else hit.start()
            print("%s:%d: %s" % (path, content.count("\n", 0, at) + 1, hit.group()))
            found = True
sys.exit(found)
