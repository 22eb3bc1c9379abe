// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "notify/channel.h"
#include "notify/channels/webpush/key_cache.h"
#include "notify/channels/webpush/vapid.h"

/// Web Push (RFC 8030, 8188, 8291, 8292): browsers of staff desks and installed web apps.
namespace linli::notify::webpush {

struct Settings {
  /// Names of push services that are known, "*.name" for all below one.
  std::vector<std::string> services;
  /// Subscriptions at other services are not sent to.
  bool listed_only = false;
  std::size_t plain_bytes_max = kPlainBytesMax;
  bool correction_sounds = false;
  std::size_t window = 64;
  Millis deadline{15'000};
  std::string ca_file;
};

class WebPushAdapter final : public Adapter {
 public:
  /// Kind "webpush". Errors: invalid_argument.
  static Result<std::unique_ptr<Adapter>> make(const AdapterParts& parts);

  [[nodiscard]] const Capabilities& capabilities() const override { return capabilities_; }
  [[nodiscard]] Result<Preview> preview(const Endpoint& to, const Message& message) const override;
  void submit(std::span<const Item> items, MonoTime now, Actions& out) override;
  void on_reply(CallId id, const CallReply& reply, MonoTime now, Actions& out) override;
  void on_timer(std::uint32_t number, MonoTime now, Actions& out) override;
  void stop(MonoTime now, Actions& out) override;
  /// GET /key: the key that pages subscribe with.
  Result<CallbackReply> on_callback(const Callback& request, Instant now, Actions& out) override;
  [[nodiscard]] Health health() const override { return health_; }

 private:
  struct Pending {
    DeliveryId delivery;
    std::string origin;
    bool is_listed = false;
    Subscription to;
    /// Hash of its address.
    std::size_t endpoint = 0;
  };
  /// What a listed service said last, to tell its own trouble from one subscription's.
  struct Service {
    /// It took a message of ours, so our key is right.
    bool has_accepted = false;
    int refused_in_a_row = 0;
    /// Subscriptions it refused before it took anything; at most kRefusedFirstMax.
    std::set<std::size_t> refused_first{};
    int throttled_in_a_row = 0;
  };

  WebPushAdapter(const AdapterParts& parts, Settings settings, Vapid vapid);
  void submit_one(const Item& item, Actions& out);
  [[nodiscard]] Result<HttpCall> make_call(const Item& item, const Subscription& to);
  [[nodiscard]] Result<std::string> encrypt_for(const Subscription& to, std::string_view plain);
  void weigh(const Pending& pending, Outcome& outcome);
  static bool is_refused_by_all(Service& service, std::size_t endpoint);
  void arm(MonoTime at, Actions& out);

  // Constant after construction.
  const Settings settings_;
  const Capabilities capabilities_;
  const Signer& signer_;
  const Clock& clock_;
  Rng& rng_;

  Vapid vapid_;
  KeyCache keys_;
  std::uint64_t last_call_ = 0;
  std::map<CallId, Pending> pending_;
  /// By origin; bounded by the services of the list.
  std::map<std::string, Service, std::less<>> services_;
  Health health_;
  MonoTime last_submit_{0};
  bool is_armed_ = false;
  bool is_stopped_ = false;
};

}  // namespace linli::notify::webpush
