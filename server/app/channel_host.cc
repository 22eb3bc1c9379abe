// SPDX-License-Identifier: Apache-2.0
#include "server/app/channel_host.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "base/log.h"

namespace linli::app {

using notify::Action;
using notify::Actions;
using notify::Adapter;
using notify::CallId;
using notify::DeliveryId;
using notify::Item;
using notify::OutcomeKind;
using notify::StreamId;
namespace action = notify::action;

namespace {

notify::Outcome outcome_of(OutcomeKind kind, const char* reason) {
  notify::Outcome outcome;
  outcome.kind = kind;
  outcome.reason = reason;
  return outcome;
}

}  // namespace

ChannelHost::ChannelHost(Parts parts)
    : name_(std::move(parts.name)),
      clock_(*parts.clock),
      on_done_(std::move(parts.on_done)),
      on_heard_(std::move(parts.on_heard)),
      adapter_(std::move(parts.adapter)),
      mailbox_(std::make_shared<Mailbox>()),
      alive_(std::make_shared<ChannelHost*>(this)),
      transports_(std::move(parts.transports)) {
  mailbox_->post = std::move(parts.post);
  LINLI_ASSERT(adapter_ && transports_ && mailbox_->post && on_done_ && on_heard_);
}

ChannelHost::~ChannelHost() {
  if (state_ == State::running || state_ == State::stopping) finish();
  close_mailbox();
}

void ChannelHost::close_mailbox() {
  alive_.reset();
  const std::lock_guard lock(mailbox_->mutex);
  mailbox_->post = nullptr;
}

void ChannelHost::breach(const char* what) const {
  log_event(LogLevel::error, "channel.contract", {{"channel", name_}, {"what", what}});
}

template <class... Arguments, class Task>
std::function<void(Arguments...)> ChannelHost::relay(Task task) {
  return [mailbox = mailbox_, alive = std::weak_ptr(alive_), task](Arguments... arguments) {
    const std::lock_guard lock(mailbox->mutex);
    if (!mailbox->post) return;
    mailbox->post([alive, task, ... arguments = std::move(arguments)]() mutable {
      if (const auto host = alive.lock()) task(**host, std::move(arguments)...);
    });
  };
}

/// False when the adapter threw. What it had decided before that is done all the same, except that
/// nothing leaves for a submission (see submit_batch).
template <class Ask>
bool ChannelHost::ask(const char* what, Ask&& call) {
  Actions out;
  bool is_fine = true;
  try {
    call(*adapter_, clock_.mono(), out);
  } catch (const std::exception&) {
    // Not what it says: that may quote a message or an address.
    is_fine = false;
    ++faults_;
    log_event(LogLevel::error, "channel.adapter_threw", {{"channel", name_}, {"call", what}});
  }
  perform(std::move(out));
  return is_fine;
}

void ChannelHost::start() {
  LINLI_ASSERT(state_ == State::made);
  state_ = State::running;
  broker_ = transports_->connect_broker(
      {.on_state = relay<bool>([](ChannelHost& host, bool up) {
         host.ask("on_broker", [&](Adapter& adapter, MonoTime now, Actions& out) {
           adapter.on_broker(up, now, out);
         });
       }),
       .on_message = relay<std::string, std::string>(
           [](ChannelHost& host, const std::string& topic, const std::string& payload) {
             if (host.broker_) host.broker_->consumed_message();
             host.ask("on_message", [&](Adapter& adapter, MonoTime now, Actions& out) {
               adapter.on_message(topic, payload, now, out);
             });
           })});
  ask("start", [](Adapter& adapter, MonoTime now, Actions& out) { adapter.start(now, out); });
}

void ChannelHost::submit(std::span<const Item> items) {
  const std::size_t batch = std::max<std::size_t>(capabilities().batch_max, 1);
  while (!items.empty()) {
    const auto part = items.first(std::min(batch, items.size()));
    items = items.subspan(part.size());
    submit_batch(part);
  }
}

void ChannelHost::submit_batch(std::span<const Item> items) {
  const MonoTime until = clock_.mono() + kAnswerMax;
  std::vector<Item> fresh;
  for (const Item& item : items) {
    if (pending_.contains(item.id)) {
      breach("a delivery was submitted twice");
      continue;
    }
    if (state_ != State::running) {
      on_done_({item.id, outcome_of(OutcomeKind::retry_after, "the channel is stopped")});
      continue;
    }
    pending_.emplace(item.id, until);
    pending_order_.emplace(until, item.id);
    fresh.push_back(item);
  }
  if (fresh.empty()) return;
  Actions decided;
  const bool is_fine = ask("submit", [&](Adapter& adapter, MonoTime now, Actions& out) {
    adapter.submit(fresh, now, decided);
    out = std::move(decided);
  });
  // Nothing of a submission that threw leaves, so that it cannot be half sent.
  if (is_fine) return;
  for (const Item& item : fresh) end_as_unknown(item.id, "adapter fault");
}

void ChannelHost::cancel(DeliveryId id) {
  if (state_ != State::running) return;
  ask("cancel",
      [&](Adapter& adapter, MonoTime now, Actions& out) { adapter.cancel(id, now, out); });
}

Result<notify::CallbackReply> ChannelHost::callback(const notify::Callback& request) {
  Actions out;
  Result<notify::CallbackReply> reply = fail(Errc::internal, "the channel's adapter failed");
  try {
    reply = adapter_->on_callback(request, clock_.now(), out);
  } catch (const std::exception&) {
    ++faults_;
    log_event(LogLevel::error, "channel.adapter_threw",
              {{"channel", name_}, {"call", "on_callback"}});
  }
  // The answer goes out first (notify.md §5 trap 33).
  if (!out.empty())
    relay<Actions>([](ChannelHost& host, Actions actions) { host.perform(std::move(actions)); })(
        std::move(out));
  return reply;
}

Result<Adapter::Preview> ChannelHost::preview(const notify::Endpoint& to,
                                              const notify::Message& message) const {
  try {
    return adapter_->preview(to, message);
  } catch (const std::exception&) {
    log_event(LogLevel::error, "channel.adapter_threw", {{"channel", name_}, {"call", "preview"}});
    return fail(Errc::internal, "the channel's adapter failed");
  }
}

notify::Health ChannelHost::health() const {
  using enum notify::Health::State;
  notify::Health health;
  try {
    health = adapter_->health();
  } catch (const std::exception&) {
    return {.state = down, .text = "adapter fault", .balance = {}};
  }
  if (faults_ > 0 && health.state != down) {
    health.state = degraded;
    health.text = "adapter faults: " + std::to_string(faults_);
  }
  return health;
}

// --- Time -------------------------------------------------------------------------------------

std::optional<MonoTime> ChannelHost::next_timer() const {
  std::optional<MonoTime> next = stop_by_;
  const auto take = [&](MonoTime at) { next = next ? std::min(*next, at) : at; };
  if (!timer_order_.empty()) take(timer_order_.begin()->first);
  if (!pending_order_.empty()) take(pending_order_.begin()->first);
  return next;
}

void ChannelHost::run_timers(MonoTime now) {
  if (state_ == State::stopped) return;
  std::vector<std::uint32_t> due;  // taken first: one that is set again waits for the next turn
  while (!timer_order_.empty() && timer_order_.begin()->first <= now) {
    due.push_back(timer_order_.begin()->second);
    timers_.erase(due.back());
    timer_order_.erase(timer_order_.begin());
  }
  for (const std::uint32_t number : due)
    ask("on_timer",
        [&](Adapter& adapter, MonoTime at, Actions& out) { adapter.on_timer(number, at, out); });
  end_overdue(now);
  if (stop_by_ && now >= *stop_by_) finish();
}

void ChannelHost::end_overdue(MonoTime now) {
  while (!pending_order_.empty() && pending_order_.begin()->first <= now) {
    breach("a delivery never got its outcome");
    end_as_unknown(pending_order_.begin()->second, "no answer from the channel");
  }
}

// --- End --------------------------------------------------------------------------------------

void ChannelHost::stop() {
  if (state_ == State::made) {
    state_ = State::stopped;
    return close_mailbox();
  }
  if (state_ != State::running) return;
  state_ = State::stopping;
  stop_by_ = clock_.mono() + kStopMax;
  ask("stop", [](Adapter& adapter, MonoTime now, Actions& out) { adapter.stop(now, out); });
  settle();
}

/// Ends once there is nothing left to wait for.
void ChannelHost::settle() {
  if (state_ != State::stopping || is_performing_ || !actions_.empty()) return;
  if (pending_.empty() && streams_.empty() && publishes_.empty()) finish();
}

void ChannelHost::finish() {
  state_ = State::stopped;
  close_mailbox();
  actions_.clear();
  if (!pending_.empty()) breach("a stop left deliveries without outcome");
  while (!pending_.empty()) end_as_unknown(pending_.begin()->first, "the channel was stopped");
  streams_.clear();
  program_.reset();
  broker_.reset();
  timers_.clear();
  timer_order_.clear();
  stop_by_.reset();
}

void ChannelHost::end_as_unknown(DeliveryId id, const char* reason) {
  perform_one(action::Done{id, outcome_of(OutcomeKind::unknown, reason)});
}

// --- Actions ----------------------------------------------------------------------------------

void ChannelHost::perform(Actions actions) {
  std::ranges::move(actions, std::back_inserter(actions_));
  // on_done may submit more: that is performed after what is already decided.
  if (is_performing_) return;
  is_performing_ = true;
  while (!actions_.empty()) {
    Action next = std::move(actions_.front());
    actions_.pop_front();
    std::visit([this](auto&& what) { perform_one(std::forward<decltype(what)>(what)); },
               std::move(next));
  }
  is_performing_ = false;
  settle();
}

template <class Call>
void ChannelHost::start_call(CallId id, Call&& call) {
  if (state_ == State::stopped) return;
  auto answer = relay<CallReply>([id](ChannelHost& host, const CallReply& reply) {
    host.calls_.erase(id);
    host.ask("on_reply", [&](Adapter& adapter, MonoTime now, Actions& out) {
      adapter.on_reply(id, reply, now, out);
    });
  });
  if (calls_.contains(id)) return breach("a call id is used twice");
  if (calls_.size() >= kOpenMax) {
    CallReply refused;
    refused.failure = Failure::overload;
    return answer(std::move(refused));
  }
  calls_.insert(id);
  transports_->call(std::forward<Call>(call), std::move(answer));
}

void ChannelHost::perform_one(action::Http&& what) { start_call(what.id, std::move(what.call)); }

void ChannelHost::perform_one(action::Mail&& what) { start_call(what.id, std::move(what.call)); }

StreamEvents ChannelHost::stream_events(StreamId id, std::uint64_t serial) {
  const auto is_current = [id, serial](ChannelHost& host) {
    const auto found = host.streams_.find(id);
    return found != host.streams_.end() && found->second.serial == serial;
  };
  return {
      .on_open = relay<>([id, is_current](ChannelHost& host) {
        if (!is_current(host)) return;
        host.ask("on_stream_open", [&](Adapter& adapter, MonoTime now, Actions& out) {
          adapter.on_stream_open(id, now, out);
        });
      }),
      .on_bytes = relay<std::string>([id, is_current](ChannelHost& host, const std::string& bytes) {
        if (!is_current(host)) return;
        host.streams_.at(id).link->consumed(bytes.size());
        host.ask("on_bytes", [&](Adapter& adapter, MonoTime now, Actions& out) {
          adapter.on_bytes(id, bytes, now, out);
        });
      }),
      .on_closed = relay<std::string>([id, serial](ChannelHost& host, const std::string& reason) {
        host.stream_closed(id, serial, reason);
      })};
}

void ChannelHost::stream_closed(StreamId id, std::uint64_t serial, const std::string& reason) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || found->second.serial != serial) return;
  streams_.erase(found);
  ask("on_stream_closed", [&](Adapter& adapter, MonoTime now, Actions& out) {
    adapter.on_stream_closed(id, reason, now, out);
  });
}

