// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_runtime.h"

#include "base/assert.h"

namespace linli::test {

TestRuntime::TestRuntime(std::string slug, const sync::Registry& registry, const Clock& clock,
                         Rng& rng)
    : slug_(std::move(slug)),
      registry_(registry),
      clock_(clock),
      committer_(registry, store_, clock, rng) {
  LINLI_ASSERT(committer_.open().has_value());
}

bool TestRuntime::submit(sync::Submission submission, std::function<void(sync::Answer)> done) {
  if (busy) return false;
  submission.token = 1;
  auto result = committer_.run({&submission, 1});
  LINLI_ASSERT(result.has_value() && result->answers.size() == 1);
  if (on_commit) on_commit(*result->commit);
  done(std::move(result->answers.front()));
  return true;
}

bool TestRuntime::submit_device(std::vector<sync::Submission> submissions) {
  if (busy) return false;
  const auto result = committer_.run(submissions);
  LINLI_ASSERT(result.has_value());
  if (on_commit) on_commit(*result->commit);
  return true;
}

bool TestRuntime::read(sync::Actor actor, std::function<void(sync::ReadContext&)> read) {
  if (busy) return false;
  sync::ReaderContext context(store_, cache_, std::move(actor), clock_.now());
  read(context);
  return true;
}

bool TestRuntime::read_chunk(sync::AskChunk, std::function<void(Result<sync::SharedChunk>)>) {
  return false;
}
bool TestRuntime::read_results(sync::AskResults,
                               std::function<void(Result<std::vector<sync::StoredResult>>)>) {
  return false;
}
void TestRuntime::note_cursors(const sync::DeviceCursor& cursor) {
  LINLI_ASSERT(store_.save_cursors({cursor}).has_value());
}

Json TestRuntime::must(const std::string& name, Json args) {
  sync::Submission work;
  work.name = name;
  work.args_text = dump_json(args);
  const auto* def = registry_.mutator(name);
  LINLI_ASSERT(def != nullptr && def->args_schema.check(args).has_value());
  work.args = std::make_shared<const Json>(std::move(args));
  Json out;
  submit(std::move(work), [&](const sync::Answer& answer) {
    LINLI_ASSERT(answer.result.has_value());
    out = *answer.result;
  });
  return out;
}

void TestRuntime::tick() {
  const auto result = committer_.tick();
  LINLI_ASSERT(result.has_value());
  if (on_commit) on_commit(*result->commit);
}

Json TestRuntime::row(const std::string& tbl, const std::string& key) {
  const auto found = store_.row({tbl, key});
  LINLI_ASSERT(found.has_value());
  return *found ? parse_json(*(*found)->data).value() : Json();
}

}  // namespace linli::test
