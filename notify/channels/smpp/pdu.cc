// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smpp/pdu.h"

#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"

namespace linli::notify::smpp {
namespace {

/// The longest C string that is read: message ids of up to 64 characters are legal, and peers have
/// been seen with longer ones.
constexpr std::size_t kTextMax = 255;

std::uint32_t read_u32(std::string_view at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(at[i]);
  return value;
}

void append_u8(std::string& out, std::uint8_t value) { out += static_cast<char>(value); }

/// C-octet string [3.1].
void append_text(std::string& out, std::string_view text) {
  LINLI_ASSERT(text.find('\0') == std::string_view::npos);
  out += text;
  out += '\0';
}

void append_address(std::string& out, const Address& address) {
  append_u8(out, address.ton);
  append_u8(out, address.npi);
  append_text(out, address.digits);
}

/// Reads fields in order; after the first failure everything is empty.
class Reader {
 public:
  explicit Reader(std::string_view body) : left_(body) {}

  std::uint8_t u8(const char* field) {
    const std::string_view bytes = take(1, field);
    return bytes.empty() ? 0 : static_cast<std::uint8_t>(bytes[0]);
  }
  std::uint16_t u16(const char* field) {
    const std::string_view bytes = take(2, field);
    if (bytes.empty()) return 0;
    return static_cast<std::uint16_t>(static_cast<std::uint8_t>(bytes[0]) << 8 |
                                      static_cast<std::uint8_t>(bytes[1]));
  }
  std::string text(const char* field) {
    const std::size_t end = left_.substr(0, kTextMax + 1).find('\0');
    if (end == std::string_view::npos) {
      give_up(field);
      return {};
    }
    const std::string out(left_.substr(0, end));
    left_.remove_prefix(end + 1);
    return out;
  }
  Address address(const char* field) {
    const std::uint8_t ton = u8(field);
    const std::uint8_t npi = u8(field);
    return {.ton = ton, .npi = npi, .digits = text(field)};
  }
  std::string_view take(std::size_t size, const char* field) {
    if (left_.size() < size) {
      give_up(field);
      return {};
    }
    const std::string_view out = left_.substr(0, size);
    left_.remove_prefix(size);
    return out;
  }
  [[nodiscard]] bool is_at_end() const { return left_.empty(); }
  /// The field that could not be read; nullptr so far.
  [[nodiscard]] const char* failed() const { return failed_; }

 private:
  void give_up(const char* field) {
    if (failed_ == nullptr) failed_ = field;
    left_ = {};
  }

  std::string_view left_;
  const char* failed_ = nullptr;
};

}  // namespace

std::string encode(const Pdu& pdu) {
  LINLI_ASSERT(pdu.body.size() + kHeaderBytes <= kPduBytesMax);
  std::string out;
  out.reserve(kHeaderBytes + pdu.body.size());
  append_u32be(out, static_cast<std::uint32_t>(kHeaderBytes + pdu.body.size()));
  append_u32be(out, static_cast<std::uint32_t>(pdu.command));
  append_u32be(out, pdu.status);
  append_u32be(out, pdu.sequence);
  return out + pdu.body;
}

void Framer::feed(std::string_view bytes) {
  buffer_.erase(0, read_);
  read_ = 0;
  buffer_ += bytes;
}

Result<std::optional<Pdu>> Framer::next() {
  const std::string_view left = std::string_view(buffer_).substr(read_);
  if (left.size() < 4) return std::nullopt;
  const std::size_t length = read_u32(left);
  if (length < kHeaderBytes) return fail(Errc::malformed, "smpp: command_length");
  if (length > kPduBytesMax) return fail(Errc::too_large, "smpp: command_length");
  if (left.size() < length) return std::nullopt;
  read_ += length;
  return Pdu{.command = static_cast<Command>(read_u32(left.substr(4))),
             .status = read_u32(left.substr(8)),
             .sequence = read_u32(left.substr(12)),
             .body = std::string(left.substr(kHeaderBytes, length - kHeaderBytes))};
}

std::string encode(const Bind& bind) {
  std::string out;
  append_text(out, bind.system_id);
  append_text(out, bind.password);
  append_text(out, bind.system_type);
  append_u8(out, bind.version);
  append_address(out, bind.range);
  return out;
}

const std::string* ShortMessage::tlv(std::uint16_t tag) const {
  const auto found = std::ranges::find(tlvs, tag, &Tlv::tag);
  return found == tlvs.end() ? nullptr : &found->value;
}

std::string encode(const ShortMessage& message) {
  LINLI_ASSERT(message.text.size() <= kShortMessageMax);
  std::string out;
  append_text(out, message.service_type);
  append_address(out, message.source);
  append_address(out, message.destination);
  append_u8(out, message.esm_class);
  append_u8(out, message.protocol_id);
  append_u8(out, message.priority);
  append_text(out, message.schedule_time);
  append_text(out, message.validity_period);
  append_u8(out, message.registered_delivery);
  append_u8(out, message.replace_if_present);
  append_u8(out, message.data_coding);
  append_u8(out, message.default_message);
  append_u8(out, static_cast<std::uint8_t>(message.text.size()));
  out += message.text;
  for (const Tlv& tlv : message.tlvs) {
    append_u16be(out, tlv.tag);
    append_u16be(out, static_cast<std::uint16_t>(tlv.value.size()));
    out += tlv.value;
  }
  return out;
}

Result<ShortMessage> parse_short_message(std::string_view body) {
  Reader reader(body);
  ShortMessage out;
  out.service_type = reader.text("service_type");
  out.source = reader.address("source_addr");
  out.destination = reader.address("destination_addr");
  out.esm_class = reader.u8("esm_class");
  out.protocol_id = reader.u8("protocol_id");
  out.priority = reader.u8("priority_flag");
  out.schedule_time = reader.text("schedule_delivery_time");
  out.validity_period = reader.text("validity_period");
  out.registered_delivery = reader.u8("registered_delivery");
  out.replace_if_present = reader.u8("replace_if_present_flag");
  out.data_coding = reader.u8("data_coding");
  out.default_message = reader.u8("sm_default_msg_id");
  const std::uint8_t length = reader.u8("sm_length");
  if (length > kShortMessageMax) return fail(Errc::malformed, "smpp: sm_length");
  out.text = std::string(reader.take(length, "short_message"));
  while (!reader.is_at_end()) {
    if (out.tlvs.size() == kTlvsMax) return fail(Errc::malformed, "smpp: too many parameters");
    const std::uint16_t tag = reader.u16("tag");
    const std::uint16_t size = reader.u16("length");
    out.tlvs.push_back({tag, std::string(reader.take(size, "optional parameter"))});
  }
  if (reader.failed() != nullptr)
    return fail(Errc::malformed, std::string("smpp: ") + reader.failed());
  return out;
}

std::string parse_message_id(std::string_view body) {
  return std::string(body.substr(0, std::min(body.find('\0'), kTextMax)));
}

std::string encode_message_id(std::string_view id) {
  std::string out;
  append_text(out, id);
  return out;
}

}  // namespace linli::notify::smpp
