// SPDX-License-Identifier: Apache-2.0
#include "server/app/gateway_runtime.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/log.h"
#include "server/auth/authenticator.h"
#include "sync/protocol/frames.h"

namespace linli::app {
namespace {

using namespace std::chrono_literals;

/// Outbox rows of one reading.
constexpr std::size_t kRowsMax = 2000;
/// Between two readings: a storm of answers is taken in groups, so that the gateway's commits do
/// not slow the writer's. Nobody notices a tenth of a second.
constexpr Millis kFeedPause{100};
/// Facts of one telling: less than one batch of the writer.
constexpr std::size_t kFactsMax = 100;
/// After a failure of a store.
constexpr Millis kStoreAgain{1000};
/// Tasks that wait for the thread: answers of channels and pages. A channel's window is far
/// smaller.
constexpr std::size_t kTasksMax = 100'000;
/// How often balances and pauses are looked at.
constexpr Millis kWatch{60'000};
/// Addresses and attempts of what is over: inquiries about a storm come within weeks.
constexpr Millis kKeepEnded{std::chrono::days{90}};
/// The longest sleep: a wall clock that jumps is noticed within this.
constexpr Millis kSleepMax{10'000};
/// A day's work is what an office can type again (decision F5).
constexpr Millis kBackupAgeMax{24 * 3'600'000};

/// Whether the store failed rather than the mutator said no.
bool is_worth_repeating(Errc code) { return errc_retryable(code) && code != Errc::internal; }

}  // namespace

GatewayRuntime::GatewayRuntime(GatewayOptions options)
    : options_(std::move(options)), directory_(*options_.community) {}

GatewayRuntime::~GatewayRuntime() { stop(); }

std::string GatewayRuntime::channel_of_kind(std::string_view kind) const {
  const auto found = std::ranges::find_if(options_.channels, [&](const ChannelConfig& channel) {
    return channel.kind == kind && !(options_.is_training && channel.is_real);
  });
  return found == options_.channels.end() ? std::string{} : found->name;
}

Result<CapPublish::File> GatewayRuntime::published(const std::string& name) const {
  if (publish_ == nullptr) return fail(Errc::not_found, "nothing is published here");
  return publish_->file(name);
}

ChannelHost* GatewayRuntime::host(const std::string& name) {
  const auto found = hosts_.find(name);
  return found == hosts_.end() ? nullptr : found->second.get();
}

void GatewayRuntime::start() {
  thread_ = std::thread([this] { run(); });
}

void GatewayRuntime::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_) return;
    is_stopping_ = true;
  }
  some_.notify_one();
  if (thread_.joinable()) thread_.join();
  hosts_.clear();
}

void GatewayRuntime::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    LINLI_ASSERT(tasks_.size() < kTasksMax);
    tasks_.push_back(std::move(task));
  }
  some_.notify_one();
}

void GatewayRuntime::on_commit(std::uint64_t outbox_head) {
  {
    const std::lock_guard lock(mutex_);
    if (outbox_head <= outbox_head_) return;
    outbox_head_ = outbox_head;
    if (is_called_) return;
    is_called_ = true;
  }
  some_.notify_one();
}

