// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "notify/channel.h"
#include "notify/channels/http/compose.h"
#include "notify/channels/http/reply.h"

namespace linli::notify::http {

/// One account at one provider.
///
/// A request takes the items that say the same; it waits for the token where the recipe has one:
/// one token request at a time, whatever number of items waits (trap 21). A send that the provider
/// refuses because of its token is sent once more with a fresh one: it had no effect.
/// Invariant: every submitted item is in exactly one request of waiting_ or calls_ until its Done.
class HttpAdapter final : public Adapter {
 public:
  HttpAdapter(Setup setup, Rng& rng, const Clock& clock);

  [[nodiscard]] const Capabilities& capabilities() const override { return setup_.capabilities; }
  [[nodiscard]] Result<Preview> preview(const Endpoint& to, const Message& message) const override;
  void start(MonoTime now, Actions& out) override;
  void submit(std::span<const Item> items, MonoTime now, Actions& out) override;
  void stop(MonoTime now, Actions& out) override;
  void on_reply(CallId id, const CallReply& reply, MonoTime now, Actions& out) override;
  void on_timer(std::uint32_t number, MonoTime now, Actions& out) override;
  Result<CallbackReply> on_callback(const Callback& request, Instant now, Actions& out) override;
  [[nodiscard]] Health health() const override { return health_; }

 private:
  /// Items of one HTTP request.
  struct Request {
    std::vector<DeliveryId> ids;
    std::vector<Asked> asked;
    /// Everything but time, nonce, signature and token.
    Json values;
    std::uint64_t token_used = 0;
    bool is_second_try = false;
  };
  enum class Purpose : std::uint8_t { send, token, poll };
  struct Call {
    Purpose purpose = Purpose::send;
    Request request;
  };

  [[nodiscard]] bool fits(const Request& request, const Item& item, const Json& shared) const;
  void add_item(std::vector<Request>& requests, const Item& item, Composed composed) const;
  [[nodiscard]] Json item_values(const Item& item) const;
  [[nodiscard]] bool needs_token(MonoTime now) const;
  void dispatch(Request request, MonoTime now, Actions& out);
  void ask_token(Actions& out);
  void send(Request request, Actions& out);
  void poll(Actions& out);
  CallId issue(const RequestSpec& spec, const SignSpec& sign, Json values, Call call, Actions& out);
  void on_token(const CallReply& reply, MonoTime now, Actions& out);
  void on_answer(Request request, const CallReply& reply, MonoTime now, Actions& out);
  void on_polled(const CallReply& reply, MonoTime now, Actions& out);
  void finish(const Request& request, const std::vector<Outcome>& outcomes, Actions& out);

  // Constant after construction.
  const Setup setup_;
  Rng& rng_;
  const Clock& clock_;

  std::map<std::uint64_t, Call> calls_;
  std::uint64_t last_call_ = 0;
  /// Wait for the token; bounded by what the engine submits without an answer (window_max).
  std::deque<Request> waiting_;
  bool is_asking_token_ = false;
  std::string token_;
  /// Counts tokens, so that an answer about an old one does not drop the new one.
  std::uint64_t token_number_ = 0;
  MonoTime token_until_{0};
  bool is_polling_ = false;
  bool is_stopped_ = false;
  Health health_;
};

}  // namespace linli::notify::http
