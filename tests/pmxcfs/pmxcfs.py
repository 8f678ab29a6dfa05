#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pmxcfs.py MOUNTPOINT SOCKET STATE: a file system that behaves as pmxcfs does where that matters to its readers.

FUSE of the same library and options; times in whole seconds; `.version` in the real format (mtime 0,
firewall/cluster.fw is its 40th path, no other .fw file is in it); the mtime of the root is that of the last
change; what other nodes change raises no event. The files are kept in STATE, which the next one begins with.

Other nodes' changes, and faults, come over SOCKET as lines of JSON; each is answered by a line, "ok" or an error:
	{"op": "write", "path": ..., "data": ..., "mtime": ...}     mtime: another node's clock; may be left out
	{"op": "rm", "path": ...}  {"op": "mkdir", "path": ...}  {"op": "mv", "path": ..., "to": ...}
	{"op": "kv"}                                                a node has sent its status
	{"op": "fail", "path": ..., "errno": ...}                   reading it fails; errno 0: no more
	{"op": "hide", "path": ...}  {"op": "show", "path": ...}    as if it were not there, without another change
	{"op": "hang"}  {"op": "go"}                                requests are taken, and not answered until it goes on
pmxcfs.py --ask SOCKET OP PATH [TO|MTIME|ERRNO] sends one; data comes from standard input.
pmxcfs.py --ask SOCKET vanish PATH SECONDS sends two: a file goes and comes back.

Needs the packages fuse and python3-fusepy.
"""
import errno
import json
import os
import re
import socket
import stat
import sys
import threading
import time

# The paths that .version has a counter for, in their order.
VERSIONED = """corosync.conf corosync.conf.new storage.cfg user.cfg domains.cfg notifications.cfg priv/notifications.cfg
priv/shadow.cfg priv/acme/plugins.cfg priv/tfa.cfg priv/token.cfg priv/wg-keys.cfg datacenter.cfg vzdump.cron vzdump.conf
jobs.cfg ha/crm_commands ha/manager_status ha/resources.cfg ha/rules.cfg ha/groups.cfg ha/fence.cfg status.cfg
replication.cfg ceph.conf sdn/vnets.cfg sdn/zones.cfg sdn/controllers.cfg sdn/subnets.cfg sdn/ipams.cfg sdn/mac-cache.json
sdn/pve-ipam-state.json sdn/dns.cfg sdn/fabrics.cfg sdn/route-maps.cfg sdn/prefix-lists.cfg sdn/.running-config
virtual-guest/cpu-models.conf virtual-guest/profiles.cfg firewall/cluster.fw mapping/directory.cfg mapping/pci.cfg
mapping/usb.cfg""".split()


def ask(address, **request):
    """Sends one request to the file system that listens at `address`."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(address)
    with client, client.makefile("rw") as lines:
        lines.write(json.dumps(request) + "\n")
        lines.flush()
        answer = lines.readline().strip()
    if answer != "ok":
        raise OSError(answer)


def vanish(address, path, seconds):
    """A file is not there for that long; prints for how many microseconds it really was not."""
    begin = time.monotonic()
    ask(address, op="mv", path=path, to=path + ".bak")
    time.sleep(seconds)
    ask(address, op="mv", path=path + ".bak", to=path)
    print(int((time.monotonic() - begin) * 1e6))


class Tree:
    """Files and folders, as pmxcfs has them in its database; names are relative, "" is the root."""

    def __init__(self, state):
        self.lock = threading.RLock()
        self.state = state
        self.fails, self.hidden = {}, set()
        self.goes = threading.Event()
        self.goes.set()
        self.start, self.kv = int(time.time()), 100
        self.folders, self.files = {"": self.start}, {}
        self.versions, self.vmlist = dict.fromkeys(VERSIONED, 1), 37
        if os.path.exists(state):
            with open(state, encoding="latin-1") as file:
                kept = json.load(file)
            self.folders = kept["folders"]
            self.files = {path: (data.encode("latin-1"), mtime) for path, (data, mtime) in kept["files"].items()}
            self.versions, self.vmlist = kept["versions"], kept["vmlist"]

    def keep(self):
        files = {path: (data.decode("latin-1"), mtime) for path, (data, mtime) in self.files.items()}
        with open(self.state + ".new", "w", encoding="latin-1") as file:
            json.dump({"folders": self.folders, "files": files, "versions": self.versions, "vmlist": self.vmlist}, file)
        os.rename(self.state + ".new", self.state)

    def touch(self, *paths, mtime=None):
        mtime = int(time.time()) if mtime is None else mtime
        self.folders[""] = mtime
        for path in paths:
            if path in self.versions:
                self.versions[path] += 1
        return mtime

    @staticmethod
    def is_guest(path):
        return re.fullmatch(r"nodes/[^/]+/(qemu-server|lxc)/\d+\.conf", path) is not None

    def write(self, path, data, mtime=None):
        self.vmlist += self.is_guest(path) and path not in self.files
        self.files[path] = (data, self.touch(path, mtime=mtime))
        self.keep()

    def remove(self, path):
        del self.files[path]
        self.vmlist += self.is_guest(path)
        self.touch(path)
        self.keep()

    def move(self, path, to):
        self.files[to] = (self.files.pop(path)[0], self.touch(path, to))
        self.vmlist += self.is_guest(path) or self.is_guest(to)
        self.keep()

    def make_folder(self, path):
        self.folders[path] = self.touch(path)
        self.keep()

    def remove_folder(self, path):
        del self.folders[path]
        self.touch(path)
        self.keep()

    def version(self):
        lines = ['"starttime": %d' % self.start, '"clinfo": 5', '"vmlist": %d' % self.vmlist]
        lines += ['"%s": %d' % item for item in self.versions.items()]
        status = '"kvstore": {\n"n": {\n"tasklist": %d}\n,\n"m": {\n"tasklist": %d}\n}' % (self.kv, self.kv)
        return ("{\n" + ",\n".join(lines + [status]) + "\n}\n").encode()

    def is_hidden(self, path):
        return any(path == one or path.startswith(one + "/") for one in self.hidden)

    def names(self, folder):
        start = folder + "/" if folder else ""
        paths = [path for path in list(self.folders) + list(self.files)
                 if path.startswith(start) and path != folder and not self.is_hidden(path)]
        names = {path[len(start):].split("/")[0] for path in paths}
        return names | ({".version"} if not folder and not self.is_hidden(".version") else set())

    def answer(self, request):
        """A change that comes from elsewhere."""
        operation, path = request["op"], request.get("path", "")
        with self.lock:
            if operation == "write":
                self.write(path, request["data"].encode("latin-1"), request.get("mtime"))
            elif operation == "rm":
                self.remove(path)
            elif operation == "mkdir":
                self.make_folder(path)
            elif operation == "mv":
                self.move(path, request["to"])
            elif operation == "kv":
                self.kv += 1
            elif operation == "fail":
                self.fails[path] = request["errno"]
            elif operation == "hide":
                self.hidden.add(path)
            elif operation == "show":
                self.hidden.discard(path)
            elif operation == "hang":
                self.goes.clear()
            elif operation == "go":
                self.goes.set()
            else:
                raise ValueError(operation)

    def listen(self, path):
        server = socket.socket(socket.AF_UNIX)
        if os.path.exists(path):
            os.unlink(path)
        server.bind(path)
        server.listen(8)
        while True:
            client, _ = server.accept()
            with client, client.makefile("rw") as lines:
                for line in lines:
                    try:
                        self.answer(json.loads(line))
                        said = "ok"
                    except (KeyError, ValueError) as error:
                        said = "error: %r" % error
                    lines.write(said + "\n")
                    lines.flush()


