// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "notify/channel.h"
#include "notify/channels/smtp/compose.h"
#include "notify/channels/smtp/dkim.h"

/// E-mail through one submission server (RFC 5321, 5322, 6376, 8058).
namespace linli::notify::smtp {

struct Settings {
  /// smtp:// or smtps://
  std::string url;
  std::string user;
  Secret password;
  std::string from;
  std::string from_name;
  std::string reply_to;
  /// Envelope sender: where bounces go.
  std::string bounces_to;
  /// The channel's public web hook; empty = mails carry no List-Unsubscribe.
  std::string unsubscribe_url;
  Secret unsubscribe_secret;
  std::string ca_file;
  bool require_tls = true;
  Millis deadline{30'000};
  std::size_t window = 8;
};

class SmtpAdapter final : public Adapter {
 public:
  /// Kind "smtp". Errors: invalid_argument.
  static Result<std::unique_ptr<Adapter>> make(const AdapterParts& parts);

  [[nodiscard]] const Capabilities& capabilities() const override { return capabilities_; }
  [[nodiscard]] Result<Preview> preview(const Endpoint& to, const Message& message) const override;
  void submit(std::span<const Item> items, MonoTime now, Actions& out) override;
  void on_reply(CallId id, const CallReply& reply, MonoTime now, Actions& out) override;
  void stop(MonoTime now, Actions& out) override;
  /// /unsubscribe/TOKEN: GET shows a button, POST is the recipient's opt-out.
  Result<CallbackReply> on_callback(const Callback& request, Instant now, Actions& out) override;
  [[nodiscard]] Health health() const override { return health_; }

 private:
  SmtpAdapter(const AdapterParts& parts, Settings settings, std::optional<DkimSigner> dkim);
  [[nodiscard]] Result<MailCall> make_call(const Item& item) const;
  [[nodiscard]] std::string unsubscribe_url(const Item& item) const;
  void weigh(Outcome& outcome);

  // Constant after construction.
  const Settings settings_;
  const Capabilities capabilities_;
  const std::optional<DkimSigner> dkim_;
  const Clock& clock_;

  std::uint64_t last_call_ = 0;
  std::map<CallId, DeliveryId> pending_;
  /// Mailboxes that were refused without certainty, since the last mail was taken.
  int doubtful_in_a_row_ = 0;
  Health health_;
  bool is_stopped_ = false;
};

}  // namespace linli::notify::smtp
