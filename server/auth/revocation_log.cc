// SPDX-License-Identifier: Apache-2.0
#include "server/auth/revocation_log.h"

#include <string>

#include "server/auth/files.h"

namespace linli::auth {

Result<std::unique_ptr<RevocationLog>> RevocationLog::open(std::filesystem::path file) {
  LINLI_TRY(const auto content, read_file(file));
  std::unique_ptr<RevocationLog> log(new RevocationLog(std::move(file)));
  std::string_view rest = content ? std::string_view(*content) : std::string_view{};
  for (std::size_t end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const std::size_t blank = line.find(' ');
    if (blank == line.npos) continue;
    if (const auto cid = Id128::parse(line.substr(blank + 1))) log->cids_.insert(sync::Cid{*cid});
  }
  log->torn_ = !rest.empty();
  return log;
}

Result<void> RevocationLog::add(const sync::Cid& cid, Instant at) {
  const std::scoped_lock lock(mutex_);
  if (cids_.contains(cid)) return {};
  // A line that a power cut tore is ended first, so that this one stands alone.
  const std::string head = torn_ ? "\n" : "";
  LINLI_CHECK(
      append_durably(file_, head + std::to_string(to_unix_ms(at)) + " " + cid.raw().hex() + "\n"));
  torn_ = false;
  cids_.insert(cid);
  return {};
}

bool RevocationLog::contains(const sync::Cid& cid) const {
  const std::scoped_lock lock(mutex_);
  return cids_.contains(cid);
}

std::set<sync::Cid> RevocationLog::all() const {
  const std::scoped_lock lock(mutex_);
  return cids_;
}

}  // namespace linli::auth
