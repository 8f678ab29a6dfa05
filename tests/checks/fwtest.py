#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""fwtest: what `pvefw-cc test` says about tests of a tree of two nodes.

Each line of TESTS has the result that it must have: passed, failed, undecided, or the number of the diagnostic.  So has each
row.  Then: exit statuses, formats, coverage, files, standard input, several nodes, fmt, and that a test of one
packet agrees with `simulate`.  PVEFW_CC names another compiler than build/pvefw-cc.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

BIN = os.path.abspath(os.environ.get("PVEFW_CC", "build/pvefw-cc"))
TREE = {
    "firewall/cluster.fw": """[OPTIONS]
enable: 1
policy_in: DROP

[ALIASES]
db 192.0.2.50
desk 192.0.2.60
desk6 2001:db8::60
to 192.0.2.61

[IPSET management]
192.0.2.0/24
!192.0.2.99

[IPSET empty]

[IPSET mixed]
10.1.0.0/16
2001:db8:1::/48

[group web]
IN Web(ACCEPT) -source +mixed -log info
IN ACCEPT -p udp -dport 443

[RULES]
IN SSH(ACCEPT) -source +management
IN ACCEPT -i vmbr1 -p tcp -dport 9100
IN Ping(ACCEPT)
""",
    "firewall/100.fw": """[OPTIONS]
enable: 1
policy_in: DROP
policy_out: ACCEPT

[ALIASES]
peer 10.7.0.1

[IPSET clients]
10.2.0.0/16
!10.2.3.0/24

[RULES]
GROUP web
IN ACCEPT -source +clients -p tcp -dport 5432
IN REJECT -p tcp -dport 113
IN REJECT -p udp -dport 113
IN ACCEPT -dest 224.0.0.251 -p udp -dport 5353
OUT DROP -p tcp -dport 25
""",
    "firewall/200.fw": "[OPTIONS]\nenable: 1\npolicy_in: REJECT\n[RULES]\nIN DNS(ACCEPT)\n",
    "firewall/300.fw": "[OPTIONS]\nenable: 1\n[RULES]\nIN SSH(ACCEPT)\n",
    "nodes/a/qemu-server/100.conf": "net0: virtio=02:00:00:00:01:00,bridge=vmbr0,firewall=1\n"
                                   "net1: virtio=02:00:00:00:01:01,bridge=vmbr1,firewall=1,tag=5\n",
    "nodes/a/qemu-server/101.conf": "net0: virtio=02:00:00:00:01:02,bridge=vmbr0\n",
    "nodes/a/lxc/200.conf": "net0: name=eth0,bridge=vmbr0,firewall=1,hwaddr=02:00:00:00:02:00,ip=10.3.0.20/24\n",
    "nodes/b/qemu-server/300.conf": "net0: virtio=02:00:00:00:03:00,bridge=vmbr0,firewall=1\n",
}
# The result, and the line.
TESTS = """
passed outside -> host SSH from +management ACCEPT
passed outside -> host SSH from +dc/management ACCEPT
passed any -> host SSH from not +management DENY
passed any -> host SSH from not +management DROP
failed any -> host SSH from not desk DENY
failed outside -> host SSH from 192.0.2.0/24 ACCEPT
passed outside -> host SSH from 192.0.2.0/24 except 192.0.2.99 ACCEPT
passed outside -> host SSH from 192.0.2.0-192.0.2.98,192.0.2.100-192.0.2.255 ACCEPT
failed outside -> host SSH from 192.0.2.0-192.0.2.99 ACCEPT
passed outside -> host SSH from db,desk,dc/to ACCEPT
E1307 outside -> host SSH from to ACCEPT
passed outside -> host SSH from 192.0.2.99 DROP
E1310 outside -> host SSH from 192.0.2.99 ipv6 DROP
E1310 outside -> host SSH from +empty DROP
passed outside -> host SSH from desk6 DROP
E1310 outside -> host from desk to desk6 DROP
passed outside -> host tcp/22 from db state new ACCEPT
passed outside -> host tcp from not +management state established ACCEPT
passed outside -> host tcp state invalid DROP
failed outside -> host tcp state new,established from not +management DROP
passed outside -> host icmp echo-request ACCEPT
passed outside -> host Ping ACCEPT
passed outside -> host icmp 8 ACCEPT
passed outside -> host icmp 8/0 ACCEPT
passed outside -> host icmp echo-reply DROP
failed outside -> host icmp DROP
E1306 outside -> host icmp nonsense DROP
E1310 outside -> host icmp router-solicitation ipv6 DROP
E1306 outside -> host icmp neighbor-solicitation DROP
passed outside -> host icmpv6 router-solicitation ACCEPT
passed outside -> host tcp/9100 on vmbr1 ACCEPT
passed outside -> host tcp/9100 on vmbr0,eth9 DROP
failed outside -> host tcp/9100 ACCEPT
failed outside -> host tcp/9100 DROP
passed vm100i1 -> host tcp/9100 DROP
passed host -> outside tcp ACCEPT
failed outside -> host DROP
passed outside -> host gre,esp,47 DROP
passed outside -> host tcp/http,8000:8010,9000-9010,udp/domain,HTTP from 203.0.113.0/24 DROP
passed outside -> host tcp/22,ssh from db sport 1024:65535 ACCEPT
E1310 outside -> host udp/53 sport 5 ipv4 from desk6 DROP
passed outside -> vm100 Web from +mixed ACCEPT
failed outside -> vm100 Web ACCEPT
failed outside -> vm100 HTTP from not 10.1.0.0/16 DROP
passed outside -> vm100 HTTP from not 10.1.0.0/16 ipv4 DROP
passed outside -> vm100 HTTP from not +mixed DROP
passed outside -> vm100 HTTP from not 10.1.0.0/16,2001:db8:1::/48 DROP
passed outside -> vm100 udp/443 ACCEPT
passed outside -> vm100 tcp/113 REJECT
passed outside -> vm100 tcp/113,114 DENY
failed outside -> vm100 tcp/113,114 REJECT
failed outside -> vm100 tcp/113,114 DROP
passed outside -> vm100 PostgreSQL from +guest/clients ACCEPT
passed outside -> vm100 PostgreSQL from +clients ACCEPT
passed outside -> vm100 PostgreSQL from 10.2.3.0/24,guest/peer DROP
E1307 outside -> host PostgreSQL from +guest/clients DROP
E1307 outside -> ct200 PostgreSQL from +clients DROP
passed vm100 -> outside tcp/25 DROP
passed vm100i0 -> outside tcp/25 DROP
failed vm100 -> outside tcp ACCEPT
passed vm100 -> outside tcp/80 ACCEPT
failed vm100 -> outside tcp/80 mac 02:00:00:00:00:99 ACCEPT
passed vm100 -> outside tcp/80 mac 02:00:00:00:00:99 DROP
passed outside -> vm100 udp/5353 to 224.0.0.251 ACCEPT
passed outside -> vm100 udp/5353 to 224.0.0.252 DROP
failed outside -> vm100 udp/5353 to 224.0.0.250-224.0.0.252 DROP
passed outside -> vm100 udp/5353 DROP
passed outside -> ct200 DNS ACCEPT
passed outside -> ct200 tcp/80 REJECT
failed outside -> ct200 icmp echo-request REJECT
passed outside -> ct200 icmp echo-request DROP
passed outside -> host SSH from not +management DENY
passed outside -> host SSH from 0.0.0.0/0 except 192.0.2.0/24,127.0.0.0/8 DROP
passed outside -> host SSH from 192.0.2.0/24 except 192.0.2.99 ACCEPT
passed outside -> vm100 udp/443 from not 10.0.0.0/8 ACCEPT
passed outside -> vm100 udp/443 from 10.0.0.0-255.255.255.255 except 240.0.0.0-255.255.255.254 ACCEPT
failed outside -> vm100 udp/443 from 255.255.255.255 ACCEPT
passed vm100i0 -> ct200 DNS ACCEPT
passed vm100i0 -> ct200 tcp/80 REJECT
passed vm100i1 -> ct200 DNS ACCEPT
passed vm100i1 -> ct200 tcp/25 DROP
passed ct200 -> vm100 tcp/5432 from 10.2.0.1 ACCEPT
passed vm101 -> vm100 tcp/80 from 10.1.2.3 ACCEPT
passed nfvm -> vm100 tcp/80 from 10.1.2.3 ACCEPT
passed nfvm -> outside tcp ACCEPT
passed vmbr0/eth0 -> vm100i0 tcp/80 from 10.1.2.3 ACCEPT
passed vmbr1/eth1 -> vm100i1 tcp/80 from 10.1.2.3 ACCEPT
passed vmbr1/eth1 -> vm100i0 tcp/80 from 10.9.2.3 DROP
passed any -> vm100 tcp/81 from 10.3.0.20 DROP
passed outside -> vm300 SSH ACCEPT
passed vm300 -> outside tcp ACCEPT
E1304 host -> host tcp DROP
E1304 ct200 -> ct200 tcp DROP
E1303 vm100 -> vm300 tcp DROP
E1303 vm102 -> outside tcp DROP
E1303 vm100i7 -> outside tcp DROP
E1303 vm200 -> outside tcp DROP
E1303 vnet nowhere -> outside tcp DROP
E1302 outside host DROP
E1302 outside -> 
E1308 outside -> host SSH
E1308 outside -> host SSH drop
E1308 outside -> host SSH DROP tcp
E1305 outside -> host SHH DROP
E1305 outside -> host 10.0.0.0/8 DROP
E1306 outside -> host tcp/66000 DROP
E1306 outside -> host state old DROP
E1306 outside -> host mac 1:2 DROP
E1309 outside -> host SSH from db from desk DROP
passed outside->host SSH  ,  tcp/80   from 203.0.113.1 ,203.0.113.2 DROP#comment
"""
ROWS = """
passed { from => 'outside', to => 'vm100', dport => 113, action => 'REJECT' }
passed {from=>"outside",to=>"vm100",proto=>"udp",dport=>"443",action=>"ACCEPT",},
passed { 'to' => 'host' , 'dport' => 22 , 'source' => '192.0.2.7' , 'action' => 'ACCEPT' , 'from' => 'outside' } # text
passed { from => 'outside', to => 'host', dport => 22, action => 'DROP', id => 'ssh' }
passed { to => 'vm100', dport => 81, action => 'DROP' }
passed { from => 'vm100', to => 'outside', dport => 25, action => 'DROP' }
failed { from => 'vm100', to => 'outside', action => 'ACCEPT' }
failed { from => 'vm100', dport => 80, action => 'ACCEPT' }
passed { from => 'outside', to => 'ct200', dport => 80, action => 'REJECT' }
passed { from => 'outside', to => 'ct200', proto => 'udp', dport => 53, action => 'ACCEPT' }
passed { from => 'outside', to => 'ct200', proto => 'udp', dport => 'domain', action => 'ACCEPT' }
passed { from => 'outside', to => 'host', proto => 'icmp', dport => 'echo-request', action => 'ACCEPT' }
passed { from => 'outside', to => 'host', proto => 'icmp', dport => 'echo-reply', action => 'DROP' }
failed { from => 'outside', to => 'host', proto => 'icmp', action => 'DROP' }
passed { from => 'outside', to => 'host', dport => 9100, action => 'DROP' }
passed { from => 'vmbr1/eth0', to => 'host', dport => 9100, action => 'ACCEPT' }
passed { from => 'vmbr0/eth0', to => 'vm100', dport => 80, source => '10.1.0.1', action => 'ACCEPT' }
passed { from => 'nfvm', to => 'outside', action => 'ACCEPT' }
passed { from => 'outside', to => 'vm100', proto => 'udp', dport => 5353, dest => '224.0.0.251', dsttype => 'MULTICAST', action => 'ACCEPT' }
passed { from => 'outside', to => 'vm100', proto => 'udp', dport => 5353, dsttype => 'MULTICAST', action => 'DROP' }
passed { from => 'outside', to => 'vm100', dsttype => 'BROADCAST', dport => 80, action => 'DROP' }
passed { from => 'outside', to => 'host', dport => 22, srctype => 'MULTICAST', action => 'DROP' }
failed { from => 'outside', to => 'vm100', proto => 'udp', dport => 443, srctype => 'MULTICAST', action => 'ACCEPT' }
passed { from => 'host', to => 'vm100', dport => 5432, source => '10.2.0.1', action => 'ACCEPT' }
passed { from => 'outside', to => 'host', dport => 22, source => '2001:db8::1', action => 'DROP' }
passed { from => 'outside', to => 'ct200', proto => 'icmp', dport => 'echo-request', action => 'REJECT' }
passed { from => 'outside', to => 'ct200', proto => 'icmp', dport => 'echo-request', action => 'DROP' }
failed { from => 'outside', to => 'ct200', proto => 'icmp', dport => 'echo-request', action => 'ACCEPT' }
passed { from => 'outside', to => 'ct200', proto => 'icmp', action => 'REJECT' }
failed { from => 'outside', to => 'vm100', proto => 'icmp', action => 'REJECT' }
passed { from => 'outside', to => 'vm100', proto => 'icmp', action => 'DROP' }
passed { from => 'outside', to => 'vm100', proto => 'udp', dport => 113, dest => '224.0.0.9', dsttype => 'MULTICAST', action => 'REJECT' }
passed { from => 'outside', to => 'vm100', proto => 'udp', dport => 113, dest => '224.0.0.9', dsttype => 'MULTICAST', action => 'DROP' }
failed { from => 'outside', to => 'vm100', proto => 'udp', dport => 114, dest => '224.0.0.9', dsttype => 'MULTICAST', action => 'REJECT' }
passed { from => 'outside', to => 'vm100', proto => 'udp', dport => 113, dsttype => 'BROADCAST', action => 'REJECT' }
passed { from => 'outside', to => 'vm100', proto => 'udp', dport => 113, dsttype => 'BROADCAST', action => 'DROP' }
failed { from => 'outside', to => 'ct200', dport => 80, action => 'DROP' }
E1310 { from => 'outside', to => 'vm100', dest => '10.0.0.1', dsttype => 'MULTICAST', action => 'DROP' }
E1303 { from => 'outside', to => 'vm999', action => 'DROP' }
E1312 { from => 'outside', to => 'host', action => 'DROP' } 1;
E1312 { from => 'outside', to => 'host', action => 'DROP' }\0{ action => 'ACCEPT' }
E1312 { from => 'outside', to => 'host', action => system('true') }
E1312 { sourc => '10.0.0.1', action => 'DROP' }
E1312 { dport => 22 }
E1312 [ from => 'outside' ]
"""

