# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A tree of $work/tree in pmxcfs.py; sourced after tests/service/common.sh, in a mount namespace of its own.
: "${tests:?}" "${work:?}"
pmxcfs="/usr/bin/python3 $tests/pmxcfs/pmxcfs.py"
filesystem=

is_mounted() {
	mountpoint -q "$work/tree" && [ -S "$work/pmxcfs.sock" ]
}

# mount_tree: as pve-cluster does it when it starts; the files are those that were there last
mount_tree() {
	mkdir -p "$work/tree"
	rm -f "$work/pmxcfs.sock"
	$pmxcfs "$work/tree" "$work/pmxcfs.sock" "$work/pmxcfs.state" >"$work/pmxcfs.log" 2>&1 &
	filesystem=$!
	within 10 is_mounted || give_up "FUSE: $(tail -n 1 "$work/pmxcfs.log")"
}

# unmount_tree: as pve-cluster does it when it stops: an empty folder is left
unmount_tree() {
	umount -l "$work/tree"
	within 5 gone "$filesystem" || kill -KILL "$filesystem"
	wait "$filesystem" 2>/dev/null
	filesystem=
}

# kill_filesystem: whoever looks at the tree then gets ENOTCONN
kill_filesystem() {
	kill -KILL "$filesystem"
	wait "$filesystem" 2>/dev/null
	filesystem=
}

# remote OP PATH [ARGUMENT]: what another node does, or a fault
remote() {
	$pmxcfs --ask "$work/pmxcfs.sock" "$@" </dev/null
}

# remote_write PATH LINE…
remote_write() {
	local path=$1
	shift
	printf '%s\n' "$@" | $pmxcfs --ask "$work/pmxcfs.sock" write "$path"
}

# mount_cluster [FOLDER]: a new one, with the files of FOLDER, as they were written half a minute ago
mount_cluster() {
	rm -f "$work/pmxcfs.state"
	mv "${1:-$work/tree}" "$work/files"
	/usr/bin/python3 - "$work/files" "$work/pmxcfs.state" "$tests/pmxcfs" <<-'END'
		import os, sys, time
		sys.path.insert(0, sys.argv[3])
		import pmxcfs
		tree, then = pmxcfs.Tree(sys.argv[2]), int(time.time()) - 30
		for folder, _, files in os.walk(sys.argv[1]):
		    path = os.path.relpath(folder, sys.argv[1])
		    path = "" if path == "." else path
		    tree.folders[path] = then
		    for name in files:
		        with open(os.path.join(folder, name), "rb") as file:
		            tree.files[os.path.join(path, name)] = (file.read(), then)
		tree.keep()
	END
	rm -rf "$work/files"
	mount_tree
}
