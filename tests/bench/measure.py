#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures programs in interleaved pairs, and tells a measurement from noise.

usage: measure.py machine
       measure.py cost COMMAND...
       measure.py target KEY WHAT MOST [UNIT] < values

For scripts in Python a module; for those in shell a command. `cost` prints processor time, page faults, instructions and
peak memory of a command whose status is 0 or 1. `target` reads one value a line, or two: then the ratio of
the first to the second counts. It prints median, interquartile range and verdict. The exit status is 0 for `met`, 1 for
`NOT MET`, 3 for `not a measurement`: the spread is too large for a verdict, or the environment variable NOT_MEASURED says
why. tests/bench/table prints what was recorded by KEY.

A ratio is the median of the ratios of neighbours: programs take turns, and the order changes from round to round. So
what else the machine does affects both sides. Instructions are those of callgrind, in user space only, because many
virtual machines have no hardware counters.
"""
import collections
import json
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(TOP, "build", "bench")
RESULTS = os.environ.get("BENCH_RESULTS", os.path.join(WORK, "results"))
COMPILER = os.environ.get("PVEFW_CC") or os.path.join(TOP, "build", "pvefw-cc")

MOST_SPREAD = 0.25      # interquartile range by median: beyond it a median says little
MOST_OTHERS = 0.05      # of the processors' time, taken by other programs

MET, MISSED, NO_MEASUREMENT = 0, 1, 3

# wall and cpu (user and system, with children that were waited for) in seconds; faults: minor and major page faults
Run = collections.namedtuple("Run", "wall user system faults")
Spread = collections.namedtuple("Spread", "median low high count")


def cpu(run):
    return run.user + run.system


def wall(run):
    return run.wall


def faults(run):
    return run.faults


def run(words, statuses=(0,)):
    """Runs a program without output; SystemExit if its status is another."""
    null = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
    begin = time.monotonic()
    pid = os.posix_spawnp(words[0], words, os.environ, file_actions=null)
    _, status, used = os.wait4(pid, 0)
    seconds = time.monotonic() - begin
    if os.waitstatus_to_exitcode(status) not in statuses:
        sys.exit("%s: status %d" % (" ".join(words)[:200], os.waitstatus_to_exitcode(status)))
    return Run(seconds, used.ru_utime, used.ru_stime, used.ru_minflt + used.ru_majflt)


def rounds(commands, count, statuses=(0,), warm=True):
    """Runs all commands COUNT times, in turn, every second time in reverse: a list of runs by name."""
    runs = {name: [] for name in commands}
    for words in commands.values() if warm else ():
        run(words, statuses)  # fills the page cache
    for i in range(count):
        for name in list(commands)[::-1 if i % 2 else 1]:
            runs[name].append(run(commands[name], statuses))
    return runs


def spread(values):
    values = sorted(values)
    if len(values) < 2:
        return Spread(values[0], values[0], values[0], 1)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high, len(values))


def ratio(runs, name, base, what=cpu):
    return spread(what(a) / max(what(b), 1e-9) for a, b in zip(runs[name], runs[base]))


def tree(name, words):
    """A generated tree below build/bench: made by WORDS, a script here, whose third word is the folder."""
    path = os.path.join(WORK, name)
    if not os.path.isdir(path):
        os.makedirs(WORK, exist_ok=True)
        subprocess.run([os.path.join(HERE, words[0])] + words[1:3] + [path + ".new"] + words[3:], check=True)
        os.rename(path + ".new", path)
    return path


def show(s, unit=""):
    text = "%.4g%s" % (s.median, " " + unit if unit else "")
    return text if s.low == s.high else text + " (%.4g to %.4g, %d times)" % (s.low, s.high, s.count)


def memory(words, statuses=(0,)):
    """Peak of what is resident, in MiB. By time(1): a child of this program would begin with this program's peak."""
    done = subprocess.run(["/usr/bin/time", "-q", "-f", "peak %M"] + words, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode not in statuses:
        sys.exit("%s: status %d" % (" ".join(words)[:200], done.returncode))
    return int(re.findall(rb"^peak (\d+)$", done.stderr, re.M)[-1]) / 1024


def instructions(words, statuses=(0,)):
    """Instructions of the whole process on one processor, and inclusive ones by function."""
    one = str(min(os.sched_getaffinity(0)))
    os.makedirs(WORK, exist_ok=True)
    path = os.path.join(WORK, "callgrind.out")
    done = subprocess.run(["taskset", "-c", one, "valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=" + path] +
                          words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if done.returncode not in statuses:
        sys.exit("callgrind %s: status %d" % (" ".join(words)[:200], done.returncode))
    listing = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", path],
                             stdout=subprocess.PIPE, check=True, text=True).stdout
    total, functions = 0, {}
    for count, name in re.findall(r"^ *([\d,]+) \([ \d.]+%\) +(.*)$", listing, re.M):
        count = int(count.replace(",", ""))
        name = name.split(" [")[0].rsplit(":", 1)[-1]
        total = max(total, count)
        functions[name] = max(functions.get(name, 0), count)
    return total, functions


# ---- verdicts ----

worst = MET
started = None


def target(key, what, value, most, unit="", reason=None, fault=None):
    """Prints and records whether VALUE, a number or a Spread, is at most MOST (None: no bound). Returns the exit status.
    REASON says why no figure is a measurement now, FAULT why the target is not met whatever VALUE is."""
    global worst
    s = value if isinstance(value, Spread) else Spread(value, value, value, 1)
    relative = (s.high - s.low) / abs(s.median) if s.median else 0
    status = MET
    if reason is None and fault is None and relative > MOST_SPREAD:
        reason = "spread %.0f %%, at most %.0f %%" % (100 * relative, 100 * MOST_SPREAD)
    if reason is not None:
        status, verdict = NO_MEASUREMENT, "not a measurement: " + reason
    elif fault is not None:
        status, verdict = MISSED, "NOT MET: " + fault
    elif most is None:
        verdict = ""
    else:
        status = MET if s.median <= most else MISSED
        verdict = "at most %g: %s" % (most, "NOT MET" if status else "met")
    print("  %-50s %s%s" % (what, show(s, unit), "   " + verdict if verdict else ""), flush=True)
    os.makedirs(RESULTS, exist_ok=True)
    with open(os.path.join(RESULTS, key), "w") as file:
        json.dump({"what": what, "median": s.median, "low": s.low, "high": s.high, "count": s.count, "unit": unit,
                   "most": most, "verdict": verdict}, file)
    worst = status if worst == MET or status == MISSED else worst
    return status


# ---- the machine ----

def first_line(path, default=""):
    try:
        with open(path) as file:
            return file.readline().strip()
    except OSError:
        return default


def processors_busy():
    """Ticks of the processors since boot: those taken, and all."""
    with open("/proc/stat") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def machine():
    """One line about the machine."""
    with open("/proc/cpuinfo") as file:
        info = file.read()
    model = re.search(r"^(?:model name|Model)\s*: (.*)$", info, re.M)
    parts = [re.sub(r"\s+", " ", model[1]) if model else os.uname().machine,
             "%d processors" % len(os.sched_getaffinity(0)), "Linux " + os.uname().release]
    if re.search(r"^flags.* hypervisor\b", info, re.M):
        parts.append("virtual machine")
    parts.append("governor " + first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "not visible"))
    return ", ".join(parts)


