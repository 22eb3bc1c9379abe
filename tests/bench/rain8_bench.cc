// SPDX-License-Identifier: Apache-2.0
// What:   RAIN-8: a red warning that is approved while N phones are connected, from the approval's
//         first byte to the moment when a phone has read all of it (its rows and the frame that
//         reveals them); then all N come back with ordinary notices and a red one waiting, from the
//         dial to the same moment, and what was the first thing that each was given.
// Beside: the gateway is on and sends each person an SMS meanwhile, through a program.
// Goal:   P95 at most 5 s, and nothing before the red one. A missed goal is an error (exit 1):
//         this is the criterion itself and not a comparison.
// Usage:  rain8_bench [--quick] [--n PHONES] [--rounds N] [--linlid PATH]
//         Exit 77 = this machine may not open so many files.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <future>

#include "server/auth/tokens.h"
#include "server/net/http_client.h"
#include "tests/bench/support/linlid.h"
#include "tests/bench/support/seed.h"

namespace linli::bench {
namespace {

constexpr std::size_t kPhones = 5000;
constexpr double kLimitMs = 5000;
constexpr double kSecondsMax = 60;
/// Ordinary notices that wait beside the red one.
constexpr std::size_t kMissed = 20;
/// Files of the load beside its sockets, and of libcurl.
constexpr std::size_t kOtherFiles = 200;
constexpr int kSkipped = 77;

/// The second person, over the HTTP interface.
class Approver {
 public:
  Approver(const Linlid& server, const std::string& folder, std::size_t persons)
      : base_(server.url() + "/c/" + kSlug + "/api/v1/notices/"), persons_(persons) {
    SystemRng rng;
    const auto keys =
        auth::ServerKeys::load_or_create(std::filesystem::path(folder) / kSlug / "server.key", rng);
    if (!keys) die("the server's key: " + keys.error().detail);
    const auth::Tokens tokens(*keys);
    const auto now = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
    token_ = tokens.encode(tokens.make_claims(auth::TokenKind::elevated,
                                              sync::AccountId{*Id128::parse(approver_account())},
                                              sync::Cid{client_id_of(approver_key().pub())}, now));
  }

  /// Returns at once; the answer is looked at by finish().
  void approve(const InReview& notice) {
    HttpCall call;
    call.method = "POST";
    call.url = base_ + notice.id + "/approve";
    call.headers = {
        {"Authorization", "Bearer " + token_},
        {"Content-Type", "application/json"},
        {"Idempotency-Key", Id128::of(ByteView(sha256(as_bytes(notice.id))).first(16)).hex()}};
    call.body = dump_json({{"fingerprint", notice.fingerprint}, {"persons", persons_}});
    call.deadline = Millis{30'000};
    auto answer = std::make_shared<std::promise<CallReply>>();
    answers_.push_back(answer->get_future());
    client_.start(std::move(call),
                  [answer](CallReply reply) { answer->set_value(std::move(reply)); });
  }

  void finish() {
    for (auto& answer : answers_) {
      const CallReply reply = answer.get();
      if (reply.status / 100 != 2)
        die("approve: http " + std::to_string(reply.status) + " " + reply.body);
    }
    answers_.clear();
  }

 private:
  const std::string base_;
  const std::size_t persons_;
  std::string token_;
  std::vector<std::future<CallReply>> answers_;
  net::HttpClient client_;
};

/// What each phone was given, and when it could show the notice that is waited for.
class Ear {
 public:
  explicit Ear(std::size_t n) : phones_(n) {}

  void expect(std::string notice) {
    notice_ = std::move(notice);
    for (Heard& phone : phones_) phone = {};
    shown_ = before_ = 0;
  }
  void hear(std::size_t index, const sync::ServerFrame& frame) {
    if (index >= phones_.size()) return;
    Heard& phone = phones_[index];
    if (const auto* b = std::get_if<sync::FrameB>(&frame)) {
      const bool is_it = std::ranges::any_of(b->ops, [&](const sync::Op& op) {
        return op.row.tbl == "notice" && op.row.key == notice_;
      });
      if (!phone.has_it && !is_it && !b->ops.empty() && !phone.had_other) ++before_;
      phone.had_other = phone.had_other || (!phone.has_it && !is_it && !b->ops.empty());
      phone.has_it = phone.has_it || is_it;
    }
    const auto* c = std::get_if<sync::FrameC>(&frame);
    const bool reveals = c != nullptr && (c->bucket || c->lane == sync::Lane::urgent);
    if (!reveals || !phone.has_it || phone.at != 0) return;
    phone.at = wall_seconds();
    ++shown_;
  }
  [[nodiscard]] std::size_t shown() const { return shown_; }
  /// Phones that were given rows of something else first.
  [[nodiscard]] std::size_t before() const { return before_; }
  void collect(double since, Samples& ms) const {
    for (const Heard& phone : phones_) ms.add(1e3 * (phone.at - since));
  }

