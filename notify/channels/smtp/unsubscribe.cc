// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smtp/unsubscribe.h"

#include "base/bytes.h"

namespace linli::notify::smtp {
namespace {

constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kMacBytes = 16;

std::string mac_of(const Secret& secret, std::string_view id) {
  std::string message = "linli.unsubscribe.1";
  message += id;
  const Sha256 mac = hmac_sha256(secret.view(), as_bytes(message));
  return std::string(as_text(ByteView(mac).first(kMacBytes)));
}

}  // namespace

std::string unsubscribe_token(const Secret& secret, DeliveryId delivery) {
  std::string raw;
  append_u64be(raw, delivery.raw());
  raw += mac_of(secret, raw);
  return to_base64url(as_bytes(raw));
}

std::optional<DeliveryId> read_unsubscribe_token(const Secret& secret, std::string_view token) {
  const auto raw = from_base64url(token);
  if (!raw || raw->size() != kIdBytes + kMacBytes) return std::nullopt;
  const std::string_view id = std::string_view(*raw).substr(0, kIdBytes);
  const std::string_view mac = std::string_view(*raw).substr(kIdBytes);
  if (!constant_time_equal(as_bytes(mac), as_bytes(mac_of(secret, id)))) return std::nullopt;
  return DeliveryId{read_u64be(as_bytes(id))};
}

bool is_one_click(std::string_view body) {
  if (body.find("List-Unsubscribe=One-Click") != std::string_view::npos) return true;
  return body.find("name=\"List-Unsubscribe\"") != std::string_view::npos &&
         body.find("One-Click") != std::string_view::npos;
}

std::string_view unsubscribe_page() {
  return R"(<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>退订邮件</title>
<meta name="viewport" content="width=device-width"></head>
<body><h1>退订邮件</h1>
<p>退订后，社区的普通通知不再发到这个邮箱。预警仍会发送。</p>
<form method="post"><button name="List-Unsubscribe" value="One-Click">退订</button></form>
</body></html>
)";
}

}  // namespace linli::notify::smtp
