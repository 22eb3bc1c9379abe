// SPDX-License-Identifier: Apache-2.0
#include "notify/text/sms_text.h"

#include <vector>

#include "base/bytes.h"
#include "notify/text/graphemes.h"
#include "notify/text/headline.h"

namespace linli::notify {
namespace {

bool is_warning(const Message& message) {
  return message.severity == "orange" || message.severity == "red";
}

/// What stands around the body, and what the peer adds.
struct Frame {
  std::string head;
  std::string tail;
  std::string peer_before;
  std::string peer_after;
};

Frame frame_of(const Message& message, const SmsForm& form) {
  Frame frame;
  if (!form.signature.empty())
    (form.signature_by_peer ? frame.peer_before : frame.head) = "【" + form.signature + "】";
  frame.head += opening_of(message) + message.title;
  if (!message.action_line.empty()) frame.head += "\n" + message.action_line;
  if (form.links && !message.link.empty()) frame.tail += "\n" + message.link;
  if (const std::string line = reply_line(message); form.replies && !line.empty())
    frame.tail += "\n" + line;
  if (!form.opt_out.empty() && !is_warning(message)) {
    if (form.opt_out_by_peer)
      frame.peer_after = form.opt_out;
    else
      frame.tail += "\n" + form.opt_out;
  }
  return frame;
}

Result<SmsText> split_with(const Frame& frame, const SmsForm& form, const std::string& body) {
  const std::string ours = frame.head + (body.empty() ? "" : "\n" + body) + frame.tail;
  LINLI_TRY(SmsSplit split, split_sms(ours, {.parts_max = form.parts_max,
                                             .before = frame.peer_before,
                                             .after = frame.peer_after,
                                             .ucs2_only = form.ucs2_only}));
  return SmsText{.shown = frame.peer_before + ours + frame.peer_after, .split = std::move(split)};
}

}  // namespace

Result<SmsText> write_sms(const Message& message, const SmsForm& form) {
  const Frame frame = frame_of(message, form);
  auto whole = split_with(frame, form, message.body);
  if (whole || whole.error().code != Errc::too_large) return whole;
  LINLI_TRY(SmsText best, split_with(frame, form, ""));
  const std::u32string body = to_code_points(message.body);
  const auto clusters = split_graphemes(body);
  // An ellipsis would make two UCS-2 parts of one GSM-7 part.
  const char* mark = to_gsm7(frame.head + message.body + frame.tail) ? "..." : "…";
  // More clusters need as many parts or more, so the longest body that fits is found by halving.
  std::size_t fits = 0;
  std::size_t too_many =
      std::min(clusters.size(), form.parts_max * single_units_max(SmsCoding::gsm7));
  while (fits + 1 < too_many) {
    const std::size_t middle = (fits + too_many) / 2;
    const auto end = static_cast<std::size_t>(clusters[middle].data() - body.data());
    const std::string cut = to_utf8(std::u32string_view(body).substr(0, end)) + mark;
    if (auto text = split_with(frame, form, cut)) {
      best = std::move(*text);
      fits = middle;
    } else {
      too_many = middle;
    }
  }
  return best;
}

}  // namespace linli::notify
