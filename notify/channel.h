// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/outgoing.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/signer.h"
#include "notify/model.h"
#include "notify/outcome.h"

/// The interface of channels. An adapter is the code of one kind of channel; a channel is a
/// configured instance of it (decision M20).
///
/// Adapters are sans-IO: they are told what happened and answer with actions. They hold no threads,
/// sockets, clocks or files; the host performs the actions and reports back. All calls to one
/// adapter come from one thread, one at a time.
namespace linli::notify {

/// How much a peer takes: the engine holds back what would be more.
struct Quota {
  /// Of the whole account in parts, of one recipient, or of one template (for the engine: category)
  /// to one recipient in messages.
  Scope scope = Scope::account;
  /// Within `per`.
  std::uint32_t max = 0;
  Millis per{0};
  /// Windows start with the minute, hour or day of UTC+8; otherwise any span of `per` counts
  /// (notify.md §5 trap 19).
  bool is_calendar = false;
};

/// What the medium and the peer can do; constant after construction.
struct Capabilities {
  Medium medium = Medium::sms;
  /// Deliveries that one submit() may carry.
  std::size_t batch_max = 1;
  /// Deliveries submitted and not yet answered.
  std::size_t window_max = 16;
  bool has_receipts = false;
  bool has_read_receipts = false;
  /// What people answer comes back as Receipt::reply, so that texts may ask for 1, 2 or 3 (M21).
  bool has_replies = false;
  /// Texts may carry Message::link.
  bool has_links = false;
  /// A submission with the same `key` again takes no second effect at the peer or on the phone.
  bool is_idempotent = false;
  /// What may happen to a delivery whose answer never came (notify.md §4.3).
  enum class AfterUnknown : std::uint8_t {
    resend,       ///< it collapses with the first (app, Web Push, vendor push)
    resend_once,  ///< at most once more (SMTP)
    hold,         ///< wait for a receipt, then count as not reached; red: once more (SMS)
    ask,          ///< an operator decides (voice, loudspeaker)
  } after_unknown = AfterUnknown::hold;
  bool can_cancel = false;
  /// Takes only texts of approved templates; a category without one is refused before sending
  /// (NTC-8).
  bool templates_only = false;
  /// Price of one part in 1/10000 yuan, for the estimate; 0 = free.
  std::int64_t part_price = 0;
  std::vector<Quota> quotas{};
};

/// One delivery as a channel gets it.
struct Item {
  DeliveryId id;
  /// Stable over retries of this delivery and different from every other: 32 hex digits.
  std::string key;
  /// The notice's id: what replaces an earlier revision of the same notice (Topic, collapse id).
  std::string collapse;
  Endpoint to;
  Message message;
  Lane lane = Lane::bulk;
  /// Not to be shown or delivered after this.
  Instant expires;
  /// From 1.
  std::uint32_t attempt = 1;
};

/// Names one pending HttpCall or MailCall of an adapter.
using CallId = Strong<struct CallTag, std::uint64_t>;
/// An adapter's own number for one of its byte streams (SMPP binds).
using StreamId = Strong<struct StreamTag, std::uint32_t>;

namespace action {
struct Http {
  CallId id;
  HttpCall call;
};
struct Mail {
  CallId id;
  MailCall call;
};
/// TCP, with TLS when asked; on_stream_open() or on_stream_closed() follows.
struct Open {
  StreamId stream;
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  std::string ca_file;
};
struct Send {
  StreamId stream;
  std::string bytes;
};
struct Close {
  StreamId stream;
};
struct Publish {
  CallId id;
  std::string topic;
  std::string payload;
  int qos = 1;
  bool retain = false;
  /// The broker forgets it after that, so that a device which comes back late does not get it;
  /// 0 = never. For brokers that speak MQTT 5.
  Millis expiry{0};
};
struct Subscribe {
  std::string filter;
};
/// One JSON line to the channel's program (exec adapter).
struct Line {
  std::string text;
};
/// on_timer(number) at that time; the same number again replaces it.
struct Timer {
  std::uint32_t number = 0;
  MonoTime at{0};
};
/// The end of one submission. Exactly one per submitted item.
struct Done {
  DeliveryId id;
  Outcome outcome;
};
struct Heard {
  Receipt receipt;
};
}  // namespace action
using Action = std::variant<action::Http, action::Mail, action::Open, action::Send, action::Close,
                            action::Publish, action::Subscribe, action::Line, action::Timer,
                            action::Done, action::Heard>;
using Actions = std::vector<Action>;

/// A web hook request to a channel, already read and bounded.
struct Callback {
  std::string method;
  /// Below the channel's own path; empty or starting with '/'.
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  std::map<std::string, std::string, std::less<>> headers;
  std::string body;
};
struct CallbackReply {
  int status = 200;
  std::string content_type = "text/plain";
  std::string body;
};

struct Health {
  enum class State : std::uint8_t { idle, up, degraded, down } state = State::idle;
  /// For the operator; no personal data.
  std::string text{};
  /// Money or parts left as the peer last said; absent = it does not say.
  std::optional<std::int64_t> balance{};
};

class Adapter {
 public:
  virtual ~Adapter() = default;
  [[nodiscard]] virtual const Capabilities& capabilities() const = 0;
  /// What the channel makes of a message for this endpoint: the text as the recipient will read it
  /// and the parts it takes. For previews, cost estimates and pacing.
  /// Errors: too_large, invalid_argument (no template for the category, a variable too long).
  struct Preview {
    std::string text;
    std::uint32_t parts = 1;
  };
  [[nodiscard]] virtual Result<Preview> preview(const Endpoint& to,
                                                const Message& message) const = 0;
  /// Opens what it needs; call once. `now` is monotonic.
  virtual void start(MonoTime now, Actions& out) { (void)now, (void)out; }
  /// At most capabilities().batch_max items; each gets exactly one Done, also when the
  /// connection is lost.
  virtual void submit(std::span<const Item> items, MonoTime now, Actions& out) = 0;
  /// Takes a submitted item back if that is still possible; its Done follows all the same.
  virtual void cancel(DeliveryId id, MonoTime now, Actions& out) { (void)id, (void)now, (void)out; }
  /// Ends connections politely; what is under way gets its Done.
  virtual void stop(MonoTime now, Actions& out) { (void)now, (void)out; }

