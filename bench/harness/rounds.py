"""The interleaved rounds: every program takes its turn in every round, in changing order."""

import time
from dataclasses import asdict, dataclass

from . import machine, slow, storm
from .children import Failed
from .load import PGBENCH_MODES, WORKLOADS, Load, run_pgbench

WARM_UP = 0.3
# Figures that only workloads of a kind have.
_CALM = ("calm_tps", "calm_p50_us", "calm_p99_us", "calm_p999_us", "calm_max_us")
KIND_FIGURES = {
    "bytes": ("mb_per_s", "cpu_s_per_gb"),
    "storm": (*_CALM, "storm_ratio", "logins_per_s", "login_p99_us"),
    "slow": (*_CALM, "slow_ratio", "memory_before_mb", "memory_peak_mb", "slow_mb_per_s"),
    "burst": ("served_s", "served", "failed"),
}


@dataclass
class Cell:
    """One program, one workload, one number of clients, one round."""
    round: int
    program: str
    workload: str
    clients: int
    tps: float = 0
    mean_us: float = 0
    p50_us: float = 0
    p99_us: float = 0
    p999_us: float = 0
    max_us: float = 0
    cpu_us: float = 0      # of the pooler per transaction; 0 where there is none
    cpu_share: float = 0   # of one core
    transactions: int = 0
    errors: int = 0
    wrong: int = 0
    fault: str = ""
    # What the clients receive, and what it costs.
    mb_per_s: float = 0
    cpu_s_per_gb: float = 0
    # The running clients when nobody comes beside them.
    calm_tps: float = 0
    calm_p50_us: float = 0
    calm_p99_us: float = 0
    calm_p999_us: float = 0
    calm_max_us: float = 0
    storm_ratio: float = 0  # of the 99th percentiles
    logins_per_s: float = 0
    login_p99_us: float = 0
    slow_ratio: float = 0   # likewise
    memory_before_mb: float = 0
    memory_peak_mb: float = 0
    slow_mb_per_s: float = 0
    # A burst of logins: when the last of all had its answer.
    served_s: float = 0
    served: int = 0
    failed: int = 0

    @property
    def kind(self):
        return WORKLOADS[self.workload].kind

    def to_json(self):
        special = {name for names in KIND_FIGURES.values() for name in names}
        special -= set(KIND_FIGURES.get(self.kind, ()))
        return {name: value for name, value in asdict(self).items() if name not in special}


class Bench:
    """What measuring one cell needs."""

    def __init__(self, place, programs, pinning, server, seconds, rate, storm, pool_size):
        self.place, self.programs, self.pinning = place, programs, pinning
        self.server, self.seconds, self.rate, self.storm = server, seconds, rate, storm
        self.pool_size = pool_size

    def uses_pgbench(self, workload):
        return getattr(self.server, "has_pgbench", False) and workload in PGBENCH_MODES

    def measure(self, number, running, workload, clients):
        cell = Cell(number, running.name, workload, clients)
        try:
            figures, cpu, took = self._run(cell, running.taking(workload))
        except Failed as fault:
            cell.errors, cell.fault = 1, str(fault)
            return cell
        for name in ("tps", "mean_us", "p50_us", "p99_us", "p999_us", "max_us", "transactions"):
            setattr(cell, name, figures[name])
        cell.errors += figures["errors"]
        cell.wrong += figures["wrong"]
        cell.fault = cell.fault or figures["first_error"]
        cell.cpu_us = cpu * 1e6 / max(cell.transactions, 1)
        cell.cpu_share = cpu / took
        if cell.kind == "bytes":
            cell.mb_per_s = figures["bytes"] / 1e6 / took
            cell.cpu_s_per_gb = cpu / max(figures["bytes"] / 1e9, 1e-9)
        return cell

    def _run(self, cell, running):
        workload, clients = cell.workload, cell.clients
        if cell.kind == "storm":
            found, cpu, took = storm.measure(self.storm, self, running, workload, clients, self._timed)
            note_storm(cell, found)
            return found.stormy, cpu, took
        if cell.kind == "slow":
            found, cpu, took = slow.measure(self, running, workload, clients, self._timed)
            note_slow(cell, found)
            return found.beside, cpu, took
        if cell.kind == "burst":
            return self._burst(cell, running)
        if self.uses_pgbench(workload):
            return self._timed(running, lambda: run_pgbench(
                self.place, self.server.pgbench, running.port, workload, clients, self.seconds,
                self.pinning.load))
        with Load(self.place, self.programs, running.port, workload, clients,
                  cpus=self.pinning.load, rate=self.rate) as load:
            load.run(WARM_UP)
            return self._timed(running, lambda: load.run(self.seconds))

    def _burst(self, cell, running):
        with Load(self.place, self.programs, running.port, cell.workload, cell.clients,
                  cpus=self.pinning.load) as load:
            figures, cpu, took = self._timed(running, lambda: load.query_once(cell.clients))
        cell.served_s, cell.served = figures["seconds"], figures["transactions"]
        cell.failed = cell.clients - cell.served
        return figures, cpu, took

    @staticmethod
    def _timed(running, work):
        """The result of WORK, and the CPU and wall time it took."""
        cpu = machine.cpu_seconds(running.pid) if running.pid else 0
        begin = time.monotonic()
        figures = work()
        took = time.monotonic() - begin
        return figures, (machine.cpu_seconds(running.pid) - cpu if running.pid else 0), took


