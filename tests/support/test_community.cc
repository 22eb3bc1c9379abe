// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_community.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/assert.h"
#include "server/community/modules.h"

namespace linli::test {
namespace {

/// A query's view of the store, parsed on the way.
class StoreContext final : public sync::ReadContext {
 public:
  StoreContext(sync::StoreReader& store, sync::Actor actor, Instant now)
      : store_(store), actor_(std::move(actor)), now_(now) {}

  std::vector<sync::QuarantineWrite> quarantine(std::size_t limit) override {
    return *store_.quarantine(limit);
  }
  std::optional<sync::DeviceCursor> contact(const sync::Cid& cid) override {
    return *store_.cursor(cid);
  }
  const sync::Actor& actor() const override { return actor_; }
  Instant now() const override { return now_; }
  std::shared_ptr<const Json> get(std::string_view tbl, std::string_view key) override {
    auto row = store_.row({std::string(tbl), std::string(key)});
    if (!row || !*row || !(*row)->data) return nullptr;
    return std::make_shared<const Json>(Json::parse(*(*row)->data));
  }
  std::vector<sync::IndexHit> scan(std::string_view index, std::string_view prefix,
                                   const std::optional<sync::IndexHit>& after,
                                   std::size_t limit) override {
    return store_.scan(index, prefix, after, limit).value();
  }
  std::vector<std::pair<std::string, std::shared_ptr<const Json>>> table(
      std::string_view tbl, std::string_view after, std::size_t limit) override {
    std::vector<std::pair<std::string, std::shared_ptr<const Json>>> out;
    const auto rows = store_.table(tbl, after, limit);
    for (const auto& [key, row] : *rows)
      out.emplace_back(key, std::make_shared<const Json>(Json::parse(*row.data)));
    return out;
  }