void ChannelHost::perform_one(action::Open&& what) {
  if (state_ == State::stopped) return;
  const std::uint64_t serial = ++last_serial_;
  StreamEvents events = stream_events(what.stream, serial);
  if (!streams_.contains(what.stream) && streams_.size() >= kOpenMax)
    return breach("too many streams");
  Stream& stream = streams_[what.stream];
  stream.serial = serial;
  stream.link = transports_->open(
      {std::move(what.host), what.port, what.tls, std::move(what.ca_file)}, std::move(events));
}

void ChannelHost::perform_one(action::Send&& what) {
  const auto found = streams_.find(what.stream);
  if (found != streams_.end() && found->second.link)
    found->second.link->send(std::move(what.bytes));
}

void ChannelHost::perform_one(action::Close&& what) {
  const auto found = streams_.find(what.stream);
  if (found == streams_.end() || !found->second.link) return;
  found->second.link.reset();
  // Its own end may already be on its way: the serial sees to one report.
  relay<>([id = what.stream, serial = found->second.serial](ChannelHost& host) {
    host.stream_closed(id, serial, "closed by us");
  })();
}

void ChannelHost::perform_one(action::Publish&& what) {
  if (state_ == State::stopped) return;
  auto answer = relay<bool>([id = what.id](ChannelHost& host, bool ok) {
    host.publishes_.erase(id);
    host.ask("on_published", [&](Adapter& adapter, MonoTime now, Actions& out) {
      adapter.on_published(id, ok, now, out);
    });
  });
  if (publishes_.contains(what.id)) return breach("a publish id is used twice");
  if (!broker_ || publishes_.size() >= kOpenMax) return answer(false);
  publishes_.insert(what.id);
  broker_->publish(
      {std::move(what.topic), std::move(what.payload), what.qos, what.retain, what.expiry},
      std::move(answer));
}