passed = failed = 0


def verdict(ok, what):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAIL %s" % what)


def run(*args, text=None, cwd=None):
    return subprocess.run([BIN, *args], input=text, capture_output=True, text=True, cwd=cwd, check=False)


def plant(root, files):
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)


def cases(table):
    for line in table.strip("\n").split("\n"):
        want, text = line.split(" ", 1)
        yield want, text


def check_table(root, table, *options):
    """Each line has its result; all are one file, so that a line cannot spoil the next one."""
    wanted = list(cases(table))
    path = os.path.join(root, "all")
    plant(root, {"all": "".join(text + "\n" for _, text in wanted)})
    said = json.loads(run("test", "--root", root, "--format", "json", *options, path).stdout)
    verdict(len(said["tests"]) == len(wanted), "%d tests, not %d" % (len(said["tests"]), len(wanted)))
    for (want, text), test in zip(wanted, said["tests"]):
        got = test["diagnostic"] if test["result"] == "error" else test["result"]
        verdict(got == want, "%s: %s, not %s (%s)" % (text, got, want, test["example"] or test["message"]))
    verdict(said["passed"] == sum(want == "passed" for want, _ in wanted), "count of those that passed")
    verdict(said["failed"] == sum(want == "failed" for want, _ in wanted), "count of those that failed")
    os.unlink(path)


