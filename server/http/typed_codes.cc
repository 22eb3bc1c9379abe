// SPDX-License-Identifier: Apache-2.0
#include "server/http/typed_codes.h"

#include <algorithm>

#include "base/log.h"

namespace linli::http {
namespace {

constexpr std::string_view kDeskText =
    "有人多次输错登记号码，用数字登记暂停到上面的时间；扫二维码照常。请留意是否有人在试号码。";

}  // namespace

Result<void> TypedCodes::take(const std::string& door) {
  const MonoTime now = parts_.clock.mono();
  if (rest_left() > Millis{0}) {
    tell_desk();
    return fail(Errc::rate_limited, "wrong codes in the community");
  }
  // Taken before the look-up and given back when right, so that a burst cannot outrun the count.
  if (!doors_.take(door, now)) return fail(Errc::rate_limited, "wrong codes for this door");
  if (community_.take("all", now)) return {};
  doors_.give_back(door, now);
  rest(parts_.clock.now() + kTypedCodesRest);
  return fail(Errc::rate_limited, "wrong codes in the community");
}

void TypedCodes::give_back(const std::string& door) {
  const MonoTime now = parts_.clock.mono();
  doors_.give_back(door, now);
  community_.give_back("all", now);
}

void TypedCodes::count_wrong(const std::string& household) {
  Json args = Json::object();
  if (!household.empty()) args["household"] = household;
  const bool queued = parts_.runtime.submit(
      auth::system_submission("identity.count_attempt", std::move(args), parts_.clock.now()),
      [this](const sync::Answer& answer) {
        const std::int64_t until = answer.result ? json_int(*answer.result, "rests_until") : 0;
        if (until > 0) rest(from_unix_ms(until));
      });
  ignore(queued, "the count in memory holds as long as this process does");
}

Millis TypedCodes::rest_left() {
  const std::scoped_lock lock(mutex_);
  return std::max(rests_until_ - parts_.clock.now(), Millis{0});
}

void TypedCodes::rest(Instant until) {
  {
    const std::scoped_lock lock(mutex_);
    if (parts_.clock.now() < rests_until_) return;
    rests_until_ = until;
    is_desk_told_ = false;
    tell_again_ = {};
  }
  log_event(LogLevel::warn, "enrol.typed_codes_rest", {{"until", to_unix_ms(until)}});
  tell_desk();
}

void TypedCodes::tell_desk() {
  const Instant now = parts_.clock.now();
  Json args = {{"kind", "typed_codes_paused"}, {"text", kDeskText}};
  {
    const std::scoped_lock lock(mutex_);
    if (is_desk_told_ || now < tell_again_ || now >= rests_until_) return;
    is_desk_told_ = true;
    tell_again_ = now + kTellAgain;
    args["until"] = to_unix_ms(rests_until_);
  }
  const auto not_told = [this] {
    log_event(LogLevel::error, "enrol.desk_not_told", {});
    const std::scoped_lock lock(mutex_);
    is_desk_told_ = false;
  };
  const bool queued =
      parts_.runtime.submit(auth::system_submission("desk.raise_alarm", std::move(args), now),
                            [not_told](const sync::Answer& answer) {
                              if (!answer.result) not_told();
                            });
  if (!queued) not_told();
}

}  // namespace linli::http