void ChannelHost::perform_one(action::Subscribe&& what) {
  if (broker_) broker_->subscribe(std::move(what.filter));
}

void ChannelHost::start_program() {
  const std::uint64_t serial = ++program_serial_;
  program_ = transports_->run_program(
      {.on_line = relay<std::string>([serial](ChannelHost& host, const std::string& line) {
         if (host.program_serial_ != serial) return;
         if (host.program_) host.program_->consumed_line();
         host.ask("on_line", [&](Adapter& adapter, MonoTime now, Actions& out) {
           adapter.on_line(line, false, now, out);
         });
       }),
       .on_ended = relay<>([serial](ChannelHost& host) {
         if (host.program_serial_ != serial) return;
         host.program_.reset();
         host.ask("on_line", [&](Adapter& adapter, MonoTime now, Actions& out) {
           adapter.on_line("", true, now, out);
         });
       })});
}

void ChannelHost::perform_one(action::Line&& what) {
  // Between a failure and its report lines belong to the program that failed.
  if (state_ == State::stopped || is_program_lost_) return;
  if (!program_) start_program();
  if (program_ && program_->send(std::move(what.text))) return;
  // None, or one that does not read: the adapter hears that it is gone.
  program_.reset();
  ++program_serial_;
  is_program_lost_ = true;
  relay<>([](ChannelHost& host) {
    host.is_program_lost_ = false;
    host.ask("on_line", [&](Adapter& adapter, MonoTime now, Actions& out) {
      adapter.on_line("", true, now, out);
    });
  })();
}

void ChannelHost::perform_one(action::Timer&& what) {
  if (state_ == State::stopped) return;
  const auto [at, is_new] = timers_.try_emplace(what.number, what.at);
  if (!is_new) timer_order_.erase({at->second, what.number});
  if (timers_.size() > kOpenMax) {
    timers_.erase(at);
    return breach("too many timers");
  }
  at->second = what.at;
  timer_order_.emplace(what.at, what.number);
}

void ChannelHost::perform_one(action::Done&& what) {
  const auto found = pending_.find(what.id);
  if (found == pending_.end()) return breach("an outcome without a submission, or a second one");
  pending_order_.erase({found->second, what.id});
  pending_.erase(found);
  on_done_(what);
}

void ChannelHost::perform_one(action::Heard&& what) { on_heard_(what.receipt); }

}  // namespace linli::app
