// SPDX-License-Identifier: Apache-2.0
// What:   the gateway's engine on its real store: one red notice to N persons over three rungs
//         (push, SMS, voice), nobody answers, every channel takes everything at once. The clock of
//         the ladders is moved by hand; what is measured is real time and CPU.
// Limit:  what SQLite alone takes for the rows that this cannot do without: one row for each
//         intent and one change of it for each answer, in transactions of the same size, WAL and
//         synchronous=FULL, in turn with ours.
// Read:   the ratio of CPU. A step's lag is the real time from the moment it was due until its
//         message was handed over; the rate of the channels is not part of it.
// Usage:  gateway_bench [--quick] [--n N] [--rounds N]
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>
#include <unistd.h>

#include "base/assert.h"
#include "notify/engine/gateway.h"
#include "notify/store/sqlite/gateway_store.h"
#include "tests/bench/support/process.h"
#include "tests/bench/support/report.h"

namespace linli::bench {
namespace {

using namespace notify;

constexpr std::size_t kPage = 100;
constexpr Millis kRungs[] = {Millis{0}, Millis{180'000}, Millis{300'000}};

double own_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double own_rss_bytes() {
  std::ifstream in("/proc/self/statm");
  double total = 0;
  double resident = 0;
  in >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// Takes everything; the loop below answers for it.
class Taker final : public Adapter {
 public:
  explicit Taker(Medium medium) {
    can_.medium = medium;
    can_.batch_max = 100;
    can_.window_max = 100'000;
  }
  const Capabilities& capabilities() const override { return can_; }
  Result<Preview> preview(const Endpoint&, const Message& message) const override {
    return Preview{.text = message.title, .parts = 1};
  }
  void submit(std::span<const Item>, MonoTime, Actions&) override {}

 private:
  Capabilities can_;
};

Policies three_rungs() {
  const std::string rungs =
      R"([{"after_min":0,"media":["webpush"]},{"after_min":3,"media":["sms"]},)"
      R"({"after_min":5,"media":["voice"]}])";
  std::string text = R"({"policies":{)";
  for (const char* name : {"red", "orange", "warning", "ask", "tell"})
    text += (name == std::string("red") ? "" : ",") + ("\"" + std::string(name)) +
            R"(":{"overrides_quiet":true,"rungs":)" + rungs + "}";
  return Policies::parse(parse_json(text + "}}").value()).value();
}

Recipient person_of(std::size_t number) {
  Recipient out;
  out.person = "person-" + std::to_string(100'000'000 + number);
  out.household = "home-" + std::to_string(number / 2);
  out.unit = "g1";
  for (const Medium medium : {Medium::webpush, Medium::sms, Medium::voice})
    out.endpoints.push_back({medium, "1200" + std::to_string(1'000'000 + number), {}});
  return out;
}

struct Cost {
  double wall = 0;
  double cpu = 0;
  std::size_t deliveries = 0;
  Samples lag_ms;
  double rss = 0;
};

class Town {
 public:
  Town(const std::string& file, std::size_t n) : n_(n) {
    for (const Medium medium : {Medium::webpush, Medium::sms, Medium::voice}) {
      takers_.push_back(std::make_unique<Taker>(medium));
      settings_.channels.push_back({.name = std::string(medium_name(medium)),
                                    .adapter = takers_.back().get(),
                                    .rate = {1e9, 1e9}});
    }
    settings_.policies = three_rungs();
    store_ = SqliteGatewayStore::open(file).value();
    gateway_ = std::make_unique<Gateway>(settings_, *store_, clock_, rng_);
    LINLI_ASSERT(gateway_->open({}).has_value());
  }

  Cost run() {
    Cost out;
    const double wall = wall_seconds();
    const double cpu = own_cpu_seconds();
    Json data = {{"notice", "n1"},
                 {"rev", 1},
                 {"severity", "red"},
                 {"title", "暴雨红色预警"},
                 {"action_line", "今晚别出门"},
                 {"category", "weather"},
                 {"urgent", true}};
    const OutboxItem row{1, "notice_sent", std::move(data), clock_.now()};
    gateway_->accept({&row, 1});
    Millis at{0};
    for (const Millis rung : kRungs) {
      clock_.advance(rung - at);
      at = rung;
      settle(out);
    }
    out.wall = wall_seconds() - wall;
    out.cpu = own_cpu_seconds() - cpu;
    out.rss = own_rss_bytes();
    LINLI_ASSERT(out.deliveries == n_ * std::size(kRungs));
    return out;
  }

