# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# For the suites here to include, from the top folder: the compiler, trees made on the spot, and what
# is asked about a run.
. tests/checks/result.sh
export LC_ALL=C
unset NO_COLOR
cc=${PVEFW_CC:-build/pvefw-cc}
case $cc in /*) ;; *) cc=$PWD/$cc ;; esac
cases=$PWD/tests/cases
etc="--services $cases/etc/services --protocols $cases/etc/protocols --ethertypes $cases/etc/ethertypes"
tmp=$(mktemp -d) || exit 2
trap 'chmod -R u+rwx "$tmp"; rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
if [ ! -x "$cc" ]; then
	fail "there is no $cc; build it first"
	finish
	exit
fi

# What a test is about may hold backslashes.
fail() {
	failed=$((failed + 1))
	printf 'FAIL %s\n' "$*"
}

cannot() {
	cannot=$((cannot + 1))
	echo "cannot run here: $*"
}

# A small tree in $tmp/$1 in which every kind of file is there and right.
tree() {
	root=$tmp/$1
	rm -rf "$root"
	mkdir -p "$root/firewall" "$root/nodes/n1/qemu-server" "$root/nodes/n1/lxc" "$root/sdn/firewall" \
		"$root/priv"
	printf '[OPTIONS]\nenable: 1\n[RULES]\nIN ACCEPT -p tcp -dport 22\n' >"$root/firewall/cluster.fw"
	printf '[RULES]\nIN DROP\n' >"$root/nodes/n1/host.fw"
	printf '[OPTIONS]\nenable: 1\n[RULES]\nIN ACCEPT\n' >"$root/firewall/100.fw"
	printf 'net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1\n' >"$root/nodes/n1/qemu-server/100.conf"
	printf 'net0: name=eth0,bridge=vmbr0,firewall=1,hwaddr=BC:24:11:00:00:02\n' >"$root/nodes/n1/lxc/200.conf"
	printf '[RULES]\nFORWARD DROP\n' >"$root/sdn/firewall/vnet0.fw"
	printf '{}\n' >"$root/sdn/.running-config"
	printf '{}\n' >"$root/priv/ipam.db"
	printf 'totem {\n}\n' >"$root/corosync.conf"
}

# run COMMAND...: the compiler without its name; leaves $status, $tmp/stdout, $tmp/stderr
run() {
	"$cc" "$@" >"$tmp/stdout" 2>"$tmp/stderr"
	status=$?
}

# compile [OPTION...] for the tree in $root
compile() {
	run compile --root "$root" --node n1 $etc "$@"
}

# lint [OPTION...] [PATH...]: what it finds is its result, on standard output.  It is left in $tmp/stderr all the same,
# where the errors of the other commands are, and what is printed to standard error in $tmp/stdout.
lint() {
	"$cc" lint "$@" >"$tmp/stderr" 2>"$tmp/stdout"
	status=$?
}

# What went wrong in the last run, below a FAIL.
show() {
	echo "    exit status $status; standard error:"
	head -n 6 "$tmp/stderr" | cut -c 1-200 | sed 's/^/    /'
}

# has FILE TEXT...: each text is in it
has() {
	searched=$1
	shift
	for text; do
		grep -qaF -e "$text" "$searched" || return 1
	done
}

# expect_status WHAT STATUS
expect_status() {
	if [ "$status" = "$2" ]; then
		pass
	else
		fail "$1: exit status $status, not $2"
		show
	fi
}

# Exit status 2, an error with each of the texts, nothing on standard output.
# expect_trouble WHAT TEXT...
expect_trouble() {
	what=$1
	shift
	if [ $status != 2 ]; then
		fail "$what: exit status $status, not 2"
	elif ! has "$tmp/stderr" "$@"; then
		fail "$what: no error with: $*"
	elif [ -s "$tmp/stdout" ]; then
		fail "$what: something was printed all the same"
	else
		pass
		return
	fi
	show
}

# Commands of a user who has no rights of root's; empty if there is no way to be one.
if [ "$(id -u)" != 0 ]; then
	unprivileged="env"
elif setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	unprivileged="setpriv --reuid 65534 --regid 65534 --clear-groups"
else
	unprivileged=
fi

# A copy of the compiler where everybody can reach it.
for_everybody() {
	chmod 755 "$tmp"
	cp "$cc" "$tmp/pvefw-cc"
	cp -r "$cases/etc" "$tmp/etc"
	chmod -R a+rX "$tmp/etc" "$tmp/pvefw-cc"
	cc="$unprivileged $tmp/pvefw-cc"
	etc="--services $tmp/etc/services --protocols $tmp/etc/protocols --ethertypes $tmp/etc/ethertypes"
	[ -n "$unprivileged" ] && $cc --version >/dev/null 2>&1
}
