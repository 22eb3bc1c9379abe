// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/example.h"

#include <algorithm>

#include "base/bytes.h"
#include "notify/channels/http/http_adapter.h"
#include "notify/channels/http/render.h"
#include "notify/channels/http/settings.h"

namespace linli::notify::http {
namespace {

/// Gives the example's nonce again and again.
class FixedRng final : public Rng {
 public:
  explicit FixedRng(std::string bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = bytes_.empty() ? 0 : static_cast<std::uint8_t>(bytes_[i % bytes_.size()]);
  }

 private:
  std::string bytes_;
};

std::unexpected<Error> differs(const std::string& what, const std::string& wanted,
                               const std::string& got) {
  return fail(Errc::invalid_argument, what + ": expected " + wanted + ", got " + got);
}

Result<void> same(const std::string& what, const std::string& wanted, const std::string& got) {
  if (wanted == got) return {};
  return differs(what, wanted, got);
}

/// The members of `wanted`, compared one by one with those of `got`.
Result<void> same_members(const std::string& what, const Json& wanted, const Json& got) {
  for (const auto& [key, value] : wanted.items()) {
    const auto found = got.find(key);
    const std::string have = found == got.end() ? "nothing" : dump_json(*found);
    LINLI_CHECK(same(std::string(what).append(".").append(key), dump_json(value), have));
  }
  return {};
}

Json shown(const HttpCall& call) {
  Json headers = Json::object();
  for (const auto& [name, value] : call.headers) headers[name] = value;
  return {{"method", call.method}, {"url", call.url}, {"headers", headers}, {"body", call.body}};
}

Json shown(const action::Done& done) {
  static constexpr std::array<std::string_view, 3> kScopes = {"account", "recipient", "template"};
  const Outcome& outcome = done.outcome;
  return {{"delivery", done.id.raw()},
          {"outcome", outcome_name(outcome.kind)},
          {"scope", kScopes[static_cast<std::size_t>(outcome.scope)]},
          {"wait_s", outcome.wait.count() / 1000},
          {"ids", outcome.provider_ids},
          {"parts", outcome.parts},
          {"certain", outcome.is_certain},
          {"peer_fault", outcome.is_peer_fault},
          {"reason", outcome.reason}};
}

Json shown(const Receipt& receipt) {
  static constexpr std::array<std::string_view, 4> kStates = {"accepted", "failed", "delivered",
                                                              "read"};
  Json out = {{"state", kStates[static_cast<std::size_t>(receipt.state)]},
              {"id", receipt.provider_id},
              {"reason", receipt.reason}};
  if (receipt.delivery) out["delivery"] = receipt.delivery->raw();
  if (receipt.at) out["at"] = to_unix_ms(*receipt.at);
  if (!receipt.address.empty()) out["address"] = receipt.address;
  if (!receipt.reply.empty()) out["reply"] = receipt.reply;
  if (receipt.because) out["because"] = outcome_name(*receipt.because);
  return out;
}

std::map<std::string, std::string, std::less<>> texts_of(const Json& object) {
  std::map<std::string, std::string, std::less<>> out;
  for (const auto& [key, value] : object.items()) out[key] = text_of(value);
  return out;
}

/// {"status": 200, "headers": {...}, "body": text or JSON, "failure": "timed_out", "sent": true}
CallReply parse_reply_of(const Json& json) {
  static constexpr std::array<std::string_view, 9> kFailures = {"resolve",   "connect",   "tls",
                                                                "forbidden", "timed_out", "broken",
                                                                "too_large", "overload",  "local"};
  CallReply out;
  out.status = static_cast<int>(json_int(json, "status", 200));
  if (json.contains("headers")) out.headers = texts_of(json.at("headers"));
  if (json.contains("body")) out.body = text_of(json.at("body"));
  const auto failure = std::ranges::find(kFailures, json_text(json, "failure"));
  if (failure != kFailures.end()) out.failure = static_cast<Failure>(failure - kFailures.begin());
  out.sent = json_bool(json, "sent", !out.failure.has_value());
  return out;
}

Callback parse_callback(const Json& json) {
  Callback out;
  out.method = json.contains("method") ? json_text(json, "method") : "POST";
  if (json.contains("headers")) out.headers = texts_of(json.at("headers"));
  if (json.contains("query")) {
    for (const auto& [key, value] : json.at("query").items())
      out.query.emplace_back(key, text_of(value));
  }
  if (json.contains("body")) out.body = text_of(json.at("body"));
  return out;
}

/// An example under way.
class Play {
 public:
  Play(Setup setup, const Json& spec, Instant now)
      : spec_(spec),
        medium_(setup.profile->medium),
        now_(now),
        clock_(now),
        rng_(from_hex(json_text(spec, "nonce")).value_or("")),
        adapter_(std::move(setup), rng_, clock_) {}

  Result<void> run() {
    if (spec_.contains("callback")) return hear();
    if (spec_.contains("poll")) return poll();
    return send();
  }

 private:
  Json list(const char* key) const { return spec_.value(key, Json::array()); }