def mount(tree, mountpoint):
    """Serves until it is unmounted."""
    from fusepy import FUSE, FuseOSError, Operations

    def checked(method):
        """What all operations have in common: relative names, the lock, faults, what is missing."""
        def call(self, path, *arguments):
            path = path.strip("/")
            tree.goes.wait()
            with tree.lock:
                if tree.fails.get(path):
                    raise FuseOSError(tree.fails[path])
                if tree.is_hidden(path):
                    raise FuseOSError(errno.ENOENT)
                try:
                    return method(self, path, *arguments)
                except KeyError:
                    raise FuseOSError(errno.ENOENT) from None
        return call

    class FileSystem(Operations):
        @checked
        def getattr(self, path, handle=None):
            if path == ".version":
                return dict(st_mode=stat.S_IFREG | 0o440, st_nlink=1, st_size=len(tree.version()))
            if path in tree.folders:
                mode, size, mtime = stat.S_IFDIR | 0o755, 0, tree.folders[path]
            else:
                data, mtime = tree.files[path]
                mode, size = stat.S_IFREG | 0o640, len(data)
            return dict(st_mode=mode, st_nlink=1, st_size=size, st_mtime=mtime, st_ctime=mtime, st_atime=mtime)

        @checked
        def readdir(self, path, handle):
            return [".", ".."] + sorted(tree.names(path))

        @checked
        def open(self, path, flags):
            if path != ".version" and path not in tree.files:
                raise FuseOSError(errno.ENOENT)
            return 0

        @checked
        def read(self, path, size, offset, handle):
            data = tree.version() if path == ".version" else tree.files[path][0]
            return data[offset:offset + size]

        @checked
        def create(self, path, mode, info=None):
            tree.write(path, b"")
            return 0

        @checked
        def write(self, path, data, offset, handle):
            before = tree.files[path][0]
            tree.write(path, before[:offset] + data + before[offset + len(data):])
            return len(data)

        @checked
        def truncate(self, path, length, handle=None):
            tree.write(path, tree.files[path][0][:length])

        def rename(self, old, new):
            with tree.lock:
                if old.strip("/") not in tree.files:
                    raise FuseOSError(errno.EACCES)
                tree.move(old.strip("/"), new.strip("/"))

        @checked
        def unlink(self, path):
            tree.remove(path)

        @checked
        def mkdir(self, path, mode):
            tree.make_folder(path)

        @checked
        def rmdir(self, path):
            tree.remove_folder(path)

        @checked
        def chmod(self, path, mode):
            return 0

        @checked
        def chown(self, path, user, group):
            return 0

        @checked
        def utimens(self, path, times=None):
            return 0

    FUSE(FileSystem(), mountpoint, foreground=True, default_permissions=True, allow_other=True, big_writes=True,
         nothreads=False)


def main():
    if sys.argv[1] != "--ask":
        tree = Tree(sys.argv[3])
        threading.Thread(target=tree.listen, args=(sys.argv[2],), daemon=True).start()
        mount(tree, sys.argv[1])
        return
    if sys.argv[3] == "vanish":
        vanish(sys.argv[2], sys.argv[4], float(sys.argv[5]))
        return
    request = dict(zip(("op", "path"), sys.argv[3:5]))
    if request["op"] == "write":
        request["data"] = sys.stdin.buffer.read().decode("latin-1")
    if len(sys.argv) > 5:
        last = sys.argv[5]
        request[{"mv": "to", "write": "mtime", "fail": "errno"}[request["op"]]] = last if request["op"] == "mv" else int(last)
    ask(sys.argv[2], **request)


if __name__ == "__main__":
    main()
