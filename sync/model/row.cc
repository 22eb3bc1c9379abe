// SPDX-License-Identifier: Apache-2.0
#include "sync/model/row.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/assert.h"
#include "base/crypto.h"
#include "base/limits.h"

namespace linli::sync {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_key_char(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '.' || c == ':' ||
         c == '-';
}

constexpr std::string_view kDomain = "linli.row.1";
constexpr std::size_t kHeadBytesMax =
    kDomain.size() + 1 + limits::kTableNameBytesMax + 2 + limits::kKeyBytesMax + 8;

}  // namespace

bool is_table_name(std::string_view tbl) noexcept {
  if (tbl.empty() || tbl.size() > limits::kTableNameBytesMax || !is_lower(tbl[0])) return false;
  return std::all_of(tbl.begin(), tbl.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '_'; });
}

bool is_row_key(std::string_view key) noexcept {
  if (key.empty() || key.size() > limits::kKeyBytesMax) return false;
  return std::all_of(key.begin(), key.end(), is_key_char);
}

std::uint64_t row_hash(std::string_view tbl, std::string_view key, Seq ver, std::string_view data) {
  LINLI_ASSERT(tbl.size() <= limits::kTableNameBytesMax && key.size() <= limits::kKeyBytesMax);
  // Every phone hashes every row it stores, so the head is built without an allocation.
  std::array<std::uint8_t, kHeadBytesMax> head;
  std::size_t size = 0;
  const auto put = [&](std::string_view part) {
    std::copy(part.begin(), part.end(), head.begin() + static_cast<std::ptrdiff_t>(size));
    size += part.size();
  };
  const auto put_be = [&](std::uint64_t value, int bytes) {
    for (int shift = bytes * 8 - 8; shift >= 0; shift -= 8) {
      head[size++] = static_cast<std::uint8_t>(value >> shift & 0xff);
    }
  };
  put(kDomain);
  put_be(tbl.size(), 1);
  put(tbl);
  put_be(key.size(), 2);
  put(key);
  put_be(ver.raw(), 8);
  return read_u64be(Sha256Stream().add(ByteView(head.data(), size)).add(data).finish());
}

}  // namespace linli::sync
