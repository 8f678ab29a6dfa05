#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# legacy-vm.sh: the output of ebtables-legacy is recognised as the loaded rules.
#
# This computer's kernel may lack the table of ebtables-legacy, which nodes have. So the tree of cases/limits
# whose spellings it changes is loaded in the virtual machine (tests/vm) twice, with it and iptables-legacy;
# the second time nothing differs. Then the service finds within 10 s that somebody has emptied a chain, and
# nothing else before. Ends with `N passed, N failed`. PVEFW_CC, PVE_FIREWALL: the programs, default those of
# build/.
set -u
tree=layer2-spellings
here=$(cd "$(dirname "$0")" && pwd)
tests=$(dirname "$here")
# shellcheck source=SCRIPTDIR/../checks/result.sh
. "$tests/checks/result.sh"
PVE_FIREWALL=$(readlink -f "${PVE_FIREWALL:-$tests/../build/pve-firewall}")
PVEFW_CC=$(readlink -f "${PVEFW_CC:-$tests/../build/pvefw-cc}")

give_up() {
	echo "cannot run here: $1"
	exit 77
}

save=$(command -v ebtables-legacy-save) || give_up "no ebtables-legacy-save"
modules=$(dirname "$(perl -e 'use strict; print $INC{"strict.pm"}')")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# The tools as they are called: legacy ones, whatever the machine's alternatives are.
mkdir "$work/bin"
printf '#!/bin/sh\nexec ebtables-legacy "$@"\n' >"$work/bin/ebtables"
for tool in iptables ip6tables; do
	for end in '' -save -restore; do
		printf '#!/bin/sh\nexec %s-legacy%s "$@"\n' $tool $end >"$work/bin/$tool$end"
	done
done
printf '#!/bin/sh\nexec ebtables-legacy-restore "$@"\n' >"$work/bin/ebtables-restore"
sed 's,"/usr/sbin/ebtables",&."-legacy",' "$save" >"$work/bin/ebtables-save"
chmod +x "$work/bin"/*

cat >"$work/payload" <<'EOF'
export PATH=/payload/bin:$PATH
load() {
	./pvefw-cc load --stats --fail-on never --output /dev/null --root tree/root --target iptables \
		--services etc/services --protocols etc/protocols --ethertypes etc/ethertypes >/tmp/stats 2>/tmp/errors
}
load && load
echo "loaded $? $(awk '$1 == "messages" { print $2 }' /tmp/stats) $(head -n 3 /tmp/errors | tr '\n' ';')"
ebtables-save | grep -c 'tap10[01]i0-OUT'
./pve-firewall start --debug --root tree/root --node pve --run-dir /tmp/run --log-file /tmp/log >/tmp/output 2>&1 &
end=$((SECONDS + 20))
until grep -q 'nothing has changed\|changes are applied' /tmp/log 2>/dev/null || [ $SECONDS -ge $end ]; do sleep 0.1; done
sleep 9 # it must look once, and find nothing
echo "repairs $(grep -c 'changed by others' /tmp/log)"
ebtables -F PVEFW-FORWARD
end=$((SECONDS + 15))
until ebtables-save | grep -q '^-A PVEFW-FORWARD' || [ $SECONDS -ge $end ]; do sleep 0.2; done
ebtables-save | grep -q '^-A PVEFW-FORWARD' && echo mended
EOF
"$tests/vm/run.sh" "$work/payload" "$PVEFW_CC:/payload/pvefw-cc" "$PVE_FIREWALL:/payload/pve-firewall" "$tests/cases/limits/$tree:/payload/tree" \
	"$tests/cases/etc:/payload/etc" "$work/bin:/payload/bin" "$(command -v perl):/usr/bin/perl" "$modules:$modules" \
	>"$work/output" 2>&1
status=$?
[ $status != 77 ] || give_up "$(tail -n 1 "$work/output")"
verdict $status "the virtual machine ends with $status: $(tail -n 1 "$work/output")"
grep -qx "loaded 0 0 " "$work/output"
verdict $? "$tree: $(grep '^loaded ' "$work/output" || echo not loaded)"
grep -qx '[1-9][0-9]*' "$work/output"
verdict $? "$tree: ebtables-legacy has no chain of it"
grep -qx "repairs 0" "$work/output"
verdict $? "the service finds changes of others that are none: $(grep '^repairs' "$work/output")"
grep -qx mended "$work/output"
verdict $? "the service does not find that a chain of ebtables-legacy was emptied"
finish