void GatewayRuntime::run() {
  for (auto& [name, host] : hosts_) host->start();
  if (cap_) cap_->start();
  for (;;) {
    std::deque<Task> tasks;
    {
      std::unique_lock lock(mutex_);
      const MonoTime now = options_.clock->mono();
      // Rows known now are read at feed_at_, or when the reading before them is over: no commit in
      // between has to wake the thread.
      const bool knows_rows = is_called_ = outbox_head_ > gateway_->cursor();
      const auto ready = [&] {
        return is_stopping_ || !tasks_.empty() || is_called_ != knows_rows;
      };
      some_.wait_for(lock, next_wake(now) - now, ready);
      if (is_stopping_) break;
      tasks.swap(tasks_);
    }
    for (const Task& task : tasks) task();
    work();
  }
  for (auto& [name, host] : hosts_) host->stop();
  const MonoTime until = options_.clock->mono() + ChannelHost::kStopMax;
  const auto all_stopped = [&] {
    return std::ranges::all_of(hosts_,
                               [](const auto& entry) { return entry.second->is_stopped(); });
  };
  while (!all_stopped() && options_.clock->mono() < until) {
    std::deque<Task> tasks;
    {
      std::unique_lock lock(mutex_);
      some_.wait_for(lock, 50ms, [&] { return !tasks_.empty(); });
      tasks.swap(tasks_);
    }
    for (const Task& task : tasks) task();
    for (auto& [name, host] : hosts_) host->run_timers(options_.clock->mono());
  }
  // What the channels said at the end is worth one more commit.
  if (auto last = gateway_->turn(); !last)
    log_event(LogLevel::error, "gateway.store", {{"code", errc_name(last.error().code)}});
}

/// Hold mutex_.
MonoTime GatewayRuntime::next_wake(MonoTime now) const {
  MonoTime out = now + kSleepMax;
  const auto offer = [&](MonoTime at) { out = std::min(out, std::max(at, not_before_)); };
  if (wake_) offer(*wake_);
  if (outbox_head_ > gateway_->cursor() && !is_feeding_) offer(feed_at_);
  if (due_) offer(now + std::max(Millis{0}, *due_ - options_.clock->now()));
  for (const auto& [name, host] : hosts_)
    if (const auto timer = host->next_timer()) out = std::min(out, *timer);
  if (cap_)
    if (const auto timer = cap_->next_timer()) out = std::min(out, *timer);
  return std::max(out, now);
}

void GatewayRuntime::work() {
  const MonoTime now = options_.clock->mono();
  for (auto& [name, host] : hosts_) host->run_timers(now);
  if (cap_) cap_->run_timers(now);
  if (now < not_before_) return;
  watch(now);
  auto turn = gateway_->turn();
  if (!turn) {
    log_event(LogLevel::error, "gateway.store",
              {{"community", options_.community->slug()},
               {"code", errc_name(turn.error().code)},
               {"detail", turn.error().detail}});
    not_before_ = now + kStoreAgain;
    return;
  }
  for (const Task& task : std::exchange(after_commit_, {})) task();
  perform(std::move(*turn));
  feed();
  tell();
  auto shown = look_at_channels();
  const std::lock_guard lock(mutex_);
  shown_.swap(shown);
}

void GatewayRuntime::perform(notify::Turn turn) {
  due_ = turn.due;
  wake_ = turn.wake;
  facts_ = turn.facts;
  for (const notify::Submit& submit : turn.submits)
    if (ChannelHost* to = host(submit.channel)) to->submit(submit.items);
  for (const auto& [channel, id] : turn.cancels)
    if (ChannelHost* to = host(channel)) to->cancel(id);
  for (const auto& [notice, after] : turn.pages)
    directory_.page(notice, after, [this, id = notice](Result<notify::RecipientPage> page) {
      post([this, id, page = std::move(page)] { gateway_->on_page(id, page); });
    });
  for (const auto& [notice, person] : turn.persons)
    directory_.person(notice, person, [this, of = notice, id = person](auto who) {
      post([this, of, id, who = std::move(who)] { gateway_->on_person(of, id, who); });
    });
}

