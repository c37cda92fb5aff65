"""The command line of bench/run."""

import argparse
from pathlib import Path

from . import guard
from .load import ALIASES, WORKLOADS
from .storm import Storm

COUNTS = ("calls", "allocations", "idle", "idle-tls")
ALL_PROGRAMS = "direct,remuda,remuda:2,remuda:4,pgbouncer,pgpool,haproxy"


def words(text):
    return [word for word in text.replace(",", " ").split() if word]


def read_arguments(description, root, argv=None):
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    add("--null-server", action="store_true",
        help="instead of PostgreSQL a server that answers at once: the pooler is the bottleneck")
    add("--all", action="store_true",
        help="every workload, 1 to 10,000 clients, every program, unless said otherwise")
    add("--quick", action="store_true", help="2 rounds of 2 s and fewer idle clients")
    add("--rounds", type=int, help="rounds (5)")
    add("--seconds", type=float, help="seconds per program, workload and round (5)")
    add("--clients", help="numbers of clients (1,16,64; with --all 1,16,64,1000,10000)")
    add("--workloads", help="of: " + ", ".join(WORKLOADS) + "; login, burst and all stand for several "
        "(simple,extended)")
    add("--programs",
        help="of: direct, remuda, pgbouncer, pgpool, haproxy, forwarder; 'remuda:2' has two workers "
             f"(direct,remuda,pgbouncer; with --all {ALL_PROGRAMS})")
    add("--peer", action="append", default=[], metavar="NAME=PORT[:PID]",
        help="one more program, already running on 127.0.0.1 (database and user 'bench') before a "
             "server of its own")
    add("--reference", default="pgbouncer", help="the program the ratios are taken to (pgbouncer)")
    add("--rate", type=float, default=0,
        help="requests per second on a fixed schedule; latency then counts from when each was due "
             "(null server; without it, clients send when answered)")
    add("--pool-size", type=int, default=20, help="server connections of the poolers (20)")
    add("--active-clients", type=int, help="clients of the workload active (10000)")
    add("--active-pool", type=int, default=40, help="and its server connections (40)")
    add("--burst-clients", type=int, help="clients that come at once in a burst (5000)")
    add("--key", choices=tuple(guard.KEY_TYPES), default="ec",
        help="the key of the poolers' certificates: P-256 or RSA-2048 (ec)")
    add("--storm-logins", type=float, default=Storm.logins,
        help="login-storm: TLS logins per second (200)")
    add("--storm-queries", type=float, default=Storm.queries,
        help="login-storm, slow-readers: queries per second of the 16 running clients on a fixed "
             "schedule; 0: each sends when answered (2000)")
    add("--ration", type=float, default=0, metavar="PERCENT",
        help="each thread of a pooler gets so much of a core and no more, by control groups (root): "
             "compares numbers of workers where there is no core for each")
    add("--install-peers", action="store_true",
        help="install the compared programs from the distribution with apt-get")
    add("--no-counts", action="store_true", help="leave out system calls, allocations and memory")
    add("--only-counts", action="store_true", help="leave out the rounds")
    add("--counts", default=",".join(COUNTS), help="which of: " + ", ".join(COUNTS))
    add("--idle-clients", type=int, help="idle clients for the memory figure (10000)")
    add("--idle-tls-clients", type=int, help="the same over TLS (2000)")
    add("--scale", type=int, help="pgbench scale (10)")
    add("--pin", choices=("auto", "yes", "no"), default="auto",
        help="pin pooler, server and load to cores; auto: with the null server only")
    add("--remuda", help="the remuda binary (default: of the build directory)")
    add("--build-dir", type=Path, help="use what is built here, build nothing")
    add("--out", type=Path, default=root / "build" / "bench",
        help="where results.json, plot.svg and figures.md go (build/bench)")
    options = parser.parse_args(argv)
    fill_in(options)
    check(options, parser)
    return options


def fill_in(options):
    quick, everything = options.quick, options.all
    options.rounds = options.rounds or (2 if quick else 5)
    options.seconds = options.seconds or (2 if quick else 5)
    options.idle_clients = options.idle_clients or (2000 if quick else 10000)
    options.idle_tls_clients = options.idle_tls_clients or (1000 if quick else 2000)
    options.active_clients = options.active_clients or (2000 if quick else 10000)
    options.burst_clients = options.burst_clients or (1000 if quick else 5000)
    options.scale = options.scale or (1 if quick else 10)
    options.clients = options.clients or ("1,16,64,1000,10000" if everything else "1,16,64")
    options.workloads = options.workloads or ("all" if everything else "simple,extended")
    options.programs = words(options.programs
                             or (ALL_PROGRAMS if everything else "direct,remuda,pgbouncer"))
    options.workloads = list(dict.fromkeys(
        name for word in words(options.workloads) for name in ALIASES.get(word, [word])))
    options.counts = words(options.counts)
    options.sizes = {"active": options.active_clients, "burst-trust": options.burst_clients,
                     "burst-tls": options.burst_clients}


def check(options, parser):
    if unknown := set(options.counts) - set(COUNTS):
        parser.error(f"unknown count: {', '.join(sorted(unknown))}")
    if unknown := set(options.workloads) - set(WORKLOADS):
        parser.error(f"unknown workload: {', '.join(sorted(unknown))}")
    if not all(word.isdigit() and int(word) > 0 for word in words(options.clients)):
        parser.error(f"not numbers of clients: {options.clients}")
    options.clients = [int(word) for word in words(options.clients)]
    if not 0 <= options.ration <= 100:
        parser.error("--ration is a percentage of a core")
    for name in ("pool_size", "active_pool"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be 1 at least")
