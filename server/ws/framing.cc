// SPDX-License-Identifier: Apache-2.0
#include "server/ws/framing.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"

namespace linli::ws {
namespace {

constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;

/// Spec: RFC 6455 §5.3. `key` is turned to the byte behind `data`.
void unmask(std::span<char> data, std::array<std::uint8_t, 4>& key) {
  std::uint64_t twice = 0;
  std::memcpy(&twice, key.data(), 4);
  std::memcpy(reinterpret_cast<char*>(&twice) + 4, key.data(), 4);
  std::size_t at = 0;
  for (; at + 8 <= data.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data.data() + at, 8);
    word ^= twice;
    std::memcpy(data.data() + at, &word, 8);
  }
  for (; at < data.size(); ++at) data[at] = static_cast<char>(data[at] ^ key[at % 4]);
  std::ranges::rotate(key, key.begin() + static_cast<std::ptrdiff_t>(data.size() % 4));
}

/// What an endpoint may send: RFC 6455 §7.4 and the codes registered with IANA since.
bool is_close_code(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

std::uint64_t read_be(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

std::string_view as_view(std::span<const char> bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace

FrameEvent FrameReader::next(std::span<char>& input) {
  if (std::string* const lent = std::exchange(lent_, nullptr)) std::string().swap(*lent);
  while (!ended_) {
    if (!in_payload_ && !take_header(input)) {
      if (code_ != 0) return violation(code_);
      return {};
    }
    if (std::exchange(too_large_, false)) return {.kind = FrameEvent::Kind::too_large};
    const FrameEvent event = is_control() ? take_control(input) : take_data(input);
    if (event.kind != FrameEvent::Kind::nothing) return event;
    if (in_payload_) return {};
  }
  input = {};
  return {};
}

std::size_t FrameReader::header_bytes() const {
  if (header_size_ < 2) return 2;
  const std::uint8_t length = header_[1] & 0x7f;
  return 2U + (length == kLength64 ? 8U : length == kLength16 ? 2U : 0U) + mask_.size();
}

bool FrameReader::take_header(std::span<char>& input) {
  while (header_size_ < header_bytes()) {
    if (input.empty()) return false;
    header_[header_size_++] = static_cast<std::uint8_t>(input.front());
    input = input.subspan(1);
    if (header_size_ == 2 && (code_ = check_start()) != 0) return false;
  }
  return begin_payload();
}

std::uint16_t FrameReader::check_start() const {
  const bool reserved_bits = (header_[0] & 0x70) != 0;
  const bool masked = (header_[1] & 0x80) != 0;
  if (reserved_bits || !masked) return kCloseProtocolError;
  switch (opcode()) {
    case Opcode::continuation: return in_message_ ? 0 : kCloseProtocolError;
    case Opcode::text:
    case Opcode::binary: return in_message_ ? kCloseProtocolError : 0;
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      return fin() && (header_[1] & 0x7f) <= kControlPayloadMax ? 0 : kCloseProtocolError;
  }
  return kCloseProtocolError;
}

bool FrameReader::begin_payload() {
  const std::span all(header_);
  const std::size_t key_at = header_bytes() - mask_.size();
  const std::uint8_t length = header_[1] & 0x7f;
  left_ = length < kLength16 ? length : read_be(all.subspan(2, key_at - 2));
  // The shortest form is required, and 63 bits at most.
  const std::uint64_t least = length == kLength64 ? 0x10000 : length == kLength16 ? kLength16 : 0;
  if (left_ < least || left_ >> 63 != 0) {
    code_ = kCloseProtocolError;
    return false;
  }
  std::ranges::copy(all.subspan(key_at, mask_.size()), mask_.begin());
  header_size_ = 0;
  in_payload_ = true;
  if (is_control()) return true;
  if (!std::exchange(in_message_, true)) {
    text_ = opcode() == Opcode::text;
    message_bytes_ = 0;
    utf8_ = {};
  }
  if (!skipping_ && left_ > message_bytes_max_ - std::min(message_bytes_, message_bytes_max_)) {
    skipping_ = too_large_ = true;
    std::string().swap(message_);
  }
  message_bytes_ += skipping_ ? 0 : left_;
  return true;
}

std::span<char> FrameReader::take_payload(std::span<char>& input) {
  const std::size_t size = std::min<std::uint64_t>(left_, input.size());
  const std::span<char> piece = input.first(size);
  input = input.subspan(size);
  left_ -= size;
  if (left_ == 0) in_payload_ = false;
  return piece;
}

FrameEvent FrameReader::take_control(std::span<char>& input) {
  const std::span<char> piece = take_payload(input);
  unmask(piece, mask_);
  std::string_view payload = as_view(piece);
  if (in_payload_ || !control_.empty()) {
    control_.append(payload);
    if (in_payload_) return {};
    payload = control_;
    lent_ = &control_;
  }
  if (opcode() == Opcode::close) return read_close(payload);
  using enum FrameEvent::Kind;
  return {.kind = opcode() == Opcode::ping ? ping : pong, .data = payload};
}

FrameEvent FrameReader::take_data(std::span<char>& input) {
  const std::span<char> piece = take_payload(input);
  const bool last = !in_payload_ && fin();
  if (last) in_message_ = false;
  if (skipping_) return {};
  unmask(piece, mask_);
  if (text_ && (!utf8_.feed(as_view(piece)) || (last && !utf8_.at_boundary())))
    return violation(kCloseNotUtf8);
  if (last) return finish_message(as_view(piece));
  message_.append(as_view(piece));
  return {};
}

FrameEvent FrameReader::finish_message(std::string_view last) {
  if (!message_.empty()) {
    message_.append(last);
    lent_ = &message_;
    last = message_;
  }
  return {.kind = FrameEvent::Kind::message, .text = text_, .data = last};
}

FrameEvent FrameReader::read_close(std::string_view payload) {
  if (payload.empty()) {
    ended_ = true;
    return {.kind = FrameEvent::Kind::close, .code = kCloseNoCode};
  }
  if (payload.size() == 1) return violation(kCloseProtocolError);
  const auto code = static_cast<std::uint16_t>(read_be(as_bytes(payload.substr(0, 2))));
  if (!is_close_code(code)) return violation(kCloseProtocolError);
  if (!is_valid_utf8(payload.substr(2))) return violation(kCloseNotUtf8);
  ended_ = true;
  return {.kind = FrameEvent::Kind::close, .code = code, .data = payload.substr(2)};
}

FrameEvent FrameReader::violation(std::uint16_t code) {
  ended_ = true;
  std::string().swap(message_);
  return {.kind = FrameEvent::Kind::violation, .code = code};
}

FrameHead frame_head(Opcode opcode, std::uint64_t payload_bytes) {
  FrameHead out;
  const auto put = [&](std::uint64_t byte) {
    out.bytes[out.size++] = static_cast<char>(byte & 0xff);
  };
  put(0x80U | static_cast<std::uint8_t>(opcode));
  int length_bytes = 0;
  if (payload_bytes < kLength16) {
    put(payload_bytes);
  } else if (payload_bytes < 0x10000) {
    put(kLength16);
    length_bytes = 2;
  } else {
    put(kLength64);
    length_bytes = 8;
  }
  for (int shift = length_bytes * 8 - 8; shift >= 0; shift -= 8) put(payload_bytes >> shift);
  return out;
}

std::string control_frame(Opcode opcode, std::string_view payload) {
  payload = payload.substr(0, kControlPayloadMax);
  std::string out(frame_head(opcode, payload.size()).view());
  return out.append(payload);
}

std::string close_frame(std::uint16_t code, std::string_view reason) {
  std::string payload;
  append_u16be(payload, code);
  std::size_t size = std::min(reason.size(), kControlPayloadMax - payload.size());
  while (size > 0 && !is_valid_utf8(reason.substr(0, size))) --size;
  return control_frame(Opcode::close, payload.append(reason.substr(0, size)));
}

}  // namespace linli::ws
