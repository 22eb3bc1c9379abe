#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks who includes whom (DESIGN section 2). There is no list of exceptions.

    check_includes.py               checks every .h and .cc of the tree
    check_includes.py --self-test   plants violations and expects each to be found
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE_FOLDERS = ("base", "checkin", "sync", "notify", "server", "clients", "tests")

# Folder of the including file -> folders of ours that it may include. The longest prefix decides.
# "x/*" means the files directly in x, not those of its folders: the stores share sync/store/*, but
# never see each other.
OURS = {
    "base/": ["base/"],
    "checkin/": ["base/", "checkin/"],
    "sync/model/": ["base/", "sync/model/"],
    "sync/protocol/": ["base/", "sync/model/", "sync/protocol/", "sync/engine/"],
    "sync/engine/": ["base/", "sync/model/", "sync/protocol/", "sync/engine/"],
    "sync/store/": ["base/", "sync/model/", "sync/protocol/", "sync/engine/", "sync/store/*"],
    "sync/store/memory/": [
        "base/",
        "sync/model/",
        "sync/protocol/",
        "sync/engine/",
        "sync/store/*",
        "sync/store/memory/",
    ],
    "sync/store/sqlite/": [
        "base/",
        "sync/model/",
        "sync/protocol/",
        "sync/engine/",
        "sync/store/*",
        "sync/store/sqlite/",
    ],
    "sync/store/postgres/": [
        "base/",
        "sync/model/",
        "sync/protocol/",
        "sync/engine/",
        "sync/store/*",
        "sync/store/postgres/",
    ],
    "notify/": ["base/", "notify/"],
    "server/net/": ["base/", "server/net/"],
    "server/community/": ["base/", "checkin/", "sync/model/", "sync/engine/", "server/community/"],
    "server/auth/": ["base/", "sync/model/", "sync/engine/", "server/net/", "server/auth/"],
    "server/http/": [
        "base/",
        "sync/model/",
        "sync/engine/",
        "server/net/",
        "server/auth/",
        "server/http/",
    ],
    "server/ws/": [
        "base/",
        "sync/model/",
        "sync/protocol/",
        "sync/engine/",
        "server/net/",
        "server/auth/",
        "server/ws/",
    ],
    "server/admin/": [
        "base/",
        "sync/",
        "server/net/",
        "server/auth/",
        "server/http/",
        "server/admin/",
    ],
    "server/app/": ["base/", "checkin/", "sync/", "notify/", "server/"],
    "clients/native/": ["base/", "checkin/", "sync/", "server/net/", "clients/native/"],
    "tests/": ["base/", "checkin/", "sync/", "notify/", "server/", "clients/", "tests/"],
}

# Header of a third party -> files that may include it. "tests/" is allowed everywhere below.
THIRD_PARTY = [
    (r"boost/", r"server/(?!community/)|clients/native/"),
    (r"openssl/", r"server/(?!community/)|clients/native/"),
    (r"sqlite3|SQLiteCpp/", r"sync/store/sqlite/|notify/store/|clients/native/[^/]*store"),
    (r"libpq|postgresql/", r"sync/store/postgres/"),
    (r"sodium", r"base/(crypto|rng)\.cc$"),
    (r"nlohmann/", r"base/json\.(h|cc)$"),
    (r"valijson/", r"base/|server/"),
    (r"spdlog/|fmt/", r"base/log\.cc$"),
    (r"toml\+\+/|toml\.hpp", r"server/app/"),
    (r"CLI/", r"server/(app|admin)/|clients/native/"),
    (r"prometheus/", r"server/(?!community/)"),
    (r"qrencode\.h", r"server/(?!community/)|clients/native/"),
    (r"curl/|mosquitto|mqtt_protocol\.h", r"server/net/"),
    (r"libxml/|xmlsec/", r"notify/cap/"),
    (r"libical/", r"server/community/"),
    (r"utf8proc\.h", r"notify/text/graphemes\.cc$"),
    (r"date/", r"notify/engine/quiet\.cc$"),
    (r"gtest/|gmock/|benchmark/", r"(?!)"),
]

