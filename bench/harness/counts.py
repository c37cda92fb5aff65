"""Counts, which do not jitter as times do: system calls, allocations and instructions per query, and
memory per idle client. Always against the null server."""

import mmap
import re
import signal
import struct
import time

from . import machine
from .children import Child, Failed, call
from .load import Load

KINDS = {
    "read": ("read", "readv", "recvfrom", "recvmsg"),
    "write": ("write", "writev", "sendto", "sendmsg"),
    "wait": ("epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select"),
    "epoll_ctl": ("epoll_ctl",),
}
COUNT_SECONDS = 1.5
SETTLE_SECONDS = 0.5


class PerfCounter:
    """Counts by the kernel's tracepoints: next to no disturbance. Needs root."""

    name = "perf"

    @staticmethod
    def works():
        if not machine.find_program("perf"):
            return False
        try:
            return "sys_enter" in call(["perf", "stat", "-x,", "-o", "/dev/stdout",
                                        "-e", "raw_syscalls:sys_enter", "true"])
        except Failed:
            return False

    def __init__(self, place, pid):
        self.output = place.file("perf.out")
        self.output.unlink(missing_ok=True)
        events = ["raw_syscalls:sys_enter", "instructions:u"]
        events += [f"syscalls:sys_enter_{name}" for names in KINDS.values() for name in names
                   if name not in ("poll", "ppoll", "select")]
        pids = ",".join(map(str, machine.process_tree(pid)))
        self.child = Child(["perf", "stat", "-x,", "-o", self.output, "-e", ",".join(events),
                            "-p", pids], place.file("perf.log"), stop_signal=signal.SIGINT)
        time.sleep(SETTLE_SECONDS)
        if not self.child.alive():
            raise Failed(f"perf: {self.child.tail()}")

    def counts(self):
        """Name of the call -> count; 'all' for all calls, 'instructions' where the CPU tells."""
        self.child.stop()
        found = {}
        for line in self.output.read_text().splitlines():
            fields = line.split(",")
            if len(fields) < 3 or not fields[0].isdigit():
                continue
            name = fields[2].split("sys_enter_")[-1]
            found["all" if "raw_syscalls" in name else name.replace(":u", "")] = int(fields[0])
        return found


class StraceCounter:
    """Counts by stopping the program at each call: exact, but the program is slower meanwhile."""

    name = "strace"

    @staticmethod
    def works():
        if not machine.find_program("strace"):
            return False
        try:
            call(["strace", "-o", "/dev/null", "true"])
            return True
        except Failed:
            return False

    def __init__(self, place, pid):
        self.output = place.file("strace.out")
        self.output.unlink(missing_ok=True)
        pids = [word for one in machine.process_tree(pid) for word in ("-p", one)]
        self.child = Child(["strace", "-f", "-c", "-o", self.output, *pids],
                           place.file("strace.log"), stop_signal=signal.SIGINT)
        time.sleep(SETTLE_SECONDS)
        if not self.child.alive():
            raise Failed(f"strace: {self.child.tail()}")

    def counts(self):
        self.child.stop()
        found = {}
        for line in self.output.read_text().splitlines():
            row = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
            if row:
                found["all" if row.group(2) == "total" else row.group(2)] = int(row.group(1))
        return found


def syscall_counter():
    """The best way of counting that works here, or None."""
    return next((counter for counter in (PerfCounter, StraceCounter) if counter.works()), None)


def syscalls_per_query(counter, place, programs, running, workload, clients, cpus):
    """Kind of call -> calls per query, in steady state."""
    with Load(place, programs, running.port, workload, clients, cpus=cpus) as load:
        load.run(0.3)
        counting = counter(place, running.pid)
        figures = load.run(COUNT_SECONDS)
        found = counting.counts()
    queries = figures["transactions"]
    if not queries or not found:
        raise Failed("nothing was counted")
    result = {kind: sum(found.get(name, 0) for name in names) / queries
              for kind, names in KINDS.items()}
    result["all"] = found.get("all", 0) / queries
    if "instructions" in found:
        result["instructions"] = found["instructions"] / queries
    return result


class AllocationFile:
    """The counters that bench_malloc_count keeps for the program it is preloaded into."""

    def __init__(self, place, programs, user):
        self.path = place.file("allocations")
        self.path.write_bytes(bytes(32))
        place.give_to(user, self.path)
        library = place.runnable(programs / "bench_malloc_count.so", user or "anyone")
        self.environment = {"LD_PRELOAD": str(library), "REMUDA_MALLOC_COUNT": str(self.path)}
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 32)

    def count(self):
        """malloc, calloc and realloc calls so far."""
        return sum(struct.unpack("4Q", self.memory[:32])[:3])

    def close(self):
        self.memory.close()


def allocations_per_query(file, place, programs, running, workload, clients, cpus):
    with Load(place, programs, running.port, workload, clients, cpus=cpus) as load:
        load.run(0.3)
        before = file.count()
        figures = load.run(COUNT_SECONDS)
        after = file.count()
    if before == 0:
        raise Failed("the program does not take its memory from malloc, or cannot be preloaded")
    return (after - before) / max(figures["transactions"], 1)


def idle_memory(place, programs, running, workload, clients, cpus):
    """Resident bytes per client: connected; after a query of each, a few at a time; after one of all
    at once; and kept after all have left. And the CPU time that the idle clients cost, in
    microseconds per second. Of a program that has a process ready for each client, all counts."""
    empty = 0 if running.processes else machine.resident_bytes(running.pid)

    def per_client():
        return (machine.resident_bytes(running.pid) - empty) / clients

    with Load(place, programs, running.port, workload, clients, cpus=cpus) as load:
        result = {"clients": clients, "connected": per_client()}
        _query_all(load, 16)
        result["queried"] = per_client()
        cpu = machine.cpu_seconds(running.pid)
        time.sleep(2)
        result["idle_cpu_us_per_s"] = (machine.cpu_seconds(running.pid) - cpu) * 1e6 / 2
        _query_all(load, clients)
        time.sleep(1)
        result["burst"] = per_client()
    time.sleep(1)
    result["kept"] = per_client()
    return result


def _query_all(load, at_most):
    figures = load.query_once(at_most)
    if figures["errors"] or figures["transactions"] != load.clients:
        raise Failed(f"not every idle client had its query answered: {figures['first_error']}")
