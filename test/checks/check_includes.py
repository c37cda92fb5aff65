#!/usr/bin/env python3
"""The direction of includes between layers (src/README.md): a layer includes only those below it.

Layers on one row know nothing of each other. The three lowest form remuda_core, which includes
neither libuv nor the TLS half of OpenSSL.

Usage: check_includes.py ROOT | --self-test
"""

import re

import source_text

ROWS = [["base"], ["wire"], ["session"], ["io"], ["pg", "config"], ["auth", "route"], ["proxy"],
        ["admin"], ["daemon"], ["main"]]
HEIGHT = {layer: height for height, row in enumerate(ROWS) for layer in row}
CORE = {"base", "wire", "session"}
NOT_IN_CORE = re.compile(r"uv(\.h|/.*)|openssl/ssl\.h")
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of_file(path):
    parts = path.parts
    if "remuda" in parts and "include" in parts:
        return parts[len(parts) - 1 - parts[::-1].index("remuda") + 1]
    folder = parts[len(parts) - 1 - parts[::-1].index("src") + 1]
    return "main" if folder.endswith(".cc") else folder


def layer_of_include(name, bracket):
    """The layer a project include names; None for headers of libraries and those beside the file."""
    if "/" not in name:
        return None
    first, _, rest = name.partition("/")
    if first == "remuda":
        return rest.partition("/")[0]
    return first if bracket == '"' else None


def fault_of_include(layer, bracket, name):
    if layer in CORE and NOT_IN_CORE.fullmatch(name):
        return f"remuda_core must not include {name}"
    target = layer_of_include(name, bracket)
    if target is None or target == layer:
        return None
    if target not in HEIGHT:
        return f"include of {name}, which is in no layer"
    if HEIGHT[target] >= HEIGHT[layer]:
        return f"layer {layer} must not include layer {target}"
    if layer in CORE and not name.startswith("remuda/"):
        return f"remuda_core includes its headers as remuda/...: {name}"
    return None


def check(path):
    layer = layer_of_file(path)
    if layer not in HEIGHT:
        yield path, 1, f"folder {layer} is no layer"
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        fault = match and fault_of_include(layer, *match.groups())
        if fault:
            yield path, number, fault


def self_test(samples):
    return source_text.compare_with_marks(
        list(source_text.cpp_files(samples / "includes_good", samples / "includes_bad")), check)


if __name__ == "__main__":
    source_text.main(check, self_test)
