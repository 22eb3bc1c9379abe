#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a C++ unit that holds the built web client.

    embed.py DIST UNIT.cc      DIST may be missing: then the unit holds no file

Beside UNIT.cc lies UNIT.bin with the files one after the other, each followed by its gzip form if
that is shorter. Both are written only when they change, so that an unchanged client costs no
compiler. Files whose name starts with a dot are left out.
"""
import gzip
import hashlib
import os
import sys
from pathlib import Path

# Less is not worth a second copy in the program.
GZIP_SAVES_MIN = 64

UNIT = """// Made by clients/web/embed.py from the web client with SHA-256 {digest}.
#include "server/app/embedded_web.h"

{assembly}namespace linli::app {{
namespace {{
{base}
constexpr http::WebFile kFiles[] = {{
{entries}}};
}}  // namespace

std::span<const http::WebFile> embedded_web() {{
  return std::span<const http::WebFile>(kFiles).first({count});
}}

}}  // namespace linli::app
"""
ASSEMBLY = """asm(".pushsection .rodata\\n"
    ".balign 16\\n"
    ".global linli_web_bytes\\n"
    "linli_web_bytes:\\n"
    ".incbin \\"{binary}\\"\\n"
    ".popsection\\n");
extern "C" const char linli_web_bytes[{size}];

"""
BASE = """
constexpr std::string_view piece(std::size_t from, std::size_t size) {
  return {linli_web_bytes + from, size};
}
"""


def files_of(dist):
    """[(path below dist, bytes)] by path; the order of std::string_view."""
    found = []
    for folder, folders, names in os.walk(dist):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                path = Path(folder, name)
                found.append((path.relative_to(dist).as_posix(), path.read_bytes()))
    return sorted(found, key=lambda file: file[0].encode())


def literal(text):
    """A C++ string literal; other than letters, digits and a few signs as octal."""
    plain = "-_./ "
    return '"%s"' % "".join(
        chr(b) if chr(b).isalnum() and b < 128 or chr(b) in plain else f"\\{b:03o}"
        for b in text.encode()
    )


def unit_of(files, binary):
    """(text of the unit, bytes of the binary)"""
    blob, entries = bytearray(), []

    def piece(data):
        at = len(blob)
        blob.extend(data)
        return f"piece({at}, {len(data)})"

    for path, data in files:
        packed = gzip.compress(data, 9, mtime=0)
        body = piece(data)
        shorter = piece(packed) if len(packed) + GZIP_SAVES_MIN <= len(data) else "{}"
        entries.append(f"    {{{literal(path)}, {body}, {shorter}}},\n")
    text = UNIT.format(
        digest=hashlib.sha256(blob).hexdigest(),
        assembly=ASSEMBLY.format(binary=binary, size=len(blob)) if files else "",
        base=BASE if files else "",
        entries="".join(entries) or "    {},\n",
        count=len(files),
    )
    return text.encode(), bytes(blob)


def write_if_other(path, data):
    if not path.exists() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def main():
    dist, unit = sys.argv[1], Path(sys.argv[2]).absolute()
    binary = unit.with_suffix(".bin")
    text, blob = unit_of(files_of(dist), binary)
    # The binary first: the unit's text has its digest.
    write_if_other(binary, blob)
    write_if_other(unit, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