 private:
  struct Heard {
    bool has_it = false;
    bool had_other = false;
    double at = 0;
  };
  std::string notice_;
  std::vector<Heard> phones_;
  std::size_t shown_ = 0;
  std::size_t before_ = 0;
};

std::string channels(const std::string& folder) {
  const auto program = std::filesystem::absolute("tests/e2e/harness/sms_program.py").string();
  if (!std::filesystem::exists(program)) die("run it in the checkout: no " + program);
  return "[[channel]]\nname = \"sms\"\nkind = \"exec\"\nmedium = \"sms\"\nrate = 500\n"
         "receipts = true\nprogram = [\"/usr/bin/python3\", \"" +
         program + "\", \"" + folder + "/sms.log\"]\n";
}

void add_to(Report& report, const std::string& what, const Samples& ms) {
  report.add({.what = what + ", P50", .value = ms.quantile(0.5), .unit = "ms"});
  report.add({.what = what + ", P95",
              .value = ms.quantile(0.95),
              .unit = "ms",
              .goal = Figure::Goal{Wanted::at_most, kLimitMs}});
  report.add({.what = what + ", last", .value = ms.quantile(1), .unit = "ms"});
}

struct Result {
  Samples connected;
  Samples returned;
  std::size_t other_first = 0;
};

/// The next round shall meet a gateway at work.
void wait_for_sms(const Linlid& server, Load& phones) {
  const double until = wall_seconds() + kSecondsMax;
  while (server.metric("linli_gateway_attempts_total") == 0) {
    if (wall_seconds() > until) die("the gateway sends nothing");
    phones.run_for(0.2);
  }
}

void send_to_connected(const Seeded& seeded, const Linlid& server, Load& phones, Ear& ear,
                       Approver& approver, Result& out) {
  for (std::size_t i = 0; i + 1 < seeded.red.size(); ++i) {
    ear.expect(seeded.red[i].id);
    const double begin = wall_seconds();
    approver.approve(seeded.red[i]);
    phones.run_until([&] { return ear.shown() >= phones.open(); }, kSecondsMax, "the red one");
    ear.collect(begin, out.connected);
    approver.finish();
    phones.ping_all();
    wait_for_sms(server, phones);
  }
}

/// The red one is approved last, so that only its lane can bring it first.
void come_back(const Seeded& seeded, Load& phones, Ear& ear, Approver& approver, Load& witness,
               Result& out) {
  const std::size_t n = phones.open();
  phones.disconnect();
  const std::uint64_t goal = witness.totals().rows + seeded.plain.size() + 1;
  for (const InReview& notice : seeded.plain) approver.approve(notice);
  approver.finish();
  approver.approve(seeded.red.back());
  approver.finish();
  witness.run_until([&] { return witness.totals().rows >= goal; }, kSecondsMax, "what is missed");
  ear.expect(seeded.red.back().id);
  const std::uint64_t before = phones.totals().rows;
  const double begin = wall_seconds();
  phones.connect(0, n);
  ear.collect(begin, out.returned);
  if (ear.shown() != n || phones.totals().rows - before < n * (seeded.plain.size() + 1))
    die("a phone came back without what it missed");
  out.other_first = ear.before();
}

int run(const Options& options) {
  const std::size_t n = options.n != 0 ? options.n : options.quick ? kPhones / 5 : kPhones;
  const std::size_t rounds = options.rounds != 0 ? options.rounds : 3;
  if (raise_fd_limit() < n + kOtherFiles) {
    std::printf("rain8_bench: skipped, %zu phones need as many open files\n", n);
    return kSkipped;
  }
  const WorkFolder folder("rain8");
  const Seeded seeded = make_community({.folder = folder.path(),
                                        .devices = n + 1,
                                        .phone_numbers = true,
                                        .red_in_review = rounds + 1,
                                        .plain_in_review = kMissed});
  pin_self(load_cpu());
  Linlid server(
      {.program = options.linlid, .folder = folder.path(), .channels = channels(folder.path())});
  Approver approver(server, folder.path(), n + 1);
  Load phones(server.load_config());
  Load witness(server.load_config());
  phones.connect(0, n);
  witness.connect(n, 1);
  Ear ear(n);
  phones.on_frame([&](std::size_t i, const sync::ServerFrame& frame) { ear.hear(i, frame); });

  Result result;
  send_to_connected(seeded, server, phones, ear, approver, result);
  come_back(seeded, phones, ear, approver, witness, result);

  Report report("rain8_bench: " + std::to_string(n) + " phones, " + std::to_string(rounds) +
                " red warnings, then a return with " + std::to_string(kMissed + 1) + " missed");
  add_to(report, "approval to shown, connected", result.connected);
  add_to(report, "dial of the first to shown, all return at once", result.returned);
  report.add({.what = "phones that got something else first",
              .value = static_cast<double>(result.other_first),
              .unit = "phones",
              .goal = Figure::Goal{Wanted::at_most, 0}});
  report.add({.what = "SMS handed over meanwhile",
              .value = server.metric("linli_gateway_attempts_total"),
              .unit = "messages"});
  const int status = report.finish();
  const bool is_met = result.connected.quantile(0.95) <= kLimitMs && result.other_first == 0;
  return status != 0 ? status : is_met ? 0 : 1;
}

}  // namespace
}  // namespace linli::bench

int main(int argc, char** argv) {
  return linli::bench::run(linli::bench::parse_options(argc, argv));
}
