// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "server/http/site.h"

/// Enrolment slips: paper with a QR code and 8 digits (decisions M23, F1).
namespace linli::http {

struct Slip {
  /// Row key of the invite.
  std::string id;
  /// 8 digits.
  std::string code;
  /// 128 bits, base64url; what the QR code carries.
  std::string secret;
};

/// The same seed gives the same slip: a repeated request prints the paper that was printed before,
/// and nothing secret is stored. `seed` = who asked and their Idempotency-Key, or fresh randomness.
Slip make_slip(const auth::ServerKeys& keys, std::string_view seed);
/// Arguments of identity.create_invite, without the target.
Json invite_args(const auth::ServerKeys& keys, const Slip& slip);
/// Behind the QR code. The secret is in the fragment: it never reaches a server log or a link
/// preview.
std::string slip_url(std::string_view origin, std::string_view slug, std::string_view secret);

struct PrintedSlip {
  std::string title;
  std::string code;
  std::string secret;
};
/// Printable HTML page, 8 slips on each A4 sheet. Errors: too_large.
Result<std::string> slip_sheet(std::string_view community, std::string_view origin,
                               std::string_view slug, const std::vector<PrintedSlip>& slips);

class Slips {
 public:
  /// Slips of one request; a building.
  static constexpr std::size_t kSheetMax = 200;

  explicit Slips(const SiteParts& parts) : parts_(parts) {}
  void add_to(EndpointTable& table);

 private:
  void create(Call call, Respond done);
  void store(const Call& call, Slip slip, Respond done);
  void sheet(const Call& call, const Respond& done) const;
  void create_key(Call call, Respond done);

  const SiteParts& parts_;
};

}  // namespace linli::http
