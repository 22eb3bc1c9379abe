// SPDX-License-Identifier: Apache-2.0
// One channel with its real transports, driven by JSON lines (README.md).
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/rng.h"
#include "notify/channel.h"
#include "server/app/adapters.h"
#include "server/app/channel_host.h"
#include "server/app/channel_net.h"
#include "server/net/openssl_signer.h"

namespace linli {
namespace {

using notify::Item;

constexpr std::size_t kLineBytesMax = 4 * 1024 * 1024;
constexpr Millis kExpiresIn{60 * 60 * 1000};
constexpr std::array<std::string_view, 7> kPurposeNames = {
    "notice", "correction", "all_clear", "reminder", "summary", "alarm", "test"};
constexpr std::array<std::string_view, 3> kScopeNames = {"account", "recipient",
                                                         "content_template"};
constexpr std::array<std::string_view, 4> kReceiptNames = {"accepted", "failed", "delivered",
                                                           "read"};
constexpr std::array<std::string_view, 4> kHealthNames = {"idle", "up", "degraded", "down"};

template <class Enum, std::size_t n>
std::string name_of(const std::array<std::string_view, n>& names, Enum value) {
  return std::string(names[static_cast<std::size_t>(value)]);
}

template <class Enum, std::size_t n>
Enum parse(const std::array<std::string_view, n>& names, const std::string& name, Enum otherwise) {
  for (std::size_t i = 0; i < n; ++i)
    if (names[i] == name) return static_cast<Enum>(i);
  return otherwise;
}

void print(const Json& line) {
  const std::string text = dump_json(line) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

Json member(const Json& from, const char* key, Json otherwise) {
  if (from.is_object() && from.contains(key)) return from.at(key);
  return otherwise;
}

std::map<std::string, std::string, std::less<>> texts(const Json& from) {
  std::map<std::string, std::string, std::less<>> out;
  for (const auto& [key, value] : from.items())
    if (value.is_string()) out.emplace(key, value.get<std::string>());
  return out;
}

notify::Endpoint endpoint_of(const Json& from) {
  notify::Endpoint out;
  out.medium = notify::parse_medium(json_text(from, "medium")).value_or(notify::Medium::sms);
  out.address = json_text(from, "address");
  out.params = texts(member(from, "params", Json::object()));
  return out;
}

notify::Message message_of(const Json& from) {
  notify::Message out;
  out.notice = json_text(from, "notice");
  out.rev = json_int(from, "rev", 1);
  out.purpose = parse(kPurposeNames, json_text(from, "purpose"), notify::Purpose::notice);
  out.category = json_text(from, "category");
  if (from.contains("severity")) out.severity = json_text(from, "severity");
  out.title = json_text(from, "title");
  out.action_line = json_text(from, "action_line");
  out.body = json_text(from, "body");
  out.issuer = json_text(from, "issuer");
  out.community = json_text(from, "community");
  out.link = json_text(from, "link");
  out.needs_ack = json_bool(from, "needs_ack");
  out.drill = json_bool(from, "drill");
  return out;
}

Item item_of(const Json& from, Instant now) {
  constexpr std::size_t kKeyDigits = 32;
  Item out;
  const auto number = json_int(from, "id");
  out.id = notify::DeliveryId(static_cast<std::uint64_t>(number));
  out.key = json_text(from, "key");
  if (out.key.empty()) {
    const std::string digits = std::to_string(number);
    out.key = std::string(kKeyDigits - digits.size(), '0') + digits;
  }
  out.to = endpoint_of(member(from, "to", Json::object()));
  out.message = message_of(member(from, "message", Json::object()));
  out.collapse = from.contains("collapse") ? json_text(from, "collapse") : out.message.notice;
  out.lane = parse(notify::kLaneNames, json_text(from, "lane"), notify::Lane::bulk);
  out.expires = from_unix_ms(json_int(from, "expires_ms", to_unix_ms(now + kExpiresIn)));
  out.attempt = static_cast<std::uint32_t>(json_int(from, "attempt", 1));
  return out;
}

notify::Callback callback_of(const Json& from) {
  notify::Callback out;
  out.method = json_text(from, "method");
  out.path = json_text(from, "path");
  for (const Json& pair : member(from, "query", Json::array()))
    out.query.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
  out.headers = texts(member(from, "headers", Json::object()));
  out.body = json_text(from, "body");
  return out;
}

Json json_of(const notify::action::Done& done) {
  const notify::Outcome& outcome = done.outcome;
  return {{"id", done.id.raw()},
          {"outcome", std::string(notify::outcome_name(outcome.kind))},
          {"scope", name_of(kScopeNames, outcome.scope)},
          {"wait_ms", outcome.wait.count()},
          {"provider_ids", outcome.provider_ids},
          {"parts", outcome.parts},
          {"certain", outcome.is_certain},
          {"peer_fault", outcome.is_peer_fault},
          {"reason", outcome.reason}};
}

Json json_of(const notify::Receipt& receipt) {
  Json out{{"provider_id", receipt.provider_id},
           {"delivery", nullptr},
           {"state", name_of(kReceiptNames, receipt.state)},
           {"at_ms", nullptr},
           {"because", nullptr},
           {"reason", receipt.reason},
           {"address", receipt.address},
           {"reply", receipt.reply}};
  if (receipt.delivery) out["delivery"] = receipt.delivery->raw();
  if (receipt.at) out["at_ms"] = to_unix_ms(*receipt.at);
  if (receipt.because) out["because"] = std::string(notify::outcome_name(*receipt.because));
  return out;
}

/// The gateway's thread of this program: tasks in order, woken from any thread.
class Turns {
 public:
  Turns() { LINLI_ASSERT(wake_ >= 0); }
  ~Turns() { ::close(wake_); }
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  void post(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    const std::uint64_t one = 1;
    ignore(::write(wake_, &one, sizeof one), "a full counter wakes as well");
  }
  void run() {
    std::deque<std::function<void()>> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (auto& task : tasks) task();
  }
  /// Until a task, input (unless it is not wanted) or the time. True when there is input.
  bool wait(bool wants_input, std::optional<Millis> at_most) {
    std::array<pollfd, 2> on{{{wake_, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
    const int limit = at_most ? static_cast<int>(std::max(*at_most, Millis{0}).count()) : -1;
    ::poll(on.data(), wants_input ? 2 : 1, limit);
    std::uint64_t count = 0;
    if ((on[0].revents & POLLIN) != 0)
      ignore(::read(wake_, &count, sizeof count), "only resets the counter");
    return wants_input && on[1].revents != 0;
  }

 private:
  const int wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::mutex mutex_;
  std::deque<std::function<void()>> tasks_;
};

class Tool {
 public:
  Tool(Turns& turns, const Clock& clock) : turns_(turns), clock_(clock) {}

  void host(app::ChannelHost::Parts parts) {
    parts.clock = &clock_;
    parts.post = [&turns = turns_](std::function<void()> task) { turns.post(std::move(task)); };
    parts.on_done = [](const notify::action::Done& done) { print({{"done", json_of(done)}}); };
    parts.on_heard = [](const notify::Receipt& receipt) { print({{"heard", json_of(receipt)}}); };
    host_ = std::make_unique<app::ChannelHost>(std::move(parts));
  }

  void run() {
    host_->start();
    while (!host_->is_stopped()) {
      turns_.run();
      host_->run_timers(clock_.mono());
      if (host_->is_stopped()) break;
      std::optional<Millis> wait;
      if (const auto at = host_->next_timer()) wait = *at - clock_.mono();
      if (turns_.wait(!is_ended_, wait)) read();
    }
    print({{"stopped", true}});
  }

 private:
  void read() {
    std::array<char, 65536> part{};
    const auto got = ::read(STDIN_FILENO, part.data(), part.size());
    if (got <= 0) {
      is_ended_ = true;
      return host_->stop();
    }
    input_.append(part.data(), static_cast<std::size_t>(got));
    LINLI_ASSERT(input_.size() <= kLineBytesMax);
    std::size_t end = 0;
    while ((end = input_.find('\n')) != std::string::npos) {
      const std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      if (!line.empty()) take(line);
    }
  }

  void take(const std::string& line) {
    const auto parsed = parse_json(line, kLineBytesMax);
    if (!parsed) return print({{"error", parsed.error().detail}});
    try {
      obey(*parsed);
    } catch (const Json::exception& e) {
      print({{"error", e.what()}});
    }
  }

  void obey(const Json& order) {
    if (order.contains("submit")) return submit(order.at("submit"));
    if (order.contains("cancel"))
      return host_->cancel(
          notify::DeliveryId(static_cast<std::uint64_t>(json_int(order, "cancel"))));
    if (order.contains("callback")) return callback(order.at("callback"));
    if (order.contains("preview")) return preview(order.at("preview"));
    if (order.contains("health")) return health();
    if (order.contains("stop")) {
      is_ended_ = true;
      return host_->stop();
    }
    print({{"error", "unknown order"}});
  }

  void submit(const Json& from) {
    std::vector<Item> items;
    for (const Json& item : from) items.push_back(item_of(item, clock_.now()));
    host_->submit(items);
  }

  void callback(const Json& from) {
    const auto reply = host_->callback(callback_of(from));
    if (!reply)
      return print({{"callback", {{"error", std::string(errc_name(reply.error().code))}}}});
    print({{"callback",
            {{"status", reply->status},
             {"content_type", reply->content_type},
             {"body", reply->body}}}});
  }

  void preview(const Json& from) {
    const auto seen = host_->preview(endpoint_of(member(from, "to", Json::object())),
                                     message_of(member(from, "message", Json::object())));
    if (!seen) return print({{"preview", {{"error", std::string(errc_name(seen.error().code))}}}});
    print({{"preview", {{"text", seen->text}, {"parts", seen->parts}}}});
  }

  void health() {
    const notify::Health health = host_->health();
    Json out{{"state", name_of(kHealthNames, health.state)},
             {"text", health.text},
             {"balance", nullptr}};
    if (health.balance) out["balance"] = *health.balance;
    print({{"health", out}});
  }

  Turns& turns_;
  const Clock& clock_;
  std::unique_ptr<app::ChannelHost> host_;
  std::string input_;
  bool is_ended_ = false;
};

struct Arguments {
  std::string kind;
  std::string settings;
  bool allow_private = false;
};

std::optional<Arguments> arguments_of(int count, char** values) {
  Arguments out;
  for (int i = 1; i < count; ++i) {
    const std::string_view value = values[i];
    if (value == "--allow-private") {
      out.allow_private = true;
    } else if (value == "--kind" && i + 1 < count) {
      out.kind = values[++i];
    } else if (value == "--settings" && i + 1 < count) {
      out.settings = values[++i];
    } else {
      return std::nullopt;
    }
  }
  if (out.kind.empty() || out.settings.empty()) return std::nullopt;
  return out;
}

Result<void> run(const Arguments& arguments) {
  const SystemClock clock;
  SystemRng rng;
  const app::FileSecrets secrets;
  const net::OpensslSigner signer;
  LINLI_TRY(const std::string text, secrets.read(arguments.settings));
  LINLI_TRY(const Json settings, parse_json(text));
  notify::AdapterRegistry registry;
  app::add_adapters(registry);
  Turns turns;
  app::ChannelNet shared({.allow_private_targets = arguments.allow_private});
  app::ChannelHost::Parts parts;
  parts.name = arguments.kind;
  LINLI_TRY(parts.adapter, registry.make(arguments.kind, {.name = arguments.kind,
                                                          .settings = settings,
                                                          .rng = &rng,
                                                          .clock = &clock,
                                                          .secrets = &secrets,
                                                          .signer = &signer}));
  LINLI_TRY(parts.transports, app::NetTransports::make(shared, settings, secrets));
  Tool tool(turns, clock);
  tool.host(std::move(parts));
  tool.run();
  return {};
}

}  // namespace
}  // namespace linli

int main(int count, char** values) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto arguments = linli::arguments_of(count, values);
  if (!arguments) {
    std::fputs("linli_channel --kind KIND --settings FILE.json [--allow-private]\n", stderr);
    return 2;
  }
  const auto ran = linli::run(*arguments);
  if (ran) return 0;
  std::fprintf(stderr, "linli_channel: %s\n", ran.error().detail.c_str());
  return 1;
}