 private:
  sync::StoreReader& store_;
  sync::Actor actor_;
  Instant now_;
};

sync::Actor actor_of(const std::string& account, bool elevated) {
  sync::Actor actor;
  actor.elevated = elevated;
  if (account.empty()) return actor;
  actor.via = sync::Via::api;
  actor.account = sync::AccountId{Id128::parse(account).value()};
  return actor;
}

}  // namespace

TestCommunity::TestCommunity(Instant start, std::unique_ptr<sync::Store> store)
    : owned_store_(std::move(store)),
      store_(*owned_store_),
      clock_(start),
      committer_(registry_, store_, clock_, rng_) {
  community::declare_modules(registry_);
  LINLI_ASSERT(committer_.open().has_value());
}

void TestCommunity::measure(const sync::SharedCommit& commit, const std::string& name) {
  std::set<std::string> rows;
  for (const sync::BucketDelta& delta : commit->deltas)
    for (const sync::Op& op : delta.ops) rows.insert(op.row.tbl + "/" + op.row.key);
  if (rows.size() <= rows_max) return;
  rows_max = rows.size();
  rows_max_name = name;
}

Result<Json> TestCommunity::call(const std::string& account, const std::string& name,
                                 const Json& args, bool elevated) {
  return run(clock_.now(), actor_of(account, elevated), name, args);
}

Result<Json> TestCommunity::call_late(Instant captured, const std::string& account,
                                      const std::string& name, const Json& args) {
  return run(captured, actor_of(account, false), name, args);
}

Result<Json> TestCommunity::push(Instant captured, const std::string& account,
                                 const std::string& name, const Json& args) {
  sync::Actor actor = actor_of(account, false);
  actor.via = sync::Via::device;
  return run(captured, actor, name, args);
}

Result<Json> TestCommunity::run(Instant captured, const sync::Actor& actor, const std::string& name,
                                const Json& args) {
  const sync::MutatorDef* def = registry_.mutator(name);
  if (def == nullptr) return fail(Errc::unknown_mutator, name);
  LINLI_CHECK(def->args_schema.check(args));
  if (def->verify) LINLI_CHECK(def->verify(args));
  sync::Submission submission;
  submission.actor = actor;
  submission.lane = def->lane;
  submission.name = name;
  submission.args = std::make_shared<const Json>(args);
  submission.captured_at = captured;
  submission.token = 1;
  auto out = committer_.run({&submission, 1});
  if (!out) return std::unexpected(out.error());
  measure(out->commit, name);
  return out->answers.at(0).result;
}

Json TestCommunity::must(const std::string& account, const std::string& name, const Json& args) {
  auto result = call(account, name, args);
  EXPECT_TRUE(result) << name << ": " << errc_name(result.error().code) << ": "
                      << result.error().detail;
  return result ? *result : Json();
}

Result<Json> TestCommunity::ask(const std::string& account, const std::string& name,
                                const Json& params) {
  const sync::QueryDef* def = registry_.query(name);
  if (def == nullptr) return fail(Errc::not_found, name);
  LINLI_CHECK(def->params_schema.check(params));
  StoreContext ctx(store_, actor_of(account, false), clock_.now());
  if (def->permit) LINLI_CHECK(def->permit(ctx, params));
  return def->run(ctx, params);
}

int TestCommunity::settle() {
  for (int ticks = 0; ticks < 100'000; ++ticks) {
    const auto due = store_.due(to_unix_ms(clock_.now() + Millis{1}), 1);
    if (due.value().empty()) return ticks;
    tick();
  }
  ADD_FAILURE() << "due rows never end";
  return 0;
}

void TestCommunity::tick() {
  clock_.advance(Millis{1});
  auto out = committer_.tick();
  LINLI_ASSERT(out.has_value());
  measure(out->commit, "due");
}

Json TestCommunity::row(std::string_view tbl, std::string_view key) {
  StoreContext ctx(store_, {}, clock_.now());
  const auto found = ctx.get(tbl, key);
  return found ? *found : Json();
}

std::vector<std::string> TestCommunity::placed(const std::string& tbl, const std::string& key) {
  std::map<sync::BucketId, std::string> names;
  const sync::StoreState state = store_.load().value();
  for (const sync::BucketInfo& bucket : state.buckets) names[bucket.id] = bucket.spec.name;
  std::vector<std::string> out;
  const auto found = store_.row({tbl, key});
  if (found.value())
    for (const sync::BucketId id : (*found)->buckets) out.push_back(names[id]);
  std::ranges::sort(out);
  return out;
}

std::vector<std::string> TestCommunity::buckets_of(const std::string& account) {
  const sync::StoreState state = store_.load().value();
  std::map<sync::BucketId, std::string> names;
  for (const sync::BucketInfo& bucket : state.buckets) names[bucket.id] = bucket.spec.name;
  std::vector<std::string> out;
  for (const sync::Member& member : state.members)
    if (member.account.raw().hex() == account) out.push_back(names[member.bucket]);
  std::ranges::sort(out);
  return out;
}

bool TestCommunity::holds(const std::string& account, const std::string& tbl,
                          const std::string& key) {
  const auto held = buckets_of(account);
  return std::ranges::any_of(placed(tbl, key), [&](const std::string& bucket) {
    return std::ranges::binary_search(held, bucket);
  });
}

std::string TestCommunity::everything_on_phone_of(const std::string& account) {
  std::string out;
  const sync::StoreState state = store_.load().value();
  for (const sync::Member& member : state.members) {
    if (member.account.raw().hex() != account) continue;
    const sync::BucketChunk chunk =
        store_.chunk(member.bucket, {}, false, 100'000, 100'000'000).value();
    for (const sync::Op& op : chunk.ops)
      if (op.data) out += *op.data + "\n";
  }
  return out;
}

std::vector<Json> TestCommunity::outbox(const std::string& kind) {
  std::vector<Json> out;
  const auto rows = store_.outbox(0, 100'000);
  for (const sync::OutboxRow& row : *rows)
    if (row.kind == kind) out.push_back(Json::parse(row.data));
  return out;
}

std::string SmallTown::cid(int number) {
  const std::string digits = std::to_string(number);
  return std::string(32 - digits.size() - 1, '0') + "c" + digits;
}

std::string SmallTown::account_id(int number) {
  const std::string digits = std::to_string(number);
  return std::string(32 - digits.size(), '0') + digits;
}

SmallTown::SmallTown(std::unique_ptr<sync::Store> store)
    : TestCommunity(from_unix_ms(kTownStart), std::move(store)) {
  const auto area = [&](const char* id, const char* kind, const char* parent, const char* name) {
    must("", "area.create", {{"id", id}, {"kind", kind}, {"parent", parent}, {"name", name}});
  };
  must("", "area.create", {{"id", "top"}, {"kind", "street"}, {"name", "建中街街道"}});
  area("hn", "community", "top", "淮南社区");
  for (const std::string n : {"1", "2"}) {
    area(("g" + n).c_str(), "grid", "hn", (n + "网格").c_str());
    area(("y" + n).c_str(), "courtyard", ("g" + n).c_str(), "6号院");
    area(("b" + n).c_str(), "building", ("y" + n).c_str(), "2号楼");
    area(("e" + n).c_str(), "entrance", ("b" + n).c_str(), "3门栋");
    for (const std::string h : {"a", "b"})
      must("", "household.put",
           {{"id", "h" + n + h}, {"door", n + "网格6号院2号楼3门栋50" + h}, {"area", "e" + n}});
  }
  must("", "person.put",
       {{"id", "p-wang"},
        {"household", "h1a"},
        {"name", "王桂芝"},
        {"birth_year", 1943},
        {"living_alone", true},
        {"no_phone", true},
        {"landline", "12000000001"},
        {"tags", {"elder"}},
        {"sensitive_tags", {"dibao"}}});
  must("", "person.put",
       {{"id", "p-chen"},
        {"household", "h1b"},
        {"name", "陈大爷"},
        {"birth_year", 1955},
        {"phone", "12000000002"}});
  must("", "person.put",
       {{"id", "p-liu"},
        {"household", "h2a"},
        {"name", "刘洋"},
        {"birth_year", 1990},
        {"phone", "12000000003"}});
  must("", "person.put",
       {{"id", "p-li"},
        {"household", "h2b"},
        {"name", "李敏"},
        {"birth_year", 1980},
        {"phone", "12000000004"}});
  const auto staff = [&](const std::string& id, const char* name, const char* role,
                         const char* scope) {
    must("", "identity.create_account",
         {{"id", id}, {"name", name}, {"roles", {{{"role", role}, {"scope", scope}}}}});
  };
  staff(editor, "马会玲", "editor", "hn");
  staff(approver, "张书记", "approver", "hn");
  staff(grid1, "周倩", "grid", "g1");
  staff(window, "孙浩", "window", "hn");
  staff(admin, "小冯", "admin", "top");
  staff(supervisor, "老杨", "supervisor", "hn");
}

std::string SmallTown::enrol(const std::string& person, int number) {
  const std::string digits = std::to_string(number);
  const std::string hash = std::string(64 - digits.size(), 'a') + digits;
  const std::string slip = "slip-" + person + digits;
  must("", "identity.create_invite",
       {{"id", slip},
        {"household", row("person", person).at("household")},
        {"code_hash", hash},
        {"secret_hash", hash}});
  const Json made = must("", "identity.enrol",
                         {{"invite", slip},
                          {"person", person},
                          {"cid", cid(number)},
                          {"pub", std::string(43, 'A')},
                          {"label", "phone"}});
  return made.at("account").get<std::string>();
}

Json SmallTown::notice(std::string id, Json audience, std::string severity) {
  Json out = {{"id", std::move(id)},
              {"category", "latest"},
              {"title", "停水通知"},
              {"body", "明天上午停水。"},
              {"audience", std::move(audience)}};
  if (severity != "none") {
    out["category"] = "weather";
    out["severity"] = severity;
    out["action_line"] = "今晚别出门，需要帮助按红键。";
  }
  return out;
}

std::string SmallTown::send(const Json& draft, int persons) {
  const Json made = must(editor, "notice.draft", draft);
  const std::string id = made.at("id").get<std::string>();
  must(editor, "notice.submit", {{"id", id}});
  must(approver, "notice.approve",
       {{"id", id}, {"fingerprint", made.at("fingerprint")}, {"persons", persons}});
  settle();
  return id;
}

}  // namespace linli::test
