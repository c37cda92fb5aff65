"""The workload login-storm: what running clients notice of many logins over TLS."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

from .load import COMERS, Load

SLOTS = 1024      # logins under way at most; what is due beyond that waits, and counts as waiting
LEAD = 0.5        # seconds that the storm begins earlier and ends later


@dataclass
class Storm:
    logins: float = 200    # per second, on a fixed schedule
    queries: float = 2000  # of the running clients per second, likewise; 0: each when answered

    @property
    def text(self):
        queries = f"{self.queries:g} queries per second" if self.queries else "queries in closed loop"
        return f"{self.logins:g} TLS logins per second beside {queries}"


@dataclass
class Found:
    calm: dict    # of the running clients, without the storm
    stormy: dict  # and with it
    logins: dict  # of those who came


def measure(storm, bench, running, workload, clients, timed):
    """A Found, and of the stormy part the CPU and wall time, by TIMED."""
    with ExitStack() as stack:
        def load(name, count, rate, **more):
            return stack.enter_context(Load(bench.place, bench.programs, running.port, name, count,
                                            cpus=bench.pinning.load, rate=rate, **more))
        residents = load(workload, clients, storm.queries)
        # The clients' half of the handshakes must not take the core from those we watch.
        comers = load(COMERS, SLOTS, storm.logins, yielding=True)
        residents.run(LEAD)
        calm = residents.run(bench.seconds)
        comers.begin(bench.seconds + 2 * LEAD)
        time.sleep(LEAD)
        stormy, cpu, took = timed(running, lambda: residents.run(bench.seconds))
        return Found(calm, stormy, comers.finish()), cpu, took
