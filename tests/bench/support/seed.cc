// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/support/seed.h"

#include <cstdio>
#include <filesystem>

#include "base/crypto.h"
#include "server/community/modules.h"
#include "sync/engine/committer.h"
#include "sync/store/sqlite/sqlite_store.h"
#include "tests/bench/support/phone.h"
#include "tests/bench/support/process.h"

namespace linli::bench {
namespace {

/// As long as ids may be: it is part of every row of the desk.
constexpr const char* kCommunity =
    "community-of-the-benchmark-with-the-longest-id-that-there-may-be";
constexpr const char* kGrid = "g1";
constexpr std::size_t kPerHousehold = 4;
/// Numbers above those of phones.
constexpr std::size_t kEditor = 900'001;
constexpr std::size_t kApprover = 900'002;
/// Mobile numbers that nobody has.
constexpr std::size_t kFirstNumber = 12'000'000'000;
/// Unix ms.
constexpr std::int64_t kFarAhead = 4'000'000'000'000;

std::string numbered(const char* prefix, std::size_t index) {
  char out[32];
  std::snprintf(out, sizeof out, "%s%06zu", prefix, index);
  return out;
}

class Writer {
 public:
  explicit Writer(const std::string& file) : clock_(now()), rng_(1) {
    sync::SqliteStoreOptions options;
    options.path = file;
    auto store = sync::SqliteStore::open(options);
    if (!store) die("seed: " + store.error().detail);
    store_ = std::move(*store);
    community::declare_modules(registry_);
    committer_ = std::make_unique<sync::Committer>(registry_, *store_, clock_, rng_);
    if (auto opened = committer_->open(); !opened) die("seed: " + opened.error().detail);
  }

  /// By the system, or by an elevated account over the API.
  void add(const char* name, Json args, const std::string& account = {}) {
    sync::Submission out;
    if (!account.empty()) {
      out.actor.account = sync::AccountId{*Id128::parse(account)};
      out.actor.via = sync::Via::api;
      out.actor.elevated = true;
    }
    out.name = name;
    out.args = std::make_shared<const Json>(std::move(args));
    out.captured_at = clock_.now();
    out.token = 1;
    batch_.push_back(std::move(out));
    if (batch_.size() == limits::kBatchMutationsMax) flush();
  }

  /// Result of the last mutation.
  Json flush() {
    Json last;
    if (batch_.empty()) return last;
    auto done = committer_->run(batch_);
    if (!done) die("seed: " + done.error().detail);
    for (std::size_t i = 0; i < done->answers.size(); ++i) {
      if (!done->answers[i].result)
        die("seed: " + batch_[i].name + ": " +
            std::string(errc_name(done->answers[i].result.error().code)) + " " +
            done->answers[i].result.error().detail);
      last = *done->answers[i].result;
    }
    batch_.clear();
    return last;
  }

  /// Runs what time triggers until nothing changes.
  void settle() {
    for (sync::Seq before = committer_->head();; before = committer_->head()) {
      clock_.advance(Millis{5});
      if (auto done = committer_->tick(); !done) die("seed: " + done.error().detail);
      if (committer_->head() == before) return;
    }
  }

 private:
  static Instant now() {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now()) -
           std::chrono::hours(1);
  }

