# SPDX-License-Identifier: GPL-2.0-or-later
"""Pairs of network namespaces, a sender and a host that has rules, and turns.c, which measures packets between them."""
import os
import subprocess
import sys

import measure

ADDRESS, PORT = "10.9.0.2", 9000


def ip(words):
    subprocess.run(["ip"] + words.split(), check=True)


class Ways:
    """A context manager: its namespaces are gone at the end."""

    def __init__(self, work):
        self.spaces, self.keys, self.count = [], [], 0
        self.turns = os.path.join(work, "turns")
        subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-D_GNU_SOURCE", "-O2", "-o", self.turns,
                        os.path.join(measure.HERE, "turns.c")], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def add(self, key):
        """A new way, whose packets measure() prints as KEY; returns the name of the host's namespace."""
        name = "pvefw-way-%d-%d" % (os.getpid(), self.count)
        self.count += 1
        for end in ("-h", "-s"):
            ip("netns add %s%s" % (name, end))
            self.spaces.append(name + end)
        ip("-n %s-h link add eth0 type veth peer name eth0 netns %s-s" % (name, name))
        for end, address in (("-s", "10.9.0.1/24"), ("-h", ADDRESS + "/24")):
            ip("-n %s%s addr add %s dev eth0" % (name, end, address))
            ip("-n %s%s link set eth0 up" % (name, end))
        ip("-n %s-h link set lo up" % name)
        self.keys.append((name, key))
        return name + "-h"

    def forget(self, space):
        """Measures this way no longer."""
        self.keys = [row for row in self.keys if row[0] + "-h" != space]

    @staticmethod
    def run(space, words, text):
        done = subprocess.run(["ip", "netns", "exec", space] + words, input=text, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False)
        if done.returncode or done.stderr:
            sys.exit("%s: %s" % (" ".join(words), done.stderr.decode()[:500]))

    def measure(self, rounds, milliseconds):
        """Nanoseconds a packet: a list of rounds, each with a value for each way, in the order of `keys`."""
        lines = "".join("%s-s %s-h %s %d\n" % (name, name, ADDRESS, PORT) for name, _ in self.keys)
        done = subprocess.run([self.turns, str(rounds), str(milliseconds)], input=lines.encode(), stdout=subprocess.PIPE,
                              check=True)
        return [[float(word) for word in line.split()] for line in done.stdout.decode().splitlines()]

    def remove(self):
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], check=False)
        self.spaces, self.keys = [], []
