// SPDX-License-Identifier: Apache-2.0
#include "server/net/curl_call.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include <sys/socket.h>

#include "base/log.h"
#include "server/net/http_text.h"
#include "server/net/public_address.h"

namespace linli::net {
namespace {

/// Name lookup, TCP and TLS together: two lost SYNs and a slow line.
constexpr Millis kConnectMax{8'000};
/// A connection idle for longer is not used again: peers close theirs about then, and a request
/// that meets that close has an unknown end.
constexpr long kIdleReuseSeconds = 15;
/// libcurl's clock starts and rounds on its own.
constexpr Millis kTimerSlack{5};
/// All header lines of one answer.
constexpr std::size_t kReplyHeaderBytesMax = 64 * 1024;
/// Text of one SMTP reply.
constexpr std::size_t kSmtpTextBytesMax = 4 * 1024;

bool has_control(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_transports_header(std::string_view name) {
  const std::string known = lower(name);
  return known == "host" || known == "content-length" || known == "connection" ||
         known == "transfer-encoding";
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::string_view(" \t\r\n").contains(text.front())) text.remove_prefix(1);
  while (!text.empty() && std::string_view(" \t\r\n").contains(text.back())) text.remove_suffix(1);
  return text;
}

/// Absolute, without credentials, which would end up in logs and error texts of others; and of that
/// scheme, unless it is empty.
bool is_clean_url(const std::string& url, std::string_view scheme = "") {
  if (has_control(url)) return false;
  const std::unique_ptr<CURLU, CurlFree> parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return false;
  if (!scheme.empty()) {
    char* text = nullptr;
    const bool is_it =
        curl_url_get(parsed.get(), CURLUPART_SCHEME, &text, 0) == CURLUE_OK && scheme == text;
    curl_free(text);
    if (!is_it) return false;
  }
  for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS}) {
    char* text = nullptr;
    const bool is_there = curl_url_get(parsed.get(), part, &text, 0) == CURLUE_OK;
    curl_free(text);
    if (is_there) return false;
  }
  return true;
}

bool append(std::unique_ptr<curl_slist, CurlFree>& list, const std::string& line) {
  curl_slist* const head = curl_slist_append(list.get(), line.c_str());
  if (head == nullptr) return false;
  // The head stays the same once there is one.
  if (list == nullptr) list.reset(head);
  return true;
}

}  // namespace

CurlCall::CurlCall(Call call, OnReply done, bool allow_private)
    : call_(std::move(call)),
      guarded_(std::holds_alternative<HttpCall>(call_) && !allow_private &&
               std::get<HttpCall>(call_).trust == AddressTrust::client_told),
      deadline_(mono_now() + std::visit([](const auto& c) { return c.deadline; }, call_)),
      done_(std::move(done)) {}

MonoTime CurlCall::mono_now() {
  return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch());
}

std::optional<Failure> CurlCall::prepare(MonoTime now) {
  easy_.reset(curl_easy_init());
  if (!easy_) return Failure::local;
  bool is_made = false;
  if (const auto* http = std::get_if<HttpCall>(&call_)) {
    if (http->trust == AddressTrust::client_told && !is_clean_url(http->url, "https"))
      return Failure::forbidden;
    is_made = prepare_common(http->ca_file, now) && prepare_http(*http);
  } else {
    const auto& mail = std::get<MailCall>(call_);
    is_made = prepare_common(mail.ca_file, now) && prepare_mail(mail);
  }
  if (is_made) return std::nullopt;
  return Failure::local;
}

bool CurlCall::prepare_common(const std::string& ca_file, MonoTime now) {
  const Millis left = std::max(deadline_ - now, Millis{1});
  bool ok =
      set(CURLOPT_NOSIGNAL, 1L) && set(CURLOPT_PROXY, "") && set(CURLOPT_NOPROXY, "*") &&
      set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED)) &&
      set(CURLOPT_FOLLOWLOCATION, 0L) && set(CURLOPT_SSL_VERIFYPEER, 1L) &&
      set(CURLOPT_SSL_VERIFYHOST, 2L) &&
      set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)) &&
      set(CURLOPT_TIMEOUT_MS, static_cast<long>(left.count())) &&
      set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(left, kConnectMax).count())) &&
      set(CURLOPT_MAXAGE_CONN, kIdleReuseSeconds);
  // A lookup that hangs is left to itself; else taking its call off would wait for it.
  ok = ok && set(CURLOPT_QUICK_EXIT, 1L);
  if (!ca_file.empty())
    ok = ok && set(CURLOPT_CAINFO, ca_file.c_str()) &&
         set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  return ok && set(CURLOPT_OPENSOCKETFUNCTION, &CurlCall::on_socket) &&
         set(CURLOPT_OPENSOCKETDATA, this) && set(CURLOPT_PREREQFUNCTION, &CurlCall::on_request) &&
         set(CURLOPT_PREREQDATA, this) && set(CURLOPT_HEADERFUNCTION, &CurlCall::on_header) &&
         set(CURLOPT_HEADERDATA, this) && set(CURLOPT_WRITEFUNCTION, &CurlCall::on_body) &&
         set(CURLOPT_WRITEDATA, this);
}

