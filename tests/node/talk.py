#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""talk.py FROM TO ADDRESS PORT: one connection from a network namespace to another, which says something every 10 ms.

It ends on SIGTERM with a line `ADDRESS: N answers, longest wait S s`; with status 1 if the connection has ended before."""
import os, signal, socket, sys, time


def enter(name):
    with open(f"/run/netns/{name}") as space:
        os.setns(space.fileno(), os.CLONE_NEWNET)


def talk(near, far, address, port):
    enter(far)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen()
    enter(near)
    here = socket.create_connection((address, port), 5)
    there, _ = listener.accept()
    here.settimeout(20)
    there.settimeout(20)
    print("connected", flush=True)
    count, longest, lost = 0, 0.0, ""
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
    while not ended:
        begin = time.monotonic()
        try:
            here.sendall(b"?")
            there.sendall(there.recv(1))
            if here.recv(1) != b"?":
                lost = ", then it was closed"
        except OSError as error:
            lost = f", then: {error}"
        longest = max(longest, time.monotonic() - begin)
        if lost:
            break
        count += 1
        time.sleep(0.01)
    print(f"{address}: {count} answers, longest wait {longest:.3f} s{lost}", flush=True)
    sys.exit(1 if lost else 0)


if not hasattr(os, "setns"):  # until Python 3.12
    import ctypes

    os.CLONE_NEWNET = 0x40000000
    os.setns = lambda fd, kind: ctypes.CDLL(None).setns(fd, kind) and sys.exit("setns")
talk(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
