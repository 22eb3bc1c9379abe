// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/outgoing.h"

namespace linli::net {

struct CurlFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

/// One HttpCall or MailCall as a libcurl easy handle, with what came of it so far.
/// Threads: one at a time; the callbacks run inside curl_multi_perform().
class CurlCall {
 public:
  using Call = std::variant<HttpCall, MailCall>;
  using OnReply = std::function<void(CallReply)>;

  CurlCall(Call call, OnReply done, bool allow_private);

  /// Makes the handle. A failure when the call cannot or may not be made; finish_unsent() it then.
  [[nodiscard]] std::optional<Failure> prepare(MonoTime now);
  [[nodiscard]] CURL* easy() const { return easy_.get(); }
  [[nodiscard]] MonoTime deadline() const { return deadline_; }

  /// Reports the end; call one of the two, once.
  void finish(CURLcode code, MonoTime now);
  void finish_unsent(Failure failure);

  /// Monotonic, as the deadlines count.
  static MonoTime mono_now();

 private:
  bool prepare_common(const std::string& ca_file, MonoTime now);
  bool prepare_http(const HttpCall& call);
  bool prepare_mail(const MailCall& call);
  bool add_headers(const HttpCall& call);
  void deliver();
  [[nodiscard]] bool is_answer(CURLcode code) const;
  [[nodiscard]] Failure failure_of(CURLcode code, MonoTime now) const;
  template <class T>
  bool set(CURLoption option, T value) {
    return curl_easy_setopt(easy_.get(), option, value) == CURLE_OK;
  }

  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int on_request(void* self, char* peer, char*, int, int);
  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t on_upload(char* out, std::size_t, std::size_t size, void* self);
  void take_http_header(std::string_view line);
  void take_smtp_line(std::string_view line);

  // Constant after construction.
  const Call call_;
  const bool guarded_;
  const MonoTime deadline_;
  OnReply done_;

  std::unique_ptr<curl_slist, CurlFree> headers_;
  std::unique_ptr<curl_slist, CurlFree> recipients_;
  std::unique_ptr<CURL, CurlFree> easy_;  // after what it points to
  CallReply reply_;
  std::size_t header_bytes_ = 0;
  std::size_t uploaded_ = 0;
  std::size_t reply_bytes_max_ = 0;
  bool is_overlong_ = false;
  bool smtp_reply_ended_ = true;
  int refused_targets_ = 0;
  int opened_targets_ = 0;
};

}  // namespace linli::net
