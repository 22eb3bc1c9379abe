// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// The protocol data units of SMPP 3.4 that a sender of messages meets; pure bytes <-> values.
/// Spec: "Short Message Peer-to-Peer Protocol Specification v3.4", issue 1.2; sections in brackets.
namespace linli::notify::smpp {

/// A message_payload may hold 64 KiB; nothing longer is read.
inline constexpr std::size_t kPduBytesMax = 65 * 1024 + 512;
inline constexpr std::size_t kHeaderBytes = 16;
/// [3.2.2] sequence numbers run from 1 to this.
inline constexpr std::uint32_t kSequenceMax = 0x7FFFFFFF;
/// [4.4.1] sm_length is one octet, and 255 is reserved.
inline constexpr std::size_t kShortMessageMax = 254;
/// Optional parameters of one PDU; a legal one has at most a dozen.
inline constexpr std::size_t kTlvsMax = 64;

/// command_id [5.1.2.1]. Others are legal on the wire and answered with generic_nack.
enum class Command : std::uint32_t {
  generic_nack = 0x80000000,
  bind_receiver = 0x00000001,
  bind_transmitter = 0x00000002,
  submit_sm = 0x00000004,
  deliver_sm = 0x00000005,
  unbind = 0x00000006,
  bind_transceiver = 0x00000009,
  outbind = 0x0000000B,
  enquire_link = 0x00000015,
  alert_notification = 0x00000102,
  submit_sm_resp = 0x80000004,
  deliver_sm_resp = 0x80000005,
  unbind_resp = 0x80000006,
  enquire_link_resp = 0x80000015,
};
constexpr bool is_response(Command command) noexcept {
  return (static_cast<std::uint32_t>(command) & 0x80000000U) != 0;
}
constexpr Command response_to(Command command) noexcept {
  return static_cast<Command>(static_cast<std::uint32_t>(command) | 0x80000000U);
}

/// One PDU: the header [3.2] without its length, and the bytes behind it.
struct Pdu {
  Command command = Command::generic_nack;
  std::uint32_t status = 0;
  std::uint32_t sequence = 0;
  std::string body;
  friend bool operator==(const Pdu&, const Pdu&) = default;
};
/// `pdu.body` fits kPduBytesMax.
std::string encode(const Pdu& pdu);

/// Cuts the byte stream of one connection into PDUs.
class Framer {
 public:
  void feed(std::string_view bytes);
  /// The next whole PDU; nullopt when more bytes are needed.
  /// Errors: malformed (a length below the header), too_large. The stream cannot be read on then.
  Result<std::optional<Pdu>> next();

 private:
  std::string buffer_;
  std::size_t read_ = 0;
};

struct Address {
  /// Type of number and numbering plan [5.2.5, 5.2.6].
  std::uint8_t ton = 0;
  std::uint8_t npi = 0;
  std::string digits{};
  friend bool operator==(const Address&, const Address&) = default;
};

/// Body of the three binds [4.1].
struct Bind {
  std::string system_id;
  std::string password;
  std::string system_type;
  std::uint8_t version = 0x34;
  Address range{};
};
std::string encode(const Bind& bind);

/// Optional parameter [3.2.4.1].
struct Tlv {
  std::uint16_t tag = 0;
  std::string value;
  friend bool operator==(const Tlv&, const Tlv&) = default;
};
inline constexpr std::uint16_t kTagReceiptedMessageId = 0x001E;
inline constexpr std::uint16_t kTagMessagePayload = 0x0424;
inline constexpr std::uint16_t kTagMoreMessages = 0x0426;
inline constexpr std::uint16_t kTagMessageState = 0x0427;

/// esm_class [5.2.12].
inline constexpr std::uint8_t kEsmUserDataHeader = 0x40;
inline constexpr std::uint8_t kEsmTypeMask = 0x3C;
inline constexpr std::uint8_t kEsmReceipt = 0x04;
inline constexpr std::uint8_t kEsmIntermediate = 0x20;
/// data_coding [5.2.19].
inline constexpr std::uint8_t kCodingDefault = 0;
inline constexpr std::uint8_t kCodingAscii = 1;
inline constexpr std::uint8_t kCodingLatin1 = 3;
inline constexpr std::uint8_t kCodingUcs2 = 8;

/// Body that submit_sm and deliver_sm share [4.4.1, 4.6.1].
struct ShortMessage {
  std::string service_type;
  Address source;
  Address destination;
  std::uint8_t esm_class = 0;
  std::uint8_t protocol_id = 0;
  std::uint8_t priority = 0;
  std::string schedule_time;
  std::string validity_period;
  std::uint8_t registered_delivery = 0;
  std::uint8_t replace_if_present = 0;
  std::uint8_t data_coding = 0;
  std::uint8_t default_message = 0;
  /// At most kShortMessageMax.
  std::string text;
  std::vector<Tlv> tlvs;
  friend bool operator==(const ShortMessage&, const ShortMessage&) = default;

  /// Value of the first optional parameter `tag`; nullptr when it has none.
  [[nodiscard]] const std::string* tlv(std::uint16_t tag) const;
};
std::string encode(const ShortMessage& message);
/// Takes longer addresses than the specification's 20 characters, as peers send them.
/// Errors: malformed (detail names the field, never its content).
Result<ShortMessage> parse_short_message(std::string_view body);

/// message_id of a submit_sm_resp [4.4.2]; empty when the body is absent, as with an error status,
/// or holds none (notify.md §5 trap 16).
std::string parse_message_id(std::string_view body);
/// Body of submit_sm_resp and deliver_sm_resp.
std::string encode_message_id(std::string_view id);

}  // namespace linli::notify::smpp
