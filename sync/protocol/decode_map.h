// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "sync/protocol/frames.h"
#include "sync/protocol/wire.h"

/// The frame logic that both encodings and both directions share. `R` is JsonReader or CborReader.
namespace linli::sync::wire {

enum class Need : std::uint8_t { optional, required };

/// How one member of a map is read into `T`.
template <class R, class T>
struct Member {
  std::string_view name;
  Need need;
  void (*read)(R&, T&);
};

/// How one frame is read.
template <class R, class Frame>
struct Kind {
  std::string_view name;
  Frame (*read)(R&);
};

/// Reads a map. Unknown members are skipped; a known one twice, or `t` twice, is malformed: two
/// receivers could pick different ones.
template <class R, class T, std::size_t N>
void read_map(R& in, const Member<R, T> (&members)[N], T& out) {
  static_assert(N < 31);
  std::uint32_t seen = 0;
  std::string_view name;
  if (!in.enter_map()) return;
  while (in.next_key(name)) {
    const auto* const member =
        std::find_if(members, members + N, [&](const auto& m) { return m.name == name; });
    const bool is_known = member != members + N;
    const std::uint32_t bit = is_known ? 1U << (member - members) : name == "t" ? 1U << 31 : 0;
    if ((seen & bit) != 0) in.fail(Errc::malformed, "a member is repeated");
    seen |= bit;
    is_known ? member->read(in, out) : in.skip();
  }
  for (std::size_t i = 0; i < N && in.ok(); ++i) {
    if (members[i].need == Need::required && (seen & 1U << i) == 0) {
      in.fail(Errc::malformed, "no member " + std::string(members[i].name));
    }
  }
}

/// Reads an array of exactly N elements, each by `read_at(i)`.
template <class R, class Read>
void read_tuple(R& in, std::size_t size, Read read_at) {
  std::size_t count = 0;
  if (!in.enter_array()) return;
  while (in.next_element()) {
    if (count == size) return in.fail(Errc::malformed, "array too long");
    read_at(count++);
  }
  if (count < size) in.fail(Errc::malformed, "array too short");
}

/// Reads an array of at most `count_max` elements, each by `read()`.
template <class R, class T>
void read_list(R& in, std::vector<T>& out, std::size_t count_max, T (*read)(R&)) {
  if (!in.enter_array()) return;
  while (in.next_element()) {
    if (out.size() == count_max) return in.fail(Errc::too_large, "too many elements");
    out.push_back(read(in));
  }
}

template <class R>
std::string read_text(R& in, std::size_t bytes_max) {
  const std::string_view text = in.text();
  if (text.size() > bytes_max) in.fail(Errc::too_large, "text too long");
  return in.ok() ? std::string(text) : std::string();
}

template <class R>
Id128 read_id(R& in) {
  const auto id = Id128::parse(in.text());
  if (in.ok() && !id) in.fail(Errc::malformed, "want 32 hex digits");
  return in.ok() ? *id : Id128();
}

template <class R>
Seq read_seq(R& in) {
  return Seq{in.integer()};
}

template <class R>
BucketId read_bucket(R& in) {
  return BucketId{static_cast<std::uint32_t>(in.integer(0xffff'ffff))};
}

template <class R>
Lane read_lane(R& in) {
  const std::string_view lane = in.text();
  if (lane != "u" && lane != "s") in.fail(Errc::malformed, "want lane u or s");
  return lane == "u" ? Lane::urgent : Lane::normal;
}

template <class R>
UpLane read_up_lane(R& in) {
  return static_cast<UpLane>(in.integer(kUpLanes - 1));
}

/// A count or duration; never negative.
template <class R>
std::int64_t read_duration(R& in) {
  return static_cast<std::int64_t>(in.integer());
}

/// Number of a mutation: from 1.
template <class R>
std::uint64_t read_number(R& in) {
  const std::uint64_t n = in.integer();
  if (n == 0) in.fail(Errc::malformed, "mutations are numbered from 1");
  return n;
}

template <class R>
UpNumbers read_up_numbers(R& in) {
  UpNumbers out{};
  read_tuple(in, out.size(), [&](std::size_t i) { out[i] = in.integer(); });
  return out;
}

/// `[min,max]` into two minor versions.
template <class R>
void read_proto(R& in, int& min, int& max) {
  read_tuple(in, 2, [&](std::size_t i) {
    (i == 0 ? min : max) = static_cast<int>(in.integer(kMinorMax));
  });
  if (min > max) in.fail(Errc::malformed, "proto: min > max");
}

/// `{u,s}`.
template <class R>
Cursors read_cursors(R& in) {
  static constexpr Member<R, Cursors> kMembers[] = {
      {"u", Need::required, [](R& r, Cursors& c) { c[index(Lane::urgent)] = read_seq(r); }},
      {"s", Need::required, [](R& r, Cursors& c) { c[index(Lane::normal)] = read_seq(r); }},
  };
  Cursors out{};
  read_map(in, kMembers, out);
  return out;
}

template <class R>
PartBucket read_part(R& in) {
  PartBucket out;
  read_tuple(in, 3, [&](std::size_t i) {
    if (i == 0) {
      out.b = read_bucket(in);
    } else {
      (i == 1 ? out.gen : out.cur) = read_seq(in);
    }
  });
  return out;
}

struct FrameHead {
  std::string name;
  bool must = false;
};

/// Reads `t`, and all of the frame when `is_known(t)` is false.
template <class R, class IsKnown>
FrameHead read_head(R& in, IsKnown is_known) {
  FrameHead head;
  std::string_view name;
  if (!in.enter_map()) return head;
  while (in.next_key(name)) {
    if (name == "t") {
      if (!head.name.empty()) in.fail(Errc::malformed, "a member is repeated");
      head.name = in.text();
      if (head.name.empty() || head.name.size() > kFrameNameBytesMax) {
        in.fail(Errc::malformed, "t: want 1..32 bytes");
      }
      if (is_known(head.name)) return head;
    } else if (name == "must") {
      head.must = in.boolean();
    } else {
      in.skip();
    }
  }
  if (head.name.empty()) in.fail(Errc::malformed, "no member t");
  return head;
}

/// Reads one frame of `kinds`, or FrameUnknown.
template <class R, class Frame, std::size_t N>
Frame read_frame(R& in, const Kind<R, Frame> (&kinds)[N]) {
  const Kind<R, Frame>* kind = nullptr;
  const std::size_t start = in.mark();
  FrameHead head = read_head(in, [&](std::string_view name) {
    kind = std::find_if(kinds, kinds + N, [&](const auto& k) { return k.name == name; });
    return kind != kinds + N;
  });
  if (in.ok() && kind != kinds + N) {
    in.rewind(start);
    return kind->read(in);
  }
  if (head.must) in.fail(Errc::unsupported_version, "unknown frame that must be understood");
  return FrameUnknown{std::move(head.name)};
}

/// Reads a whole message. All or nothing.
template <class R, class Frame, std::size_t N>
Result<std::vector<Frame>> read_message(std::string_view message, std::size_t bytes_max,
                                        const Kind<R, Frame> (&kinds)[N]) {
  if (message.size() > bytes_max) return fail(Errc::too_large, "message too large");
  if (message.empty()) return fail(Errc::malformed, "message without a frame");
  std::vector<Frame> frames;
  R in(message);
  do {
    if (frames.size() == kFramesMax) in.fail(Errc::too_large, "too many frames");
    frames.push_back(read_frame(in, kinds));
    in.end_frame();
  } while (in.ok() && !in.at_end());
  if (!in.ok()) return std::unexpected(in.error());
  return frames;
}

}  // namespace linli::sync::wire
