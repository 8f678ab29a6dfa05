# SPDX-License-Identifier: GPL-2.0-or-later
"""A tree that is beyond a small budget."""
import ipaddress
import os
import random


def write_large(folder, seed):
    """A guest with rules that overlap in four fields: they are known to explode."""
    r = random.Random(seed)

    def net():
        length = r.randrange(3, 25)
        return str(ipaddress.ip_network((r.randrange(1 << 24, 224 << 24), length), strict=False))

    def port():
        first = r.randrange(1, 60000)
        return "%d:%d" % (first, min(65535, first + r.randrange(1, 20000)))

    rules = ["IN %s -p tcp -source %s -dest %s -sport %s -dport %s" % (r.choice(["ACCEPT", "DROP"]), net(), net(), port(), port())
             for _ in range(4000)]
    for path, text in (("firewall/cluster.fw", "[OPTIONS]\n\nenable: 1\n"),
                       ("firewall/100.fw", "[OPTIONS]\n\nenable: 1\n\n[RULES]\n\n%s\n" % "\n".join(rules)),
                       ("nodes/n1/qemu-server/100.conf", "net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1\n")):
        os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
        with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
            file.write(text)
