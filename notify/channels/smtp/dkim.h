// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/signer.h"
#include "notify/channels/smtp/mail.h"

/// DKIM signatures (RFC 6376, RFC 8301): relaxed/relaxed, rsa-sha256.
namespace linli::notify::smtp {

/// RFC 6376 §3.4.2: lower-case name, unfolded, blanks collapsed; without CRLF at the end.
std::string relaxed_header(std::string_view name, std::string_view value);
/// RFC 6376 §3.4.4: blanks collapsed, none at line ends, no empty lines at the end.
std::string relaxed_body(std::string_view body);

class DkimSigner {
 public:
  /// `domain` and `selector` name the record `selector._domainkey.domain`.
  DkimSigner(std::unique_ptr<RsaKey> key, std::string domain, std::string selector)
      : key_(std::move(key)), domain_(std::move(domain)), selector_(std::move(selector)) {}

  /// Value of DKIM-Signature for `mail`. Signs every header that is there, the List-Unsubscribe
  /// pair included (RFC 8058 §4), and that there is no second From, To, Subject or Date.
  /// Errors: internal.
  [[nodiscard]] Result<std::string> sign(const Mail& mail, Instant now) const;
  /// Content of the TXT record that verifiers look up.
  [[nodiscard]] std::string dns_record() const;

 private:
  std::unique_ptr<RsaKey> key_;
  std::string domain_;
  std::string selector_;
};

}  // namespace linli::notify::smtp
