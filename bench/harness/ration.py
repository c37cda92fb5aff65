"""Rations: each thread of a pooler gets a share of a core and no more, so that workers can be compared
in number where the machine has no core for each. By control groups of version 1 or 2; as root."""

import os
import time
from pathlib import Path

from .children import Failed

QUOTA_US = 1000  # the least the kernel takes; short periods disturb least


class Ration:
    """Control groups, one per thread of a process; removed when it has ended."""

    def __init__(self, pid, percent, root=Path("/sys/fs/cgroup")):
        self.groups = []
        threads = sorted(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())
        period = round(QUOTA_US * 100 / percent)
        try:
            if (root / "cpu" / "cpu.cfs_quota_us").exists():
                self._version_1(root / "cpu", pid, threads, period)
            else:
                self._version_2(root, pid, threads, period)
        except OSError as fault:
            self.remove()
            raise Failed(f"no rations: the controller cpu of control groups is not to be had here "
                         f"({fault.strerror}); it takes root") from fault

    def _make(self, path):
        path.mkdir()
        self.groups.append(path)
        return path

    def _version_1(self, root, pid, threads, period):
        for thread in threads:
            group = self._make(root / f"remuda-bench-{os.getpid()}-{pid}-{thread}")
            (group / "cpu.cfs_period_us").write_text(str(period))
            (group / "cpu.cfs_quota_us").write_text(str(QUOTA_US))
            (group / "tasks").write_text(str(thread))

    def _version_2(self, root, pid, threads, period):
        """The threads of a process may part only below a group that holds the process."""
        if "cpu" not in (root / "cgroup.subtree_control").read_text().split():
            (root / "cgroup.subtree_control").write_text("+cpu")
        above = self._make(root / f"remuda-bench-{os.getpid()}-{pid}")
        (above / "cgroup.procs").write_text(str(pid))
        parts = [self._make(above / str(thread)) for thread in threads]
        for part in parts:
            (part / "cgroup.type").write_text("threaded")
        (above / "cgroup.subtree_control").write_text("+cpu")
        for part in parts:
            (part / "cpu.max").write_text(f"{QUOTA_US} {period}")
            (part / "cgroup.threads").write_text(part.name)

    def remove(self):
        for group in reversed(self.groups):
            for _ in range(50):  # the kernel empties it soon after the process has ended
                try:
                    group.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)
        self.groups = []
