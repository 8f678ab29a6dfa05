#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds programs that listen to notifications of nftables, in any network namespace of this machine.

usage: listeners.py [PID...]    PIDs of programs whose listening belongs to what is measured

The kernel builds a notification of each object that is loaded if anyone listens: it keeps one list of listeners for all
network namespaces (netlink_has_listeners), and drops the message only when it is to be delivered. This doubles the kernel's
part of a load. Exit status: 0 nobody listens, 3 somebody does, 2 there is no right to look.

A namespace's table of sockets, /proc/PID/net/netlink, shows the groups of each. A socket in a namespace that no process
is in has no such table: the kernel is asked through a copy of its descriptor.
"""
import ctypes
import fcntl
import glob
import os
import socket
import sys

NETLINK_NETFILTER = 12          # linux/netlink.h
SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS = 270, 9
NFNLGRP_NFTABLES = 7            # linux/netfilter/nfnetlink.h
GROUP = 1 << (NFNLGRP_NFTABLES - 1)
SIOCGSKNS = 0x894C              # linux/sockios.h
SYS_PIDFD_GETFD = 438
# The PID namespace that sees all processes: PROC_PID_INIT_INO, linux/proc_ns.h. Tests have a small machine of their own.
MACHINE = os.environ.get("BENCH_MACHINE", "pid:[4026531836]")


def command(pid):
    try:
        with open("/proc/%d/comm" % pid) as file:
            return "%s (process %d)" % (file.read().strip(), pid)
    except OSError:
        return "process %d" % pid


def where(namespace):
    """NAMESPACE as net:[INODE], with the name that `ip netns` gives it."""
    if namespace == os.readlink("/proc/self/ns/net"):
        return "this network namespace"
    for entry in os.scandir("/run/netns") if os.path.isdir("/run/netns") else []:
        if "net:[%d]" % entry.stat().st_ino == namespace:
            return "network namespace %s" % entry.name
    return "network namespace %s" % namespace


class Look:
    """listening: namespace and port ID by inode of the socket. owners: PIDs by inode. denied: what cannot be looked at."""

    def __init__(self):
        self.listening, self.owners, self.denied = {}, {}, []
        self.seen, namespaces = set(), set()
        processes = glob.glob("/proc/[0-9]*")
        for task in glob.glob("/proc/[0-9]*/task/[0-9]*"):
            self.tables(task, namespaces)
        for process in processes:
            self.descriptors(int(process[len("/proc/"):]))

    def tables(self, task, namespaces):
        try:
            namespace = os.readlink(task + "/ns/net")
        except PermissionError:
            namespace = "of process " + task.split("/")[2]
        except OSError:
            return
        if namespace in namespaces:
            return
        try:
            with open(task + "/net/netlink") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except PermissionError:
            self.denied.append("no right to read %s/net/netlink" % task)
            return
        except OSError:
            return
        namespaces.add(namespace)
        for row in rows:
            self.seen.add(row[9])
            if int(row[1]) == NETLINK_NETFILTER and int(row[3], 16) & GROUP:
                self.listening.setdefault(row[9], (namespace, int(row[2])))

    def descriptors(self, pid):
        try:
            names = os.listdir("/proc/%d/fd" % pid)
        except OSError:
            return
        for name in names:
            path = "/proc/%d/fd/%s" % (pid, name)
            try:
                link = os.readlink(path)
                if not link.startswith("socket:["):
                    continue
                inode = link[len("socket:["):-1]
                self.owners.setdefault(inode, set()).add(pid)
                if inode not in self.seen and os.getxattr(path, "system.sockprotoname").startswith(b"NETLINK"):
                    self.ask(pid, int(name), inode)
            except OSError:
                continue

    def ask(self, pid, descriptor, inode):
        process = os.pidfd_open(pid)
        copy = ctypes.CDLL(None, use_errno=True).syscall(SYS_PIDFD_GETFD, process, descriptor, 0)
        os.close(process)
        if copy < 0:
            self.denied.append("no right to look at a netlink socket of %s" % command(pid))
            return
        with socket.socket(fileno=copy) as s:
            if s.proto != NETLINK_NETFILTER or not s.getsockopt(SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS) & GROUP:
                return
            namespace = fcntl.ioctl(s, SIOCGSKNS)
            self.listening[inode] = ("net:[%d]" % os.fstat(namespace).st_ino, s.getsockname()[0])
            os.close(namespace)


def listeners(ignored=()):
    """A text for each listener, and one for each thing that could not be looked at."""
    look, found = Look(), []
    for inode, (namespace, port) in look.listening.items():
        pids = look.owners.get(inode, set())
        if not pids & set(ignored):
            who = ", ".join(map(command, sorted(pids))) or "a process that is not visible, port ID %d," % port
            found.append("%s listens to nftables in %s" % (who, where(namespace)))
    if os.geteuid() != 0:
        look.denied.append("only root sees the sockets of all processes")
    if os.readlink("/proc/self/ns/pid") != MACHINE:
        look.denied.append("processes outside of this PID namespace are not visible")
    return found, look.denied


def refusal(ignored=()):
    """Why a load's figure is not a measurement now; None if it is one."""
    found, denied = listeners(ignored)
    return "; ".join(found + ["cannot look for listeners: " + text for text in denied]) or None


def main():
    found, denied = listeners([int(word) for word in sys.argv[1:]])
    for text in found:
        print(text)
    for text in denied:
        print("cannot look for listeners of nftables: " + text)
    return 3 if found else 2 if denied else 0


if __name__ == "__main__":
    sys.exit(main())
