"""Builds what the bench needs, optimised as users run it."""

import subprocess

from .children import Failed


def build(root, say):
    """Returns the build directory. remuda itself is built if its sources are there."""
    directory = root / "build" / "release"
    if not (directory / "CMakeCache.txt").exists():
        _run(["cmake", "--preset", "release"], root, say)
    targets = ["bench_macro"] + (["remuda"] if (root / "src" / "main.cc").exists() else [])
    _run(["cmake", "--build", directory, "--target", *targets], root, say)
    return directory


def _run(command, root, say):
    words = [str(word) for word in command]
    say(" ".join(words))
    try:
        done = subprocess.run(words, cwd=root, stdout=subprocess.DEVNULL, check=False)
    except FileNotFoundError as absent:
        raise Failed("cmake is absent: apt-get install cmake ninja-build g++") from absent
    if done.returncode != 0:
        raise Failed("the build failed; see above. What it needs is in the README of the tree")
