// SPDX-License-Identifier: Apache-2.0
#include "server/http/import.h"

#include <algorithm>

#include "base/assert.h"
#include "server/http/api.h"
#include "server/http/problem.h"

namespace linli::http {
namespace {

/// A full writer queue is asked again this often before the job gives up.
constexpr int kRefusalsMax = 3;

Json faults_of(const std::vector<ImportFault>& faults) {
  Json out = Json::array();
  for (const ImportFault& fault : faults) {
    if (out.size() == kImportFaultsMax) break;
    out.push_back({{"line", fault.line}, {"message", fault.sentence}});
  }
  return out;
}

}  // namespace

struct Imports::Job {
  std::string id;
  sync::Actor actor;
  bool apply = false;
  // Owned by the one step that runs.
  std::vector<ImportLine> lines;
  int refusals = 0;
  // Guarded by mutex.
  std::mutex mutex;
  std::string state = "running";
  std::size_t at = 0;
  std::size_t total = 0;
  std::size_t new_households = 0;
  std::size_t added = 0;
  std::size_t changed = 0;
  std::size_t undone = 0;
  std::size_t faults_total = 0;
  std::vector<ImportFault> faults;
  Json head;

  void fault(std::size_t line, std::string sentence) {
    ++faults_total;
    if (faults.size() < kImportFaultsMax) faults.push_back({line, std::move(sentence)});
  }
  void refuse(std::size_t line, const Error& error) {
    const std::scoped_lock lock(mutex);
    fault(line, std::string(errc_sentence(error.code)) + " (" + error.detail + ")");
  }
  void next() {
    const std::scoped_lock lock(mutex);
    ++at;
  }
  Json report() {
    const std::scoped_lock lock(mutex);
    Json out = head;
    out["job"] = id;
    out["state"] = state;
    out["apply"] = apply;
    out["done"] = at;
    out["total"] = total;
    out["new_households"] = new_households;
    out["added"] = added;
    out["changed"] = changed;
    out["undone"] = undone;
    out["errors_total"] = faults_total;
    out["errors"] = faults_of(faults);
    return out;
  }
};

void Imports::add_to(EndpointTable& table) {
  Endpoint begin;
  begin.method = "POST";
  begin.path = "/api/v1/imports";
  begin.id = "import.start";
  begin.tag = "people";
  begin.summary = "Imports households and residents from CSV; a dry run unless apply is true.";
  begin.needs_key = true;
  begin.takes = "text/csv";
  begin.schema = schema_of(R"({"type":"object","additionalProperties":false,
    "properties":{"apply":{"type":"boolean"}}})");
  begin.run = [this](const Call& call, const Respond& done) { start(call, done); };
  table.add(std::move(begin));
  const JsonSchema job = schema_of(R"({"type":"object","additionalProperties":false,
    "required":["job"],"properties":{"job":{"type":"string","maxLength":32}}})");
  Endpoint look;
  look.method = "GET";
  look.path = "/api/v1/imports/{job}";
  look.id = "import.show";
  look.tag = "people";
  look.summary = "How far an import is, with its errors by line.";
  look.schema = job;
  look.run = [this](const Call& call, const Respond& done) { show(call, done); };
  table.add(std::move(look));
  Endpoint back;
  back.method = "POST";
  back.path = "/api/v1/imports/{job}/undo-all";
  back.id = "import.undo_all";
  back.tag = "people";
  back.summary = "Takes a whole import back within 24 hours, as a job.";
  back.needs_key = true;
  back.schema = job;
  back.run = [this](const Call& call, const Respond& done) { undo(call, done); };
  table.add(std::move(back));
}

Result<void> Imports::keep(const SharedJob& job) {
  const std::scoped_lock lock(mutex_);
  if (jobs_.size() >= kJobsMax) {
    const auto over = std::ranges::find_if(jobs_, [](const SharedJob& held) {
      const std::scoped_lock job_lock(held->mutex);
      return held->state != "running";
    });
    if (over == jobs_.end()) return fail(Errc::unavailable, "too many imports are running");
    jobs_.erase(over);
  }
  jobs_.push_back(job);
  return {};
}

void Imports::start(const Call& call, const Respond& done) {
  const std::string& request_id = call.request.request_id;
  auto plan = plan_import(call.request.body);
  if (!plan) return done(problem(plan.error(), request_id, "这个文件读不了，请另存为 CSV 再试。"));
  auto job = std::make_shared<Job>();
  // The key names the job: a repeated request finds the first one instead of importing twice.
  const std::string seed =
      call.caller->actor.account.raw().hex() + ":" + call.request.header("idempotency-key");
  const auto named = keyed_hash(parts_.keys.derive("linli.import.job.1"), as_bytes(seed));
  job->id = to_hex(ByteView(named).first(16));
  {
    const std::scoped_lock lock(mutex_);
    for (const SharedJob& held : jobs_) {
      if (held->id != job->id) continue;
      net::HttpResponse again = json_response(held->report(), 202);
      again.headers.emplace_back("Idempotent-Replayed", "true");
      return done(std::move(again));
    }
  }
  job->actor = call.caller->actor;
  job->apply = json_bool(call.args, "apply");
  job->lines = std::move(plan->lines);
  job->total = job->lines.size();
  job->faults_total = plan->faults.size();
  job->faults = std::move(plan->faults);
  job->head = {{"rows", plan->rows},
               {"households", job->total},
               {"persons", plan->persons},
               {"unknown_columns", plan->unknown_columns}};
  if (auto kept = keep(job); !kept) return done(problem(kept.error(), request_id));
  step(job);
  done(json_response(job->report(), 202));
}

