# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# For checks to include: counts, and prints what a suite ends with (see tests/all).
passed=0 failed=0 cannot=0

pass() {
	passed=$((passed + 1))
}

# fail TEXT...
fail() {
	failed=$((failed + 1))
	echo "FAIL $*"
}

# verdict STATUS TEXT...
verdict() {
	if [ "$1" = 0 ]; then
		pass
	else
		shift
		fail "$@"
	fi
}

# The last command of a suite.
finish() {
	if [ $cannot = 0 ]; then
		echo "$passed passed, $failed failed"
	else
		echo "$passed passed, $failed failed, $cannot cannot run here"
	fi
	[ $failed = 0 ]
}