  Result<void> send() {
    std::vector<Item> items;
    for (const Json& json : list("items")) {
      LINLI_TRY(Item item, parse_item(json, medium_, now_));
      items.push_back(std::move(item));
    }
    if (items.empty()) {
      LINLI_TRY(Item item, parse_item(Json::object(), medium_, now_));
      items.push_back(std::move(item));
    }
    if (spec_.contains("preview")) {
      const auto preview = adapter_.preview(items[0].to, items[0].message);
      Json got = preview ? Json{{"text", preview->text}, {"parts", preview->parts}}
                         : Json{{"refused", errc_name(preview.error().code)}};
      LINLI_CHECK(same_members("preview", spec_.at("preview"), got));
    }
    Actions out;
    adapter_.submit(items, clock_.mono(), out);
    return follow(std::move(out));
  }

  Result<void> poll() {
    Actions out;
    adapter_.start(clock_.mono(), out);
    if (out.empty()) return fail(Errc::invalid_argument, "the poll does not start");
    out.clear();
    adapter_.on_timer(1, clock_.mono(), out);
    return follow(std::move(out));
  }

  /// Compares each request, answers it, and goes on with what follows.
  Result<void> follow(Actions actions) {
    const Json requests = list("requests");
    const Json replies = list("replies");
    std::size_t count = 0;
    Json outcomes = Json::array();
    Json receipts = Json::array();
    for (std::size_t i = 0; i < actions.size(); ++i) {
      if (const auto* done = std::get_if<action::Done>(&actions[i]))
        outcomes.push_back(shown(*done));
      if (const auto* heard = std::get_if<action::Heard>(&actions[i]))
        receipts.push_back(shown(heard->receipt));
      const auto* http = std::get_if<action::Http>(&actions[i]);
      if (http == nullptr) continue;
      const std::string what = "request " + std::to_string(count + 1);
      if (count >= requests.size() && !requests.empty())
        return differs(what, "none", http->call.url);
      if (count < requests.size()) {
        const Json got = shown(http->call);
        Json wanted = requests[count];
        if (wanted.contains("headers")) {
          LINLI_CHECK(same_members(what + ".headers", wanted.at("headers"), got.at("headers")));
          wanted.erase("headers");
        }
        LINLI_CHECK(same_members(what, wanted, got));
      }
      const CallId id = http->id;
      if (count++ >= replies.size()) continue;
      Actions more;
      adapter_.on_reply(id, parse_reply_of(replies[count - 1]), clock_.mono(), more);
      actions.insert(actions.end(), std::make_move_iterator(more.begin()),
                     std::make_move_iterator(more.end()));
    }
    if (count < requests.size())
      return differs("requests", std::to_string(requests.size()), std::to_string(count));
    LINLI_CHECK(compare("outcome", list("outcomes"), outcomes));
    return compare("receipt", list("receipts"), receipts);
  }

  Result<void> hear() {
    Actions actions;
    const auto reply = adapter_.on_callback(parse_callback(spec_.at("callback")), now_, actions);
    Json got = reply ? Json{{"status", reply->status},
                            {"body", reply->body},
                            {"content_type", reply->content_type}}
                     : Json{{"refused", errc_name(reply.error().code)}};
    LINLI_CHECK(same_members("answer", spec_.value("answer", Json::object()), got));
    Json receipts = Json::array();
    for (const Action& action : actions) {
      if (const auto* heard = std::get_if<action::Heard>(&action))
        receipts.push_back(shown(heard->receipt));
    }
    return compare("receipt", list("receipts"), receipts);
  }

  static Result<void> compare(const std::string& what, const Json& wanted, const Json& got) {
    LINLI_CHECK(same(what + "s", std::to_string(wanted.size()), std::to_string(got.size())));
    for (std::size_t i = 0; i < wanted.size(); ++i)
      LINLI_CHECK(same_members(what + " " + std::to_string(i + 1), wanted[i], got[i]));
    return {};
  }

  const Json& spec_;
  Medium medium_;
  Instant now_;
  ManualClock clock_;
  FixedRng rng_;
  HttpAdapter adapter_;
};

Result<void> play(const std::shared_ptr<const Profile>& profile, const Json& spec) {
  static constexpr std::array<std::string_view, 14> kKeys = {
      "name",    "settings", "now",      "nonce",    "items",  "preview", "requests",
      "replies", "outcomes", "receipts", "callback", "answer", "poll",    "note"};
  for (const auto& [key, value] : spec.items()) {
    if (std::ranges::find(kKeys, key) == kKeys.end())
      return fail(Errc::invalid_argument, "no such key: " + key);
  }
  LINLI_TRY(Setup setup, make_setup(profile, spec.value("settings", Json::object()), nullptr));
  const Instant now = from_unix_ms(json_int(spec, "now", 1'784'160'000'000));
  return Play(std::move(setup), spec, now).run();
}

}  // namespace

Result<void> run_example(const std::shared_ptr<const Profile>& profile, const Example& example) {
  auto done = play(profile, example.spec);
  if (done) return done;
  return fail(Errc::invalid_argument, "profile " + profile->name + ": example \"" + example.name +
                                          "\": " + done.error().detail);
}

}  // namespace linli::notify::http