void GatewayRuntime::feed() {
  const std::uint64_t cursor = gateway_->cursor();
  options_.community->outbox_consumed(cursor);
  {
    const std::lock_guard lock(mutex_);
    if (is_feeding_ || outbox_head_ <= cursor || options_.clock->mono() < feed_at_) return;
    is_feeding_ = true;
    feed_at_ = options_.clock->mono() + kFeedPause;
  }
  const bool is_queued = options_.community->with_reader([this, cursor](sync::StoreReader& reader) {
    auto rows = reader.outbox(cursor, kRowsMax);
    post([this, rows = std::move(rows)] {
      {
        const std::lock_guard lock(mutex_);
        is_feeding_ = false;
      }
      if (!rows) {
        log_event(LogLevel::error, "gateway.outbox", {{"code", errc_name(rows.error().code)}});
        not_before_ = options_.clock->mono() + kStoreAgain;
        return;
      }
      std::vector<notify::OutboxItem> items;
      for (const sync::OutboxRow& row : *rows) {
        auto json = parse_json(row.data, limits::kRowBytesMax);
        items.push_back(
            {row.id, row.kind, json ? std::move(*json) : Json::object(), from_unix_ms(row.at)});
      }
      if (publish_) publish_->take(items);
      gateway_->accept(items);
    });
  });
  if (!is_queued) {
    const std::lock_guard lock(mutex_);
    is_feeding_ = false;
    not_before_ = options_.clock->mono() + kStoreAgain;
  }
}

void GatewayRuntime::tell() {
  if (is_telling_ || facts_ <= told_) return;
  const auto facts = store_->facts(told_, kFactsMax);
  if (!facts || facts->empty()) {
    if (!facts)
      log_event(LogLevel::error, "gateway.facts", {{"code", errc_name(facts.error().code)}});
    // Numbers that were skipped when one side came from a backup.
    if (facts) told_ = facts_;
    return;
  }
  is_telling_ = true;
  const std::uint64_t last = facts->back().n;
  for (const notify::FactRecord& fact : *facts) {
    sync::Submission submission =
        auth::system_submission(fact.name, fact.args, options_.clock->now());
    submission.actor.cid = client_id();
    submission.lane = kFactLane;
    submission.n = fact.n;
    submission.mhash = sync::mutation_hash(fact.name, submission.args_text);
    const std::uint64_t n = fact.n;
    const bool is_last = n == last;
    const bool is_queued = options_.community->submit(
        std::move(submission), [this, n, is_last, name = fact.name](const sync::Answer& answer) {
          post([this, n, is_last, name, result = answer.result] {
            told(n, name, result);
            if (is_last) is_telling_ = false;
          });
        });
    if (is_queued) continue;
    is_telling_ = n != facts->front().n;
    not_before_ = options_.clock->mono() + kStoreAgain;
    // What was queued ends this telling; the rest follows in the next.
    if (is_telling_) post([this] { is_telling_ = false; });
    return;
  }
}

void GatewayRuntime::told(std::uint64_t n, const std::string& name, const Result<Json>& answer) {
  if (answer || !is_worth_repeating(answer.error().code)) {
    if (!answer) refused(n, name, answer.error());
    told_ = std::max(told_, n);
    return;
  }
  not_before_ = options_.clock->mono() + kStoreAgain;
}

/// The fact is in the quarantine by now; the ones after it go on.
void GatewayRuntime::refused(std::uint64_t n, const std::string& name, const Error& why) {
  log_event(LogLevel::warn, "gateway.fact_refused",
            {{"n", n}, {"name", name}, {"code", errc_name(why.code)}, {"detail", why.detail}});
  // What people do in the meantime makes some facts late; that is no fault.
  const bool is_fault = why.code == Errc::invalid_argument || why.code == Errc::internal;
  if (is_fault && name != "desk.raise_alarm")
    gateway_->alarm("fact_refused", name, "网关报告的一件事没有记上：" + name);
}