def note_calm(cell, calm, *others):
    for name in ("tps", "p50_us", "p99_us", "p999_us", "max_us"):
        setattr(cell, "calm_" + name, calm[name])
    for figures in (calm, *others):
        cell.errors += figures["errors"]
        cell.wrong += figures["wrong"]
        cell.fault = cell.fault or figures["first_error"]


def note_storm(cell, found):
    note_calm(cell, found.calm, found.logins)
    cell.storm_ratio = found.stormy["p99_us"] / max(found.calm["p99_us"], 1e-9)
    cell.logins_per_s, cell.login_p99_us = found.logins["tps"], found.logins["p99_us"]


def note_slow(cell, found):
    note_calm(cell, found.calm, found.readers)
    cell.slow_ratio = found.beside["p99_us"] / max(found.calm["p99_us"], 1e-9)
    cell.memory_before_mb, cell.memory_peak_mb = found.before / 1e6, found.peak / 1e6
    cell.slow_mb_per_s = found.readers["bytes"] / 1e6 / found.readers["seconds"]


def cases_of(workloads, clients, sizes=None):
    """(workload, clients) in order. SIZES: workload -> number of clients, where it has one of its own."""
    cases = []
    for name in workloads:
        workload = WORKLOADS[name]
        own = (sizes or {}).get(name) or workload.clients
        counts = [count for count in clients if not workload.most or count <= workload.most]
        cases += [(name, count) for count in ([own] if own else counts or [workload.most])]
    return cases


def left_out(running, cases):
    """The cases that a program cannot be measured with, each with the reason."""
    found = []
    for program in running:
        for workload, clients in cases:
            taker = program.taking(workload)
            if taker is not None and taker.most and clients > taker.most:
                found.append({"program": program.name, "workload": workload, "clients": clients,
                              "reason": taker.why})
    return found


def run_rounds(bench, running, cases, rounds, say, omitted=()):
    """Yields a Cell at a time. CASES are (workload, clients); OMITTED is of left_out()."""
    skipped = {(row["program"], row["workload"], row["clients"]) for row in omitted}
    for number in range(1, rounds + 1):
        turn = (number - 1) % len(running)
        for workload, clients in cases:
            line = []
            for program in running[turn:] + running[:turn]:
                if program.taking(workload) is None or (program.name, workload, clients) in skipped:
                    continue
                cell = bench.measure(number, program, workload, clients)
                line.append(short(cell))
                yield cell
            if line:
                say(f"round {number}/{rounds}  {workload:<12} {clients:>6,} clients  " + "   ".join(line))


def short(cell):
    if cell.transactions == 0:
        return f"{cell.program} failed: {cell.fault.splitlines()[0][:80] if cell.fault else '?'}"
    more = f" {cell.cpu_us:.1f} us CPU" if cell.cpu_us else ""
    if cell.kind in ("storm", "slow"):
        more = f" p99 {cell.calm_p99_us:.0f} -> {cell.p99_us:.0f} us"
    if cell.kind == "slow" and cell.memory_peak_mb:
        more += f", {cell.memory_before_mb:.0f} -> {cell.memory_peak_mb:.0f} MB"
    if cell.kind == "burst":
        more = f" {cell.served:,} in {cell.served_s:.2f} s"
    bad = f" ({cell.errors} errors, {cell.wrong} wrong: {cell.fault})" if cell.errors or cell.wrong else ""
    return f"{cell.program} {cell.tps:.0f}/s{more}{bad}"