# What any file may include: C++ and C standard headers, and POSIX for the edges of the system.
STANDARD = re.compile(r"[a-z_0-9]+$|(c?assert|errno|signal|stdint|stddef|stdlib|string)\.h$")
POSIX = re.compile(
    r"(sys|arpa|netinet|net|linux)/[a-z_0-9]+\.h$"
    r"|(fcntl|iconv|unistd|poll|spawn|pthread|termios|dirent|dlfcn|pwd|netdb|syslog|malloc)\.h$"
)
POSIX_USERS = re.compile(r"server/(?!community/)|clients/native/|sync/store/|notify/store/|tests/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def rule_of(path):
    """The folders that `path` may include, or None when its folder has no rule."""
    folders = [folder for folder in OURS if path.startswith(folder)]
    return OURS[max(folders, key=len)] if folders else None


def is_in(folder, header):
    if folder.endswith("/*"):
        return header.rpartition("/")[0] == folder[:-2]
    return header.startswith(folder)


def is_legal_third_party(path, header):
    for pattern, users in THIRD_PARTY:
        if re.match(pattern, header):
            return path.startswith("tests/") or re.match(users, path) is not None
    if POSIX.match(header):
        return POSIX_USERS.match(path) is not None
    return STANDARD.match(header) is not None


def violations_of(path, text):
    """One sentence for each include in `text`, the content of `path`, that breaks a rule."""
    found = []
    allowed = rule_of(path)
    if allowed is None:
        return [f"{path}:1: no rule says what this folder may include"]
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, header = match.groups()
        at = f"{path}:{number}: "
        if quote == "<":
            if not is_legal_third_party(path, header):
                found.append(f"{at}<{header}> is not allowed here")
        elif header.startswith(".") or "/" not in header:
            found.append(f'{at}"{header}" is not a path from the root of the tree')
        elif not any(is_in(folder, header) for folder in allowed):
            found.append(f'{at}"{header}" is not allowed here')
    return found


def check_tree():
    found = []
    count = 0
    for folder in CODE_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".h", ".cc") or "node_modules" in path.parts:
                continue
            count += 1
            found += violations_of(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    return count, found


LEGAL = [
    ("base/json.cc", "<nlohmann/json.hpp>"),
    ("base/crypto.cc", "<sodium.h>"),
    ("base/clock.cc", "<chrono>"),
    ("sync/engine/feed.cc", '"sync/model/row.h"'),
    ("server/community/teams/marks.cc", '"checkin/entry.h"'),
    ("sync/store/sqlite/store.cc", "<SQLiteCpp/SQLiteCpp.h>"),
    ("sync/store/sqlite/store.cc", '"sync/engine/store_port.h"'),
    ("sync/store/sqlite/store.cc", '"sync/store/page.h"'),
    ("server/community/teams/teams.cc", '"server/community/registry.h"'),
    ("server/ws/session.cc", '"sync/protocol/server_session.h"'),
    ("server/http/session.cc", "<boost/beast/http.hpp>"),
    ("server/app/main.cc", '"server/community/registry.h"'),
    ("clients/native/local_store.cc", "<SQLiteCpp/SQLiteCpp.h>"),
    ("clients/native/client.cc", '"server/net/tls.h"'),
    ("server/net/listener.cc", "<sys/socket.h>"),
    ("notify/text/graphemes.cc", "<utf8proc.h>"),
    ("tests/unit/base/json_test.cc", "<gtest/gtest.h>"),
]
ILLEGAL = [
    ("base/json.h", '"sync/model/row.h"'),
    ("base/json.h", '"checkin/entry.h"'),
    ("checkin/entry.cc", '"sync/model/row.h"'),
    ("sync/engine/feed.cc", '"checkin/entry.h"'),
    ("base/bytes.cc", "<nlohmann/json.hpp>"),
    ("base/clock.cc", "<sodium.h>"),
    ("base/clock.cc", "<sys/stat.h>"),
    ("base/log.h", "<spdlog/spdlog.h>"),
    ("sync/model/row.cc", '"sync/engine/feed.h"'),
    ("sync/engine/feed.cc", '"sync/store/sqlite/store.h"'),
    ("sync/engine/feed.cc", "<boost/asio.hpp>"),
    ("sync/engine/feed.cc", '"notify/outbox.h"'),
    ("sync/store/memory/store.cc", '"sync/store/sqlite/store.h"'),
    ("sync/store/memory/store.cc", "<sqlite3.h>"),
    ("sync/store/page.h", '"sync/store/sqlite/store.h"'),
    ("sync/engine/feed.cc", '"sync/store/page.h"'),
    ("notify/outbox.cc", '"sync/model/row.h"'),
    ("notify/text/segment.cc", "<utf8proc.h>"),
    ("server/net/tls.cc", '"sync/model/row.h"'),
    ("server/community/teams/teams.cc", "<boost/asio.hpp>"),
    ("server/community/teams/teams.cc", "<sqlite3.h>"),
    ("server/community/teams/teams.cc", '"sync/protocol/codec.h"'),
    ("server/http/routes.cc", '"server/community/registry.h"'),
    ("server/http/routes.cc", '"sync/protocol/codec.h"'),
    ("server/ws/session.cc", '"sync/store/sqlite/store.h"'),
    ("server/ws/session.cc", '"server/http/session.h"'),
    ("server/auth/tokens.cc", '"server/http/session.h"'),
    ("server/app/main.cc", '"tests/support/faults.h"'),
    ("server/app/main.cc", "<gtest/gtest.h>"),
    ("clients/native/client.cc", '"server/ws/session.h"'),
    ("clients/native/client.cc", "<sqlite3.h>"),
    ("sync/model/row.cc", '"row.h"'),
    ("sync/model/row.cc", '"../../base/bytes.h"'),
    ("sync/misplaced.cc", '"base/bytes.h"'),
]


def self_test():
    wrong = []
    for path, header in LEGAL:
        wrong += [
            f"refused although legal: {v}"
            for v in violations_of(path, f"#pragma once\n#include {header}\n")
        ]
    for path, header in ILLEGAL:
        if len(violations_of(path, f"// x\n  #  include {header}  // y\n")) != 1:
            wrong.append(f"not found: {path} including {header}")
    return len(LEGAL) + len(ILLEGAL), wrong


def main():
    count, found = self_test() if "--self-test" in sys.argv else check_tree()
    for line in found:
        print(line)
    print(f"check_includes: {count} checked, {len(found)} wrong")
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
