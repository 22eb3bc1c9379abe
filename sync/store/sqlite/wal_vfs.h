// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace linli::sync::sqlite {

/// Most bytes of a commit that are gathered before they are written. A commit of one mutation has
/// some 50 KiB; beyond this a system call more is no longer what costs. SQLite's Unix layer takes
/// less than 128 KiB at once (it masks the length, and would call the disk full).
inline constexpr std::size_t kWalGatherBytesMax = 120 * 1024;

/// The file grows by so much at once, with zeros.
/// Why: a commit that overwrites what the file already has need not sync the file's size with it,
/// which is a second turn of the disk. 1 MiB is 20 commits of one mutation.
inline constexpr long long kWalGrowBytes = 1024 * 1024;

/// Name of a file layer for the one connection that writes. It is SQLite's default layer (the one
/// that is the default now), except that the frames of a commit reach the WAL in one system call:
/// SQLite writes each page in two (header and content).
///
/// When: gathered bytes are written with the content of the frame that ends a transaction, and
/// before whatever else the file is asked: sync, read, size, truncate, close, a write elsewhere.
/// So they are in the file before the wal-index tells other connections of them, with any
/// `synchronous`, and what is in the file after a crash is the beginning of what SQLite wrote.
/// Errors: those of writing appear at the call that writes; SQLite then rolls back, and what was
/// gathered is dropped.
/// Threads: from any. docs/adr/0006-one-write-per-commit.md
const char* wal_vfs_name();

}  // namespace linli::sync::sqlite
