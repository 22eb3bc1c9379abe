// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/notify/cap_samples.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/assert.h"

namespace linli::notify::cap::test {

Instant start_time() { return *parse_cap_time("2026-07-20T16:00:00+08:00", {}); }

std::string Sample::xml() const {
  const std::chrono::minutes zone{8 * 60};
  std::string list;
  for (const AlertKey& key : references)
    list += " " + key.sender + "," + key.identifier + "," + cap_time(key.sent, zone);
  std::string out = "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">";
  out += "<identifier>" + identifier + "</identifier><sender>" + sender + "</sender>";
  out += "<sent>" + cap_time(sent, zone) + "</sent><status>" + status + "</status>";
  out += "<msgType>" + type + "</msgType><scope>Public</scope>";
  if (!list.empty()) out += "<references>" + list + "</references>";
  out += "<info><language>zh-CN</language><category>Met</category><event>" + event + "</event>";
  if (!response.empty()) out += "<responseType>" + response + "</responseType>";
  out += "<urgency>Immediate</urgency><severity>" + severity +
         "</severity><certainty>Likely</certainty>";
  if (!expires.empty()) out += "<expires>" + expires + "</expires>";
  out += "<senderName>气象台</senderName><headline>" + headline + "</headline>";
  if (!area.empty()) out += "<area><areaDesc>二七区</areaDesc>" + area + "</area>";
  return out + "</info></alert>";
}

Sample later(Sample base, int minutes) {
  base.sent = base.sent + std::chrono::minutes{minutes};
  base.identifier += "." + std::to_string(minutes);
  return base;
}

AlertDocument document_of(const std::string& xml, const TrustStore& trust) {
  auto found = read_alerts(xml, trust);
  EXPECT_TRUE(found.has_value()) << (found ? "" : found.error().detail);
  if (!found) return {};
  EXPECT_EQ(found->size(), 1U);
  return found->front();
}

std::string golden(std::string_view name) {
  std::ifstream in("tests/golden/cap/" + std::string(name), std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

const TrustStore& signer_trust() {
  static const TrustStore store = [] {
    auto loaded = TrustStore::load(golden("signer_cert.pem"));
    LINLI_ASSERT(loaded.has_value());
    return std::move(*loaded);
  }();
  return store;
}

SigningKey signer() { return {golden("signer_key.pem"), golden("signer_cert.pem")}; }
SigningKey stranger() { return {golden("stranger_key.pem"), golden("stranger_cert.pem")}; }

BookSettings book_settings() {
  BookSettings settings;
  settings.sources["cma"] = {
      .senders = {"qx@example.cn"}, .requires_signature = false, .has_standing_rule = true};
  for (int i = 0; i < 4; ++i) {
    const double west = 113.600 + i * 0.001;
    settings.places.push_back(
        {"b" + std::to_string(i + 1),
         "410103002005",
         {{34.700, west}, {34.700, west + 0.0005}, {34.701, west + 0.0005}, {34.701, west}}});
  }
  settings.places.push_back({"far", "410105001001", {{34.80, 113.70}}});
  return settings;
}

std::string summary(const std::vector<Action>& actions) {
  std::string out;
  for (const Action& action : actions) {
    if (!out.empty()) out += ", ";
    out += kActionNames[static_cast<std::size_t>(action.kind)];
    const bool is_message = action.kind == Action::Kind::open ||
                            action.kind == Action::Kind::update ||
                            action.kind == Action::Kind::all_clear;
    if (!is_message) continue;
    out += " " + std::string(colour_name(action.colour));
    if (action.signal_no > 1) out += " x" + std::to_string(action.signal_no);
    if (action.sound) out += " !";
    if (action.drill) out += " ~";
    if (action.may_send_by_rule) out += " R";
  }
  return out;
}

}  // namespace linli::notify::cap::test
