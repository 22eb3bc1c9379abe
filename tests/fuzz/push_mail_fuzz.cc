// SPDX-License-Identifier: Apache-2.0
// What browsers, push services, mail servers and notices tell the Web Push and SMTP channels:
// endpoints, Retry-After, reply codes, texts for headers. Whatever is taken can neither end a
// header nor an SMTP command, and is UTF-8.
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "notify/channels/smtp/reply.h"
#include "notify/channels/smtp/words.h"
#include "notify/channels/webpush/payload.h"
#include "notify/channels/webpush/subscription.h"
#include "notify/retry_after.h"
#include "notify/text/headline.h"

using namespace linli;

namespace {

constexpr std::string_view kKey =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

bool is_plain(std::string_view text) {
  for (const char c : text)
    if (c <= 0x20 || c >= 0x7f) return false;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  const auto to = notify::webpush::parse_subscription(
      {.medium = notify::Medium::webpush,
       .address = std::string(text),
       .params = {{"p256dh", std::string(kKey)}, {"auth", "BTBZMqHH6r4Tts7J_aSIgg"}}});
  if (to) LINLI_ASSERT(is_plain(text) && to->origin.starts_with("https://" + to->host));
  const Millis wait = notify::parse_retry_after(text, Instant{});
  LINLI_ASSERT(wait >= Millis{0} && wait <= notify::kRetryAfterMax);
  if (notify::smtp::is_mailbox(text)) LINLI_ASSERT(is_plain(text));
  CallReply reply;
  reply.status = 550;
  reply.body = text;
  LINLI_ASSERT(is_plain(notify::smtp::outcome_of(reply).reason.substr(5, 3)));
  const std::string line = notify::one_line(text);
  LINLI_ASSERT(is_valid_utf8(line));
  for (const std::string& header :
       {notify::smtp::encode_text(line, 9), notify::smtp::encode_phrase(line, 6)}) {
    for (std::size_t at = header.find('\n'); at != std::string::npos;
         at = header.find('\n', at + 1))
      LINLI_ASSERT(at > 0 && header[at - 1] == '\r' && header[at + 1] == ' ');
  }
  notify::Message message;
  message.title = text;
  message.action_line = text;
  const auto payload = notify::webpush::write_payload(message, "t", {.bytes_max = 512});
  LINLI_ASSERT(payload && payload->size() <= 512 && is_valid_utf8(*payload));
  return 0;
}
