// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smtp/compose.h"

#include <cstdint>

#include "notify/text/headline.h"

namespace linli::notify::smtp {
namespace {

/// Line by line, without other control characters.
std::string clean_lines(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t at = text.find('\n');
    std::string_view line = text.substr(0, at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out += one_line(line);
    if (at == std::string_view::npos) return out;
    out += "\r\n";
    text.remove_prefix(at + 1);
  }
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      case '\r': break;
      case '\n': out += "<br>\r\n"; break;
      default: out += c;
    }
  }
  return out;
}

bool is_web_link(std::string_view url) {
  return url.starts_with("https://") || url.starts_with("http://");
}

std::string paragraph(std::string_view tag, std::string_view text) {
  if (text.empty()) return {};
  const std::string name(tag);
  return "<" + name + ">" + escaped(text) + "</" + name + ">\r\n";
}

std::string linked(std::string_view url, std::string_view label) {
  if (!is_web_link(url)) return {};
  return "<p><a href=\"" + escaped(url) + "\">" + escaped(label) + "</a></p>\r\n";
}

std::string sender_of(const Message& message) {
  const std::string issuer = one_line(message.issuer);
  const std::string community = one_line(message.community);
  if (issuer.empty() || community.empty() || issuer == community)
    return issuer.empty() ? community : issuer;
  return community + " · " + issuer;
}

}  // namespace

Wording word(const Message& message, std::string_view unsubscribe_url) {
  const std::string title = headline_of(message);
  const std::string action = one_line(message.action_line);
  const std::string body = clean_lines(message.body);
  const std::string sender = sender_of(message);
  const std::string link = is_web_link(message.link) ? one_line(message.link) : "";
  const std::string_view answer = message.needs_ack ? "打开并确认收到" : "打开查看";
  Wording out;
  out.subject = title;
  for (const std::string& part : {title, action, body}) {
    if (!part.empty()) out.text += part + "\r\n\r\n";
  }
  if (!link.empty()) out.text += std::string(answer) + "：\r\n" + link + "\r\n\r\n";
  if (!sender.empty()) out.text += sender + "\r\n";
  if (!unsubscribe_url.empty())
    out.text += "不想再收到这类邮件：\r\n" + std::string(unsubscribe_url) + "\r\n";

  out.html = "<!DOCTYPE html>\r\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>" +
             escaped(title) + "</title></head>\r\n<body>\r\n" + paragraph("h1", title);
  if (!action.empty()) out.html += "<p><strong>" + escaped(action) + "</strong></p>\r\n";
  out.html += paragraph("p", body) + linked(link, answer) + paragraph("p", sender) +
              linked(unsubscribe_url, "不想再收到这类邮件") + "</body></html>\r\n";
  return out;
}

bool is_ordinary(const Message& message, Lane lane) {
  switch (message.purpose) {
    case Purpose::alarm:
    case Purpose::test: return false;
    case Purpose::notice:
    case Purpose::correction:
    case Purpose::all_clear:
    case Purpose::reminder:
    case Purpose::summary: break;
  }
  const bool is_warning = message.severity != "none" || lane == Lane::red || lane == Lane::orange;
  return !is_warning && !message.drill;
}

}  // namespace linli::notify::smtp
