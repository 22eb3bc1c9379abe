// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/webpush/payload.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/json.h"
#include "notify/text/headline.h"
#include "notify/text/shorten.h"

namespace linli::notify::webpush {
namespace {

/// 24 bytes are 32 characters.
constexpr std::size_t kTopicBytes = 24;

std::string_view kind_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::notice: return "notice";
    case Purpose::correction: return "correction";
    case Purpose::all_clear: return "all_clear";
    case Purpose::reminder: return "reminder";
    case Purpose::summary: return "summary";
    case Purpose::alarm: return "alarm";
    case Purpose::test: return "test";
  }
  return "notice";
}

/// What the text adds to the JSON: its escapes count, its quotes do not.
std::size_t json_bytes(const std::string& text) { return dump_json(Json(text)).size() - 2; }

/// The longest shortened form whose JSON form has at most `bytes_max`; found by halving, as escapes
/// make the JSON form longer than the text.
std::string shorten_json(const std::string& text, std::size_t bytes_max) {
  if (json_bytes(text) <= bytes_max) return text;
  std::size_t fits = 0;
  std::size_t too_much = std::min(text.size(), bytes_max + 1);
  while (fits + 1 < too_much) {
    const std::size_t middle = (fits + too_much) / 2;
    (json_bytes(shorten(text, middle)) <= bytes_max ? fits : too_much) = middle;
  }
  return shorten(text, fits);
}

}  // namespace

Result<std::string> write_payload(const Message& message, std::string_view tag,
                                  const PayloadOptions& options) {
  const std::string title = headline_of(message);
  const std::string line = one_line(message.action_line);
  Json out = {{"v", 1},
              {"id", message.notice},
              {"rev", message.rev},
              {"kind", kind_of(message.purpose)},
              {"sev", message.severity},
              {"tag", tag},
              {"title", ""},
              {"silent", is_silent(message.purpose, options.correction_sounds)}};
  if (!line.empty()) out["line"] = "";
  const std::size_t frame = dump_json(out).size();
  if (frame > options.bytes_max) return fail(Errc::too_large, "web push: the payload's frame");
  const std::size_t room = options.bytes_max - frame;
  // What to do matters more than the end of a long title.
  const std::size_t title_least = std::min(json_bytes(title), room / 4);
  const std::string shown_line = shorten_json(line, room - title_least);
  if (!line.empty()) out["line"] = shown_line;
  out["title"] = shorten_json(title, room - json_bytes(shown_line));
  return dump_json(out);
}

std::string topic_of(std::string_view collapse) {
  const Sha256 hash = sha256(as_bytes(collapse));
  return to_base64url(ByteView(hash).first(kTopicBytes));
}

}  // namespace linli::notify::webpush
