"""The workloads, and the two load programs: ours (any server, every answer checked) and pgbench (real
servers)."""

import json
import os
import re
import select
import subprocess
from dataclasses import dataclass

from .children import Child, Failed, call
from .guard import PASSWORD
from .servers import DATABASE, USER

_SCRAM = ("--password", PASSWORD)
_LOGIN = ("--mode", "login")
_TLS = ("--tls", *_SCRAM)


@dataclass(frozen=True)
class Workload:
    words: tuple        # arguments of bench_load
    kind: str = "queries"  # how it is measured and shown: queries, bytes, logins, storm, slow or burst
    instance: str = ""  # of the pooler: "" the plain one, or "guarded", "wide" or "apart"
    most: int = 0       # no sense with more clients than these; 0: any number
    clients: int = 0    # with so many clients and no other number; 0: as asked for


# The first three are modes of pgbench as well.
WORKLOADS = {
    "simple": Workload(("--mode", "simple")),
    "extended": Workload(("--mode", "extended")),
    "prepared": Workload(("--mode", "prepared")),
    "pipeline": Workload(("--mode", "pipeline", "--depth", "8")),
    "simple-tls": Workload(("--mode", "simple", *_TLS), instance="guarded", most=1000),
    "large": Workload(("--mode", "simple", "--bytes", "1000000"), "bytes", most=64),
    "login-trust": Workload(_LOGIN, "logins", most=64),
    "login-scram": Workload((*_LOGIN, *_SCRAM), "logins", "guarded", most=64),
    "login-tls": Workload((*_LOGIN, *_TLS), "logins", "guarded", most=64),
    "login-storm": Workload(("--mode", "simple", *_SCRAM), "storm", "guarded", clients=16),
    "burst-trust": Workload((*_LOGIN, "--stay"), "burst", clients=5000),
    "burst-tls": Workload((*_LOGIN, "--stay", *_TLS), "burst", "guarded", clients=5000),
    "slow-readers": Workload(("--mode", "simple"), "slow", "apart", clients=16),
    "active": Workload(("--mode", "simple"), instance="wide", clients=10000),
}
ALIASES = {"login": ["login-trust", "login-scram", "login-tls"], "burst": ["burst-trust", "burst-tls"],
           "all": list(WORKLOADS)}
# What comes beside the clients that are watched.
COMERS = "login-tls"
READERS = Workload(("--mode", "simple", "--bytes", "1000", "--rows", "8000", "--read-rate", "1000000"))
PGBENCH_MODES = ("simple", "extended", "prepared")


def of_kind(*kinds):
    return {name for name, workload in WORKLOADS.items() if workload.kind in kinds}


class Load:
    """bench_load with its clients connected, taking steps. WORKLOAD is a name or a Workload."""

    def __init__(self, place, programs, port, workload, clients, *, cpus=None, rate=0, patience=150,
                 yielding=False):
        self.patience = patience
        words = (workload if isinstance(workload, Workload) else WORKLOADS[workload]).words
        threads = max(1, min(len(cpus or ()), clients))
        self.child = Child([programs / "bench_load", "--port", port, "--user", USER, "--dbname",
                            DATABASE, "--clients", clients, "--threads", threads, "--rate", rate,
                            "--idle", *words],
                           place.file("load.log"), cpus=cpus, piped=True, yielding=yielding)
        self.clients = clients
        connected = self._read(self.patience)
        waits = 0 if "login" in words else clients
        if connected["errors"] or connected["clients"] != waits:
            self.close()
            raise Failed(f"{connected['clients']} of {clients} clients logged in: "
                         f"{connected['first_error']}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def run(self, seconds):
        self.begin(seconds)
        return self.finish()

    def begin(self, seconds):
        self._send(f"run {seconds}")
        self.patience_now = seconds + 30

    def finish(self):
        """What the run that has begun comes to."""
        return self._read(self.patience_now)

    def query_once(self, at_most):
        """One query, or login, of each client, at most so many at once."""
        self._send(f"query {at_most}")
        return self._read(self.patience)

    def close(self):
        try:
            self.child.process.stdin.close()
            self.child.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            pass
        self.child.stop()

    def _send(self, command):
        self.child.process.stdin.write(command + "\n")
        self.child.process.stdin.flush()

    def _read(self, patience):
        ready, _, _ = select.select([self.child.process.stdout], [], [], patience)
        line = self.child.process.stdout.readline() if ready else ""
        if not line:
            self.child.stop()
            raise Failed(f"bench_load gave no answer:\n{self.child.tail()}")
        return json.loads(line)


def run_pgbench(place, pgbench, port, workload, clients, seconds, cpus=None):
    """One run of pgbench's read-only script, its latencies read from its log."""
    # pgbench's time begins before its clients connect, and a thousand take PostgreSQL some seconds.
    seconds = max(round(seconds), 1) + min(clients // 100, 10)
    directory = place.directory("pgbench")
    output = call([pgbench, "-h", "127.0.0.1", "-p", port, "-U", USER, "-n", "-S", "-M", workload,
                   "-c", clients, "-j", 1, "-T", seconds, "--log", "--log-prefix=latency", DATABASE],
                  timeout=seconds + 60, cpus=cpus, cwd=directory)
    latencies = []
    for path in directory.glob("latency.*"):
        with open(path) as lines:
            latencies += [int(line.split(" ", 3)[2]) for line in lines]
        os.unlink(path)
    latencies.sort()
    if not latencies:
        raise Failed("pgbench did no transaction: its time was over before all clients had connected; "
                     "give it more with --seconds")
    failed = re.search(r"failed transactions: (\d+)", output)

    def percentile(share):
        return float(latencies[min(int(share * len(latencies)), len(latencies) - 1)])

    return {"transactions": len(latencies), "tps": _tps(output),
            "mean_us": sum(latencies) / len(latencies), "p50_us": percentile(0.5),
            "p90_us": percentile(0.9), "p99_us": percentile(0.99), "p999_us": percentile(0.999),
            "max_us": float(latencies[-1]), "errors": int(failed.group(1)) if failed else 0,
            "wrong": 0, "first_error": ""}


def _tps(output):
    return float(re.search(r"^tps = ([\d.]+)", output, re.MULTILINE).group(1))