def own_ticks():
    t = os.times()
    return sum(t[:4]) * os.sysconf("SC_CLK_TCK")


def begin():
    """Prints the machine, and a warning if it has other work."""
    global started
    print("%s; load average %.2f" % (machine(), os.getloadavg()[0]))
    before = processors_busy()
    time.sleep(0.5)
    started = processors_busy(), own_ticks()
    warn(before, 0)
    print(flush=True)


def warn(before, own):
    busy, total = (now - then for now, then in zip(processors_busy(), before))
    others = (busy - own) / max(total, 1)
    if others > MOST_OTHERS:
        print("warning: other programs took %.0f %% of the processors: figures are less exact" % (100 * others), flush=True)


def end():
    """Prints a warning if the machine had other work since begin(). Returns the exit status."""
    before, own = started
    warn(before, own_ticks() - own)
    return worst


def cost(words):
    statuses = (0, 1)
    used = run(words, statuses)
    print("  processor time %.1f ms, of that in the kernel %.1f ms; page faults %d; instructions %.1f million (user space, by "
          "callgrind); memory %.1f MiB" % (cpu(used) * 1e3, used.system * 1e3, used.faults,
                                           instructions(words, statuses)[0] / 1e6, memory(words, statuses)), flush=True)


def main():
    if sys.argv[1:] == ["machine"]:
        begin()
        return 0
    if sys.argv[1:2] == ["cost"]:
        cost(sys.argv[2:])
        return 0
    if len(sys.argv) not in (5, 6) or sys.argv[1] != "target":
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    rows = [[float(word) for word in line.split()] for line in sys.stdin]
    if not rows:
        print("measure.py: no values for %s" % sys.argv[3], file=sys.stderr)
        return 2
    values = [row[0] / row[1] if len(row) > 1 else row[0] for row in rows]
    return target(sys.argv[2], sys.argv[3], spread(values), float(sys.argv[4]), "".join(sys.argv[5:]),
                  os.environ.get("NOT_MEASURED") or None)


if __name__ == "__main__":
    sys.exit(main())
