// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "notify/cap/incidents.h"

/// Warnings as a feed would carry them, made by hand for these tests.
namespace linli::notify::cap::test {

/// 2026-07-20 16:00 in China.
Instant start_time();

struct Sample {
  std::string sender = "qx@example.cn";
  std::string identifier = "41010341600000_20260720160000_0";
  Instant sent = start_time();
  std::string status = "Actual";
  std::string type = "Alert";
  /// Messages referred to.
  std::vector<AlertKey> references = {};
  std::string event = "暴雨";
  std::string headline = "发布暴雨红色预警信号";
  std::string severity = "Extreme";
  std::string response = {};
  /// Empty = no expires.
  std::string expires = "2026-07-21T16:00:00+08:00";
  /// Contents of <area> after its description; empty = no area at all.
  std::string area =
      "<geocode><valueName>CPEAS Geographic Code</valueName><value>410103</value></geocode>";

  [[nodiscard]] AlertKey key() const { return {sender, identifier, sent}; }
  [[nodiscard]] std::string xml() const;
};

/// The same with an identifier and a time `minutes` later.
Sample later(Sample base, int minutes);

/// The only alert of `xml`; an assertion of the test fails when it cannot be read.
AlertDocument document_of(const std::string& xml, const TrustStore& trust = {});

std::string golden(std::string_view name);
const TrustStore& signer_trust();
SigningKey signer();
SigningKey stranger();

/// A community of four buildings in 410103002005, in a row from west to east, and one elsewhere.
BookSettings book_settings();

/// "open red x2 !" and so on, one word group for each action: kind, colour, signal number, ! when
/// it sounds, ~ for a drill, R when a rule may send it.
std::string summary(const std::vector<Action>& actions);

}  // namespace linli::notify::cap::test