bool CurlCall::prepare_http(const HttpCall& call) {
  const bool is_inward_allowed = call.trust == AddressTrust::operator_set;
  if (!is_token(call.method) || !is_clean_url(call.url)) return false;
  reply_bytes_max_ = call.reply_bytes_max;
  bool ok = set(CURLOPT_PROTOCOLS_STR, is_inward_allowed ? "http,https" : "https") &&
            set(CURLOPT_URL, call.url.c_str()) && add_headers(call) &&
            set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS)) &&
            set(CURLOPT_PIPEWAIT, 1L);
  if (call.method == "HEAD") return ok && set(CURLOPT_NOBODY, 1L);
  if (call.body.empty() && call.method != "POST" && call.method != "PUT") {
    ok = ok && set(CURLOPT_HTTPGET, 1L);
  } else {
    ok = ok && set(CURLOPT_POST, 1L) && set(CURLOPT_POSTFIELDS, call.body.data()) &&
         set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
  }
  return ok && set(CURLOPT_CUSTOMREQUEST, call.method.c_str());
}

bool CurlCall::add_headers(const HttpCall& call) {
  bool has_type = false;
  for (const auto& [name, value] : call.headers) {
    if (!is_token(name) || is_transports_header(name) || has_control(value)) return false;
    has_type = has_type || lower(name) == "content-type";
    // "Name;" is libcurl's form of an empty value; "Name:" would remove the header.
    const char* const sign = value.empty() ? ";" : ": ";
    if (!append(headers_, std::string(name).append(sign).append(value))) return false;
  }
  // Not a form, and no waiting for 100 Continue.
  if (!append(headers_, "Expect:")) return false;
  if (!has_type && !append(headers_, "Content-Type:")) return false;
  return set(CURLOPT_HTTPHEADER, headers_.get());
}

bool CurlCall::prepare_mail(const MailCall& call) {
  const auto is_address = [](const std::string& text) {
    return !text.empty() && !has_control(text) && !text.contains('<') && !text.contains('>') &&
           !text.contains(' ');
  };
  // An empty sender is that of a bounce.
  const bool is_from = call.from.empty() || is_address(call.from);
  if (!is_clean_url(call.url) || !is_from || !is_address(call.to) || call.data.empty())
    return false;
  if (!append(recipients_, "<" + call.to + ">")) return false;
  bool ok =
      set(CURLOPT_PROTOCOLS_STR, "smtp,smtps") && set(CURLOPT_URL, call.url.c_str()) &&
      set(CURLOPT_USE_SSL, static_cast<long>(call.require_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY)) &&
      set(CURLOPT_MAIL_FROM, ("<" + call.from + ">").c_str()) &&
      set(CURLOPT_MAIL_RCPT, recipients_.get()) && set(CURLOPT_UPLOAD, 1L) &&
      set(CURLOPT_READFUNCTION, &CurlCall::on_upload) && set(CURLOPT_READDATA, this) &&
      set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(call.data.size()));
  if (!call.user.empty())
    ok = ok && set(CURLOPT_USERNAME, call.user.c_str()) &&
         set(CURLOPT_PASSWORD, call.password.c_str());
  return ok;
}

