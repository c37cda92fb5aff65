"""The workload slow-readers: what running clients notice of some that read large results slowly, and
what those cost the pooler in memory."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

from .load import READERS, Load
from .machine import PeakMemory

LEAD = 1.0  # seconds that the readers begin earlier, so that every buffer on the way is full


@dataclass
class Found:
    calm: dict     # of the running clients, without the slow readers
    beside: dict   # and with them
    readers: dict
    before: int    # resident bytes of the pooler before they came
    peak: int      # and the most while they read


def readers_beside(pool_size):
    """Each holds a server for as long as it reads; the others must be left some."""
    return max(pool_size * 3 // 5, 1)


def measure(bench, running, workload, clients, timed):
    """A Found, and of the part with readers the CPU and wall time, by TIMED."""
    with ExitStack() as stack:
        def load(what, count, rate=0):
            return stack.enter_context(Load(bench.place, bench.programs, running.port, what, count,
                                            cpus=bench.pinning.load, rate=rate))
        residents = load(workload, clients, bench.storm.queries)
        residents.run(0.5)
        calm = residents.run(bench.seconds)
        readers = load(READERS, readers_beside(bench.pool_size))
        with PeakMemory(running.pid) as memory:
            readers.begin(bench.seconds + 2 * LEAD)
            time.sleep(LEAD)
            beside, cpu, took = timed(running, lambda: residents.run(bench.seconds))
            found = readers.finish()
        if not found["bytes"] and not found["first_error"]:
            found["errors"], found["first_error"] = 1, "the slow readers were sent nothing"
        return Found(calm, beside, found, memory.before, memory.peak), cpu, took
