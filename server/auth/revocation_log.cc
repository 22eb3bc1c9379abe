// SPDX-License-Identifier: Apache-2.0
#include "server/auth/revocation_log.h"

#include <charconv>
#include <string>

#include "server/auth/files.h"

namespace linli::auth {
namespace {

constexpr std::size_t kCidDigits = 32;

struct Line {
  sync::Cid cid;
  RevocationLog::Entry entry;
};

std::optional<Line> parse_line(std::string_view line) {
  const std::size_t blank = line.find(' ');
  if (blank == line.npos) return std::nullopt;
  const std::string_view rest = line.substr(blank + 1);
  const auto cid = Id128::parse(rest.substr(0, kCidDigits));
  if (!cid) return std::nullopt;
  std::int64_t at = 0;
  const std::string_view digits = line.substr(0, blank);
  std::from_chars(digits.data(), digits.data() + digits.size(), at);
  const std::string_view reason =
      rest.size() > kCidDigits ? rest.substr(kCidDigits + 1) : std::string_view{};
  return Line{sync::Cid{*cid}, {from_unix_ms(at), reason == kReplaced}};
}

}  // namespace

Result<std::unique_ptr<RevocationLog>> RevocationLog::open(std::filesystem::path file) {
  LINLI_TRY(const auto content, read_file(file));
  std::unique_ptr<RevocationLog> log(new RevocationLog(std::move(file)));
  std::string_view rest = content ? std::string_view(*content) : std::string_view{};
  for (std::size_t end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
    if (const auto line = parse_line(rest.substr(0, end))) log->note(line->cid, line->entry);
    rest.remove_prefix(end + 1);
  }
  log->torn_ = !rest.empty();
  return log;
}

bool RevocationLog::note(const sync::Cid& cid, const Entry& entry) {
  const auto [at, is_new] = entries_.try_emplace(cid, entry);
  if (is_new) return true;
  if (!at->second.replaced || entry.replaced) return false;
  at->second.replaced = false;
  return true;
}

Result<void> RevocationLog::add(const sync::Cid& cid, const Entry& entry) {
  const std::scoped_lock lock(mutex_);
  const auto known = entries_.find(cid);
  if (known != entries_.end() && (!known->second.replaced || entry.replaced)) return {};
  // A line that a power cut tore is ended first, so that this one stands alone.
  std::string line = torn_ ? "\n" : "";
  line += std::to_string(to_unix_ms(entry.at)) + " " + cid.raw().hex();
  if (entry.replaced) line += " " + std::string(kReplaced);
  LINLI_CHECK(append_durably(file_, line + "\n"));
  torn_ = false;
  note(cid, entry);
  return {};
}

std::optional<RevocationLog::Entry> RevocationLog::find(const sync::Cid& cid) const {
  const std::scoped_lock lock(mutex_);
  const auto at = entries_.find(cid);
  if (at == entries_.end()) return std::nullopt;
  return at->second;
}

std::map<sync::Cid, RevocationLog::Entry> RevocationLog::all() const {
  const std::scoped_lock lock(mutex_);
  return entries_;
}

}  // namespace linli::auth
