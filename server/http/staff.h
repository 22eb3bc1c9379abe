// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/http/site.h"

namespace linli::http {

/// The second factor of staff: passphrase and TOTP give an elevated token (decision B7).
class Staff {
 public:
  static constexpr std::size_t kPassphraseCharsMin = 10;
  /// Between showing the authenticator's QR code and its first code.
  static constexpr std::chrono::minutes kTicketLife{15};

  Staff(const SiteParts& parts, const auth::Tokens& tokens) : parts_(parts), tokens_(tokens) {}
  void add_to(EndpointTable& table);

 private:
  using Shared = std::shared_ptr<const Call>;

  void elevate(Call call, Respond done);
  void check_factors(const Shared& call, const Json& credential, const Respond& done);
  void use_step(const Shared& call, std::uint64_t step, const Respond& done);
  void begin_setup(Call call, Respond done);
  void make_ticket(const Shared& call, const Respond& done);
  void finish_setup(Call call, Respond done);
  void reset(Call call, Respond done);

  /// Seals under a key of its own for each purpose.
  [[nodiscard]] std::string sealed(std::string_view purpose, std::string_view plain) const;
  [[nodiscard]] Result<std::string> opened(std::string_view purpose, const std::string& text) const;
  /// Five wrong ones, then a rest.
  bool may_try(const Call& call, const Respond& done);
  void submit(std::string name, Json args, std::function<void(Result<Json>)> done) const;

  const SiteParts& parts_;
  const auth::Tokens& tokens_;
  auth::RateLimiter tries_{auth::kElevateTries};
};

}  // namespace linli::http