  ManualClock clock_;
  SeededRng rng_;
  sync::Registry registry_;
  std::unique_ptr<sync::Store> store_;
  std::unique_ptr<sync::Committer> committer_;
  std::vector<sync::Submission> batch_;
};

void add_areas(Writer& to) {
  to.add("area.create", {{"id", kCommunity}, {"kind", "community"}, {"name", "淮南社区"}});
  to.add("area.create",
         {{"id", kGrid}, {"kind", "grid"}, {"parent", kCommunity}, {"name", "第一网格"}});
}

void add_staff(Writer& to) {
  for (const auto& [index, role] : {std::pair{kEditor, "editor"}, {kApprover, "approver"}})
    to.add("identity.create_account",
           {{"id", account_id(index)},
            {"name", role},
            {"roles", Json::array({{{"role", role}, {"scope", kCommunity}}})}});
  const KeyPair key = approver_key();
  to.add("identity.recover_device", {{"cid", client_id_of(key.pub()).hex()},
                                     {"pub", to_base64url(key.pub())},
                                     {"account", approver_account()}});
}

void add_phone(Writer& to, std::size_t i, const SeedOptions& options) {
  const std::string household = numbered("h", i / kPerHousehold);
  if (i % kPerHousehold == 0)
    to.add("household.put", {{"id", household}, {"door", household}, {"area", kGrid}});
  Json person = {{"id", person_id(i)}, {"household", household}, {"name", "王小英"}};
  if (options.phone_numbers) person["phone"] = std::to_string(kFirstNumber + i);
  to.add("person.put", std::move(person));
  Json account = {{"id", account_id(i)}, {"person", person_id(i)}, {"name", "王小英"}};
  if (options.editors)
    account["roles"] = Json::array({{{"role", "editor"}, {"scope", kCommunity}}});
  to.add("identity.create_account", std::move(account));
  const KeyPair key = device_key(i);
  to.add("identity.recover_device", {{"cid", client_id_of(key.pub()).hex()},
                                     {"pub", to_base64url(key.pub())},
                                     {"account", account_id(i)}});
}

Json notice_args(std::size_t i) {
  return {{"id", notice_id(i)},  {"category", "living"},
          {"title", "停水通知"}, {"body", std::string(300, 'x')},
          {"needs_ack", true},   {"audience", {{"areas", Json::array({kGrid})}}}};
}

InReview add_in_review(Writer& to, const std::string& id, bool is_red) {
  Json args = notice_args(0);
  args["id"] = id;
  args["title"] = is_red ? "暴雨红色预警" : "停水通知";
  if (is_red)
    args.update({{"category", "weather"}, {"severity", "red"}, {"action_line", "马上到二楼以上"}});
  to.add("notice.draft", std::move(args), account_id(kEditor));
  to.add("notice.submit", {{"id", id}}, account_id(kEditor));
  return {id, to.flush().at("fingerprint")};
}

void add_notice(Writer& to, std::size_t i, std::size_t persons) {
  to.add("notice.draft", notice_args(i), account_id(kEditor));
  to.add("notice.submit", {{"id", notice_id(i)}}, account_id(kEditor));
  const Json submitted = to.flush();
  to.add("notice.approve",
         {{"id", notice_id(i)}, {"fingerprint", submitted.at("fingerprint")}, {"persons", persons}},
         account_id(kApprover));
  to.flush();
}

}  // namespace

std::string account_id(std::size_t index) {
  return Id128::of(ByteView(sha256(as_bytes(numbered("account", index)))).first(16)).hex();
}

std::string person_id(std::size_t index) { return numbered("p", index); }
std::string notice_id(std::size_t index) { return numbered("n", index); }

Json draft_args(std::size_t index) {
  // The longest title there is; the rest of the row - state, times - takes it to kRowBytes.
  constexpr std::size_t kTitleCharacters = 60;
  std::string title;
  for (std::size_t i = 0; i < kTitleCharacters; ++i) title += "𠮷";
  return {{"id", numbered("d", index)},
          {"category", "living"},
          {"drill", false},
          {"demo", true},
          {"title", title},
          {"incident", numbered("incident-of-the-", index)},
          {"valid_to", kFarAhead},
          {"send_at", kFarAhead - 1000},
          {"audience", {{"areas", Json::array({kGrid})}}}};
}

KeyPair approver_key() { return device_key(kApprover); }
std::string approver_account() { return account_id(kApprover); }

Seeded make_community(const SeedOptions& options) {
  if (auto ready = crypto_init(); !ready) die("no crypto");
  const std::string folder = options.folder + "/" + kSlug;
  std::filesystem::create_directories(folder);
  Writer to(folder + "/sync.db");
  add_areas(to);
  add_staff(to);
  for (std::size_t i = 0; i < options.devices; ++i) add_phone(to, i, options);
  to.flush();
  for (std::size_t i = 0; i < options.notices; ++i) add_notice(to, i, options.devices);
  to.settle();
  for (std::size_t i = 0; i < options.drafts; ++i)
    to.add("notice.draft", draft_args(i), account_id(kEditor));
  to.flush();
  Seeded out;
  for (std::size_t i = 0; i < options.red_in_review; ++i)
    out.red.push_back(add_in_review(to, numbered("red", i), true));
  for (std::size_t i = 0; i < options.plain_in_review; ++i)
    out.plain.push_back(add_in_review(to, numbered("plain", i), false));
  return out;
}

}  // namespace linli::bench
