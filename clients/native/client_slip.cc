// SPDX-License-Identifier: Apache-2.0
// A slip that waits for the server (ENR-3): kept before each request, gone with the transaction
// that stores the identity.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "clients/native/client.h"

namespace linli::client {

using Step = SlipEnrolment::Step;

Result<void> Client::recall_slip() {
  LINLI_TRY(const auto kept, replica_->local(sync::kLocalEnrolment));
  if (!kept) return {};
  LINLI_TRY(slip_, SlipEnrolment::parse(*kept));
  return {};
}

Result<void> Client::put_slip(SlipEnrolment slip) {
  LINLI_CHECK(replica_->put_local(sync::kLocalEnrolment, slip.text()));
  slip_ = std::move(slip);
  return {};
}

Result<void> Client::keep_slip(SlipEnrolment slip) {
  {
    const Lock lock(mutex_);
    if (replica_->state().identity) return fail(Errc::conflict, "this store is enrolled already");
    if (slip_) slip.go_on_from(*slip_);
    LINLI_CHECK(put_slip(std::move(slip)));
    ++slip_round_;
  }
  loop_.post([this] { pursue_slip(); });
  tell_status();
  return {};
}

Result<void> Client::choose_person(const std::string& ref) {
  {
    const Lock lock(mutex_);
    if (!slip_) return fail(Errc::wrong_state, "there is no slip");
    SlipEnrolment next = *slip_;
    LINLI_CHECK(next.choose(ref));
    LINLI_CHECK(put_slip(std::move(next)));
    ++slip_round_;
  }
  loop_.post([this] { pursue_slip(); });
  tell_status();
  return {};
}

Result<void> Client::forget_slip() {
  {
    const Lock lock(mutex_);
    if (!slip_) return fail(Errc::not_found, "there is no slip");
    LINLI_CHECK(replica_->remove_local(sync::kLocalEnrolment));
    slip_.reset();
    ++slip_round_;
  }
  tell_status();
  return {};
}

std::optional<SlipEnrolment> Client::slip() {
  const Lock lock(mutex_);
  return slip_;
}

Result<Step> Client::feed_slip(std::uint64_t round, const Result<HttpReply>& reply) {
  const Lock lock(mutex_);
  is_slip_asked_ = false;
  changed_.notify_all();
  if (!slip_ || round != slip_round_) return Step::again;
  SlipEnrolment next = *slip_;
  const Step step = next.on_reply(reply);
  if (step == Step::enrolled) {
    // The slip leaves the store in the transaction that brings the identity.
    LINLI_CHECK(replica_->adopt_identity(*next.identity()));
    slip_.reset();
    return step;
  }
  if (next.text() != slip_->text()) {
    LINLI_CHECK(put_slip(std::move(next)));
  } else {
    slip_ = std::move(next);
  }
  return step;
}

void Client::tell_status() {
  Lock lock(mutex_);
  changed_.notify_all();
  const auto listening = listening_;
  lock.unlock();
  tell(listening, {Event{.all = false, .tables = {}, .status = true}});
}

// --- For who waits ------------------------------------------------------------------------------

Result<Step> Client::enrol_now() {
  for (;;) {
    Lock lock(mutex_);
    changed_.wait(lock, [this] { return !is_slip_asked_; });
    if (replica_->state().identity) return Step::enrolled;
    if (!slip_) return fail(Errc::not_found, "there is no slip");
    const auto call = slip_->next();
    if (!call)
      return slip_->stage() == SlipEnrolment::Stage::choosing ? Step::choose : Step::refused;
    is_slip_asked_ = true;
    const bool is_running = is_running_;
    const std::uint64_t round = slip_round_;
    lock.unlock();
    LINLI_TRY(const Step step, feed_slip(round, http_call(*call, options_.tls)));
    if (step == Step::again) continue;
    if (is_running) loop_.post([this] { go_online(); });
    tell_status();
    return step;
  }
}

// --- In the background --------------------------------------------------------------------------

void Client::pursue_slip() {
  const Lock lock(mutex_);
  // A request that is out goes on by itself.
  if (!is_running_ || is_slip_asked_ || !slip_) return;
  const auto call = slip_->next();
  if (!call) return;
  is_slip_asked_ = true;
  slip_call_ = HttpRequest::send(
      loop_, *call, options_.tls,
      [this, round = slip_round_](const Result<HttpReply>& reply) { on_slip_reply(round, reply); });
}

void Client::on_slip_reply(std::uint64_t round, const Result<HttpReply>& reply) {
  slip_call_.reset();
  const auto step = feed_slip(round, reply);
  if (!step) log_event(LogLevel::error, "client.slip", {{"code", errc_name(step.error().code)}});
  if (step && *step == Step::again) {
    slip_tries_ = 0;
    return pursue_slip();
  }
  if (!step || *step == Step::wait) {
    {
      const Lock lock(mutex_);
      ++failures_;
    }
    const Millis after = sync::reconnect_delay(slip_tries_++, rng_);
    loop_.call_after(Loop::Timer::dial, after, [this] { pursue_slip(); });
  }
  tell_status();
  if (step && *step == Step::enrolled) go_online();
}

void Client::abandon_slip_call() {
  const Lock lock(mutex_);
  if (!slip_call_) return;
  slip_call_->abandon();
  slip_call_.reset();
  is_slip_asked_ = false;
  changed_.notify_all();
}

}  // namespace linli::client