 private:
  /// Turns until nothing is due at the present time of the ladders.
  void settle(Cost& out) {
    const double due = wall_seconds();
    for (bool more = true; more;) {
      Turn turn = gateway_->turn().value();
      for (const auto& [notice, after] : turn.pages) serve(notice, after);
      for (const Submit& submit : turn.submits)
        for (const Item& item : submit.items) {
          out.lag_ms.add(1e3 * (wall_seconds() - due));
          ++out.deliveries;
          Outcome taken{.kind = OutcomeKind::accepted};
          taken.parts = 1;
          taken.provider_ids = {item.key};
          gateway_->on_done(submit.channel, {item.id, std::move(taken)});
        }
      more =
          !turn.submits.empty() || !turn.pages.empty() || (turn.due && *turn.due <= clock_.now());
    }
  }

  void serve(const std::string& notice, const std::string& after) {
    RecipientPage page;
    const std::size_t from = after.empty() ? 0 : std::stoull(after);
    const std::size_t to = std::min(n_, from + kPage);
    for (std::size_t n = from; n < to; ++n) page.recipients.push_back(person_of(n));
    page.next = std::to_string(to);
    page.done = to == n_;
    gateway_->on_page(notice, page);
  }

  const std::size_t n_;
  ManualClock clock_{from_unix_ms(1'795'000'000'000)};
  SeededRng rng_{7};
  std::vector<std::unique_ptr<Taker>> takers_;
  GatewaySettings settings_;
  std::unique_ptr<SqliteGatewayStore> store_;
  std::unique_ptr<Gateway> gateway_;
};

/// CPU seconds of SQLite for the intents and answers alone.
double bare_rows(const std::string& file, std::size_t rows) {
  SQLite::Database db(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
  db.exec("CREATE TABLE d(id INTEGER PRIMARY KEY, state TEXT, body TEXT)");
  const std::string body(300, 'x');
  const double before = own_cpu_seconds();
  SQLite::Statement put(db, "INSERT INTO d VALUES(?,'intent',?)");
  SQLite::Statement change(db, "UPDATE d SET state='accepted' WHERE id=?");
  for (std::size_t from = 0; from < rows; from += kSubmitItemsMax) {
    const std::size_t to = std::min(rows, from + kSubmitItemsMax);
    for (SQLite::Statement* step : {&put, &change}) {
      SQLite::Transaction transaction(db);
      for (std::size_t id = from; id < to; ++id) {
        step->bind(1, static_cast<std::int64_t>(id + 1));
        if (step == &put) step->bind(2, body);
        step->exec();
        step->reset();
      }
      transaction.commit();
    }
  }
  return own_cpu_seconds() - before;
}

int run(const Options& options) {
  const std::size_t n = options.n != 0 ? options.n : options.quick ? 1000 : 10'000;
  const std::size_t rounds = options.rounds != 0 ? options.rounds : 5;
  Samples rate;
  Samples lag;
  Samples cpu;
  Samples bare;
  Samples rss;
  for (std::size_t round = 0; round < rounds; ++round) {
    const WorkFolder folder("gateway");
    Cost cost = Town(folder.path() + "/gateway.db", n).run();
    const auto deliveries = static_cast<double>(cost.deliveries);
    rate.add(deliveries / cost.wall);
    lag.add(cost.lag_ms.quantile(0.95));
    cpu.add(cost.cpu * 1000 / deliveries);
    rss.add(cost.rss / 1e6);
    bare.add(bare_rows(folder.path() + "/bare.db", cost.deliveries) * 1000 / deliveries);
  }
  Report report("gateway_bench: " + std::to_string(n) + " persons, 3 rungs, " +
                std::to_string(rounds) + " rounds");
  report.add({.what = "deliveries handed over and answered", .value = rate.median(), .unit = "/s"});
  report.add({.what = "lag of a step, p95", .value = lag.median(), .unit = "ms"});
  report.add({.what = "CPU of 1,000 deliveries",
              .value = cpu.median(),
              .unit = "CPU-s",
              .limit = bare.median(),
              .ratio = cpu.median() / bare.median()});
  report.add({.what = "resident memory at the end", .value = rss.median(), .unit = "MB"});
  report.note("limit = SQLite alone for the intents and answers");
  report.require_calm("SQLite alone", bare);
  return report.finish();
}

}  // namespace
}  // namespace linli::bench

int main(int argc, char** argv) {
  return linli::bench::run(linli::bench::parse_options(argc, argv));
}
