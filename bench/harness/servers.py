"""What stands behind the poolers: a throw-away PostgreSQL or the null server."""

import signal
import socket
from pathlib import Path

from . import machine
from .children import Child, Failed, call

USER = DATABASE = "bench"


def answers_on(port):
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


class NullServer:
    """Answers at once, so that the pooler is the bottleneck."""

    name = "null server"
    most_connections = 0  # any number

    def __init__(self, place, programs, cpus):
        self.port = machine.free_port()
        self.child = Child([programs / "bench_null_server", "--port", self.port,
                            "--threads", len(cpus or (0,))],
                           place.file("null_server.log"), cpus=cpus)
        self.child.wait_for(lambda: answers_on(self.port), 10, "open port")

    def stop(self):
        self.child.stop()


class Postgres:
    """A cluster in the run's own directory, without durability: it is not what is measured."""

    name = "PostgreSQL"
    most_connections = 1000  # of a program at a time; some keep theirs, others are slow to leave

    def __init__(self, place, user, scale, cpus):
        binaries = machine.postgres_binaries()
        if binaries is None:
            raise Failed("no PostgreSQL server is installed: apt-get install postgresql; or try --null-server")
        self.port = machine.free_port()
        directory = place.directory("postgres")
        data = directory / "data"
        call([binaries / "initdb", "-D", data, "-A", "trust", "-U", USER, "-E", "UTF8",
              "--locale=C", "--no-sync"], user=user, cwd=directory)
        self.child = Child([binaries / "postgres", "-D", data, "-p", self.port, *_settings(directory)],
                           place.file("postgres.log"), user=user, cpus=cpus,
                           stop_signal=signal.SIGINT)
        # A backend that is only starting up accepts connections as well: pg_isready knows better.
        ready = [binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", self.port]
        self.child.wait_for(lambda: _succeeds(ready), 60, "readiness")
        address = ["-h", "127.0.0.1", "-p", self.port, "-U", USER]
        call([binaries / "createdb", *address, DATABASE])
        self.version = call([binaries / "postgres", "--version"]).split()[2]
        self.name = "PostgreSQL " + self.version
        self.has_pgbench = (binaries / "pgbench").exists()
        self.pgbench = binaries / "pgbench"
        if self.has_pgbench:
            call([self.pgbench, *address, "-i", "-q", "-s", scale, DATABASE], timeout=600)

    def stop(self):
        self.child.stop(20)


def _settings(directory: Path):
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": directory,
                "max_connections": 4000, "shared_buffers": "256MB", "fsync": "off",
                "synchronous_commit": "off", "autovacuum": "off", "jit": "off",
                "logging_collector": "off", "log_min_messages": "warning"}
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _succeeds(argv):
    try:
        call(argv)
        return True
    except Failed:
        return False