curl_socket_t CurlCall::on_socket(void* self, curlsocktype purpose, curl_sockaddr* address) {
  auto& call = *static_cast<CurlCall*>(self);
  if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
  if (call.guarded_ && !is_public_address(address->addr)) {
    ++call.refused_targets_;
    return CURL_SOCKET_BAD;
  }
  ++call.opened_targets_;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// A connection is ready and the request goes out next. Comes again when libcurl wants to repeat
/// the request on another connection.
int CurlCall::on_request(void* self, char* peer, char*, int, int) {
  auto& call = *static_cast<CurlCall*>(self);
  if (call.guarded_ && !is_public_address(std::string(peer == nullptr ? "" : peer))) {
    ++call.refused_targets_;
    return CURL_PREREQFUNC_ABORT;
  }
  if (std::holds_alternative<MailCall>(call.call_)) return CURL_PREREQFUNC_OK;
  if (call.reply_.sent) return CURL_PREREQFUNC_ABORT;
  call.reply_.sent = true;
  return CURL_PREREQFUNC_OK;
}

std::size_t CurlCall::on_header(char* data, std::size_t, std::size_t size, void* self) {
  auto& call = *static_cast<CurlCall*>(self);
  call.header_bytes_ += size;
  if (call.header_bytes_ > kReplyHeaderBytesMax) {
    call.is_overlong_ = true;
    return 0;
  }
  const std::string_view line(data, size);
  if (std::holds_alternative<MailCall>(call.call_)) {
    call.take_smtp_line(line);
  } else {
    call.take_http_header(line);
  }
  return size;
}

void CurlCall::take_http_header(std::string_view line) {
  if (line.starts_with("HTTP/")) return reply_.headers.clear();  // 100 or 103 came before
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view value = trimmed(line.substr(colon + 1));
  auto [at, is_new] = reply_.headers.try_emplace(lower(trimmed(line.substr(0, colon))), value);
  if (!is_new) at->second.append(", ").append(value);
}

void CurlCall::take_smtp_line(std::string_view line) {
  constexpr std::size_t kCode = 3;
  // 221 answers libcurl's QUIT: the reply before it is what counts.
  if (line.size() < kCode || line.starts_with("221")) return;
  if (std::exchange(smtp_reply_ended_, line.size() <= kCode || line[kCode] != '-'))
    reply_.body.clear();
  const std::string_view text = line.size() > kCode ? trimmed(line.substr(kCode + 1)) : "";
  if (reply_.body.size() + text.size() > kSmtpTextBytesMax) return;
  if (!reply_.body.empty()) reply_.body += '\n';
  reply_.body += text;
}

std::size_t CurlCall::on_body(char* data, std::size_t, std::size_t size, void* self) {
  auto& call = *static_cast<CurlCall*>(self);
  if (std::holds_alternative<MailCall>(call.call_)) return size;
  if (size > call.reply_bytes_max_ - call.reply_.body.size()) {
    call.is_overlong_ = true;
    return 0;
  }
  call.reply_.body.append(data, size);
  return size;
}

/// Asked for the message only after the peer took DATA (354).
std::size_t CurlCall::on_upload(char* out, std::size_t, std::size_t size, void* self) {
  auto& call = *static_cast<CurlCall*>(self);
  const std::string& data = std::get<MailCall>(call.call_).data;
  const std::size_t part = std::min(size, data.size() - call.uploaded_);
  std::copy_n(data.data() + call.uploaded_, part, out);
  call.uploaded_ += part;
  call.reply_.sent = true;
  return part;
}

bool CurlCall::is_answer(CURLcode code) const {
  if (code == CURLE_OK) return true;
  // libcurl turns an SMTP refusal into an error of its own; for the caller it is the answer.
  constexpr int kRefusal = 400;
  return std::holds_alternative<MailCall>(call_) && reply_.status >= kRefusal &&
         code != CURLE_USE_SSL_FAILED && code != CURLE_OPERATION_TIMEDOUT;
}

Failure CurlCall::failure_of(CURLcode code, MonoTime now) const {
  if (is_overlong_) return Failure::too_large;
  if (refused_targets_ > 0 && (opened_targets_ == 0 || code == CURLE_ABORTED_BY_CALLBACK))
    return Failure::forbidden;
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      if (reply_.sent || now + kTimerSlack >= deadline_) return Failure::timed_out;
      return opened_targets_ == 0 ? Failure::resolve : Failure::connect;
    case CURLE_COULDNT_RESOLVE_HOST: return Failure::resolve;
    case CURLE_COULDNT_CONNECT: return Failure::connect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED: return Failure::tls;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_NOT_BUILT_IN:
    case CURLE_FAILED_INIT:
    case CURLE_OUT_OF_MEMORY: return Failure::local;
    default: return Failure::broken;
  }
}

void CurlCall::finish(CURLcode code, MonoTime now) {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  reply_.status = static_cast<int>(status);
  if (!is_answer(code)) reply_.failure = failure_of(code, now);
  deliver();
}

void CurlCall::finish_unsent(Failure failure) {
  reply_.failure = failure;
  deliver();
}

void CurlCall::deliver() {
  try {
    std::exchange(done_, nullptr)(std::move(reply_));
  } catch (const std::exception&) {
    log_event(LogLevel::error, "net.http_client.callback_threw");
  }
}

}  // namespace linli::net