def check_statuses(root):
    for text, want, last in (("outside -> host SSH from db ACCEPT\n", 0, "1 test, 1 passed, 0 failed"),
                             ("outside -> host SSH DROP\n", 1, "1 test, 0 passed, 1 failed"),
                             ("outside -> host SSH DROP\nouts -> host SSH DROP\n", 2, "2 tests, 0 passed, 1 failed, 1 wrong"),
                             ("outside -> host from +empty DROP\n", 2, "1 test, 0 passed, 0 failed, 1 wrong"),
                             ("# nothing\n", 2, "0 tests, 0 passed, 0 failed"), ("", 2, "0 tests, 0 passed, 0 failed")):
        done = run("test", "--root", root, "-", text=text)
        verdict(done.returncode == want and done.stdout.rstrip().split("\n")[-1] == last,
                "%r: status %d: %s" % (text, done.returncode, done.stdout))
    verdict(run("test", "--root", root).returncode == 2, "a tree without files of tests")
    verdict(run("test", "--root", root, "nowhere.fwtest").returncode == 2, "a file that is missing")
    verdict(run("test", "--root", root + "/nowhere", "-", text="").returncode == 2, "a tree that is missing")
    verdict(run("test", "--root", root, "--format-in", "perl").returncode == 2, "rows without a file")
    plant(root, {"firewall/sub/deep.fwtest": "outside -> host SSH from db ACCEPT\n", "firewall/x.fwtest": "vm300 -> outside tcp ACCEPT\n",
                 "firewall/.hidden.fwtest": "nonsense\n", "elsewhere/y.fwtest": "nonsense\n"})
    verdict(run("test", "--root", root).stdout == "2 tests, 2 passed, 0 failed\n", "the files of a tree")
    verdict(run("test", "--root", root, root + "/firewall/sub").stdout == "1 test, 1 passed, 0 failed\n", "the files of a directory")
    verdict(run("test", cwd=root, *["--root", "."]).stdout == "2 tests, 2 passed, 0 failed\n", "the tree in the working directory")
    verdict(run("test", "--root", root, "--node", "a").returncode == 2, "a guest of another node than --node")
    done = run("lint", root)
    verdict("E13" not in done.stdout, "lint of the tree: " + done.stdout)
    verdict("E13" not in run("lint", root, "--node", "a").stdout, "lint of one node")
    plant(root, {"firewall/x.fwtest": "vm300 -> outside tpc ACCEPT\n"})
    done = run("lint", root)
    verdict(done.returncode == 1 and "firewall/x.fwtest:1:18" in done.stdout, "lint of a wrong test: " + done.stdout)
    done = run("lint", root + "/firewall/x.fwtest")
    verdict(done.returncode == 1 and "E1305" in done.stdout, "lint of the file alone: " + done.stdout)
    for target in ("iptables", "nft", "written"):
        done = run("test", "--root", root, "--target", target, root + "/firewall/sub/deep.fwtest")
        verdict(done.stdout == "1 test, 1 passed, 0 failed\n", "--target " + target)
    for name in ("firewall/x.fwtest", "firewall/.hidden.fwtest", "elsewhere/y.fwtest", "firewall/sub/deep.fwtest"):
        os.unlink(os.path.join(root, name))


