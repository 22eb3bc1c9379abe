// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/exec/exec_adapter.h"

#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"
#include "notify/channels/exec/lines.h"
#include "notify/text/headline.h"
#include "notify/text/segment.h"

namespace linli::notify::exec {
namespace {

constexpr std::uint32_t kDeadlineTimer = 1;
constexpr Millis kBackOffMin{1'000};
constexpr Millis kBackOffMax{60'000};
constexpr std::size_t kGivenUpMax = 1'000;

Outcome outcome_of(OutcomeKind kind, std::string_view reason, Millis wait = Millis(0)) {
  Outcome out;
  out.kind = kind;
  out.wait = wait;
  out.is_peer_fault = true;
  out.reason = reason;
  return out;
}

/// Late good news; a late refusal says nothing that the deadline did not.
std::optional<Receipt> late_receipt(DeliveryId id, const Outcome& outcome) {
  Receipt out;
  out.delivery = id;
  if (!outcome.provider_ids.empty()) out.provider_id = outcome.provider_ids.front();
  if (outcome.kind == OutcomeKind::delivered) {
    out.state = ReceiptState::delivered;
  } else if (outcome.kind == OutcomeKind::accepted) {
    out.state = ReceiptState::accepted;
  } else {
    return std::nullopt;
  }
  return out;
}

}  // namespace

ExecAdapter::ExecAdapter(Settings settings) : settings_(std::move(settings)) {}

Result<Adapter::Preview> ExecAdapter::preview(const Endpoint& to, const Message& message) const {
  if (to.medium != settings_.capabilities.medium)
    return fail(Errc::invalid_argument, "not an endpoint of this channel");
  std::string text = message.drill ? "【演练】" : "";
  text += message.title;
  const std::string reply =
      settings_.capabilities.has_replies ? reply_line(message) : std::string();
  for (const std::string* part : {&message.action_line, &message.body, &message.link, &reply})
    if (!part->empty()) text += '\n' + *part;
  if (settings_.length_max > 0 && utf8_length(text) > settings_.length_max)
    return fail(Errc::too_large, "the text is too long");
  if (settings_.capabilities.medium != Medium::sms) return Preview{std::move(text), 1};
  LINLI_TRY(const SmsSplit split, split_sms(text));
  return Preview{std::move(text), static_cast<std::uint32_t>(split.parts.size())};
}

void ExecAdapter::submit(std::span<const Item> items, MonoTime now, Actions& out) {
  LINLI_ASSERT(items.size() <= settings_.capabilities.batch_max);
  const bool was_idle = pending_.empty();
  for (const Item& item : items) {
    if (is_stopped_ || now < silent_until_) {
      const Millis wait = is_stopped_ ? Millis(0) : silent_until_ - now;
      out.push_back(action::Done{
          item.id, outcome_of(OutcomeKind::retry_after, "the program is not running", wait)});
      continue;
    }
    if (auto good = preview(item.to, item.message); !good) {
      out.push_back(
          action::Done{item.id, outcome_of(OutcomeKind::permanent_content, good.error().detail)});
      continue;
    }
    if (pending_.size() >= settings_.capabilities.window_max || pending_.contains(item.id)) {
      out.push_back(
          action::Done{item.id, outcome_of(OutcomeKind::retry_after, "too many items under way")});
      continue;
    }
    pending_[item.id] = now + settings_.timeout;
    deadlines_.emplace_back(now + settings_.timeout, item.id);
    out.push_back(action::Line{encode_item(item)});
  }
  if (was_idle) arm(out);
}

void ExecAdapter::stop(MonoTime now, Actions& out) {
  (void)now;
  is_stopped_ = true;
  end_all("stopped", out);
}

void ExecAdapter::on_line(std::string_view line, bool ended, MonoTime now, Actions& out) {
  if (ended) {
    on_ended(now, out);
    return;
  }
  const auto json = parse_json(line, kLineBytesMax);
  if (!json || !json->is_object()) {
    health_ = {Health::State::degraded, "the program wrote a line that is not a JSON object",
               std::nullopt};
    return;
  }
  if (json->contains("receipt")) {
    if (auto receipt = parse_receipt_line(json->at("receipt")))
      out.push_back(action::Heard{std::move(*receipt)});
    return;
  }
  on_outcome(*json, out);
}

void ExecAdapter::on_outcome(const Json& line, Actions& out) {
  const auto id = parse_id(line, "id");
  auto outcome = parse_outcome_line(line);
  if (!id || (!pending_.contains(*id) && std::ranges::find(given_up_, *id) == given_up_.end())) {
    health_ = {Health::State::degraded, "the program spoke of an item that it was not given",
               std::nullopt};
    return;
  }
  has_answered_ = true;
  back_off_ = Millis(0);
  if (pending_.erase(*id) == 0) {
    if (!outcome) return;
    if (auto receipt = late_receipt(*id, *outcome))
      out.push_back(action::Heard{std::move(*receipt)});
    return;
  }
  if (!outcome) {
    // It did something with the item, and we do not understand what.
    health_ = {Health::State::degraded, outcome.error().detail, std::nullopt};
    out.push_back(action::Done{*id, outcome_of(OutcomeKind::unknown, "unreadable outcome")});
    return;
  }
  health_ = {Health::State::up, "", std::nullopt};
  out.push_back(action::Done{*id, std::move(*outcome)});
}

void ExecAdapter::on_ended(MonoTime now, Actions& out) {
  end_all("the program exited", out);
  back_off_ = has_answered_ ? kBackOffMin : std::clamp(back_off_ * 2, kBackOffMin, kBackOffMax);
  has_answered_ = false;
  silent_until_ = now + back_off_;
  health_ = {Health::State::down, "the program exited", std::nullopt};
}

void ExecAdapter::end_all(std::string_view reason, Actions& out) {
  for (const auto& [id, deadline] : pending_)
    out.push_back(action::Done{id, outcome_of(OutcomeKind::unknown, reason)});
  pending_.clear();
  deadlines_.clear();
}

void ExecAdapter::on_timer(std::uint32_t number, MonoTime now, Actions& out) {
  if (number != kDeadlineTimer) return;
  while (!deadlines_.empty() && deadlines_.front().first <= now) {
    const DeliveryId id = deadlines_.front().second;
    deadlines_.pop_front();
    const auto found = pending_.find(id);
    // A later submission of the same delivery has a deadline of its own.
    if (found == pending_.end() || found->second > now) continue;
    pending_.erase(found);
    given_up_.push_back(id);
    if (given_up_.size() > kGivenUpMax) given_up_.pop_front();
    health_ = {Health::State::degraded, "the program does not answer", std::nullopt};
    out.push_back(action::Done{id, outcome_of(OutcomeKind::unknown, "timed_out")});
  }
  arm(out);
}

void ExecAdapter::arm(Actions& out) {
  while (!deadlines_.empty()) {
    const auto found = pending_.find(deadlines_.front().second);
    if (found != pending_.end() && found->second == deadlines_.front().first) break;
    deadlines_.pop_front();
  }
  if (!deadlines_.empty()) out.push_back(action::Timer{kDeadlineTimer, deadlines_.front().first});
}

}  // namespace linli::notify::exec
