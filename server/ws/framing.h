// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/utf8.h"

namespace linli::ws {

/// Spec: RFC 6455 §5.2.
enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

/// Close codes of the framing itself. Spec: RFC 6455 §7.4.1.
inline constexpr std::uint16_t kCloseProtocolError = 1002;
/// Stands for a close frame without a code; never sent.
inline constexpr std::uint16_t kCloseNoCode = 1005;
inline constexpr std::uint16_t kCloseNotUtf8 = 1007;
/// Payload of a control frame.
inline constexpr std::size_t kControlPayloadMax = 125;

/// What a peer's bytes came to.
struct FrameEvent {
  enum class Kind : std::uint8_t {
    /// Nothing whole: all input was taken.
    nothing,
    /// `data` is a whole message, `text` its kind.
    message,
    /// `data` is the payload.
    ping,
    pong,
    /// `code` is the peer's or kCloseNoCode. Nothing after it counts.
    close,
    /// A message is longer than allowed. It and all later ones are skipped.
    too_large,
    /// The peer broke RFC 6455; `code` is what to close with. Nothing after it counts.
    violation,
  };
  Kind kind = Kind::nothing;
  bool text = false;
  std::uint16_t code = 0;
  std::string_view data{};
};

/// The server's reading half of RFC 6455, without extensions: bytes in any pieces become events.
///
/// Lengths that are announced cost nothing. Text is checked as it comes (§8.1). A message that lies
/// whole in one input is handed on from there; only an incomplete one is copied, so an idle
/// connection owns no memory here.
/// Threads: one.
class FrameReader {
 public:
  /// Takes from the front of `input`, which it unmasks in place, up to the first event. Call until
  /// `nothing`. `data` is valid until the next call and as long as the input.
  FrameEvent next(std::span<char>& input);
  /// For messages that begin from here on; limits::kClientMessageBytesMax at first.
  void allow(std::size_t message_bytes_max) { message_bytes_max_ = message_bytes_max; }
  /// From here on messages are read over; control frames and faults still count.
  void skip_messages() { skipping_ = true; }
  /// Heap bytes of an incomplete message or control frame.
  [[nodiscard]] std::size_t kept() const {
    return message_.capacity() + control_.capacity() - 2 * std::string().capacity();
  }

 private:
  static constexpr std::size_t kHeaderBytesMax = 14;

  /// False when the input ended first or the header is a fault (code_).
  bool take_header(std::span<char>& input);
  [[nodiscard]] std::size_t header_bytes() const;
  /// Of the first two bytes: 0 or the code to close with.
  [[nodiscard]] std::uint16_t check_start() const;
  /// After the whole header.
  bool begin_payload();
  std::span<char> take_payload(std::span<char>& input);
  FrameEvent take_control(std::span<char>& input);
  FrameEvent take_data(std::span<char>& input);
  FrameEvent finish_message(std::string_view last);
  FrameEvent read_close(std::string_view payload);
  FrameEvent violation(std::uint16_t code);
  [[nodiscard]] Opcode opcode() const { return static_cast<Opcode>(header_[0] & 0x0f); }
  [[nodiscard]] bool fin() const { return (header_[0] & 0x80) != 0; }
  [[nodiscard]] bool is_control() const { return (header_[0] & 0x08) != 0; }

  std::array<std::uint8_t, kHeaderBytesMax> header_{};
  std::uint8_t header_size_ = 0;
  /// Header complete, payload under way.
  bool in_payload_ = false;
  bool in_message_ = false;
  bool text_ = false;
  bool skipping_ = false;
  bool ended_ = false;
  /// A message just passed the bound.
  bool too_large_ = false;
  std::uint16_t code_ = 0;
  Utf8Check utf8_;
  /// Payload bytes of this frame that have not come.
  std::uint64_t left_ = 0;
  std::uint64_t message_bytes_max_ = limits::kClientMessageBytesMax;
  /// Payload bytes announced for this message so far.
  std::uint64_t message_bytes_ = 0;
  /// The masking key, turned to the next payload byte.
  std::array<std::uint8_t, 4> mask_{};
  std::string message_;
  std::string control_;
  /// The one whose bytes the last event shows; freed by the next call.
  std::string* lent_ = nullptr;
};

/// Head of a frame to a client: final and unmasked.
struct FrameHead {
  std::array<char, 10> bytes{};
  std::size_t size = 0;
  [[nodiscard]] std::string_view view() const { return {bytes.data(), size}; }
};
FrameHead frame_head(Opcode opcode, std::uint64_t payload_bytes);
/// A whole control frame; a payload longer than kControlPayloadMax is cut.
std::string control_frame(Opcode opcode, std::string_view payload);
/// The reason is cut between two characters.
std::string close_frame(std::uint16_t code, std::string_view reason);

}  // namespace linli::ws