def check_no_guests(work):
    """A tree that lacks the guests' configurations: what is missing is said."""
    root = os.path.join(work, "without")
    plant(root, {"firewall/cluster.fw": "[OPTIONS]\nenable: 1\n", "firewall/100.fw": "[OPTIONS]\nenable: 1\n"})
    done = run("test", "--root", root, "-", text="outside -> vm100 tcp DROP\n")
    verdict(done.returncode == 2 and "the tree knows no guests" in done.stdout, "no guests: " + done.stdout)
    done = run("test", "--root", root, "-", text="outside -> hots tcp DROP\n")
    verdict(done.returncode == 2 and "did you mean `host`" in done.stdout, "no guests, another zone: " + done.stdout)


def check_formats(root):
    tests = "outside -> host SSH from db ACCEPT\noutside -> host SSH DROP # why\nouts -> host SSH DROP\n"
    plant(root, {"firewall/f.fwtest": tests})
    tap = run("test", "--root", ".", "--format", "tap", cwd=root).stdout.split("\n")
    verdict(tap[:3] == ["TAP version 13", "1..3", "ok 1 - firewall/f.fwtest:1: outside -> host SSH from db ACCEPT"], "tap: %s" % tap)
    verdict(sum(line.startswith("not ok ") for line in tap) == 2, "tap: two tests do not pass")
    suites = xml.etree.ElementTree.fromstring(run("test", "--root", ".", "--format", "junit", cwd=root).stdout)
    suite = suites.find("testsuite")
    verdict([suite.get(key) for key in ("name", "tests", "failures", "errors")] == ["firewall/f.fwtest", "3", "1", "1"], "junit")
    verdict(len(suite.findall("testcase/failure")) == 1 and len(suite.findall("testcase/error")) == 1, "junit: failure and error")
    github = run("test", "--root", ".", "--format", "github", cwd=root).stdout
    verdict("::error file=" in github and "line=2" in github and "title=E1301" in github, "github: " + github)
    text = run("test", "--root", ".", "--coverage", cwd=root).stdout
    verdict("N1314" in text and text.rstrip().endswith("1 of 13 rules reached"), "coverage: " + text[-200:])
    said = json.loads(run("test", "--root", ".", "--coverage", "--format", "json", cwd=root).stdout)["coverage"]
    verdict(said["rules"] == 13 and said["reached"] == 1 and len(said["unreached"]) == 12, "coverage as JSON")
    plant(root, {"firewall/f.fwtest": "outside -> vm100 HTTP from 10.1.0.1 ACCEPT\nvm100i0 -> ct200 tcp/25 DROP\nvm100i0 -> ct200 DNS ACCEPT\n"})
    said = json.loads(run("test", "--root", ".", "--coverage", "--format", "json", cwd=root).stdout)["coverage"]
    lines = {(place["file"], place["line"]) for place in said["unreached"]}
    for place in (("firewall/cluster.fw", 22), ("firewall/100.fw", 14), ("firewall/100.fw", 19), ("firewall/200.fw", 5)):
        verdict(place not in lines, "coverage: %s:%d is reached" % place)
    verdict(("firewall/cluster.fw", 23) in lines, "coverage: the group's second line is not reached")
    os.unlink(os.path.join(root, "firewall/f.fwtest"))


