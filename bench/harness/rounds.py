"""The interleaved rounds: every program takes its turn in every round, in changing order."""

import time
from dataclasses import asdict, dataclass

from . import machine, storm
from .children import Failed
from .load import PGBENCH_MODES, Load, run_pgbench

WARM_UP = 0.3


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
    # Of login-storm alone: the same clients without the storm, and the logins.
    calm_p50_us: float = 0
    calm_p99_us: float = 0
    calm_p999_us: float = 0
    calm_max_us: float = 0
    storm_ratio: float = 0  # of the 99th percentiles
    logins_per_s: float = 0
    login_p99_us: float = 0

    def to_json(self):
        return {name: value for name, value in asdict(self).items()
                if self.workload == "login-storm" or name not in STORM_FIGURES}


STORM_FIGURES = ("calm_p50_us", "calm_p99_us", "calm_p999_us", "calm_max_us", "storm_ratio",
                 "logins_per_s", "login_p99_us")


class Bench:
    """What measuring one cell needs."""

    def __init__(self, place, programs, pinning, server, seconds, rate, storm):
        self.place, self.programs, self.pinning = place, programs, pinning
        self.server, self.seconds, self.rate, self.storm = server, seconds, rate, storm

    def uses_pgbench(self, workload):
        return getattr(self.server, "has_pgbench", False) and workload in PGBENCH_MODES

    def measure(self, number, running, workload, clients):
        cell = Cell(number, running.name, workload, clients)
        try:
            figures, cpu, took = self._run(cell, running.taking(workload))
        except Failed as fault:
            cell.fault, cell.errors = str(fault), 1
            return cell
        for name in ("tps", "mean_us", "p50_us", "p99_us", "p999_us", "max_us", "transactions"):
            setattr(cell, name, figures[name])
        cell.errors += figures["errors"]
        cell.wrong += figures["wrong"]
        cell.fault = cell.fault or figures["first_error"]
        cell.cpu_us = cpu * 1e6 / max(cell.transactions, 1)
        cell.cpu_share = cpu / took
        return cell

    def _run(self, cell, running):
        workload, clients = cell.workload, cell.clients
        if workload == "login-storm":
            found, cpu, took = storm.measure(self.storm, self, running, workload, self._timed)
            note_storm(cell, found)
            return found.stormy, cpu, took
        if self.uses_pgbench(workload):
            return self._timed(running, lambda: run_pgbench(
                self.place, self.server.pgbench, running.port, workload, clients, self.seconds,
                self.pinning.load))
        with Load(self.place, self.programs, running.port, workload, clients,
                  cpus=self.pinning.load, rate=self.rate) as load:
            load.run(WARM_UP)
            return self._timed(running, lambda: load.run(self.seconds))

    @staticmethod
    def _timed(running, work):
        """The result of WORK, and the CPU and wall time it took."""
        cpu = machine.cpu_seconds(running.pid) if running.pid else 0
        begin = time.monotonic()
        figures = work()
        took = time.monotonic() - begin
        return figures, (machine.cpu_seconds(running.pid) - cpu if running.pid else 0), took


def note_storm(cell, found):
    for name in ("p50_us", "p99_us", "p999_us", "max_us"):
        setattr(cell, "calm_" + name, found.calm[name])
    cell.storm_ratio = found.stormy["p99_us"] / max(found.calm["p99_us"], 1e-9)
    cell.logins_per_s, cell.login_p99_us = found.logins["tps"], found.logins["p99_us"]
    for figures in (found.calm, found.logins):
        cell.errors += figures["errors"]
        cell.wrong += figures["wrong"]
        cell.fault = cell.fault or figures["first_error"]


def cases_of(workloads, clients):
    """(workload, clients) in order; the storm has a number of clients of its own."""
    return [(workload, count) for workload in workloads
            for count in ([storm.CLIENTS] if workload == "login-storm" else clients)]


def run_rounds(bench, running, cases, rounds, say):
    """Yields a Cell at a time. CASES are (workload, clients)."""
    for number in range(1, rounds + 1):
        turn = (number - 1) % len(running)
        for workload, clients in cases:
            line = []
            for program in running[turn:] + running[:turn]:
                if program.taking(workload) is None:
                    continue
                cell = bench.measure(number, program, workload, clients)
                line.append(short(cell))
                yield cell
            if line:
                say(f"round {number}/{rounds}  {workload:<11} {clients:>5} clients  " + "   ".join(line))


def short(cell):
    if cell.transactions == 0:
        return f"{cell.program} failed: {cell.fault.splitlines()[0][:80] if cell.fault else '?'}"
    cpu = f" {cell.cpu_us:.1f} us CPU" if cell.cpu_us else ""
    if cell.workload == "login-storm":
        cpu = f" p99 {cell.calm_p99_us:.0f} -> {cell.p99_us:.0f} us"
    bad = f" ({cell.errors} errors, {cell.wrong} wrong: {cell.fault})" if cell.errors or cell.wrong else ""
    return f"{cell.program} {cell.tps:.0f}/s{cpu}{bad}"
