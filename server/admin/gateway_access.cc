// SPDX-License-Identifier: Apache-2.0
#include "server/admin/gateway_access.h"

#include <future>

#include "server/admin/admin.h"
#include "server/auth/tokens.h"
#include "server/net/http_client.h"

namespace linli::admin {
namespace {

constexpr Millis kDeadline{10'000};
/// A page of 500 deliveries has some 150 KiB.
constexpr std::size_t kReplyBytesMax = 4 * 1024 * 1024;

std::string query_of(const Json& params) {
  std::string out;
  for (const auto& [name, value] : params.items())
    out += (out.empty() ? "?" : "&") + name + "=" + value.get<std::string>();
  return out;
}

Result<Json> read_reply(const CallReply& reply, const std::string& url) {
  if (reply.status == 0)
    return fail(Errc::unavailable,
                "no answer from " + url + "; say with --origin where this server listens");
  auto json = parse_json(reply.body, kReplyBytesMax, 64);
  if (reply.status / 100 == 2) return json;
  const std::string detail = json ? json_text(*json, "detail") : std::string();
  const Errc code = json ? errc_from_name(json_text(*json, "code")) : Errc::unavailable;
  return fail(code, "http " + std::to_string(reply.status) + " " + detail);
}

class RunningGateway final : public GatewayAccess {
 public:
  RunningGateway(const AdminParts& parts, auth::Tokens tokens, std::string base)
      : parts_(parts), tokens_(std::move(tokens)), base_(std::move(base)) {}

  bool is_running() const override { return true; }
  Result<Json> look() override { return call("GET", "", {}); }
  Result<Json> deliveries(const Json& params) override {
    return call("GET", "/deliveries" + query_of(params), {});
  }
  Result<void> order(const std::string& what, Json args) override {
    LINLI_CHECK(call("POST", "/" + what, dump_json(args)));
    return {};
  }

 private:
  Result<Json> call(const char* method, const std::string& path, std::string body) {
    HttpCall out;
    out.method = method;
    out.url = base_ + path;
    out.deadline = kDeadline;
    out.reply_bytes_max = kReplyBytesMax;
    const auto claims = tokens_.make_claims(auth::TokenKind::local, {}, {}, parts_.clock.now());
    Id128 once;
    parts_.rng.fill(once.bytes);
    out.headers = {{"Authorization", "Bearer " + tokens_.encode(claims)},
                   {"Content-Type", "application/json"},
                   {"Idempotency-Key", once.hex()}};
    out.body = std::move(body);
    std::promise<CallReply> answer;
    client_.start(std::move(out), [&](CallReply reply) { answer.set_value(std::move(reply)); });
    return read_reply(answer.get_future().get(), base_);
  }

  const AdminParts& parts_;
  const auth::Tokens tokens_;
  const std::string base_;
  net::HttpClient client_;
};

class GatewayFiles final : public GatewayAccess {
 public:
  GatewayFiles(const AdminParts& parts, std::unique_ptr<LocalCommunity> community)
      : parts_(parts), community_(std::move(community)) {}

  bool is_running() const override { return false; }
  Result<Json> look() override {
    if (!has_file()) return Json{{"channels", Json::array()}, {"paused", Json::object()}};
    return parts_.gateway.look(file());
  }
  Result<Json> deliveries(const Json& params) override {
    if (!has_file()) return Json{{"deliveries", Json::array()}};
    return parts_.gateway.deliveries(file(), params);
  }
  Result<void> order(const std::string& what, Json args) override {
    LINLI_CHECK(community_->run("gateway." + what, std::move(args)));
    return {};
  }

 private:
  [[nodiscard]] std::string file() const { return (community_->folder() / kGatewayFile).string(); }
  [[nodiscard]] bool has_file() const { return std::filesystem::exists(file()); }

  const AdminParts& parts_;
  const std::unique_ptr<LocalCommunity> community_;
};

}  // namespace

Result<std::unique_ptr<GatewayAccess>> running_gateway(const AdminParts& parts,
                                                       const Common& common,
                                                       const std::string& slug) {
  LINLI_TRY(const auth::ServerKeys keys,
            auth::ServerKeys::load_or_create(common.data / slug / kKeyFile, parts.rng));
  return std::make_unique<RunningGateway>(parts, auth::Tokens(keys),
                                          common.origin + "/c/" + slug + "/api/v1/gateway");
}

std::unique_ptr<GatewayAccess> gateway_files(const AdminParts& parts,
                                             std::unique_ptr<LocalCommunity> community) {
  return std::make_unique<GatewayFiles>(parts, std::move(community));
}

}  // namespace linli::admin