/// Silence alarms (decisions F5): what nobody would notice by itself.
void GatewayRuntime::watch(MonoTime now) {
  if (now < watched_) return;
  watched_ = now + kWatch;
  prune(now);
  for (const ChannelConfig& config : options_.channels) {
    const ChannelHost* channel = host(config.name);
    if (channel == nullptr) continue;
    const notify::Health health = channel->health();
    if (config.balance_min > 0 && health.balance && *health.balance < config.balance_min)
      gateway_->alarm("balance_low", config.name, "余额只剩 " + std::to_string(*health.balance));
    if (health.state == notify::Health::State::down)
      gateway_->alarm("channel_down", config.name, "通道连不上：" + health.text);
  }
  if (const auto age = backup_age(); age && *age > kBackupAgeMax)
    gateway_->alarm("backup_old", "backup",
                    "上次备份已过 " +
                        std::to_string(std::chrono::floor<std::chrono::hours>(*age).count()) +
                        " 小时");
  for (const auto& [channel, why] : gateway_->paused())
    gateway_->alarm("gateway_stopped", channel, "已停止发送：" + why);
}

void GatewayRuntime::prune(MonoTime now) {
  if (now < prune_at_) return;
  prune_at_ = now + std::chrono::days{1};
  if (auto done = store_->prune(options_.clock->now() - kKeepEnded, told_); !done)
    log_event(LogLevel::error, "gateway.prune", {{"code", errc_name(done.error().code)}});
}

void GatewayRuntime::callback(const std::string& channel, notify::Callback request,
                              std::function<void(Result<notify::CallbackReply>)> done) {
  post([this, channel, request = std::move(request), done = std::move(done)] {
    ChannelHost* to = host(channel);
    if (to == nullptr) return done(fail(Errc::not_found, "no such channel"));
    auto reply = to->callback(request);
    if (!reply) return done(std::move(reply));
    // The peer hears "taken" only when it is: a crash in between makes it tell us again. What the
    // channel heard is queued before this.
    post([this, done, reply = std::move(reply)] {
      after_commit_.push_back([done, reply] { done(reply); });
    });
  });
}

std::vector<GatewayLook::Channel> GatewayRuntime::look_at_channels() {
  std::vector<GatewayLook::Channel> out;
  for (const notify::Sender::Look& sender : gateway_->channels()) {
    const ChannelHost* channel = host(sender.name);
    out.push_back({sender, std::string(notify::medium_name(channel->capabilities().medium)),
                   channel->health(), channel->pending()});
  }
  return out;
}

std::vector<GatewayLook::Channel> GatewayRuntime::channels() const {
  const std::lock_guard lock(mutex_);
  return shown_;
}

std::optional<Millis> GatewayRuntime::backup_age() const {
  if (!options_.last_backup) return std::nullopt;
  return options_.clock->now() - options_.last_backup();
}

void GatewayRuntime::look(std::function<void(GatewayLook)> done) {
  post([this, done = std::move(done)] {
    GatewayLook out;
    out.channels = look_at_channels();
    out.notices = gateway_->notices();
    out.paused = gateway_->paused();
    {
      const std::lock_guard lock(mutex_);
      out.rows_behind = outbox_head_ - std::min(outbox_head_, gateway_->cursor());
    }
    out.facts_behind = facts_ - std::min(facts_, told_);
    done(std::move(out));
  });
}

void GatewayRuntime::with_gateway(
    std::function<void(notify::Gateway&, notify::GatewayStore&)> task) {
  post([this, task = std::move(task)] { task(*gateway_, *store_); });
}

void GatewayRuntime::quote(notify::Message message, std::function<void(std::vector<Quote>)> done) {
  post([this, message = std::move(message), done = std::move(done)] {
    std::vector<Quote> out;
    for (const ChannelConfig& config : options_.channels) {
      const ChannelHost* channel = host(config.name);
      if (channel == nullptr) continue;
      const notify::Capabilities& can = channel->capabilities();
      notify::Message shown = message;
      // As long as a real one, so that it counts in the parts.
      if (can.has_links && shown.needs_ack && !options_.links.prefix.empty())
        shown.link = options_.links.prefix + std::string(notify::kLinkTokenLength, 'x');
      out.push_back({config.name, std::string(notify::medium_name(can.medium)),
                     channel->preview({can.medium, "", {}}, shown), can.part_price,
                     config.rate.parts_per_s});
    }
    done(std::move(out));
  });
}

}  // namespace linli::app
