// SPDX-License-Identifier: Apache-2.0
#include "clients/native/c_api.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "clients/native/client.h"
#include "clients/native/enrolment.h"
#include "clients/native/mutation_json.h"

struct linli_client {
  std::unique_ptr<linli::client::Client> client;
  std::mutex mutex;
  /// Of the last linli_enrol_check.
  std::optional<linli::client::SlipEnrolment> offer;
};

namespace {

using linli::Errc;
using linli::Error;
using linli::fail;
using linli::Json;
using linli::json_int;
using linli::json_text;
using linli::Result;
namespace client = linli::client;

/// Nobody waits longer than an hour for a store.
constexpr std::int64_t kWaitMax = 3'600'000;

void give(char** out, const Json& value) {
  if (out == nullptr) return;
  const std::string text = linli::dump_json(value);
  *out = static_cast<char*>(std::malloc(text.size() + 1));
  if (*out != nullptr) std::memcpy(*out, text.c_str(), text.size() + 1);
}

int give_error(char** out, const Error& error) {
  give(out, {{"code", linli::errc_name(error.code)},
             {"text", linli::errc_sentence(error.code)},
             {"detail", error.detail}});
  return static_cast<int>(error.code);
}

/// Runs `body`; nothing that C++ throws leaves the library.
int guarded(char** out, const std::function<Result<Json>()>& body) noexcept {
  if (out != nullptr) *out = nullptr;
  try {
    const Result<Json> result = body();
    if (!result) return give_error(out, result.error());
    give(out, *result);
    return 0;
  } catch (const std::exception& e) {
    try {
      return give_error(out, {Errc::internal, e.what()});
    } catch (...) {
      return static_cast<int>(Errc::internal);
    }
  } catch (...) {
    return static_cast<int>(Errc::internal);
  }
}

Result<Json> object_of(const char* text) {
  if (text == nullptr) return fail(Errc::invalid_argument, "JSON text is null");
  LINLI_TRY(Json value, linli::parse_json(text));
  if (!value.is_object()) return fail(Errc::invalid_argument, "not a JSON object");
  return value;
}

Result<client::Client*> client_of(linli_client* handle) {
  if (handle == nullptr) return fail(Errc::invalid_argument, "client is null");
  return handle->client.get();
}

Json row_json(const client::Row& row) {
  return {{"key", row.key}, {"value", row.value}, {"pending", row.is_pending}};
}

Result<Json> query(client::Client& of, const Json& what) {
  const std::string list = json_text(what, "list");
  if (!list.empty()) {
    if (list != "pending" && list != "attention") {
      return fail(Errc::invalid_argument, "list is neither pending nor attention");
    }
    LINLI_TRY(const auto items, list == "pending" ? of.pending() : of.attention());
    Json out = {{"items", Json::array()}};
    for (const auto& item : items) out["items"].push_back(client::mutation_json(item));
    return out;
  }
  const std::string table = json_text(what, "table");
  if (table.empty()) return fail(Errc::invalid_argument, "neither table nor list");
  Json out = {{"rows", Json::array()}};
  if (what.contains("key")) {
    LINLI_TRY(const auto row, of.row(table, json_text(what, "key")));
    if (row) out["rows"].push_back(row_json(*row));
    return out;
  }
  LINLI_TRY(const auto rows, of.rows(table));
  for (const auto& row : rows) out["rows"].push_back(row_json(row));
  return out;
}

Result<Json> act(client::Client& of, const Json& what) {
  const std::string verb = json_text(what, "do");
  const auto id = static_cast<std::uint64_t>(json_int(what, "id"));
  const auto args = what.find("args");
  const auto none = [](Result<void> done) -> Result<Json> {
    if (!done) return std::unexpected(std::move(done).error());
    return Json::object();
  };
  if (verb == "withdraw") return none(of.withdraw(id));
  if (verb == "dismiss") return none(of.dismiss(id));
  if (verb == "rekey") return none(of.rekey());
  if (verb == "choose_person") return none(of.choose_person(json_text(what, "person")));
  if (verb == "forget_slip") return none(of.forget_slip());
  if (verb == "seen") return none(of.note_seen(json_text(what, "notice")));
  if (verb == "first_alert") {
    LINLI_TRY(const bool first,
              of.first_alert(json_text(what, "incident"), json_text(what, "severity")));
    return Json{{"first", first}};
  }
  if (args == what.end()) return fail(Errc::invalid_argument, "unknown action, or no args");
  if (verb == "edit") return none(of.edit(id, *args));
  if (verb != "mend") return fail(Errc::invalid_argument, "unknown action");
  LINLI_TRY(const auto made, of.mend(id, *args));
  return Json{{"id", made.id}};
}

std::vector<std::string> purposes_of(const Json& value) {
  std::vector<std::string> out;
  if (const auto given = value.find("purposes"); given != value.end() && given->is_array())
    for (const Json& purpose : *given)
      if (purpose.is_string()) out.push_back(purpose.get<std::string>());
  return out;
}

Result<client::SlipEnrolment> slip_of(const Json& value) {
  linli::SystemRng rng;
  return client::SlipEnrolment::make({.address = json_text(value, "url"),
                                      .code = json_text(value, "code"),
                                      .door = json_text(value, "door"),
                                      .person = json_text(value, "person"),
                                      .label = json_text(value, "label"),
                                      .purposes = purposes_of(value)},
                                     rng);
}

Result<Json> confirm(linli_client& handle, const Json& choice) {
  std::optional<client::SlipEnrolment> offer;
  {
    const std::lock_guard lock(handle.mutex);
    offer = handle.offer;
  }
  if (!offer) return fail(Errc::wrong_state, "linli_enrol_check comes first");
  offer->set_consent(json_text(choice, "label"), purposes_of(choice));
  LINLI_CHECK(offer->choose(json_text(choice, "person")));
  client::Client& of = *handle.client;
  LINLI_CHECK(of.keep_slip(std::move(*offer)));
  LINLI_TRY(const client::SlipEnrolment::Step step, of.enrol_now());
  if (step == client::SlipEnrolment::Step::enrolled) return of.status().json();
  const auto slip = of.slip();
  if (slip && slip->problem()) return std::unexpected(*slip->problem());
  return fail(Errc::wrong_state, "the persons of the slip have changed");
}

}  // namespace