def check_fmt(work):
    """fmt of the table: a fixpoint, of the same tests; wrong lines stay."""
    lines = [text for _, text in cases(TESTS)]
    text = "".join("  %s \r\n\n\n" % line.replace(" ", "\t  ") for line in lines)
    once = run("fmt", "--kind", "test", "-", text=text)
    twice = run("fmt", "--stdin-filename", "a.fwtest", "-", text=once.stdout)
    verdict(once.returncode == 0 and once.stdout == twice.stdout, "fmt is no fixpoint")
    plant(work, {"a.fwtest": text})
    verdict(run("fmt", "--check", work + "/a.fwtest").returncode == 1, "fmt --check")
    verdict("+outside -> host SSH from +management ACCEPT" in run("fmt", "--diff", work + "/a.fwtest").stdout, "fmt --diff")
    run("fmt", "--write", work + "/a.fwtest")
    with open(work + "/a.fwtest", encoding="utf-8") as file:
        written = file.read()
    verdict(written == once.stdout and run("fmt", "--check", work + "/a.fwtest").returncode == 0, "fmt --write")
    one = run("fmt", "--kind", "test", "-", text="vm1->host  ipv4 state  new  from a , b  tcp/1 DROP#x\n").stdout
    verdict(one == "vm1 -> host tcp/1 from a,b state new ipv4 DROP # x\n", "the layout: " + one)
    os.unlink(work + "/a.fwtest")


