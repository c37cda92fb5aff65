"""The two load programs: ours (any server, every answer checked) and pgbench (real servers)."""

import json
import os
import re
import select
import subprocess

from .children import Child, Failed, call
from .guard import PASSWORD
from .servers import DATABASE, USER

_SCRAM = ["--password", PASSWORD]

# Arguments of bench_load; the first three are modes of pgbench as well.
WORKLOADS = {
    "simple": ["--mode", "simple"],
    "extended": ["--mode", "extended"],
    "prepared": ["--mode", "prepared"],
    "pipeline": ["--mode", "pipeline", "--depth", "8"],
    "large": ["--mode", "simple", "--bytes", "1000000"],
    "login-trust": ["--mode", "login"],
    "login-scram": ["--mode", "login", *_SCRAM],
    "login-tls": ["--mode", "login", "--tls", *_SCRAM],
    "login-storm": ["--mode", "simple", *_SCRAM],
    "simple-tls": ["--mode", "simple", "--tls", *_SCRAM],
}
ALIASES = {"login": ["login-trust", "login-scram", "login-tls"]}
# Of a pooler that asks for a password and has a certificate.
GUARDED = {name for name, words in WORKLOADS.items() if "--password" in words}
STORM = "login-tls"  # what comes beside the clients of login-storm
PGBENCH_MODES = ("simple", "extended", "prepared")


class Load:
    """bench_load with its clients connected, taking steps."""

    def __init__(self, place, programs, port, workload, clients, *, cpus=None, rate=0, patience=150,
                 yielding=False):
        self.patience = patience
        self.child = Child([programs / "bench_load", "--port", port, "--user", USER, "--dbname",
                            DATABASE, "--clients", clients, "--rate", rate, "--idle",
                            *WORKLOADS[workload]],
                           place.file("load.log"), cpus=cpus, piped=True, yielding=yielding)
        self.clients = clients
        connected = self._read(self.patience)
        waits = 0 if "login" in WORKLOADS[workload] else clients
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
        """One query of each client, at most so many at once."""
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
    seconds = max(round(seconds), 1)
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
        raise Failed("pgbench did no transaction")
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
