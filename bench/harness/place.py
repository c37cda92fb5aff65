"""The run's own directory: configurations, logs and data, removed at the end."""

import os
import pwd
import shutil
import tempfile
from pathlib import Path


class Place:
    def __init__(self, user):
        self.root = Path(tempfile.mkdtemp(prefix="remuda-bench-"))
        self.user = user
        os.chmod(self.root, 0o755)

    def directory(self, name):
        """A directory that the unprivileged user owns."""
        path = self.root / name
        path.mkdir(exist_ok=True)
        self.give_to(self.user, path)
        return path

    def file(self, name):
        return self.root / name

    def give_to(self, user, path):
        if user is None:
            return
        entry = pwd.getpwnam(user)
        for one in [path, *path.rglob("*")]:
            os.chown(one, entry.pw_uid, entry.pw_gid)

    def runnable(self, binary, user):
        """A binary of a build tree may lie where another user cannot reach it: then a copy."""
        binary = Path(binary)
        if user is None or str(binary).startswith("/usr/"):
            return binary
        # Apart from the directories that programs of the same name have.
        copy = self.root / "bin" / binary.name
        copy.parent.mkdir(exist_ok=True)
        if not copy.exists():
            shutil.copy(binary, copy)
            os.chmod(copy, 0o755)
        return copy

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)