def check_single_packets(root):
    """What simulate says of a packet, a test of that packet says, too."""
    rnd = random.Random(12)
    rows, want = [], []
    for _ in range(40):
        to, source = rnd.choice(["host", "vm100", "ct200"]), rnd.choice(["192.0.2.7", "192.0.2.99", "10.1.2.3", "10.2.3.4", "10.2.9.9", "203.0.113.5"])
        protocol, port = rnd.choice(["tcp", "udp"]), rnd.choice([22, 25, 53, 80, 113, 443, 5432, 8006])
        said = json.loads(run("simulate", "--root", root, "--node", "a", "--to", to, "--protocol", protocol, "--dport", str(port),
                              "--source", source, "--dest", "10.5.5.5", "--sport", "4000", "--format", "json").stdout)
        action = said["action"]
        rows.append("outside -> %s %s/%d from %s to 10.5.5.5 sport 4000 %s\n" % (to, protocol, port, source, action))
        want.append(action)
    done = run("test", "--root", root, "--node", "a", "-", text="".join(rows))
    verdict(done.returncode == 0 and len(set(want)) == 3, "simulate and test differ: " + done.stdout)


def check_budget(root):
    rnd = random.Random(3)
    rules = "".join("IN %s -source %d.%d.0.0/16 -dest %d.%d.%d.0/24 -p tcp -dport %d:%d -sport %d:%d\n" % (
        rnd.choice(["ACCEPT", "DROP"]), rnd.randrange(1, 200), rnd.randrange(256), rnd.randrange(1, 200), rnd.randrange(256), rnd.randrange(256),
        d, d + rnd.randrange(9000), s, s + rnd.randrange(9000))
        for d, s in ((rnd.randrange(1, 50000), rnd.randrange(1, 50000)) for _ in range(1500)))
    plant(root, {"firewall/200.fw": "[OPTIONS]\nenable: 1\n[RULES]\n" + rules})
    done = run("test", "--root", root, "--budget", "1", "-", text="outside -> ct200 tcp ACCEPT\n")
    verdict(done.returncode == 2 and "E1311" in done.stdout and "veth200i0-IN" in done.stdout, "over budget: " + done.stdout)
    done = run("test", "--root", root, "--budget", "1", "-", text="outside -> ct200 udp DENY\n")
    verdict(done.returncode == 1, "within budget: " + done.stdout)
    verdict(run("test", "--root", root, "--budget", "none", "-", text="").returncode == 2, "a budget that is no number")


def main():
    work = tempfile.mkdtemp()
    try:
        root = os.path.join(work, "tree")
        plant(root, TREE)
        check_table(root, TESTS)
        for target in ("iptables", "nft", "written"):
            check_table(root, ROWS, "--format-in", "perl", "--target", target)
        check_statuses(root)
        check_no_guests(work)
        check_formats(root)
        check_fmt(work)
        check_single_packets(root)
        check_budget(root)
    finally:
        shutil.rmtree(work)
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


sys.exit(main())
