"""The programs that are compared. Each is data: how to find it, how to configure it, how to stop it.

A name may carry a number of worker threads: `remuda:2`. To add a program, add a function that
writes its configuration and returns its command line, and a row in programs().
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
from .load import WORKLOADS
from .servers import DATABASE, USER, answers_on

MOST_PROCESSES = 1000  # of a program that has one per client


@dataclass
class Setup:
    """What a program is told: where its server is, where to listen, where to write."""
    binary: Path
    directory: Path
    port: int
    server_port: int
    workers: int
    clients: int
    pool_size: int
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
    processes: bool = False  # whether it has a process per client, started beforehand


@dataclass
class Running:
    """A program that takes clients on `port`; `pid` is None where there is nothing to measure.

    `instances` has others of the same program: "guarded" asks for a password and does TLS, "wide" has
    the pool of the workload active, "apart" has nothing but slow readers."""
    name: str
    port: int
    pid: Optional[int] = None
    child: Optional[Child] = field(default=None, repr=False)
    processes: bool = False
    most: int = 0  # clients; 0: any number
    why: str = ""  # it takes no more
    instances: dict = field(default_factory=dict, repr=False)
    ration: object = field(default=None, repr=False)

    def taking(self, workload):
        """The instance that this workload is for, or None."""
        instance = WORKLOADS[workload].instance
        return self.instances.get(instance, None if instance == "guarded" else self)

    def stop(self):
        if self.child:
            self.child.stop()
        if self.ration:
            self.ration.remove()
        for instance in self.instances.values():
            instance.stop()


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
listen_backlog = 4096
unix_socket_dir =
auth_file = {users}
{login_settings(setup.guard)}
pool_mode = transaction
default_pool_size = {setup.pool_size}
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


def pgpool_command(setup):
    """Raw mode: it forwards to one server. Each of its processes serves one client at a time and has a
    server connection of its own, so there must be as many as clients; there is no pool to set."""
    path = setup.directory / "pgpool.conf"
    path.write_text(f"""backend_clustering_mode = 'raw'
listen_addresses = '127.0.0.1'
port = {setup.port}
unix_socket_directories = '{setup.directory}'
pcp_listen_addresses = ''
pcp_port = {machine.free_port()}
pcp_socket_dir = '{setup.directory}'
pid_file_name = '{setup.directory}/pgpool.pid'
logdir = '{setup.directory}'
backend_hostname0 = '127.0.0.1'
backend_port0 = {setup.server_port}
num_init_children = {setup.clients}
max_pool = 1
serialize_accept = on
child_life_time = 0
enable_pool_hba = off
pool_passwd = ''
load_balance_mode = off
memory_cache_enabled = off
check_temp_table = none
check_unlogged_table = off
sr_check_period = 0
health_check_period = 0
log_min_messages = warning
""")
    empty = [setup.directory / name for name in ("pool_hba.conf", "pcp.conf")]
    for file in empty:
        file.write_text("")
    return [setup.binary, "-n", "-f", path, "-a", empty[0], "-F", empty[1]]


def forwarder_command(setup):
    return [setup.binary, "--port", setup.port, "--to-port", setup.server_port]


def first_version(binary, option):
    found = re.search(r"\d+\.\d+[\w.~+-]*", call([binary, option], errors_too=True))
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
        Program("pgpool", lambda: machine.find_program("pgpool"), pgpool_command,
                lambda binary: first_version(binary, "--version"), pools=False,
                stop_signal=signal.SIGINT, package="pgpool2", processes=True),
        Program("haproxy", lambda: machine.find_program("haproxy"), haproxy_command,
                lambda binary: first_version(binary, "-v"), pools=False, package="haproxy",
                threads=True),
        Program("forwarder", lambda: forwarder if forwarder.exists() else None, forwarder_command,
                lambda binary: "of this tree", pools=False),
    ]
    return {program.name: program for program in rows}


def absence(program):
    """What to tell of a program that was not found."""
    if program.package:
        return (f"{program.name} is absent and left out: it is in the package {program.package} "
                f"(apt-get install {program.package}, or --install-peers)")
    return f"{program.name} is absent and left out: it was not built, or --build-dir is another one"


def split_name(name):
    """'remuda:2' -> ('remuda', 2)"""
    base, _, workers = name.partition(":")
    if workers and not workers.isdigit():
        raise SystemExit(f"not a number of workers: {name}")
    return base, int(workers or 1)


def start(program, workers, place, server_port, clients, user, cpus, env=None, guard=None,
          pool_size=20, instance=""):
    """Starts a program and waits until it listens."""
    name = program.name if workers == 1 else f"{program.name}:{workers}"
    file_name = name.replace(":", "-") + (f"-{instance}" if instance else "")
    directory = place.directory(file_name)
    binary = place.runnable(program.find(), user)
    setup = Setup(binary, directory, machine.free_port(), server_port, workers, clients,
                  pool_size, guard)
    command = program.command(setup)
    place.give_to(user, directory)
    child = Child(command, place.file(file_name + ".log"), user=user, cpus=cpus,
                  env=env, stop_signal=program.stop_signal)
    try:
        child.wait_for(lambda: answers_on(setup.port), 20, "open port")
    except Failed:
        child.stop()
        raise
    return Running(name, setup.port, child.pid, child, program.processes)


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
