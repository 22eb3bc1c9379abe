// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "server/auth/totp.h"
#include "server/community/modules.h"
#include "server/http/blob_store.h"
#include "server/http/router.h"
#include "server/http/setup_code.h"
#include "tests/support/test_runtime.h"

/// One community behind its router, with a household, staff and phones, in one thread.
namespace linli::test {

inline constexpr const char* kOrigin = "https://linli.example";

class SiteTest : public testing::Test {
 protected:
  SiteTest() {
    std::filesystem::create_directories(folder_);
    revoked_ = std::move(auth::RevocationLog::open(folder_ / "revoked.log").value());
    runtime_.on_commit = [this](const sync::Commit& commit) {
      book_.on_commit(commit);
      for (const sync::WatchedRow& watched : commit.watched)
        if (watched.row.tbl == "blob" && watched.value == nullptr) blobs_.forget(watched.row.key);
    };
    site_ = std::make_shared<http::Site>(http::SiteParts{runtime_,
                                                         book_,
                                                         *revoked_,
                                                         keys_,
                                                         clock_,
                                                         rng_,
                                                         inline_pool(),
                                                         inline_pool(),
                                                         {kOrigin},
                                                         "淮南社区",
                                                         nullptr,
                                                         nullptr,
                                                         &blobs_,
                                                         inline_pool()});
    router_.add(site_);
    area_ = runtime_.must("area.create", {{"kind", "community"}, {"name", "淮南社区"}})["id"];
    house_ = runtime_.must("household.put", {{"door", "6号院2-301"}, {"area", area_}})["id"];
    person_ = runtime_.must("person.put", {{"household", house_}, {"name", "王秀英"}})["id"];
  }
  ~SiteTest() override { std::filesystem::remove_all(folder_); }

  static const sync::Registry& registry() {
    static const sync::Registry made = [] {
      sync::Registry out;
      community::declare_modules(out);
      return out;
    }();
    return made;
  }
  auth::Executor inline_pool() {
    return [this](const std::function<void()>& task) {
      if (pool_full_) return false;
      task();
      return true;
    };
  }

  net::HttpResponse send(net::HttpRequest request) {
    request.request_id = "0123456789abcdef";
    if (request.remote.empty()) request.remote = "192.0.2.1";
    int answers = 0;
    net::HttpResponse out;
    router_.handle(std::move(request), [&](net::HttpResponse response) {
      ++answers;
      out = std::move(response);
    });
    EXPECT_EQ(answers, 1);
    return out;
  }
  /// `path` below /c/huainan.
  net::HttpRequest request(const std::string& method, const std::string& path,
                           const std::string& token = {}, const std::string& key = {}) {
    net::HttpRequest out;
    out.method = method;
    out.path = "/c/huainan" + path;
    if (!token.empty()) out.headers["authorization"] = "Bearer " + token;
    if (!key.empty()) out.headers["idempotency-key"] = key;
    return out;
  }
  net::HttpResponse post(const std::string& path, const Json& body, const std::string& token = {},
                         const std::string& key = {}) {
    net::HttpRequest out = request("POST", path, token, key);
    out.headers["content-type"] = "application/json";
    out.body = dump_json(body);
    return send(std::move(out));
  }
  net::HttpResponse get(const std::string& path, const std::string& token = {},
                        std::vector<std::pair<std::string, std::string>> query = {}) {
    net::HttpRequest out = request("GET", path, token);
    out.query = std::move(query);
    return send(std::move(out));
  }
  static Json body(const net::HttpResponse& response) {
    return parse_json(response.body, 1 << 24, 64).value_or(Json());
  }
  static std::string code(const net::HttpResponse& response) {
    return json_text(body(response), "code");
  }
  static std::string header(const net::HttpResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return {};
  }

  struct Phone {
    KeyPair key;
    std::string account;
    std::string cid;
    std::string cert;
  };
  /// A staff account with a device, as if its slip was used.
  Phone staff(const std::string& role) {
    Phone out{KeyPair::generate(rng_), {}, {}, {}};
    out.account =
        runtime_.must("identity.create_account",
                      {{"name", "张" + role},
                       {"roles", Json::array({{{"role", role}, {"scope", area_}}})}})["id"];
    out.cid = client_id_of(out.key.pub()).hex();
    runtime_.must("identity.recover_device", {{"account", out.account},
                                              {"cid", out.cid},
                                              {"pub", to_base64url(out.key.pub())},
                                              {"cert_at", 1}});
    return out;
  }
  net::HttpResponse ask_token(const Phone& phone, const std::string& origin = kOrigin) {
    const Json challenge = body(post("/api/v1/token/challenge", Json::object()));
    const std::string nonce = from_base64url(json_text(challenge, "nonce")).value();
    const auto sig =
        phone.key.sign(as_bytes(auth::token_message(origin, keys_.server_id(), nonce)));
    Json ask = {{"cid", phone.cid},
                {"nonce", json_text(challenge, "nonce")},
                {"origin", origin},
                {"sig", to_base64url(sig)}};
    if (!phone.cert.empty()) ask["cert"] = phone.cert;
    return post("/api/v1/token", ask);
  }
  std::string token(const Phone& phone) { return json_text(body(ask_token(phone)), "token"); }
  /// The elevated token, made directly: Argon2 costs 60 ms.
  std::string elevated(const Phone& phone) {
    const auth::Tokens tokens(keys_);
    return tokens.encode(tokens.make_claims(
        auth::TokenKind::elevated, sync::AccountId{Id128::parse(phone.account).value()},
        sync::Cid{Id128::parse(phone.cid).value()}, clock_.now()));
  }

  bool pool_full_ = false;
  ManualClock clock_{from_unix_ms(1'795'000'000'000)};
  SeededRng rng_{7};
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() /
      ("linli_site_" + std::to_string(::getpid()) + "_" + std::to_string(rng_.next_u64()));
  const auth::ServerKeys keys_ = auth::ServerKeys::generate(rng_);
  auth::IdentityBook book_;
  std::unique_ptr<auth::RevocationLog> revoked_;
  http::BlobStore blobs_{folder_, clock_, rng_};
  TestRuntime runtime_{"huainan", registry(), clock_, rng_};
  std::shared_ptr<http::Site> site_;
  http::Router router_{"test"};
  std::string area_;
  std::string house_;
  std::string person_;
};

}  // namespace linli::test
