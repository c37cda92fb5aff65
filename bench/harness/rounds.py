"""The interleaved rounds: every program takes its turn in every round, in changing order."""

import time
from dataclasses import asdict, dataclass

from . import machine
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
    cpu_us: float = 0      # of the pooler per transaction; 0 where there is none
    cpu_share: float = 0   # of one core
    transactions: int = 0
    errors: int = 0
    wrong: int = 0
    fault: str = ""

    def to_json(self):
        return asdict(self)


class Bench:
    """What measuring one cell needs."""

    def __init__(self, place, programs, pinning, server, seconds, rate):
        self.place, self.programs, self.pinning = place, programs, pinning
        self.server, self.seconds, self.rate = server, seconds, rate

    def uses_pgbench(self, workload):
        return getattr(self.server, "has_pgbench", False) and workload in PGBENCH_MODES

    def measure(self, number, running, workload, clients):
        cell = Cell(number, running.name, workload, clients)
        try:
            figures, cpu, took = self._run(running, workload, clients)
        except Failed as fault:
            cell.fault, cell.errors = str(fault), 1
            return cell
        for name in ("tps", "mean_us", "p50_us", "p99_us", "p999_us", "transactions", "errors",
                     "wrong"):
            setattr(cell, name, figures[name])
        cell.fault = figures["first_error"]
        cell.cpu_us = cpu * 1e6 / max(cell.transactions, 1)
        cell.cpu_share = cpu / took
        return cell

    def _run(self, running, workload, clients):
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


def run_rounds(bench, running, cases, rounds, say):
    """Yields a Cell at a time. CASES are (workload, clients)."""
    for number in range(1, rounds + 1):
        turn = (number - 1) % len(running)
        for workload, clients in cases:
            line = []
            for program in running[turn:] + running[:turn]:
                cell = bench.measure(number, program, workload, clients)
                line.append(short(cell))
                yield cell
            say(f"round {number}/{rounds}  {workload:<8} {clients:>5} clients  " + "   ".join(line))


def short(cell):
    if cell.transactions == 0:
        return f"{cell.program} failed: {cell.fault.splitlines()[0][:80] if cell.fault else '?'}"
    cpu = f" {cell.cpu_us:.1f} us CPU" if cell.cpu_us else ""
    bad = f" ({cell.errors} errors, {cell.wrong} wrong: {cell.fault})" if cell.errors or cell.wrong else ""
    return f"{cell.program} {cell.tps:.0f}/s{cpu}{bad}"