  virtual void on_reply(CallId id, const CallReply& reply, MonoTime now, Actions& out) {
    (void)id, (void)reply, (void)now, (void)out;
  }
  virtual void on_stream_open(StreamId stream, MonoTime now, Actions& out) {
    (void)stream, (void)now, (void)out;
  }
  virtual void on_bytes(StreamId stream, std::string_view bytes, MonoTime now, Actions& out) {
    (void)stream, (void)bytes, (void)now, (void)out;
  }
  /// `reason` for the operator; also when it never opened.
  virtual void on_stream_closed(StreamId stream, std::string_view reason, MonoTime now,
                                Actions& out) {
    (void)stream, (void)reason, (void)now, (void)out;
  }
  /// The broker took a Publish over (its PUBACK), or not.
  virtual void on_published(CallId id, bool ok, MonoTime now, Actions& out) {
    (void)id, (void)ok, (void)now, (void)out;
  }
  /// The connection to the broker came or went.
  virtual void on_broker(bool up, MonoTime now, Actions& out) { (void)up, (void)now, (void)out; }
  virtual void on_message(std::string_view topic, std::string_view payload, MonoTime now,
                          Actions& out) {
    (void)topic, (void)payload, (void)now, (void)out;
  }
  /// A line of the channel's program; an empty one with `ended` = it exited.
  virtual void on_line(std::string_view line, bool ended, MonoTime now, Actions& out) {
    (void)line, (void)ended, (void)now, (void)out;
  }
  virtual void on_timer(std::uint32_t number, MonoTime now, Actions& out) {
    (void)number, (void)now, (void)out;
  }
  /// Authenticates and reads a provider's web hook. Must be cheap: the answer goes out first, what
  /// it heard is processed after. Errors: unauthenticated, malformed, too_large.
  virtual Result<CallbackReply> on_callback(const Callback& request, Instant now, Actions& out) {
    (void)request, (void)now, (void)out;
    return fail(Errc::not_found, "the channel has no web hook");
  }
  [[nodiscard]] virtual Health health() const { return {}; }
};

/// Files that adapters may ask for at construction: keys and profiles by path; nothing else.
class SecretReader {
 public:
  virtual ~SecretReader() = default;
  /// Errors: io, too_large (64 KiB).
  [[nodiscard]] virtual Result<std::string> read(const std::string& path) const = 0;
};

struct AdapterParts {
  /// The channel's configured name.
  std::string name;
  /// Its table of the configuration, as JSON.
  Json settings;
  Rng* rng = nullptr;
  const Clock* clock = nullptr;
  const SecretReader* secrets = nullptr;
  /// What the channels of Web Push, mail and vendor push sign and encrypt with.
  const Signer* signer = nullptr;
};
/// Errors: invalid_argument, naming the key and what is wrong with it.
using MakeAdapter = std::function<Result<std::unique_ptr<Adapter>>(const AdapterParts&)>;

/// Adapter kinds by name ("http", "exec", "smpp", ...). Constant after start.
class AdapterRegistry {
 public:
  void add(std::string kind, MakeAdapter make) { makers_[std::move(kind)] = std::move(make); }
  [[nodiscard]] Result<std::unique_ptr<Adapter>> make(std::string_view kind,
                                                      const AdapterParts& parts) const;

 private:
  std::map<std::string, MakeAdapter, std::less<>> makers_;
};

/// A telephone number, token or mailbox as it may stand in a log: "138****0007", "ab…(64)".
std::string redact(Medium medium, std::string_view address);

}  // namespace linli::notify