extern "C" {

const char* linli_version(void) { return "1.0.0"; }

int linli_open(const char* options_json, linli_client** opened, char** out) {
  if (opened != nullptr) *opened = nullptr;
  return guarded(out, [&]() -> Result<Json> {
    if (opened == nullptr) return fail(Errc::invalid_argument, "client is null");
    LINLI_TRY(const Json given, object_of(options_json));
    client::ClientOptions options;
    options.store = json_text(given, "store");
    if (options.store.empty()) return fail(Errc::invalid_argument, "store is missing");
    options.tls.ca_file = json_text(given, "ca");
    if (given.contains("app")) options.app = json_text(given, "app");
    options.lock_patience =
        linli::Millis{std::clamp<std::int64_t>(json_int(given, "wait_ms", 5000), 0, kWaitMax)};
    const std::string encoding = json_text(given, "encoding");
    if (encoding == "json") options.encoding = linli::sync::Encoding::json;
    if (given.contains("encoding") && encoding != "json" && encoding != "cbor")
      return fail(Errc::invalid_argument, "encoding is neither cbor nor json");
    auto handle = std::make_unique<linli_client>();
    LINLI_TRY(handle->client, client::Client::open(std::move(options)));
    *opened = handle.release();
    return Json::object();
  });
}

void linli_close(linli_client* handle) {
  // Inside a listener the library's thread would wait for itself: a leak instead of a hang.
  if (!client::Client::is_inside_listener()) delete handle;
}

int linli_enrol_check(linli_client* handle, const char* slip_json, char** out) {
  return guarded(out, [&]() -> Result<Json> {
    LINLI_TRY(client::Client * of, client_of(handle));
    LINLI_TRY(const Json slip, object_of(slip_json));
    LINLI_TRY(client::SlipEnrolment offer, slip_of(slip));
    LINLI_CHECK(client::look_up(offer, of->tls()));
    Json answer = {{"household", offer.household()}, {"persons", Json::array()}};
    for (const auto& person : offer.persons())
      answer["persons"].push_back({{"ref", person.ref}, {"name", person.name}});
    const std::lock_guard lock(handle->mutex);
    handle->offer = std::move(offer);
    return answer;
  });
}

int linli_enrol_confirm(linli_client* handle, const char* choice_json, char** out) {
  return guarded(out, [&]() -> Result<Json> {
    LINLI_CHECK(client_of(handle));
    LINLI_TRY(const Json choice, object_of(choice_json));
    return confirm(*handle, choice);
  });
}

int linli_enrol_keep(linli_client* handle, const char* slip_json, char** out) {
  return guarded(out, [&]() -> Result<Json> {
    LINLI_TRY(client::Client * of, client_of(handle));
    LINLI_TRY(const Json given, object_of(slip_json));
    LINLI_TRY(client::SlipEnrolment slip, slip_of(given));
    LINLI_CHECK(of->keep_slip(std::move(slip)));
    return of->status().json();
  });
}

int linli_start(linli_client* handle, char** out) {
  return guarded(out, [&]() -> Result<Json> {
    LINLI_TRY(client::Client * of, client_of(handle));
    LINLI_CHECK(of->start());
    return Json::object();
  });
}

int linli_stop(linli_client* handle, char** out) {
  return guarded(out, [&]() -> Result<Json> {
    LINLI_TRY(client::Client * of, client_of(handle));
    if (client::Client::is_inside_listener()) return fail(Errc::wrong_state, "not from a listener");
    of->stop();
    return Json::object();
  });
}

int linli_mutate(linli_client* handle, const char* name, const char* args_json, char** out) {
  return guarded(out, [&]() -> Result<Json> {
    LINLI_TRY(client::Client * of, client_of(handle));
    if (name == nullptr || *name == '\0') return fail(Errc::invalid_argument, "name is empty");
    LINLI_TRY(const Json args, object_of(args_json));
    LINLI_TRY(const auto made, of->mutate(name, args));
    return Json{{"id", made.id}};
  });
}

int linli_query(linli_client* handle, const char* query_json, char** out) {
  return guarded(out, [&]() -> Result<Json> {
    LINLI_TRY(client::Client * of, client_of(handle));
    LINLI_TRY(const Json what, object_of(query_json));
    return query(*of, what);
  });
}

int linli_act(linli_client* handle, const char* action_json, char** out) {
  return guarded(out, [&]() -> Result<Json> {
    LINLI_TRY(client::Client * of, client_of(handle));
    LINLI_TRY(const Json what, object_of(action_json));
    return act(*of, what);
  });
}

int linli_status(linli_client* handle, char** out) {
  return guarded(out, [&]() -> Result<Json> {
    LINLI_TRY(client::Client * of, client_of(handle));
    return of->status().json();
  });
}

int linli_subscribe(linli_client* handle, linli_listener listener, void* user) {
  return guarded(nullptr, [&]() -> Result<Json> {
    LINLI_TRY(client::Client * of, client_of(handle));
    if (listener == nullptr) {
      of->subscribe(nullptr);
      return Json::object();
    }
    of->subscribe([listener, user](const client::Event& event) {
      const Json text = {{"all", event.all}, {"tables", event.tables}, {"status", event.status}};
      listener(user, linli::dump_json(text).c_str());
    });
    return Json::object();
  });
}

void linli_free(char* text) { std::free(text); }

}  // extern "C"
