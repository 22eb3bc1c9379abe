// SPDX-License-Identifier: Apache-2.0
#include "server/ws/sync_connection.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "server/ws/framing.h"
#include "sync/engine/intake.h"

namespace linli::ws {
namespace {

/// The hello deadline is 10 s, the others 30 s and more: late by this much is fine.
constexpr Millis kSignInCheck{1000};
constexpr Millis kLiveCheck{5000};
/// For the closing handshake, and for a last write that nobody reads.
constexpr Millis kCloseDeadline{5000};
/// The writer's queue was full: a second clears thousands of mutations.
constexpr std::int64_t kRetryAfterMs = 1000;

void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

/// What is told when nothing of `ask` was taken.
sync::AskMutate first_of(const sync::AskMutate& ask) {
  sync::AskMutate out{ask.lane, std::vector<sync::PushedMutation>(1), ask.clock_off};
  out.muts.front().n = ask.muts.front().n;
  return out;
}

std::vector<sync::Submission> submissions(const sync::Registry& registry,
                                          const sync::Principal& who, sync::AskMutate ask,
                                          Instant now) {
  std::vector<sync::Submission> out;
  out.reserve(ask.muts.size());
  for (sync::PushedMutation& pushed : ask.muts)
    out.push_back(
        sync::make_submission(registry, who, ask.lane, std::move(pushed), {now, ask.clock_off}));
  return out;
}

}  // namespace

SyncConnection::SyncConnection(Loop& loop, LocalCommunity& community,
                               std::shared_ptr<Transport> transport, sync::Encoding encoding)
    : loop_(loop),
      community_(community),
      transport_(std::move(transport)),
      session_(this, community, encoding) {
  loop_.stats().open.fetch_add(1, std::memory_order_relaxed);
}

SyncConnection::~SyncConnection() {
  community_.hub.detach(session_);
  loop_.stats().open.fetch_sub(1, std::memory_order_relaxed);
}

SyncConnection& SyncConnection::of(sync::ServerSession& session) {
  return *static_cast<Session&>(session).owner;
}

SyncConnection& SyncConnection::of(net::TimerWheel::Entry& entry) {
  return *static_cast<Timer&>(entry).owner;
}

void SyncConnection::open() {
  // Covers the upgrade as well: a peer that stops half-way is dropped.
  loop_.wheel().arm(timer_, limits::kHelloDeadline);
  transport_->open(shared_from_this());
}

void SyncConnection::on_open() {
  open_ = true;
  count(loop_.stats().opened);
  sync::Nonce nonce{};
  loop_.rng().fill(nonce);
  // Drained while the upgrade was under way: only goodbye is left to say.
  if (session_.state() != sync::ServerSession::State::closed)
    session_.start(nonce, loop_.clock().now(), loop_.clock().mono());
  loop_.wheel().arm(timer_, kSignInCheck);
  changed();
}

void SyncConnection::changed() {
  community_.hub.changed(session_);
  loop_.want_flush();
}

void SyncConnection::on_message(std::string_view message, bool text) {
  count(loop_.stats().messages_in);
  count(loop_.stats().bytes_in, message.size());
  if (text != (session_.encoding() == sync::Encoding::json)) {
    close(Errc::malformed, "text and binary messages follow the subprotocol");
    return;
  }
  session_.on_message(message, loop_.clock().now(), loop_.clock().mono());
  note_durable();
  if (session_.wants_turn() || session_.lags() != lags_) changed();
}

void SyncConnection::on_too_large() { close(Errc::too_large, "message"); }

void SyncConnection::on_violation() {
  finishing_ = true;
  perform(sync::AskClose{kCloseProtocolError, Errc::malformed});
}

void SyncConnection::note_durable() {
  const sync::Principal* who = session_.principal();
  if (who == nullptr) return;
  if (noted_ && noted_->cur == session_.durable() && noted_->pending == session_.unsent()) return;
  note_contact(*who);
}

void SyncConnection::note_contact(const sync::Principal& who) {
  noted_ = sync::DeviceCursor{who.cid, session_.durable(), to_unix_ms(loop_.clock().now()),
                              session_.unsent(), session_.app()};
  community_.runtime->note_cursors(*noted_);
}

void SyncConnection::pump() {
  if (gone_ || !open_) return;
  if (!writing_ && !finishing_ && session_.has_output()) write();
  for (sync::Ask& ask : session_.take_asks()) std::visit([this](auto& one) { perform(one); }, ask);
  if (session_.lags() != lags_) {
    count(loop_.stats().lags, session_.lags() - lags_);
    lags_ = session_.lags();
  }
  finish_if_done();
}

void SyncConnection::write() {
  std::vector<Frame>& out = loop_.gather();
  session_.take_output(out, loop_.clock().mono());
  if (out.empty()) return;
  std::uint64_t bytes = 0;
  for (const Frame& frame : out) bytes += frame->size();
  count(loop_.stats().messages_out);
  count(loop_.stats().frames_out, out.size());
  count(loop_.stats().bytes_out, bytes);
  writing_ = !transport_->write(out);
  out.clear();
  // The rest goes in the next turn: every other phone comes first.
  if (!writing_ && session_.has_output()) changed();
}

void SyncConnection::finish_if_done() {
  if (close_code_ == 0 || writing_ || finishing_ || session_.has_output()) return;
  finishing_ = true;
  transport_->close(close_code_, errc_name(close_reason_));
}

void SyncConnection::on_written() {
  writing_ = false;
  if (session_.has_output() || close_code_ != 0) pump();
}

template <class T, class Apply>
std::function<void(Result<T>)> SyncConnection::answer(Apply apply) {
  return [weak = weak_from_this(), &loop = loop_, apply](Result<T> result) {
    loop.post([weak, apply, result = std::move(result)] {
      const auto self = weak.lock();
      if (!self || self->gone_) return;
      apply(*self, result);
      self->changed();
    });
  };
}

void SyncConnection::perform(sync::AskAuthenticate& ask) {
  community_.auth->authenticate(
      std::move(ask), answer<sync::Principal>([](SyncConnection& self, const auto& who) {
        if (!who) count(self.loop_.stats().refused);
        if (who) self.transport_->allow(limits::kClientMessageBytesMax);
        self.session_.on_authenticated(who, self.loop_.clock().now(), self.loop_.clock().mono());
        self.note_durable();
      }));
}

void SyncConnection::perform(sync::AskResults& ask) {
  auto done = answer<std::vector<sync::StoredResult>>(
      [](SyncConnection& self, const auto& results) { self.session_.on_results(results); });
  if (!community_.runtime->read_results(ask, done)) done(fail(Errc::unavailable));
}

void SyncConnection::perform(sync::AskChunk& ask) {
  auto done = answer<sync::SharedChunk>(
      [](SyncConnection& self, const auto& chunk) { self.session_.on_chunk(chunk); });
  if (!community_.runtime->read_chunk(ask, done)) done(fail(Errc::unavailable));
}

void SyncConnection::perform(sync::AskMutate& ask) {
  const sync::Registry& registry = community_.runtime->registry();
  if (unchecked_.empty() && !sync::is_verified(registry, ask.muts)) {
    const sync::AskMutate told = first_of(ask);
    const Instant now = loop_.clock().now();
    return submit(told, submissions(registry, *session_.principal(), std::move(ask), now));
  }
  unchecked_.push_back(std::move(ask));
  if (unchecked_.size() == 1) check_next();
}

void SyncConnection::check_next() {
  const auto shared = std::make_shared<sync::AskMutate>(std::move(unchecked_.front()));
  const sync::AskMutate told = first_of(*shared);
  const bool taken = community_.auth->offload(
      [weak = weak_from_this(), &loop = loop_, &registry = community_.runtime->registry(), shared,
       told, who = *session_.principal(), now = loop_.clock().now()] {
        auto work = std::make_shared<std::vector<sync::Submission>>(
            submissions(registry, who, std::move(*shared), now));
        loop.post([weak, told, work] {
          const auto self = weak.lock();
          if (!self || self->gone_) return;
          self->submit(told, std::move(*work));
          self->unchecked_.pop_front();
          if (!self->unchecked_.empty()) self->check_next();
        });
      });
  if (taken) return;
  // The phone sends all of it again; what waits behind would only be a gap.
  unchecked_.clear();
  submit(told, {});
}

void SyncConnection::submit(const sync::AskMutate& told, std::vector<sync::Submission> work) {
  const std::size_t size = work.size();
  if (size > 0 && community_.runtime->submit_device(std::move(work))) return;
  count(loop_.stats().mutations_refused, std::max<std::size_t>(size, 1));
  session_.on_mutate_refused(told, kRetryAfterMs);
  changed();
}

void SyncConnection::perform(sync::AskRekey& ask) {
  community_.auth->rekey(*session_.principal(), std::move(ask.frame),
                         answer<sync::FrameRekeyed>([](SyncConnection& self, const auto& frame) {
                           self.session_.on_rekeyed(frame);
                         }));
}

void SyncConnection::perform(const sync::AskClose& ask) {
  if (close_code_ != 0) return;
  close_code_ = ask.code;
  close_reason_ = ask.reason;
  loop_.wheel().arm(timer_, kCloseDeadline);
}

void SyncConnection::on_timer() {
  if (gone_) return;
  if (close_code_ != 0 || !open_) return abort();
  session_.on_timer(loop_.clock().mono());
  loop_.wheel().arm(timer_, session_.principal() == nullptr ? kSignInCheck : kLiveCheck);
  if (session_.state() == sync::ServerSession::State::closed) changed();
}

void SyncConnection::drain(std::int64_t after_ms) {
  session_.drain(after_ms);
  changed();
}

void SyncConnection::close(Errc reason, std::string_view detail) {
  session_.close(reason, detail);
  changed();
}

void SyncConnection::abort() {
  if (!gone_) transport_->abort();
}

void SyncConnection::on_gone() {
  const auto self = shared_from_this();
  gone_ = true;
  timer_.unlink();
  if (const sync::Principal* who = session_.principal(); who != nullptr && noted_)
    note_contact(*who);
  community_.hub.detach(session_);
  loop_.left(*this);
}

}  // namespace linli::ws
