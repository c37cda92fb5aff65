"""Processes that we start, and that must not outlive us."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_running = []


class Failed(Exception):
    """A step that did not work; its text is for the reader."""


class Child:
    """One started process. Its output goes to LOG unless it is piped."""

    def __init__(self, argv, log, *, user=None, cpus=None, env=None, piped=False,
                 stop_signal=signal.SIGTERM, yielding=False):
        self.name = Path(argv[0]).name
        self.log = Path(log)
        self.stop_signal = stop_signal

        def prepare():
            _libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal))
            if cpus:
                os.sched_setaffinity(0, cpus)
            if yielding:
                os.nice(19)

        pipe = subprocess.PIPE if piped else None
        # Its own session: Ctrl-C reaches only us, and we end our children in order.
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                [str(word) for word in argv], stdin=pipe or subprocess.DEVNULL,
                stdout=pipe or output, stderr=output, text=True, bufsize=1, cwd="/",
                env={**os.environ, **(env or {})}, preexec_fn=prepare, start_new_session=True,
                **(_identity(user) if user else {}))
        self.pid = self.process.pid
        _running.append(self)

    def alive(self):
        return self.process.poll() is None

    def stop(self, patience=5):
        if self in _running:
            _running.remove(self)
        if self.alive():
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self._kill_session()
                self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()

    def _kill_session(self):
        """With the processes it has started: they would outlive it."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def tail(self):
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return "\n".join("    " + line for line in lines[-8:])

    def wait_for(self, condition, seconds, what):
        """Waits until CONDITION() is true; Failed if the process ends or the time is over."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.alive():
                raise Failed(f"{self.name} ended before {what}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise Failed(f"{self.name}: no {what} within {seconds} s:\n{self.tail()}")
            time.sleep(0.02)


def _identity(user):
    import pwd
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def call(argv, *, user=None, timeout=120, cpus=None, cwd="/", errors_too=False):
    """Runs a command to its end and returns its output, with that for errors if wanted; Failed if it
    fails."""
    prepare = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
    try:
        done = subprocess.run([str(word) for word in argv], capture_output=True, text=True,
                              timeout=timeout, cwd=cwd, preexec_fn=prepare,
                              **(_identity(user) if user else {}))
    except FileNotFoundError as absent:
        raise Failed(f"{argv[0]}: no such program") from absent
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{argv[0]}: not done within {timeout} s") from late
    if done.returncode != 0:
        text = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise Failed(f"{Path(argv[0]).name}: {text[-800:]}")
    return done.stdout + (done.stderr if errors_too else "")


def stop_all():
    for child in reversed(list(_running)):
        child.stop()


def end_on_signals():
    """SIGTERM and SIGHUP end us as Ctrl-C does: through the finally clauses."""
    def leave(number, _frame):
        sys.exit(128 + number)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)
