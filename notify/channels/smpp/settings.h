// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "notify/channel.h"
#include "notify/channels/smpp/pdu.h"
#include "notify/channels/smpp/status.h"
#include "notify/text/sms_text.h"

namespace linli::notify::smpp {

/// How a peer writes message ids: the same one may come in hexadecimal with the response and in
/// decimal with the receipt.
enum class IdForm : std::uint8_t { text, hex, decimal };

/// One SMPP channel as configured; README.md explains each key.
struct Settings {
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  std::string ca_file;

  std::string system_id;
  std::string password;
  std::string system_type;
  /// Two sessions, one that sends and one that receives, instead of one for both.
  bool is_split = false;

  Address source;
  std::string service_type;
  /// Put before numbers without a plus; empty = sent as they are.
  std::string country_code;

  std::size_t window = 10;
  Millis enquire_every{30'000};
  Millis response_max{30'000};

  bool receipts = true;
  Millis validity_max{48 * 3'600'000};
  std::uint8_t red_priority = 0;
  IdForm response_id = IdForm::text;
  IdForm receipt_id = IdForm::text;
  /// Of the dates in receipts.
  std::chrono::minutes receipt_zone{480};
  /// err: field -> outcome.
  std::map<std::string, OutcomeKind, std::less<>> receipt_errors;
  StatusOverrides statuses;

  SmsForm form;
  /// Folded as fold_reply() does.
  std::vector<std::string> opt_out_words;
  std::int64_t part_price = 0;
};

/// Errors: invalid_argument, naming the key; what reading the password file says.
Result<Settings> parse_settings(const AdapterParts& parts);

}  // namespace linli::notify::smpp
