"""The programs that are compared. Each is data: how to find it, how to configure it, how to stop it.

A name may carry a number of worker threads: `remuda:2`. To add a program, add a function that
writes its configuration and returns its command line, and a row in PROGRAMS.
"""

import os
import re
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Optional

from . import machine
from .children import Child, Failed, call
from .guard import Guard
from .load import GUARDED
from .servers import DATABASE, USER, answers_on

POOL_SIZE = 20


@dataclass
class Setup:
    """What a program is told: where its server is, where to listen, where to write."""
    binary: Path
    directory: Path
    port: int
    server_port: int
    workers: int
    clients: int
    guard: Optional[Guard] = None


@dataclass
class Program:
    name: str
    find: Callable[[], Optional[str]]
    command: Callable[[Setup], list]
    version: Callable[[str], str]
    pools: bool = True
    stop_signal: int = signal.SIGTERM
    package: str = ""
    threads: bool = False  # whether it can be told a number of workers
    logs_in: bool = False  # whether it takes TLS and passwords itself


@dataclass
class Running:
    """A program that takes clients on `port`; `pid` is None where there is nothing to measure."""
    name: str
    port: int
    pid: Optional[int] = None
    child: Optional[Child] = field(default=None, repr=False)
    guarded: Optional["Running"] = field(default=None, repr=False)  # the same, asking for a password

    def taking(self, workload):
        """The instance that this workload is for, or None."""
        return self.guarded if workload in GUARDED else self

    def stop(self):
        if self.child:
            self.child.stop()
        if self.guarded:
            self.guarded.stop()


def ini_file(setup, extra=""):
    """One file for remuda and PgBouncer: equal settings are the point."""
    users = setup.directory / "userlist.txt"
    users.write_text(f'"{USER}" "{setup.guard.secret if setup.guard else ""}"\n')
    users.chmod(0o600)
    path = setup.directory / "pooler.ini"
    path.write_text(f"""[databases]
{DATABASE} = host=127.0.0.1 port={setup.server_port} dbname={DATABASE}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {setup.port}
unix_socket_dir =
auth_file = {users}
{login_settings(setup.guard)}
pool_mode = transaction
default_pool_size = {POOL_SIZE}
max_client_conn = {setup.clients}
log_connections = 0
log_disconnections = 0
log_pooler_errors = 0
log_stats = 0
server_tls_sslmode = disable
ignore_startup_parameters = extra_float_digits
{extra}""")
    return path


def login_settings(guard):
    if guard is None:
        return "auth_type = trust"
    return f"""auth_type = scram-sha-256
client_tls_sslmode = allow
client_tls_cert_file = {guard.certificate}
client_tls_key_file = {guard.key}"""


def remuda_command(setup):
    return [setup.binary, ini_file(setup, f"workers = {setup.workers}\n")]


def pgbouncer_command(setup):
    return [setup.binary, ini_file(setup)]


def haproxy_command(setup):
    path = setup.directory / "haproxy.cfg"
    path.write_text(f"""global
    maxconn {setup.clients}
    nbthread {setup.workers}
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
listen bench
    bind 127.0.0.1:{setup.port} backlog 4096
    server server 127.0.0.1:{setup.server_port}
""")
    return [setup.binary, "-db", "-f", path]


def forwarder_command(setup):
    return [setup.binary, "--port", setup.port, "--to-port", setup.server_port]


def first_version(binary, option):
    found = re.search(r"\d+\.\d+[\w.~+-]*", call([binary, option]))
    return found.group(0) if found else "unknown"


def programs(build_directory, remuda=None):
    """All we know of, in the order of the table."""
    own = Path(remuda) if remuda else build_directory / "remuda"
    forwarder = build_directory / "bench" / "bench_forwarder"
    rows = [
        Program("remuda", lambda: own if own.exists() else None, remuda_command,
                lambda binary: first_version(binary, "-V"), threads=True, logs_in=True),
        Program("pgbouncer", lambda: machine.find_program("pgbouncer"), pgbouncer_command,
                lambda binary: first_version(binary, "-V"), package="pgbouncer", logs_in=True),
        Program("haproxy", lambda: machine.find_program("haproxy"), haproxy_command,
                lambda binary: first_version(binary, "-v"), pools=False, package="haproxy",
                threads=True),
        Program("forwarder", lambda: forwarder if forwarder.exists() else None, forwarder_command,
                lambda binary: "of this tree", pools=False),
    ]
    return {program.name: program for program in rows}


def split_name(name):
    """'remuda:2' -> ('remuda', 2)"""
    base, _, workers = name.partition(":")
    if workers and not workers.isdigit():
        raise SystemExit(f"not a number of workers: {name}")
    return base, int(workers or 1)


def start(program, workers, place, server_port, clients, user, cpus, env=None, guard=None):
    """Starts a program and waits until it listens."""
    name = program.name if workers == 1 else f"{program.name}:{workers}"
    file_name = name.replace(":", "-") + ("-guarded" if guard else "")
    directory = place.directory(file_name)
    binary = place.runnable(program.find(), user)
    setup = Setup(binary, directory, machine.free_port(), server_port, workers, clients,
                  guard)
    command = program.command(setup)
    place.give_to(user, directory)
    child = Child(command, place.file(file_name + ".log"), user=user, cpus=cpus,
                  env=env, stop_signal=program.stop_signal)
    try:
        child.wait_for(lambda: answers_on(setup.port), 10, "open port")
    except Failed:
        child.stop()
        raise
    return Running(name, setup.port, child.pid, child)


def install(packages):
    """Installs packages of the distribution and keeps their services from running."""
    sudo = [] if os.geteuid() == 0 else ["sudo"]

    def apt(*words):
        return call([*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", *words],
                    timeout=900)
    try:
        apt("install", *packages)
    except Failed:
        apt("update")
        apt("install", *packages)
    for package in packages:
        for command in (["systemctl", "disable", "--now", package], ["service", package, "stop"]):
            if shutil.which(command[0]):
                try:
                    call([*sudo, *command], timeout=60)
                except Failed:
                    continue  # not running, or no such service manager
                break
