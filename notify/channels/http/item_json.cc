// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "notify/channels/http/approved.h"
#include "notify/channels/http/example.h"
#include "notify/channels/http/render.h"

namespace linli::notify::http {
namespace {

Result<Message> parse_message(const Json& json) {
  Message out;
  Fields fields(json, "item.message");
  out.notice = fields.text("notice", "n1");
  out.rev = fields.integer("rev", 1, 0, 1'000'000);
  out.category = fields.text("category", "weather");
  out.severity = fields.text("severity", "none");
  out.title = fields.text("title", "停水通知");
  out.action_line = fields.text("action_line");
  out.body = fields.text("body", "明天8点到18点停水。");
  out.issuer = fields.text("issuer", "社区办公室");
  out.community = fields.text("community", "淮南社区");
  out.link = fields.text("link");
  out.needs_ack = fields.flag("needs_ack");
  out.drill = fields.flag("drill");
  const std::string purpose = fields.text("purpose", "notice");
  while (purpose_name(out.purpose) != purpose) {
    if (out.purpose == Purpose::test) {
      fields.fault("purpose", "no such purpose");
      break;
    }
    out.purpose = static_cast<Purpose>(static_cast<int>(out.purpose) + 1);
  }
  LINLI_CHECK(fields.finish());
  return out;
}

}  // namespace

Result<Item> parse_item(const Json& json, Medium medium, Instant now) {
  Item out;
  Fields fields(json, "item");
  out.id = DeliveryId(static_cast<std::uint64_t>(fields.integer("delivery", 7, 1, 1LL << 53)));
  out.key = fields.text("key", "00112233445566778899aabbccddeeff");
  out.collapse = fields.text("collapse", "n1");
  out.to.medium = medium;
  out.to.address = fields.text("to", "13800000007");
  const Json params = fields.object("params");
  for (const auto& [name, value] : params.items()) out.to.params[name] = text_of(value);
  const std::string lane = fields.text("lane", "bulk");
  const auto found = std::ranges::find(kLaneNames, lane);
  if (found == kLaneNames.end()) fields.fault("lane", "no such lane: " + lane);
  out.expires = now + std::chrono::seconds(fields.integer("ttl_s", 3600, 1, 31 * 86'400));
  const Json message = fields.object("message");
  LINLI_CHECK(fields.finish());
  out.lane = static_cast<Lane>(found - kLaneNames.begin());
  LINLI_TRY(out.message, parse_message(message.is_null() ? Json::object() : message));
  return out;
}

}  // namespace linli::notify::http
