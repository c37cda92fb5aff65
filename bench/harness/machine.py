"""The machine: its cores, limits, users and ports, and what the kernel says about a process."""

import os
import pwd
import platform
import random
import resource
import shutil
import socket
import threading
from pathlib import Path


def describe():
    """What a reader needs to know to judge the figures."""
    return {"cpu": cpu_name(), "cores": len(cores()), "memory_mb": memory_mb(),
            "kernel": platform.release(), "system": system_name(), "governor": governor(),
            "load_before": round(os.getloadavg()[0], 2)}


def cores():
    return sorted(os.sched_getaffinity(0))


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_mb():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def system_name():
    try:
        fields = dict(line.split("=", 1) for line in
                      Path("/etc/os-release").read_text().splitlines() if "=" in line)
        return fields["PRETTY_NAME"].strip('"')
    except (OSError, KeyError):
        return platform.system()


def governor():
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return path.read_text().strip() if path.exists() else "unknown"


class Pinning:
    """Which cores the pooler, the server and the load may use; None means all.

    A pooler of WORKERS workers at most is to have a core for each, if that leaves two for server and
    load, who then get as many as they can use. The same for all programs of a run."""

    def __init__(self, wanted, workers=1, available=None):
        self.pooler = self.server = self.load = None
        self.text = "nothing is pinned"
        available = available or cores()
        if not wanted:
            return
        if len(available) < 2:
            self.text = "nothing is pinned: one core only"
            return
        count = max(1, min(workers, len(available) - 2))
        rest = available[:-count]
        half = min(count, max(len(rest) // 2, 1))
        self.pooler, self.load = available[-count:], set(rest[:half])
        self.server = set(rest[half:2 * half]) or self.load
        self.text = "pooler on core %s, server on core %s, load on core %s" % tuple(
            ",".join(map(str, sorted(some))) for some in (self.pooler, self.server, self.load))

    def pooler_cores(self, workers):
        """One per worker, as far as they go, counted from the last."""
        return None if self.pooler is None else set(self.pooler[-workers:])

    def shortage(self, workers):
        """What cannot be concluded from a run with so many workers; empty if all can."""
        if self.pooler is None or workers <= len(self.pooler):
            return ""
        have = f"{len(self.pooler)} core" + ("s" if len(self.pooler) > 1 else "")
        return (f"{workers} workers share {have}: this shows what lending costs in CPU per transaction, "
                "not what more cores bring in throughput")


class PeakMemory:
    """Samples what a program has resident while the block runs; zeros where there is no program."""

    INTERVAL = 0.05

    def __init__(self, pid):
        self.pid, self.before, self.peak = pid, 0, 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self):
        if self.pid:
            self.before = self.peak = resident_bytes(self.pid)
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        if self.pid:
            self._thread.join()

    def _sample(self):
        while not self._done.wait(self.INTERVAL):
            self.peak = max(self.peak, resident_bytes(self.pid))


def raise_descriptor_limit():
    """Descriptors that this process and its children may open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (65536, hard):
        if hard != resource.RLIM_INFINITY and limit < hard:
            continue
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return limit
        except (ValueError, OSError):
            pass
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def unprivileged_user():
    """Root runs servers and poolers as this user; others run them as themselves (None)."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            pass
    raise SystemExit("no user 'postgres' or 'nobody' to run servers as")


_given_ports = set()


def free_port():
    """A free port below those the kernel gives to clients, so that no client can take it."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given_ports:
            _given_ports.add(port)
            return port


def find_program(name):
    """Its path; sbin is looked into as well."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin")


def postgres_binaries():
    """The directory of initdb and postgres, newest version first, or None."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found.sort(key=lambda path: float(path.parent.name), reverse=True)
    if found:
        return found[0]
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def process_tree(pid):
    """The process and its descendants."""
    pids = [pid]
    for one in pids:
        for task in Path(f"/proc/{one}/task").glob("*"):
            try:
                pids += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                pass
    return pids


def cpu_seconds(pid):
    """User and system time of all threads of a process and its descendants."""
    return sum(_cpu_of(one) for one in process_tree(pid))


def _cpu_of(pid):
    nanos = 0
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            nanos += int((task / "schedstat").read_text().split()[0])
        except (OSError, IndexError):
            pass
    if nanos:
        return nanos / 1e9
    # Kernels without schedstat count in ticks, of 10 ms as a rule.
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    """Of a process; of several, each with its share of what they have in common."""
    pids = process_tree(pid)
    return sum(_resident_of(one, "Pss:" if len(pids) > 1 else "Rss:") for one in pids)


def _resident_of(pid, label):
    for name, wanted in (("smaps_rollup", label), ("status", "VmRSS:")):
        try:
            for line in Path(f"/proc/{pid}/{name}").read_text().splitlines():
                if line.startswith(wanted):
                    return int(line.split()[1]) * 1024
        except OSError:
            pass
    return 0
