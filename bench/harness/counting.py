"""Takes the counts of every program, each with a fresh instance before the null server."""

import itertools

from . import counts, machine, servers
from .children import Failed

KINDS = ("syscalls", "allocations", "idle", "idle-tls")


class Counting:
    """RUN starts the programs; what is found goes to `found`."""

    def __init__(self, run, say):
        self.run, self.say = run, say
        self.found = {**{kind: [] for kind in KINDS}, "missing": [], "syscall_counter": None}
        self.pinning = self.server = None

    def any(self):
        return any(self.found[kind] for kind in KINDS)

    def count_all(self, chosen):
        run = self.run
        self.pinning = machine.Pinning(True)
        self.server = servers.NullServer(run.place, run.binaries, self.pinning.server)
        wanted = run.options.counts
        counter = self._counter() if "calls" in wanted else None
        try:
            for program, workers in chosen:
                if counter is not None:
                    self._calls(counter, program, workers)
                if "allocations" in wanted:
                    self._allocations(program, workers)
                if "idle" in wanted:
                    self._idle(program, workers)
                if "idle-tls" in wanted and program.logs_in and run.guard:
                    self._idle_tls(program, workers)
        finally:
            self.server.stop()
        if self.found["syscalls"] and not any("instructions" in row for row in self.found["syscalls"]):
            self.found["missing"].append("instructions: the CPU's counters are not to be had here")

    def _counter(self):
        counter = counts.syscall_counter()
        if counter is None:
            self.found["missing"].append("system calls: neither perf nor strace works here: apt-get "
                                         "install linux-perf (as root) or strace")
        else:
            self.found["syscall_counter"] = counter.name
        return counter

    def _calls(self, counter, program, workers):
        for workload, clients in itertools.product(("simple", "extended"), (1, 64)):
            def measure(running, workload=workload, clients=clients):
                found = counts.syscalls_per_query(counter, self.run.place, self.run.binaries, running,
                                                  workload, clients, self.pinning.load)
                self.say(f"{running.name}: {found['all']:.2f} system calls per query "
                         f"({workload}, {clients} clients)")
                return {"workload": workload, "clients": clients, **found}
            self._counted("syscalls", program, workers, 64, measure)

    def _allocations(self, program, workers):
        run = self.run
        for workload in ("simple", "extended"):
            file = counts.AllocationFile(run.place, run.binaries, run.user)

            def measure(running, workload=workload, file=file):
                found = counts.allocations_per_query(file, run.place, run.binaries, running,
                                                     workload, 64, self.pinning.load)
                self.say(f"{running.name}: {found:.4f} allocations per query ({workload}, 64 clients)")
                return {"workload": workload, "clients": 64, "per_query": found}
            self._counted("allocations", program, workers, 64, measure, file.environment)
            file.close()

    def _idle(self, program, workers):
        run, clients = self.run, self.run.options.idle_clients
        most, why = run.limit_of(program, self.server)
        if most - 100 < clients:
            clients = most - 100
            run.note(f"{program.name}: {clients} idle clients, as {why}")

        def measure(running):
            found = counts.idle_memory(run.place, run.binaries, running, "simple", clients,
                                       self.pinning.load)
            self.say(f"{running.name}: {found['queried']:.0f} bytes per idle client ({clients} clients)")
            return found
        self._counted("idle", program, workers, clients, measure)

    def _idle_tls(self, program, workers):
        run = self.run
        clients = min(run.options.idle_tls_clients, run.limit_of(program, self.server)[0] - 100)

        def measure(running):
            found = counts.idle_memory(run.place, run.binaries, running, "simple-tls", clients,
                                       self.pinning.load)
            self.say(f"{running.name}: {found['queried']:.0f} bytes per idle TLS client "
                     f"({clients} clients)")
            return found
        self._counted("idle-tls", program, workers, clients, measure, instance="guarded")

    def _counted(self, kind, program, workers, clients, measure, env=None, instance=""):
        """Measures with an instance of its own; a failure is told and the rest goes on."""
        running = None
        try:
            running = self.run.start(program, workers, self.server, clients, instance, env)
            self.found[kind].append({"program": running.name, **measure(running)})
        except Failed as fault:
            text = f"{kind} of {program.name}: {fault}"
            self.found["missing"].append(text)
            self.say(text)
        finally:
            if running:
                running.stop()
