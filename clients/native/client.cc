// SPDX-License-Identifier: Apache-2.0
#include "clients/native/client.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "clients/native/mutators_json.h"

namespace linli::client {
namespace {

constexpr Millis kSeenDelay{30'000};
constexpr std::size_t kSeenMax = 50;

Result<sync::EffectTable> built_in_effects() {
  LINLI_TRY(const Json schema, parse_json(kMutatorsJson, 4 * 1024 * 1024));
  return sync::EffectTable::parse(schema);
}

/// Local state: a JSON list of what was opened and is not in a mutation yet.
constexpr const char* kSeenWaiting = "seen_waiting";
/// Ids of notices leave room for `<notice>:<person>` keys.
constexpr std::size_t kNoticeIdMax = 24;

thread_local int listeners_entered = 0;

Error not_enrolled() { return {Errc::unauthenticated, "this store is not enrolled"}; }

Result<void> check_args(const Json& args) {
  if (args.is_object()) return {};
  return fail(Errc::invalid_argument, "the arguments are not a JSON object");
}

}  // namespace

Result<std::unique_ptr<Client>> Client::open(ClientOptions options) {
  LINLI_CHECK(crypto_init());
  if (!options.effects) {
    LINLI_TRY(options.effects, built_in_effects());
  }
  LINLI_TRY(StoreLock lock, StoreLock::take(options.store, options.lock_patience));
  LINLI_TRY(auto storage, open_sqlite_storage(options.store));
  LINLI_TRY(auto replica, sync::Replica::open(*storage));
  std::unique_ptr<Client> client(
      new Client(std::move(options), std::move(lock), std::move(storage), std::move(replica)));
  LINLI_CHECK(client->recall_seen());
  LINLI_CHECK(client->recall_slip());
  return client;
}

Client::Client(ClientOptions options, StoreLock lock, std::unique_ptr<sync::ReplicaStorage> storage,
               std::unique_ptr<sync::Replica> replica)
    : options_(std::move(options)),
      effects_(std::move(*options_.effects)),
      store_lock_(std::move(lock)),
      storage_(std::move(storage)),
      replica_(std::move(replica)),
      session_(std::make_unique<sync::ClientSession>(
          *replica_, clock_, rng_, sync::ClientConfig{options_.encoding, options_.app})) {}

Client::~Client() { stop(); }

Result<void> Client::adopt(const sync::Identity& identity) {
  const Lock lock(mutex_);
  return replica_->adopt_identity(identity);
}

std::optional<sync::Identity> Client::identity() {
  const Lock lock(mutex_);
  return replica_->state().identity;
}

struct Client::Listening {
  std::function<void(const Event&)> call;
  std::mutex mutex;
  std::condition_variable idle;
  int running = 0;
  bool is_ended = false;
};

bool Client::is_inside_listener() noexcept { return listeners_entered > 0; }

void Client::tell(const std::shared_ptr<Listening>& to, const std::vector<Event>& events) {
  if (!to || events.empty()) return;
  {
    const std::lock_guard lock(to->mutex);
    if (to->is_ended) return;
    ++to->running;
  }
  ++listeners_entered;
  for (const Event& event : events) to->call(event);
  --listeners_entered;
  const std::lock_guard lock(to->mutex);
  --to->running;
  to->idle.notify_all();
}

void Client::subscribe(std::function<void(const Event&)> listener) {
  std::shared_ptr<Listening> next;
  if (listener) {
    next = std::make_shared<Listening>();
    next->call = std::move(listener);
  }
  {
    const Lock lock(mutex_);
    std::swap(listening_, next);
  }
  if (!next) return;
  // What the old listener points to may be freed as soon as we return.
  std::unique_lock lock(next->mutex);
  next->is_ended = true;
  if (!is_inside_listener()) next->idle.wait(lock, [&] { return next->running == 0; });
}

// --- Connection ---------------------------------------------------------------------------------

Result<void> Client::start() {
  if (is_inside_listener()) return fail(Errc::wrong_state, "not from a listener");
  const std::lock_guard living(lifecycle_);
  const Lock lock(mutex_);
  if (is_running_) return {};
  if (!replica_->state().identity && !slip_) return std::unexpected(not_enrolled());
  is_running_ = true;
  loop_.post([this] { go_online(); });
  if (!seen_.empty())
    loop_.post(
        [this] { loop_.call_after(Loop::Timer::app, kSeenDelay, [this] { flush_seen(); }); });
  thread_ = std::thread([this] { loop_.run(); });
  return {};
}

void Client::go_online() {
  if (identity()) return drive([this] { session_->start(); });
  pursue_slip();
}

void Client::stop(Millis patience) {
  LINLI_ASSERT(!is_inside_listener());
  const std::lock_guard living(lifecycle_);
  flush_seen();
  {
    Lock lock(mutex_);
    if (!is_running_) return;
    loop_.post([this] {
      loop_.cancel(Loop::Timer::dial);
      drive([this] { session_->stop(); });
      const Lock stopping(mutex_);
      if (session_->state() != sync::ClientSession::State::offline) return;
      // Still dialling: nobody to say bye to.
      if (auto socket = std::exchange(socket_, nullptr)) {
        socket->abandon();
        ignore(replica_->note_no_contact(), "only the state that is shown");
      }
      is_socket_open_ = false;
      changed_.notify_all();
    });
    changed_.wait_for(lock, patience, [this] { return !is_socket_open_; });
    is_running_ = false;
  }
  loop_.stop();
  thread_.join();
  abandon_slip_call();
  if (socket_) socket_->abandon();
  socket_.reset();
}

void Client::drive(const std::function<void()>& event) {
  Lock lock(mutex_);
  event();
  perform(lock);
}

void Client::perform(Lock& lock) {
  std::vector<Event> events;
  for (sync::ClientAction& action : session_->take_actions()) {
    if (auto* message = std::get_if<sync::SendMessage>(&action)) {
      if (socket_) socket_->send(std::move(message->bytes));
    } else if (auto* close = std::get_if<sync::CloseSocket>(&action)) {
      if (socket_) socket_->close(close->code);
    } else if (auto* timer = std::get_if<sync::ArmTimer>(&action)) {
      loop_.call_after(Loop::Timer::session, timer->at - clock_.mono(),
                       [this] { drive([this] { session_->on_timer(); }); });
    } else if (auto* again = std::get_if<sync::Redial>(&action)) {
      loop_.call_after(Loop::Timer::dial, again->after, [this] { dial(); });
    } else {
      events.push_back(event_of(std::get<sync::Notify>(action).changes));
    }
  }
  changed_.notify_all();
  const auto listening = listening_;
  lock.unlock();
  tell(listening, events);
}

void Client::dial() {
  DialOptions options;
  {
    const Lock lock(mutex_);
    const auto& identity = replica_->state().identity;
    LINLI_ASSERT(identity.has_value());
    auto url = parse_url(identity->origin + "/c/" + identity->slug + "/sync");
    LINLI_ASSERT(url.has_value());
    options = {.url = std::move(*url),
               .subprotocol = std::string(sync::subprotocol(options_.encoding)),
               .is_binary = options_.encoding == sync::Encoding::cbor,
               .tls = options_.tls,
               .agent = options_.app};
    is_socket_open_ = true;
  }
  SocketHandlers handlers;
  handlers.on_open = [this] { drive([this] { session_->on_open(); }); };
  handlers.on_message = [this](std::string_view message) {
    drive([this, message] { session_->on_message(message); });
  };
  handlers.on_progress = [this] { drive([this] { session_->on_progress(); }); };
  // Posted: a socket may close inside of close(), where the session must not be entered again.
  handlers.on_closed = [this](std::uint16_t code, const std::string& why) {
    loop_.post([this, code, why] {
      log_event(LogLevel::info, "client.closed", {{"code", code}, {"why", why}});
      socket_.reset();
      drive([this, code] {
        is_socket_open_ = false;
        ++failures_;
        session_->on_closed(code);
      });
    });
  };
  socket_ = Socket::dial(loop_, options, std::move(handlers));
}

bool Client::is_all_done() const {
  const sync::ReplicaState& state = replica_->state();
  return session_->is_caught_up() && state.unsent() == 0 && state.confirmed == 0 &&
         !state.rekey_wanted;
}

bool Client::is_refused() const {
  return session_->state() == sync::ClientSession::State::halted || (slip_ && !slip_->next());
}

SyncOutcome Client::wait_synced(Millis deadline) {
  Lock lock(mutex_);
  const std::uint64_t failures = failures_;
  bool was_connected = false;
  const auto is_over = [&] {
    was_connected = was_connected || session_->is_live();
    return is_all_done() || is_refused() || (failures_ != failures && !was_connected);
  };
  const bool over = changed_.wait_for(lock, deadline, is_over);
  if (is_all_done()) return SyncOutcome::synced;
  if (is_refused()) return SyncOutcome::refused;
  return over || !was_connected ? SyncOutcome::unreachable : SyncOutcome::timed_out;
}

// --- Writing ------------------------------------------------------------------------------------

sync::LocalMutation Client::stamped() {
  sync::LocalMutation mutation;
  mutation.wall = to_unix_ms(clock_.now());
  const auto& estimate = session_->clock_estimate();
  mutation.off = estimate.off_ms(clock_.now(), clock_.mono());
  mutation.unc = estimate.unc_ms();
  return mutation;
}

Result<sync::LocalMutation> Client::append(std::string_view name, const Json& args) {
  LINLI_TRY(sync::LocalMutation mutation, prepared(name, args));
  return replica_->append(std::move(mutation), session_->may_send());
}

Result<sync::LocalMutation> Client::prepared(std::string_view name, const Json& args) {
  if (!replica_->state().identity) return std::unexpected(not_enrolled());
  LINLI_CHECK(check_args(args));
  LINLI_TRY(const auto handed_over, replica_->local(sync::kLocalHandOver));
  if (handed_over) return fail(Errc::revoked, "this phone was replaced");
  sync::LocalMutation mutation = stamped();
  mutation.name = name;
  mutation.args = dump_json(args);
  if (const auto* info = effects_.find(name); info != nullptr) mutation.lane = info->lane;
  return mutation;
}

Result<sync::LocalMutation> Client::mutate(std::string_view name, const Json& args) {
  Lock lock(mutex_);
  LINLI_TRY(sync::LocalMutation made, append(name, args));
  lock.unlock();
  after_write(name);
  return made;
}

void Client::after_write(std::string_view mutator) {
  loop_.post([this] { drive([this] { session_->on_local_write(); }); });
  Lock lock(mutex_);
  const auto listening = listening_;
  // Only the tables that the effects touch; the loop tells the rest when there is one.
  const Event event{.all = false, .tables = effects_.tables(mutator), .status = true};
  lock.unlock();
  tell(listening, {event});
}

Result<void> Client::note_seen(const std::string& notice) {
  Lock lock(mutex_);
  if (!sync::is_row_key(notice) || notice.size() > kNoticeIdMax)
    return fail(Errc::invalid_argument, "not the id of a notice");
  LINLI_TRY(const std::string key, seen_key(notice));
  LINLI_TRY(const auto known, replica_->local(key));
  if (known) return {};
  std::vector<std::string> waiting = seen_;
  if (std::ranges::find(waiting, notice) == waiting.end()) waiting.push_back(notice);
  // The list first: killed in between, the notice is told twice, which counts once.
  LINLI_CHECK(replica_->put_local(kSeenWaiting, dump_json(waiting)));
  LINLI_CHECK(replica_->put_local(key, "1"));
  seen_ = std::move(waiting);
  const bool is_full = seen_.size() >= kSeenMax;
  const bool is_first = seen_.size() == 1;
  lock.unlock();
  if (is_full) {
    flush_seen();
  } else if (is_first) {
    loop_.post(
        [this] { loop_.call_after(Loop::Timer::app, kSeenDelay, [this] { flush_seen(); }); });
  }
  return {};
}

void Client::flush_seen() {
  Lock lock(mutex_);
  if (seen_.empty()) return;
  const auto made = append("notice.seen", {{"ids", seen_}});
  // Kept for another try; nothing of it was promised to anybody.
  if (!made) return;
  seen_.clear();
  ignore(replica_->put_local(kSeenWaiting, "[]"), "told twice counts once");
  lock.unlock();
  after_write("notice.seen");
}

Result<void> Client::recall_seen() {
  LINLI_TRY(const auto waiting, replica_->local(kSeenWaiting));
  if (!waiting) return {};
  LINLI_TRY(const Json list, parse_json(*waiting));
  for (const Json& id : list)
    if (id.is_string() && seen_.size() < kSeenMax) seen_.push_back(id.get<std::string>());
  return {};
}

/// A notice that asks anew because it got worse is opened anew.
Result<std::string> Client::seen_key(const std::string& notice) {
  LINLI_TRY(const auto row, replica_->row("notice", notice, clock_.now()));
  const auto value = row ? parse_json(row->data, limits::kRowBytesMax) : Result<Json>(Json());
  const std::int64_t asked = value ? json_int(*value, "ask") : 0;
  return "seen:" + notice + (asked > 0 ? ":" + std::to_string(asked) : std::string());
}

Result<void> Client::edit(std::uint64_t id, const Json& args) {
  LINLI_CHECK(check_args(args));
  {
    const Lock lock(mutex_);
    LINLI_CHECK(check_loose(id));
    LINLI_CHECK(replica_->edit(id, dump_json(args)));
  }
  after_write("");
  return {};
}

Result<void> Client::withdraw(std::uint64_t id) {
  {
    const Lock lock(mutex_);
    LINLI_CHECK(check_loose(id));
    LINLI_CHECK(replica_->withdraw(id));
  }
  after_write("");
  return {};
}

Result<void> Client::dismiss(std::uint64_t id) {
  {
    const Lock lock(mutex_);
    LINLI_CHECK(replica_->dismiss(id));
  }
  after_write("");
  return {};
}

Result<sync::LocalMutation> Client::mend(std::uint64_t id, const Json& args) {
  LINLI_CHECK(check_args(args));
  Lock lock(mutex_);
  LINLI_TRY(sync::LocalMutation made,
            replica_->mend(id, dump_json(args), stamped(), session_->may_send()));
  lock.unlock();
  after_write(made.name);
  return made;
}

Result<void> Client::rekey() {
  const Lock lock(mutex_);
  if (!replica_->state().identity) return std::unexpected(not_enrolled());
  return replica_->want_rekey();
}

Result<bool> Client::first_alert(const std::string& incident, const std::string& severity) {
  if (incident.empty() || severity.empty())
    return fail(Errc::invalid_argument, "incident or severity is missing");
  const Lock lock(mutex_);
  const std::string key = "alert:" + incident + ":" + severity;
  LINLI_TRY(const auto known, replica_->local(key));
  if (known) return false;
  LINLI_CHECK(replica_->put_local(key, "1"));
  return true;
}

}  // namespace linli::client
