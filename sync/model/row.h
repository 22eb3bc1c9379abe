// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sync/model/types.h"

namespace linli::sync {

struct RowKey {
  std::string tbl;
  std::string key;
  friend auto operator<=>(const RowKey&, const RowKey&) = default;
};

/// `[a-z][a-z0-9_]{0,31}` (decision B8).
bool is_table_name(std::string_view tbl) noexcept;
/// 1..64 bytes of `[A-Za-z0-9_.:-]`.
bool is_row_key(std::string_view key) noexcept;

/// First 8 bytes, big-endian, of SHA-256("linli.row.1" || u8 len(tbl) tbl || u16be len(key) key ||
/// u64be ver || data). Spec: docs/PROTOCOL.md §1; vectors in tests/protocol/digest.json.
std::uint64_t row_hash(std::string_view tbl, std::string_view key, Seq ver, std::string_view data);

/// Row bytes shared by every bucket, frame and page that carries them.
using SharedText = std::shared_ptr<const std::string>;

/// One entry of a bucket at its newest version: what a B frame carries.
struct Op {
  RowKey row;
  Seq ver;
  /// Null = tombstone.
  SharedText data;
};

}  // namespace linli::sync

template <>
struct std::hash<linli::sync::RowKey> {
  std::size_t operator()(const linli::sync::RowKey& k) const noexcept {
    return std::hash<std::string>{}(k.key) * 31 + std::hash<std::string>{}(k.tbl);
  }
};
