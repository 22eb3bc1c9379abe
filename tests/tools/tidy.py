#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the countable rules of the house style.

    tidy.py               checks every file that git tracks or would track
    tidy.py --self-test   plants one fault of each kind and expects it to be found
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLUMNS_MAX = 100
LINES_MAX = 500
TEST_LINES_MAX = 800
LICENCE = "// SPDX-License-Identifier: Apache-2.0"

CPP = (".h", ".cc")
# Hand-written code of any language; prose, data and lock files have their own form.
CODE = CPP + (".py", ".sh", ".ts", ".js", ".mjs", ".svelte", ".cmake", ".sql")

# Split, so that this file does not break its own rules.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
HOME_PATH = re.compile(
    r"(?<![\w.~$}])/(ho" + r"me/[a-z]|ro" + r"ot/|Us" + r"ers/[A-Za-z]|wo" + r"rk/[a-z])"
)


def faults_of(path, text):
    """One sentence for each rule that `text`, the content of `path`, breaks."""
    lines = text.split("\n")
    suffix = Path(path).suffix
    found = []

    def fault(number, what):
        found.append(f"{path}:{number}: {what}")

    for number, line in enumerate(lines, 1):
        if HOME_PATH.search(line):
            fault(number, "absolute path of somebody's machine")
        if suffix not in CODE:
            continue
        if len(line) > COLUMNS_MAX:
            fault(number, f"{len(line)} columns, at most {COLUMNS_MAX}")
        if UNFINISHED.search(line):
            fault(number, f"unfinished: {UNFINISHED.search(line).group()}")
        if line != line.rstrip():
            fault(number, "blank at the end of the line")
    if suffix in CODE:
        lines_max = TEST_LINES_MAX if path.startswith("tests/") else LINES_MAX
        if len(lines) - 1 > lines_max:
            fault(len(lines), f"{len(lines) - 1} lines, at most {lines_max}")
    if suffix in CPP and lines[0] != LICENCE:
        fault(1, f"the first line is not `{LICENCE}`")
    if suffix == ".h" and "#pragma once" not in lines:
        fault(1, "no #pragma once")
    if suffix == ".cc":
        found += own_header_faults(path, lines)
    return found


def own_header_faults(path, lines):
    """A .cc with a header of its name beside it includes that header before anything else."""
    own = path.removesuffix(".cc") + ".h"
    if not (ROOT / own).exists():
        return []
    includes = [line for line in lines if line.startswith("#include")]
    if includes and includes[0] == f'#include "{own}"':
        return []
    return [f"{path}:1: does not include {own} first"]


def check_tree():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    found = []
    count = 0
    for path in sorted(name for name in listed.decode().split("\0") if name):
        file = ROOT / path
        if not file.is_file():
            continue
        try:
            text = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            if file.suffix in CODE:
                found.append(f"{path}:1: not UTF-8")
            continue
        count += 1
        found += faults_of(path, text)
    return count, found


def self_test():
    good = LICENCE + '\n#include "base/bytes.h"\n'
    header = LICENCE + "\n#pragma once\n"
    planted = [
        ("base/new.cc", "int x;\n"),
        ("base/new.h", LICENCE + "\nint x;\n"),
        ("base/new.cc", LICENCE + "\n" + "x" * 101 + "\n"),
        ("base/new.cc", LICENCE + "\n// TO" + "DO later\n"),
        ("base/new.cc", LICENCE + "\n// FIX" + "ME later\n"),
        ("base/new.cc", LICENCE + "\nint x; \n"),
        ("base/new.cc", LICENCE + "\n" * 502),
        ("tests/unit/new_test.cc", LICENCE + "\n" * 802),
        ("base/bytes.cc", LICENCE + '\n#include <string>\n#include "base/bytes.h"\n'),
        ("docs/NEW.md", "see /ho" + "me/anna/linli\n"),
        ("dev", "cd /wo" + "rk/tree\n"),
    ]
    clean = [
        ("base/bytes.cc", good),
        ("base/new.h", header),
        ("base/new.cc", LICENCE + "\n// " + "邻" * 97 + "\n"),
        ("tests/unit/new_test.cc", LICENCE + "\n" * 700),
        ("docs/NEW.md", "x" * 300 + " https://example.org/home/page and ~/.config\n"),
    ]
    wrong = [
        f"not found: {path}: {text[:60]!r}"
        for path, text in planted
        if len(faults_of(path, text)) != 1
    ]
    wrong += [f"refused although clean: {v}" for path, text in clean for v in faults_of(path, text)]
    return len(planted) + len(clean), wrong


def main():
    count, found = self_test() if "--self-test" in sys.argv else check_tree()
    for line in found:
        print(line)
    print(f"tidy: {count} checked, {len(found)} wrong")
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
