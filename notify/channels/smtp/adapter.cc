// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smtp/adapter.h"

#include <algorithm>

#include "base/assert.h"
#include "notify/channels/smtp/reply.h"
#include "notify/channels/smtp/unsubscribe.h"
#include "notify/channels/smtp/words.h"
#include "notify/settings.h"

namespace linli::notify::smtp {
namespace {

constexpr std::int64_t kWindowMax = 64;
constexpr std::size_t kSecretBytesMin = 32;
/// So many doubtful refusals one after another are about us (a blocked network, a wrong sender),
/// not about so many residents.
constexpr int kDoubtfulInARowMax = 3;
constexpr std::string_view kUnsubscribePath = "/unsubscribe/";

Outcome content_fault(std::string reason) {
  return {.kind = OutcomeKind::permanent_content, .reason = std::move(reason)};
}

Outcome outcome_of(const Error& error) {
  switch (error.code) {
    case Errc::malformed:
      return {.kind = OutcomeKind::invalid_endpoint, .is_certain = true, .reason = error.detail};
    case Errc::too_large: return content_fault(error.detail);
    default: return {.kind = OutcomeKind::retry_after, .reason = error.detail};
  }
}

/// A file's content without the line break that editors add.
Secret read_secret(const AdapterParts& parts, SettingsReader& from, std::string_view key) {
  const std::string path = from.text(key);
  if (path.empty()) return {};
  auto text = parts.secrets->read(path);
  if (!text) {
    from.refuse(key, text.error().detail);
    return {};
  }
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  return Secret(std::move(*text));
}

std::string read_mailbox(SettingsReader& from, std::string_view key, std::string_view fallback) {
  std::string out = from.text(key, fallback);
  if (!out.empty() && !is_mailbox(out)) from.refuse(key, "is not a mailbox");
  return out;
}

Settings read_settings(const AdapterParts& parts, SettingsReader& from) {
  Settings out;
  out.url = from.required_text("url");
  if (!out.url.empty() && !out.url.starts_with("smtp://") && !out.url.starts_with("smtps://"))
    from.refuse("url", "must begin with smtp:// or smtps://");
  out.user = from.text("user");
  out.password = read_secret(parts, from, "password_file");
  out.from = read_mailbox(from, "from", "");
  if (out.from.empty()) from.refuse("from", "is missing");
  out.from_name = from.text("from_name");
  out.reply_to = read_mailbox(from, "reply_to", "");
  out.bounces_to = read_mailbox(from, "bounces_to", out.from);
  out.unsubscribe_url = from.text("unsubscribe_url");
  out.unsubscribe_secret = read_secret(parts, from, "unsubscribe_secret_file");
  if (!out.unsubscribe_url.empty()) {
    // RFC 8058 §3.1.
    if (!out.unsubscribe_url.starts_with("https://"))
      from.refuse("unsubscribe_url", "must begin with https://");
    if (out.unsubscribe_url.find_first_of(" <>\"\\") != std::string::npos)
      from.refuse("unsubscribe_url", "is not a URL");
    if (out.unsubscribe_secret.view().size() < kSecretBytesMin)
      from.refuse("unsubscribe_secret_file", "needs at least 32 bytes");
  }
  out.ca_file = from.text("ca_file");
  out.require_tls = from.flag("require_tls", true);
  out.deadline = Millis{from.integer("deadline_ms", 30'000, {1'000, 600'000})};
  out.window = static_cast<std::size_t>(from.integer("window", 8, {1, kWindowMax}));
  return out;
}

bool is_domain(std::string_view text) { return is_mailbox("x@" + std::string(text)); }

/// The table `dkim` = {domain, selector, key_file}; nothing when it is absent.
Result<std::optional<DkimSigner>> read_dkim(const AdapterParts& parts, const Json& table) {
  if (table.empty()) return std::nullopt;
  SettingsReader from(table);
  std::string domain = from.required_text("domain");
  std::string selector = from.required_text("selector");
  if (!domain.empty() && !is_domain(domain)) from.refuse("domain", "is not a domain name");
  if (!selector.empty() && !is_domain(selector)) from.refuse("selector", "is not a name");
  from.required_text("key_file");
  const Secret pem = read_secret(parts, from, "key_file");
  if (const auto done = from.finish_all(); !done)
    return fail(Errc::invalid_argument, "dkim." + done.error().detail);
  auto key = parts.signer->load_rsa(pem.view());
  if (!key) return fail(Errc::invalid_argument, "dkim.key_file: " + key.error().detail);
  return DkimSigner(std::move(*key), std::move(domain), std::move(selector));
}

Capabilities capabilities_of(const Settings& settings) {
  Capabilities out;
  out.medium = Medium::email;
  out.has_links = true;
  out.batch_max = 1;
  out.window_max = settings.window;
  // A second mail with the same Message-ID is hidden by some mailboxes and shown by others.
  out.is_idempotent = false;
  out.after_unknown = Capabilities::AfterUnknown::resend_once;
  return out;
}

std::string domain_of(const std::string& mailbox) { return mailbox.substr(mailbox.rfind('@') + 1); }

/// What may stand in a Message-ID; keys are hexadecimal anyway.
bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= 64 &&
         key.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos;
}

}  // namespace

Result<std::unique_ptr<Adapter>> SmtpAdapter::make(const AdapterParts& parts) {
  LINLI_ASSERT(parts.clock && parts.secrets && parts.signer);
  SettingsReader from(parts.settings);
  Settings settings = read_settings(parts, from);
  const Json& dkim_table = from.table("dkim");
  LINLI_CHECK(from.finish());
  LINLI_TRY(std::optional<DkimSigner> dkim, read_dkim(parts, dkim_table));
  return std::unique_ptr<Adapter>(new SmtpAdapter(parts, std::move(settings), std::move(dkim)));
}

SmtpAdapter::SmtpAdapter(const AdapterParts& parts, Settings settings,
                         std::optional<DkimSigner> dkim)
    : settings_(std::move(settings)),
      capabilities_(capabilities_of(settings_)),
      dkim_(std::move(dkim)),
      clock_(*parts.clock) {}

Result<Adapter::Preview> SmtpAdapter::preview(const Endpoint& to, const Message& message) const {
  if (!is_mailbox(to.address)) return fail(Errc::invalid_argument, "smtp: not a plain mailbox");
  Wording wording = word(message, "");
  if (wording.text.size() > kTextBytesMax) return fail(Errc::too_large, "smtp: the text");
  return Preview{.text = std::move(wording.text), .parts = 1};
}

void SmtpAdapter::submit(std::span<const Item> items, MonoTime, Actions& out) {
  for (const Item& item : items) {
    const auto done = [&](Outcome outcome) {
      out.emplace_back(action::Done{item.id, std::move(outcome)});
    };
    if (is_stopped_) {
      done({.kind = OutcomeKind::retry_after, .reason = "stopped"});
    } else if (item.expires <= clock_.now()) {
      done(content_fault("expired"));
    } else if (auto call = make_call(item); !call) {
      done(outcome_of(call.error()));
    } else {
      const CallId id{++last_call_};
      pending_.emplace(id, item.id);
      out.emplace_back(action::Mail{id, std::move(*call)});
    }
  }
}

std::string SmtpAdapter::unsubscribe_url(const Item& item) const {
  if (settings_.unsubscribe_url.empty() || !is_ordinary(item.message, item.lane)) return {};
  return settings_.unsubscribe_url + std::string(kUnsubscribePath) +
         unsubscribe_token(settings_.unsubscribe_secret, item.id);
}

Result<MailCall> SmtpAdapter::make_call(const Item& item) const {
  // Whatever could end a header or an SMTP command is no mailbox.
  if (!is_mailbox(item.to.address)) return fail(Errc::malformed, "smtp: not a plain mailbox");
  LINLI_ASSERT(is_key(item.key));
  const std::string unsubscribe = unsubscribe_url(item);
  const Wording wording = word(item.message, unsubscribe);
  if (wording.text.size() > kTextBytesMax) return fail(Errc::too_large, "smtp: the text");
  const Instant now = clock_.now();
  Mail mail = write_mail({.from = settings_.from,
                          .from_name = settings_.from_name,
                          .reply_to = settings_.reply_to,
                          .to = item.to.address,
                          .message_id = item.key + "@" + domain_of(settings_.from),
                          .boundary = "=_" + item.key,
                          .date = now,
                          .subject = wording.subject,
                          .text = wording.text,
                          .html = wording.html,
                          .unsubscribe_url = unsubscribe});
  if (dkim_) {
    LINLI_TRY(std::string signature, dkim_->sign(mail, now));
    mail.headers.insert(mail.headers.begin(), {"DKIM-Signature", std::move(signature)});
  }
  MailCall call;
  call.url = settings_.url;
  call.user = settings_.user;
  call.password = std::string(as_text(settings_.password.view()));
  call.from = settings_.bounces_to;
  call.to = item.to.address;
  call.data = join(mail.headers) + "\r\n" + mail.body;
  call.require_tls = settings_.require_tls;
  call.deadline = settings_.deadline;
  call.ca_file = settings_.ca_file;
  return call;
}

void SmtpAdapter::on_reply(CallId id, const CallReply& reply, MonoTime, Actions& out) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  Outcome outcome = smtp::outcome_of(reply);
  weigh(outcome);
  out.emplace_back(action::Done{found->second, std::move(outcome)});
  pending_.erase(found);
}

void SmtpAdapter::weigh(Outcome& outcome) {
  if (outcome.kind == OutcomeKind::accepted) {
    doubtful_in_a_row_ = 0;
    health_ = {.state = Health::State::up};
  } else if (outcome.kind == OutcomeKind::invalid_endpoint && !outcome.is_certain) {
    if (++doubtful_in_a_row_ > kDoubtfulInARowMax) {
      outcome.kind = OutcomeKind::retry_after;
      outcome.is_peer_fault = true;
      outcome.reason += ": everybody is refused";
    }
  }
  if (outcome.kind == OutcomeKind::permanent_config)
    health_ = {.state = Health::State::down, .text = outcome.reason};
  else if (outcome.is_peer_fault && health_.state != Health::State::down)
    health_ = {.state = Health::State::degraded, .text = outcome.reason};
}

void SmtpAdapter::stop(MonoTime, Actions&) { is_stopped_ = true; }

Result<CallbackReply> SmtpAdapter::on_callback(const Callback& request, Instant now, Actions& out) {
  const std::string_view path = request.path;
  if (settings_.unsubscribe_url.empty() || !path.starts_with(kUnsubscribePath))
    return fail(Errc::not_found, "smtp: no such path");
  const auto delivery =
      read_unsubscribe_token(settings_.unsubscribe_secret, path.substr(kUnsubscribePath.size()));
  if (!delivery) return fail(Errc::unauthenticated, "smtp: not an unsubscribe link of ours");
  if (request.method == "GET" || request.method == "HEAD")
    return CallbackReply{.status = 200,
                         .content_type = "text/html; charset=utf-8",
                         .body = std::string(unsubscribe_page())};
  if (request.method != "POST") return fail(Errc::method_not_allowed, "smtp: only GET and POST");
  if (!is_one_click(request.body)) return fail(Errc::malformed, "smtp: not a one-click request");
  // The link stands only in the mail, so the mail arrived.
  out.emplace_back(action::Heard{{.provider_id = "",
                                  .delivery = delivery,
                                  .state = ReceiptState::delivered,
                                  .at = now,
                                  .because = OutcomeKind::opted_out,
                                  .reason = "unsubscribed"}});
  return CallbackReply{
      .status = 200, .content_type = "text/plain; charset=utf-8", .body = "已退订。\n"};
}

}  // namespace linli::notify::smtp
