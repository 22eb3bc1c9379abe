// SPDX-License-Identifier: Apache-2.0
#include "server/app/demo.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "base/environment.h"
#include "base/limits.h"
#include "server/admin/admin.h"
#include "server/community/demo/demo.h"
#include "server/community/demo/demo_recording.h"
#include "server/community/modules.h"
#include "server/http/blob_store.h"
#include "server/http/setup_code.h"

namespace linli::app {
namespace {

namespace fs = std::filesystem;
namespace demo = community::demo;

constexpr const char* kSlug = "huainan";

fs::path default_folder() {
  return fs::path(environment("HOME").value_or(".")) / ".local/share/linli-demo";
}

sync::Submission submission_of(const sync::Registry& registry, const demo::DemoCall& call,
                               std::uint64_t token, Instant now) {
  sync::Submission out;
  if (const sync::MutatorDef* def = registry.mutator(call.name)) out.lane = def->lane;
  if (!call.account.empty()) {
    if (const auto id = Id128::parse(call.account)) out.actor.account = sync::AccountId{*id};
    out.actor.via = sync::Via::api;
    out.actor.elevated = true;
  }
  out.name = call.name;
  out.args = std::make_shared<const Json>(call.args);
  out.args_text = dump_json(call.args);
  out.captured_at = call.captured == 0 ? now : from_unix_ms(call.captured);
  if (call.captured != 0) out.actor.via = sync::Via::device;
  out.token = token;
  return out;
}

/// Runs the calls in batches, as the writer of a running server would.
std::vector<Result<Json>> run_calls(const sync::Registry& registry, sync::Committer& committer,
                                    const Clock& clock, std::span<const demo::DemoCall> calls) {
  std::vector<Result<Json>> out(calls.size(), fail(Errc::internal, "no answer"));
  for (std::size_t from = 0; from < calls.size(); from += limits::kBatchMutationsMax) {
    const std::size_t to = std::min(from + limits::kBatchMutationsMax, calls.size());
    std::vector<sync::Submission> batch;
    for (std::size_t i = from; i < to; ++i)
      batch.push_back(submission_of(registry, calls[i], i + 1, clock.now()));
    auto done = committer.run(batch);
    if (!done) {
      std::fill(out.begin() + static_cast<std::ptrdiff_t>(from), out.end(),
                fail(done.error().code));
      return out;
    }
    for (sync::Answer& answer : done->answers) out[answer.token - 1] = std::move(answer.result);
  }
  return out;
}

/// A server that runs all the time does what is due as its time comes. What the store refuses here,
/// it refuses to the calls that follow, which say so.
void move_clock(ManualClock& clock, sync::Committer& committer, Instant to) {
  constexpr std::chrono::hours kStep{1};
  while (clock.now() < to) {
    clock.advance(std::min<Millis>(kStep, to - clock.now()));
    for (;;) {
      const auto done = committer.tick();
      if (!done || done->commit->to == done->commit->from) break;
      clock.advance(Millis{1});
    }
  }
}

/// The demo's attachment among those of the community, as an upload would have put it.
Result<void> put_recording(const fs::path& folder, const Clock& clock, Rng& rng) {
  const auto account = Id128::parse(demo::account_id(demo::cast().front().account));
  if (!account) return fail(Errc::internal, "demo: account");
  http::BlobStore blobs(folder, clock, rng);
  const std::string bytes = demo::recording();
  LINLI_TRY(const auto upload, blobs.create(sync::AccountId{*account}, bytes.size(), ""));
  LINLI_CHECK(blobs.append(upload.id, sync::AccountId{*account}, 0, bytes));
  blobs.recorded(upload.id, demo::recording_sha());
  return {};
}

Result<void> make_community(const fs::path& data, const sync::Registry& registry, int people) {
  const Instant today = SystemClock().now();
  ManualClock clock(today - std::chrono::days(demo::kServiceDays));
  SystemRng rng;
  LINLI_TRY(const auto lock, admin::DataLock::take(data));
  LINLI_TRY(const auto keys, auth::ServerKeys::load_or_create(data / kSlug / admin::kKeyFile, rng));
  sync::SqliteStoreOptions options;
  options.path = (data / kSlug / admin::kDatabaseFile).string();
  LINLI_TRY(const auto store, sync::SqliteStore::open(options));
  sync::Committer committer(registry, *store, clock, rng);
  LINLI_TRY(const auto state, committer.open());
  if (state.head.raw() > 0 || people == 0) return {};
  LINLI_CHECK(put_recording(data / kSlug, clock, rng));
  return demo::load({.people = people,
                     .today = today,
                     .move_clock = [&](Instant to) { move_clock(clock, committer, to); }},
                    [&](std::span<const demo::DemoCall> calls) {
                      return run_calls(registry, committer, clock, calls);
                    });
}

/// Slips for an author, an approver and one household, printed as QR and digits; for the approver,
/// who needs both factors, also a setup code until they are set up.
Result<void> print_slips(const fs::path& data, const sync::Registry& registry,
                         const std::string& origin) {
  const SystemClock clock;
  SystemRng rng;
  std::string door;
  std::string setup_code;
  const demo::CastMember& approver = demo::cast()[1];
  {
    LINLI_TRY(const auto community,
              admin::LocalCommunity::open_to_read({data, kSlug, registry, clock, rng}));
    LINLI_TRY(const auto households, community->rows("household"));
    // A family in a house of ours; relatives elsewhere are filed under the community itself.
    const auto home = std::ranges::find_if(
        households, [](const auto& row) { return json_text(row.second, "area") != "hn"; });
    if (home != households.end()) door = json_text(home->second, "door");
    const std::string account = demo::account_id(approver.account);
    LINLI_TRY(const auto credentials, community->rows("credential"));
    if (std::ranges::none_of(credentials, [&](const auto& row) { return row.first == account; }))
      setup_code = http::setup_code(community->keys(), account, 0, clock.now());
  }
  const admin::AdminParts parts{
      community::declare_modules, clock, rng, std::cin, std::cout, std::cerr};
  const auto slip = [&](const std::string& what, const std::string& option,
                        const std::string& whom) {
    std::cout << "\n" << what << "\n";
    admin::run_admin(parts, {"--data", data.string(), "--community", kSlug, "--origin", origin,
                             "invite", "create", option, whom});
  };
  for (const demo::CastMember& member : demo::cast().first(2))
    slip(std::string(member.name) + " (" + member.role + ")", "--staff",
         demo::account_id(member.account));
  if (!setup_code.empty())
    std::cout << "setup code of " << approver.name << ": " << setup_code << "\n";
  if (!door.empty()) slip("居民 " + door, "--door", door);
  return {};
}

}  // namespace

Result<Config> prepare_demo(const DemoOptions& options) {
  Config out = default_config();
  const std::string port = std::to_string(options.port);
  out.server.listen = {"127.0.0.1:" + port};
  out.server.origins = {"http://localhost:" + port, "http://127.0.0.1:" + port};
  const fs::path data = options.data.empty() ? default_folder() : fs::path(options.data);
  out.data.folder = data.string();
  std::error_code ec;
  fs::create_directories(data / kSlug, ec);
  if (ec) return fail(Errc::io, data.string() + ": " + ec.message());
  sync::Registry registry;
  community::declare_modules(registry);
  LINLI_CHECK(make_community(data, registry, options.people));
  if (options.people > 0) LINLI_CHECK(print_slips(data, registry, out.server.origins.front()));
  std::cout << "\n" << out.server.origins.front() << "/c/" << kSlug << "/\n" << std::flush;
  return out;
}

}  // namespace linli::app
