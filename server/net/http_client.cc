// SPDX-License-Identifier: Apache-2.0
#include "server/net/http_client.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <curl/curl.h>
#include <pthread.h>

#include "base/assert.h"
#include "base/log.h"
#include "server/net/curl_call.h"

namespace linli::net {
namespace {

/// Longest sleep of the thread without work; it is woken for every new call.
constexpr int kPollMs = 1'000;
/// Connections kept open when idle.
constexpr long kIdleConnectionsMax = 64;
constexpr long kStreamsPerConnectionMax = 100;

void initialize_curl() {
  static const bool is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  LINLI_ASSERT(is_ready);
}

}  // namespace

struct HttpClient::Curl {
  struct Free {
    void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
  };
  std::unique_ptr<CURLM, Free> multi;
};

HttpClient::HttpClient(Options options) : options_(options), curl_(std::make_unique<Curl>()) {
  initialize_curl();
  curl_->multi.reset(curl_multi_init());
  LINLI_ASSERT(curl_->multi != nullptr);
  CURLM* multi = curl_->multi.get();
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, kIdleConnectionsMax);
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                    static_cast<long>(options_.limits.host_connections_max));
  curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "http-client");
}

HttpClient::~HttpClient() { stop(); }

void HttpClient::start(HttpCall call, OnReply done) {
  enqueue(
      std::make_unique<CurlCall>(std::move(call), std::move(done), options_.allow_private_targets));
}

void HttpClient::start(MailCall call, OnReply done) {
  enqueue(
      std::make_unique<CurlCall>(std::move(call), std::move(done), options_.allow_private_targets));
}

void HttpClient::enqueue(std::unique_ptr<CurlCall> call) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && queue_.size() < options_.limits.queued_max) {
      queue_.push_back(std::move(call));
      curl_multi_wakeup(curl_->multi.get());
      return;
    }
  }
  call->finish_unsent(Failure::overload);
}

void HttpClient::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    curl_multi_wakeup(curl_->multi.get());
  }
  if (thread_.joinable()) thread_.join();
}

void HttpClient::run() {
  CURLM* multi = curl_->multi.get();
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    admit();
    expire_queued();
    int running = 0;
    if (const auto code = curl_multi_perform(multi, &running); code != CURLM_OK)
      log_event(LogLevel::error, "net.http_client.perform", {{"curlm", static_cast<int>(code)}});
    collect();
    curl_multi_poll(multi, nullptr, 0, poll_ms(), nullptr);
  }
  end_all();
}

int HttpClient::poll_ms() {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return kPollMs;
  if (active_.size() < options_.limits.active_max) return 0;
  const MonoTime now = CurlCall::mono_now();
  MonoTime next = now + Millis{kPollMs};
  for (const auto& call : queue_) next = std::min(next, call->deadline());
  return static_cast<int>(std::max(next - now, Millis{0}).count());
}

void HttpClient::admit() {
  while (active_.size() < options_.limits.active_max) {
    std::unique_ptr<CurlCall> call;
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty()) return;
      call = std::move(queue_.front());
      queue_.pop_front();
    }
    begin(std::move(call));
  }
}

void HttpClient::begin(std::unique_ptr<CurlCall> call) {
  const MonoTime now = CurlCall::mono_now();
  if (now >= call->deadline()) return call->finish_unsent(Failure::timed_out);
  if (const auto failure = call->prepare(now)) return call->finish_unsent(*failure);
  CURL* easy = call->easy();
  if (curl_multi_add_handle(curl_->multi.get(), easy) != CURLM_OK)
    return call->finish_unsent(Failure::local);
  active_.emplace(easy, std::move(call));
}

void HttpClient::expire_queued() {
  std::deque<std::unique_ptr<CurlCall>> late;
  {
    const std::lock_guard lock(mutex_);
    const MonoTime now = CurlCall::mono_now();
    const auto first = std::stable_partition(
        queue_.begin(), queue_.end(), [&](const auto& call) { return call->deadline() > now; });
    std::move(first, queue_.end(), std::back_inserter(late));
    queue_.erase(first, queue_.end());
  }
  for (const auto& call : late) call->finish_unsent(Failure::timed_out);
}

void HttpClient::collect() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(curl_->multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;
    auto found = active_.extract(easy);
    LINLI_ASSERT(!found.empty());
    curl_multi_remove_handle(curl_->multi.get(), easy);
    found.mapped()->finish(code, CurlCall::mono_now());
  }
}

void HttpClient::end_all() {
  for (auto& [easy, call] : active_) {
    curl_multi_remove_handle(curl_->multi.get(), easy);
    call->finish(CURLE_ABORTED_BY_CALLBACK, CurlCall::mono_now());
  }
  active_.clear();
  std::deque<std::unique_ptr<CurlCall>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(queue_);
  }
  for (const auto& call : waiting) call->finish_unsent(Failure::local);
}

}  // namespace linli::net
