// SPDX-License-Identifier: Apache-2.0
#include "sync/protocol/cbor_reader.h"

#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"

namespace linli::sync {
namespace {

constexpr std::uint8_t kUnsigned = 0;
constexpr std::uint8_t kNegative = 1;
constexpr std::uint8_t kBytes = 2;
constexpr std::uint8_t kText = 3;
constexpr std::uint8_t kArray = 4;
constexpr std::uint8_t kMap = 5;
constexpr std::uint8_t kTag = 6;
constexpr std::uint8_t kSimple = 7;

constexpr std::uint8_t kFalse = 20;
constexpr std::uint8_t kTrue = 21;
constexpr std::uint8_t kNull = 22;

}  // namespace

void CborReader::fail(Errc code, std::string_view what) {
  if (!ok_) return;
  ok_ = false;
  error_ = Error{code, "cbor: " + std::string(what) + " near byte " + std::to_string(at_)};
}

CborReader::Head CborReader::head() {
  if (!ok_) return {};
  if (at_ == in_.size()) return fail(Errc::malformed, "ends too early"), Head{};
  const auto lead = static_cast<std::uint8_t>(in_[at_++]);
  Head head{static_cast<std::uint8_t>(lead >> 5), static_cast<std::uint8_t>(lead & 31), 0};
  if (head.major == kTag) return fail(Errc::malformed, "tag"), Head{};
  if (head.major == kSimple && (head.low < kFalse || head.low > kNull)) {
    return fail(Errc::malformed, "float or unknown simple value"), Head{};
  }
  if (head.low < 24) {
    head.argument = head.low;
    return head;
  }
  if (head.low > 27) return fail(Errc::malformed, "indefinite length"), Head{};
  for (const char c : take(std::uint64_t{1} << (head.low - 24))) {
    head.argument = head.argument << 8 | static_cast<std::uint8_t>(c);
  }
  return ok_ ? head : Head{};
}

std::string_view CborReader::take(std::uint64_t size) {
  if (!ok_) return {};
  if (size > in_.size() - at_) return fail(Errc::malformed, "ends too early"), std::string_view();
  const std::string_view part = in_.substr(at_, size);
  at_ += part.size();
  return part;
}

bool CborReader::open(const Head& head) {
  const bool is_map = head.major == kMap;
  if (head.argument > (in_.size() - at_) / (is_map ? 2 : 1)) {
    return fail(Errc::malformed, "more items than bytes"), false;
  }
  if (depth_ == levels_.size()) return fail(Errc::too_deep, "nesting too deep"), false;
  levels_[depth_++] = {is_map ? head.argument * 2 : head.argument, is_map};
  return true;
}

bool CborReader::enter(std::uint8_t major) {
  const Head found = head();
  if (ok_ && found.major != major) fail(Errc::malformed, "wrong type, want map or array");
  return ok_ && open(found);
}

bool CborReader::next_key(std::string_view& name) {
  if (!ok_) return false;
  LINLI_ASSERT(depth_ > 0 && levels_[depth_ - 1].is_map);
  Level& level = levels_[depth_ - 1];
  if (level.items == 0) return --depth_, false;
  level.items -= 2;
  name = text();
  return ok_;
}

bool CborReader::next_element() {
  if (!ok_) return false;
  LINLI_ASSERT(depth_ > 0 && !levels_[depth_ - 1].is_map);
  Level& level = levels_[depth_ - 1];
  if (level.items == 0) return --depth_, false;
  --level.items;
  return true;
}

std::string_view CborReader::chunk(std::uint8_t major) {
  const Head found = head();
  if (ok_ && found.major != major) fail(Errc::malformed, "wrong type, want text or bytes");
  return take(found.argument);
}

std::string_view CborReader::text() {
  const std::string_view value = chunk(kText);
  if (!is_valid_utf8(value)) fail(Errc::invalid_utf8, "text is not UTF-8");
  return ok_ ? value : std::string_view();
}

std::string_view CborReader::carried() {
  const std::string_view value = chunk(kBytes);
  if (!is_valid_utf8(value)) fail(Errc::invalid_utf8, "data is not UTF-8");
  return ok_ ? value : std::string_view();
}

std::string CborReader::bytes() { return std::string(chunk(kBytes)); }

void CborReader::bytes(std::span<std::uint8_t> out) {
  const ByteView value = as_bytes(chunk(kBytes));
  if (ok_ && value.size() != out.size()) fail(Errc::malformed, "wrong number of bytes");
  if (ok_) std::copy(value.begin(), value.end(), out.begin());
}

std::uint64_t CborReader::integer(std::uint64_t max) {
  const Head found = head();
  if (ok_ && found.major != kUnsigned) fail(Errc::malformed, "wrong type, want integer >= 0");
  if (ok_ && found.argument > max) fail(Errc::malformed, "integer out of range");
  return ok_ ? found.argument : 0;
}

std::int64_t CborReader::signed_integer() {
  const Head found = head();
  if (ok_ && found.major > kNegative) fail(Errc::malformed, "wrong type, want integer");
  const bool is_negative = found.major == kNegative;
  // Item -1 - argument, so the most negative one has an argument of one less.
  if (ok_ && found.argument > wire::kIntegerMax - (is_negative ? 1 : 0)) {
    fail(Errc::malformed, "integer out of range");
  }
  if (!ok_) return 0;
  const auto value = static_cast<std::int64_t>(found.argument);
  return is_negative ? -1 - value : value;
}

bool CborReader::boolean() {
  const Head found = head();
  const bool fits = found.major == kSimple && found.low != kNull;
  if (ok_ && !fits) fail(Errc::malformed, "wrong type, want boolean");
  return ok_ && found.low == kTrue;
}

std::uint64_t CborReader::sum() {
  std::array<std::uint8_t, 8> raw{};
  bytes(raw);
  return read_u64be(raw);
}

void CborReader::start_any() {
  const std::size_t before = at_;
  const Head found = head();
  if (!ok_) return;
  switch (found.major) {
    case kArray:
    case kMap: open(found); break;
    case kText:
      at_ = before;
      text();
      break;
    case kBytes: take(found.argument); break;
    case kSimple: break;
    default: at_ = before; signed_integer();
  }
}

void CborReader::skip() {
  const std::size_t outside = depth_;
  start_any();
  std::string_view ignored;
  while (ok_ && depth_ > outside) {
    if (levels_[depth_ - 1].is_map ? next_key(ignored) : next_element()) start_any();
  }
}

}  // namespace linli::sync
