"""What the checks share: finding C++ files, blanking comments and literals, reporting."""

import pathlib
import re
import sys

_SKIPPED = re.compile(
    r"""//[^\n]*|/\*.*?\*/"""
    r"""|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)\""""
    r"""|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL,
)


def cpp_files(*folders):
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.suffix in (".h", ".cc"):
                yield path


def without_comments_and_literals(text):
    """The text with every comment, string and character literal blanked; lines keep their numbers."""

    def blank(match):
        skipped = match.group(0)
        kept = "".join("\n" if c == "\n" else " " for c in skipped)
        return kept if skipped.startswith(("//", "/*")) else '""' + kept[2:]

    return _SKIPPED.sub(blank, text)


def report(faults):
    """Prints (path, line, text) triples and returns the exit status."""
    for path, line, text in faults:
        print(f"{path}:{line}: {text}")
    return 1 if faults else 0


def compare_with_marks(files, check):
    """Self-test: the lines a check reports must be exactly those marked `// bad` in the samples."""
    marked, reported = set(), set()
    for path in files:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.rstrip().endswith("// bad"):
                marked.add((str(path), number))
        reported.update((str(at), number) for at, number, _ in check(path))
    for path, line in sorted(marked - reported):
        print(f"{path}:{line}: should have been reported")
    for path, line in sorted(reported - marked):
        print(f"{path}:{line}: should not have been reported")
    if not marked:
        print("the samples mark nothing as bad")
    return 0 if marked and marked == reported else 1


def main(check, self_test):
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test(pathlib.Path(__file__).parent / "samples"))
    root = pathlib.Path(sys.argv[1])
    files = list(cpp_files(root / "src", root / "include"))
    if not files:
        sys.exit(f"no sources under {root}")
    sys.exit(report([fault for path in files for fault in check(path)]))
