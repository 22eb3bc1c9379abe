// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/http_adapter.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/bytes.h"
#include "notify/channels/http/hook.h"
#include "notify/channels/http/render.h"
#include "notify/channels/http/request.h"

namespace linli::notify::http {
namespace {

constexpr std::uint32_t kPollTimer = 1;
/// The next page of a poll that was full.
constexpr Millis kNextPage{1'000};

Outcome refused(const Error& error) {
  Outcome out;
  out.kind = OutcomeKind::permanent_content;
  // Our own words about our own text.
  out.reason = error.detail;
  return out;
}

bool is_success(OutcomeKind kind) {
  return kind == OutcomeKind::accepted || kind == OutcomeKind::delivered;
}

/// The entry of the directory that the address names; nullptr when there is none.
const Json* entry_of(const Setup& setup, const std::string& address) {
  const Json* table = find_value(setup.settings, setup.profile->directory);
  if (table == nullptr || !table->is_object()) return nullptr;
  const auto found = table->find(address);
  return found == table->end() ? nullptr : &*found;
}

}  // namespace

HttpAdapter::HttpAdapter(Setup setup, Rng& rng, const Clock& clock)
    : setup_(std::move(setup)), rng_(rng), clock_(clock) {
  LINLI_ASSERT(setup_.profile != nullptr);
}

Result<Adapter::Preview> HttpAdapter::preview(const Endpoint& to, const Message& message) const {
  if (to.medium != setup_.profile->medium)
    return fail(Errc::invalid_argument, "not an endpoint of this channel");
  LINLI_TRY(Composed composed, compose(setup_, message, Lane::bulk));
  return Preview{std::move(composed.text), composed.parts};
}

void HttpAdapter::start(MonoTime now, Actions& out) {
  const auto& spec = setup_.profile->poll;
  const Json values = {{"settings", setup_.settings}};
  if (spec && render_text(spec->when, values, Escape::none) == "true")
    out.push_back(action::Timer{kPollTimer, now + spec->every});
}

void HttpAdapter::submit(std::span<const Item> items, MonoTime now, Actions& out) {
  LINLI_ASSERT(items.size() <= setup_.capabilities.batch_max);
  std::vector<Request> requests;
  for (const Item& item : items) {
    Outcome outcome;
    if (is_stopped_) {
      outcome.kind = OutcomeKind::retry_after;
      outcome.reason = "the channel is stopping";
    } else if (item.to.medium != setup_.profile->medium) {
      outcome = refused({Errc::invalid_argument, "not an endpoint of this channel"});
    } else if (!setup_.profile->directory.empty() && entry_of(setup_, item.to.address) == nullptr) {
      outcome.kind = OutcomeKind::invalid_endpoint;
      outcome.reason = "no such entry in the settings";
    } else if (auto composed = compose(setup_, item.message, item.lane); composed) {
      add_item(requests, item, std::move(*composed));
      continue;
    } else {
      outcome = refused(composed.error());
    }
    out.push_back(action::Done{item.id, std::move(outcome)});
  }
  for (Request& request : requests) dispatch(std::move(request), now, out);
}

bool HttpAdapter::fits(const Request& request, const Item& item, const Json& shared) const {
  // The same address twice in one request could not be told apart in the answer.
  const auto is_same = [&](const Asked& one) { return one.address == item.to.address; };
  return setup_.profile->is_batch && request.values.at("shared") == shared &&
         std::ranges::none_of(request.asked, is_same);
}

Json HttpAdapter::item_values(const Item& item) const {
  const std::int64_t left = to_unix_ms(item.expires) - to_unix_ms(clock_.now());
  Json out = {{"to", item.to.address},
              {"params", item.to.params},
              {"key", item.key},
              {"delivery", std::to_string(item.id.raw())},
              {"collapse", item.collapse},
              {"ttl_s", std::max<std::int64_t>(1, left / 1000)},
              {"ttl_min", std::max<std::int64_t>(1, left / 60'000)},
              {"expires", to_unix_ms(item.expires) / 1000}};
  if (const Json* entry = entry_of(setup_, item.to.address)) out["entry"] = *entry;
  return out;
}

void HttpAdapter::add_item(std::vector<Request>& requests, const Item& item,
                           Composed composed) const {
  Json values = item_values(item);
  Asked asked{item.to.address, composed.parts, {}};
  if (setup_.profile->reply.rows)
    asked.row_name = render_text(setup_.profile->reply.rows->equals, values, Escape::none);
  composed.values["ttl_s"] = values["ttl_s"];  // items of one request live equally long
  const auto room = std::ranges::find_if(
      requests, [&](const Request& request) { return fits(request, item, composed.values); });
  if (room != requests.end()) {
    room->ids.push_back(item.id);
    room->asked.push_back(std::move(asked));
    room->values["recipients"].push_back(item.to.address);
    return;
  }
  Request request;
  request.ids = {item.id};
  request.asked = {std::move(asked)};
  request.values = composed.values;
  request.values.update(values);
  request.values["recipients"] = Json::array({item.to.address});
  if (setup_.profile->is_batch) request.values["shared"] = std::move(composed.values);
  requests.push_back(std::move(request));
}

bool HttpAdapter::needs_token(MonoTime now) const {
  return setup_.profile->sign.token && (token_.empty() || now >= token_until_);
}

void HttpAdapter::dispatch(Request request, MonoTime now, Actions& out) {
  if (!needs_token(now)) {
    send(std::move(request), out);
    return;
  }
  waiting_.push_back(std::move(request));
  if (!is_asking_token_) ask_token(out);
}

void HttpAdapter::ask_token(Actions& out) {
  is_asking_token_ = true;
  issue(setup_.profile->sign.token->request, SignSpec{}, Json::object(), Call{Purpose::token, {}},
        out);
}

void HttpAdapter::send(Request request, Actions& out) {
  request.token_used = token_number_;
  Json values = request.values;
  values["token"] = token_;
  issue(setup_.profile->request, setup_.profile->sign, std::move(values),
        Call{Purpose::send, std::move(request)}, out);
}

void HttpAdapter::poll(Actions& out) {
  is_polling_ = true;
  issue(setup_.profile->poll->request, setup_.profile->sign, {{"token", token_}},
        Call{Purpose::poll, {}}, out);
}

CallId HttpAdapter::issue(const RequestSpec& spec, const SignSpec& sign, Json values, Call call,
                          Actions& out) {
  values["settings"] = setup_.settings;
  std::array<std::uint8_t, 16> nonce{};
  rng_.fill(nonce);
  add_signing_values(sign, clock_.now(), to_hex(nonce), values);
  const CallId id(++last_call_);
  calls_.emplace(id.raw(), std::move(call));
  out.push_back(action::Http{id, build_call(spec, sign, values)});
  return id;
}

void HttpAdapter::on_reply(CallId id, const CallReply& reply, MonoTime now, Actions& out) {
  auto found = calls_.extract(id.raw());
  if (found.empty()) return;  // not ours, or answered twice
  Call call = std::move(found.mapped());
  switch (call.purpose) {
    case Purpose::send: on_answer(std::move(call.request), reply, now, out); return;
    case Purpose::token: on_token(reply, now, out); return;
    case Purpose::poll: on_polled(reply, now, out); return;
  }
}

void HttpAdapter::on_token(const CallReply& reply, MonoTime now, Actions& out) {
  is_asking_token_ = false;
  const TokenSpec& spec = *setup_.profile->sign.token;
  auto read = read_token(spec, reply, clock_.now());
  std::deque<Request> waiting;
  waiting.swap(waiting_);
  if (auto* token = std::get_if<Token>(&read)) {
    token_ = std::move(token->value);
    ++token_number_;
    // A token that lasts less than the margin is used until half of its time.
    token_until_ = now + std::max(token->lasts - spec.margin, token->lasts / 2);
    for (Request& request : waiting) send(std::move(request), out);
    return;
  }
  const Outcome& outcome = std::get<Outcome>(read);
  health_ = {Health::State::down, outcome.reason, std::nullopt};
  for (const Request& request : waiting)
    finish(request, std::vector<Outcome>(request.ids.size(), outcome), out);
}

void HttpAdapter::on_answer(Request request, const CallReply& reply, MonoTime now, Actions& out) {
  if (reply.failure) {
    const Outcome outcome = failed_call(reply);
    health_ = {Health::State::degraded, outcome.reason, std::nullopt};
    finish(request, std::vector<Outcome>(request.ids.size(), outcome), out);
    return;
  }
  const Answer answer = read_answer(setup_.profile->reply, request.asked, reply, clock_.now());
  const auto& token = setup_.profile->sign.token;
  const bool is_stale =
      token && std::ranges::find(token->stale_codes, answer.code) != token->stale_codes.end();
  if (is_stale && request.token_used == token_number_) token_.clear();
  if (is_stale && !request.is_second_try && !is_stopped_) {
    request.is_second_try = true;
    dispatch(std::move(request), now, out);
    return;
  }
  const bool is_good = std::ranges::any_of(
      answer.outcomes, [](const Outcome& outcome) { return is_success(outcome.kind); });
  const auto fault = std::ranges::find_if(
      answer.outcomes, [](const Outcome& outcome) { return outcome.is_peer_fault; });
  if (fault != answer.outcomes.end()) {
    const bool is_down = fault->kind == OutcomeKind::permanent_config;
    health_ = {is_down ? Health::State::down : Health::State::degraded, fault->reason,
               std::nullopt};
  } else if (is_good) {
    health_ = {Health::State::up, "", std::nullopt};
  }
  finish(request, answer.outcomes, out);
}

void HttpAdapter::on_polled(const CallReply& reply, MonoTime now, Actions& out) {
  is_polling_ = false;
  const PollSpec& spec = *setup_.profile->poll;
  Millis next = spec.every;
  const auto json = parse_json(reply.body, kCallbackBytesMax);
  if (!reply.failure && json) {
    Said said;
    said.status = reply.status;
    said.headers = &reply.headers;
    said.body = reply.body;
    said.json = &*json;
    if (auto receipts = read_receipts(spec.receipts, said)) {
      const auto rows = spec.receipts.list.from(said);
      if (spec.page > 0 && rows && rows->size() >= spec.page) next = kNextPage;
      for (Receipt& receipt : *receipts) out.push_back(action::Heard{std::move(receipt)});
    }
  }
  if (!is_stopped_) out.push_back(action::Timer{kPollTimer, now + next});
}

void HttpAdapter::on_timer(std::uint32_t number, MonoTime now, Actions& out) {
  if (number != kPollTimer || is_polling_ || is_stopped_ || !setup_.profile->poll) return;
  if (needs_token(now)) {
    // Sends keep the token fresh; a poll alone asks for one and comes back next time.
    if (!is_asking_token_) ask_token(out);
    out.push_back(action::Timer{kPollTimer, now + setup_.profile->poll->every});
    return;
  }
  poll(out);
}

void HttpAdapter::stop(MonoTime now, Actions& out) {
  (void)now;
  is_stopped_ = true;
  Outcome outcome;
  outcome.kind = OutcomeKind::retry_after;
  outcome.reason = "the channel is stopping";
  for (const Request& request : waiting_)
    finish(request, std::vector<Outcome>(request.ids.size(), outcome), out);
  waiting_.clear();
}

Result<CallbackReply> HttpAdapter::on_callback(const Callback& request, Instant now, Actions& out) {
  if (!setup_.profile->hook) return fail(Errc::not_found, "the channel has no web hook");
  const Json values = {{"settings", setup_.settings}};
  LINLI_TRY(HookAnswer answer, read_callback(*setup_.profile->hook, values, request, now));
  for (Receipt& receipt : answer.receipts) out.push_back(action::Heard{std::move(receipt)});
  return std::move(answer.reply);
}

void HttpAdapter::finish(const Request& request, const std::vector<Outcome>& outcomes,
                         Actions& out) {
  LINLI_ASSERT(outcomes.size() == request.ids.size());
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    out.push_back(action::Done{request.ids[i], outcomes[i]});
}

}  // namespace linli::notify::http
