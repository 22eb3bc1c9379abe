// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smtp/dkim.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/crypto.h"

namespace linli::notify::smtp {
namespace {

/// Listed once more than they occur: an added one breaks the signature (RFC 6376 §8.15).
constexpr std::array<std::string_view, 4> kOversigned = {"From", "To", "Subject", "Date"};
constexpr std::size_t kSignatureColumns = 72;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Runs of blanks become one space; none is left at the end.
std::string collapsed(std::string_view line) {
  std::string out;
  bool was_blank = false;
  for (const char c : line) {
    if (is_blank(c)) {
      was_blank = true;
      continue;
    }
    if (was_blank) out += ' ';
    was_blank = false;
    out += c;
  }
  return out;
}

}  // namespace

std::string relaxed_header(std::string_view name, std::string_view value) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::string unfolded;
  for (const char c : value)
    if (c != '\r' && c != '\n') unfolded += c;
  std::string_view from = unfolded;
  while (!from.empty() && is_blank(from.front())) from.remove_prefix(1);
  return out + ":" + collapsed(from);
}

std::string relaxed_body(std::string_view body) {
  std::string out;
  // Where the text ends that empty lines may follow.
  std::size_t end = 0;
  while (!body.empty()) {
    const std::size_t at = body.find("\r\n");
    const std::string line = collapsed(body.substr(0, at));
    out += line;
    out += "\r\n";
    if (!line.empty()) end = out.size();
    body.remove_prefix(at == std::string_view::npos ? body.size() : at + 2);
  }
  out.resize(end);
  return out;
}

Result<std::string> DkimSigner::sign(const Mail& mail, Instant now) const {
  std::string names;
  std::size_t used = 3;
  const auto add_name = [&](std::string_view name) {
    const std::size_t size = name.size() + (names.empty() ? 0 : 1);
    if (!names.empty()) names += ':';
    if (used + size >= kSignatureColumns) names += "\r\n ", used = 1;
    names += name;
    used += size;
  };
  std::string signed_text;
  // Repeated headers are taken from the bottom up; none of ours is repeated.
  for (const auto& [name, value] : mail.headers) {
    add_name(name);
    signed_text += relaxed_header(name, value) + "\r\n";
  }
  for (const std::string_view name : kOversigned) add_name(name);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const Sha256 body_hash = sha256(as_bytes(relaxed_body(mail.body)));
  std::string out = "v=1; a=rsa-sha256; c=relaxed/relaxed; d=" + domain_ + ";\r\n s=" + selector_ +
                    "; t=" + std::to_string(seconds) + ";\r\n h=" + names +
                    ";\r\n bh=" + to_base64(body_hash) + ";\r\n b=";
  signed_text += relaxed_header("DKIM-Signature", out);
  LINLI_TRY(const std::string signature, key_->sign(as_bytes(signed_text)));
  const std::string text = to_base64(as_bytes(signature));
  for (std::size_t at = 0; at < text.size(); at += kSignatureColumns)
    out.append(at == 0 ? "" : "\r\n ").append(text, at, kSignatureColumns);
  return out;
}

std::string DkimSigner::dns_record() const {
  return "v=DKIM1; k=rsa; p=" + to_base64(as_bytes(key_->pub_der()));
}

}  // namespace linli::notify::smtp
