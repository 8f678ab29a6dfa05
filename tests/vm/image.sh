# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Parts of an initramfs, for mkinitramfs.sh and run.sh: sourced, not run. All folders of programs are
# one, as on a Debian system: bin, sbin and lib are links into usr.

# new_root: makes a folder laid out so and prints its name
new_root() {
	root=$(mktemp -d)
	mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64"
	for name in bin sbin lib lib64; do
		ln -s "usr/$name" "$root/$name"
	done
	echo "$root"
}

# copy_libraries ROOT FILE: the shared libraries FILE needs, if it is a program with any, but for those that the
# list of files $there names
copy_libraries() {
	for library in $(ldd "$2" 2>/dev/null | grep -o '/[^ ]*\.so[^ ]*'); do
		grep -qsFx -e "$library" -e "/usr$library" "${there:-/dev/null}" && continue
		[ -e "$1$library" ] || install -D "$(readlink -f "$library")" "$1$library"
	done
}

# copy_program ROOT NAME: a program of this machine, where it is here, and a link if NAME is one
copy_program() {
	named=$(command -v "$2")
	named=$(readlink -f "$(dirname "$named")")/$2
	program=$(readlink -f "$named")
	rm -f "$1/usr/bin/$2" "$1/usr/sbin/$2"
	rm -f "$1$program"
	install -D "$program" "$1$program"
	[ "$program" = "$named" ] || ln -s "$program" "$1$named"
	copy_libraries "$1" "$program"
}

# copy_file ROOT SOURCE TARGET: a file or a folder, links followed, with its libraries
copy_file() {
	mkdir -p "$1$(dirname "$3")"
	cp -aL "$2" "$1$3"
	[ -f "$2" ] && [ -x "$2" ] && copy_libraries "$1" "$2"
	return 0
}

# pack ROOT: the archive the kernel unpacks, on standard output
pack() {
	(cd "$1" && find . | cpio -o -H newc --quiet)
}