void Imports::show(const Call& call, const Respond& done) {
  SharedJob found;
  {
    const std::scoped_lock lock(mutex_);
    for (const SharedJob& job : jobs_)
      if (job->id == json_text(call.args, "job") &&
          job->actor.account == call.caller->actor.account)
        found = job;
  }
  if (!found)
    return done(problem({Errc::not_found, "no such import of yours since the server started"},
                        call.request.request_id));
  done(json_response(found->report()));
}

void Imports::submit(const SharedJob& job, std::string name, Json args,
                     std::function<void(Result<Json>)> done) {
  const sync::MutatorDef* def = parts_.runtime.registry().mutator(name);
  if (def == nullptr) return done(fail(Errc::unknown_mutator, name));
  if (auto checked = def->args_schema.check(args); !checked)
    return done(std::unexpected(checked.error()));
  sync::Submission work = auth::system_submission(name, std::move(args), parts_.clock.now());
  work.actor = job->actor;
  work.lane = sync::UpLane::bulk;
  auto shared = std::make_shared<std::function<void(Result<Json>)>>(std::move(done));
  const bool queued = parts_.runtime.submit(
      std::move(work), [shared](sync::Answer answer) { (*shared)(std::move(answer.result)); });
  if (!queued) (*shared)(fail(Errc::unavailable, "writer queue is full"));
}

void Imports::step(const SharedJob& job) {
  const sync::MutatorDef* def = parts_.runtime.registry().mutator("people.import_row");
  LINLI_ASSERT(def != nullptr);
  // Lines that the schema refuses are told in this loop: submit() answers those at once, so
  // that each
  // would run the next one a call deeper.
  for (; job->at < job->lines.size(); job->next()) {
    const ImportLine& line = job->lines[job->at];
    Json args = line.args;
    args["batch"] = job->id;
    if (!job->apply) args["dry_run"] = true;
    const auto checked = def->args_schema.check(args);
    if (checked) return submit_line(job, std::move(args), line.line);
    job->refuse(line.line, checked.error());
  }
  const std::scoped_lock lock(job->mutex);
  job->state = "done";
}

void Imports::submit_line(const SharedJob& job, Json args, std::size_t line) {
  submit(job, "people.import_row", std::move(args),
         [this, job, number = line](const Result<Json>& result) {
           {
             const std::scoped_lock lock(job->mutex);
             if (result) {
               job->new_households += json_bool(*result, "new_household") ? 1 : 0;
               job->added += static_cast<std::size_t>(json_int(*result, "added"));
               job->changed += static_cast<std::size_t>(json_int(*result, "changed"));
             } else if (errc_retryable(result.error().code) && ++job->refusals <= kRefusalsMax) {
               job->state = "paused";
               job->fault(number, "服务器正忙，已停在这一行；请稍后重新导入同一个文件。");
               return;
             } else {
               job->fault(number, std::string(errc_sentence(result.error().code)) + " (" +
                                      result.error().detail + ")");
             }
             ++job->at;
             // Without the permission every line fails alike; say it once.
             if (!result && result.error().code == Errc::forbidden) {
               job->state = "refused";
               return;
             }
           }
           step(job);
         });
}

void Imports::undo(const Call& call, const Respond& done) {
  auto job = std::make_shared<Job>();
  job->id = json_text(call.args, "job");
  job->actor = call.caller->actor;
  job->apply = true;
  job->head = {{"undo", true}};
  {
    const std::scoped_lock lock(mutex_);
    // The undo takes the place of the import it ends.
    for (const SharedJob& held : jobs_) {
      const std::scoped_lock job_lock(held->mutex);
      if (held->id == job->id && held->state == "running")
        return done(
            problem({Errc::wrong_state, "this import is still running"}, call.request.request_id));
    }
    std::erase_if(jobs_, [&](const SharedJob& held) { return held->id == job->id; });
  }
  if (auto kept = keep(job); !kept) return done(problem(kept.error(), call.request.request_id));
  undo_step(job);
  done(json_response(job->report(), 202));
}

void Imports::undo_step(const SharedJob& job) {
  submit(job, "people.undo_import", {{"batch", job->id}}, [this, job](const Result<Json>& result) {
    bool more = false;
    {
      const std::scoped_lock lock(job->mutex);
      if (result) {
        job->undone += static_cast<std::size_t>(json_int(*result, "undone"));
        more = json_bool(*result, "more");
        if (!more) job->state = "undone";
      } else {
        job->state = "failed";
        job->fault(0, std::string(errc_sentence(result.error().code)) + " (" +
                          result.error().detail + ")");
      }
    }
    if (more) undo_step(job);
  });
}

}  // namespace linli::http
