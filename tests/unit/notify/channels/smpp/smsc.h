// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/rng.h"
#include "notify/channels/smpp/adapter.h"

namespace linli::notify::smpp {

/// A scripted message centre and the host of one SMPP channel, under virtual time.
class Smsc {
 public:
  explicit Smsc(Settings settings = usual(), std::uint32_t first_sequence = 1)
      : adapter(std::move(settings), rng, clock, first_sequence) {}

  static Settings usual() {
    Settings settings;
    settings.host = "smsc.example";
    settings.port = 2775;
    settings.system_id = "linli";
    settings.password = "secret";
    settings.source = {.ton = 0, .npi = 1, .digits = "10690000"};
    settings.window = 4;
    settings.validity_max = Millis{0};
    settings.opt_out_words = {"R", "TD", "拒收"};
    return settings;
  }

  // --- The host -------------------------------------------------------------------------------

  /// Performs what the adapter wants, in order.
  void perform(const Actions& actions) {
    for (const Action& action : actions) {
      if (const auto* open = std::get_if<action::Open>(&action)) {
        opened.push_back(*open);
        stream = open->stream;
      } else if (const auto* send = std::get_if<action::Send>(&action)) {
        EXPECT_EQ(send->stream, stream) << "sent on a stream that is gone";
        framer_.feed(send->bytes);
        while (auto pdu = framer_.next().value()) sent.push_back(*pdu);
      } else if (std::holds_alternative<action::Close>(action)) {
        ++closed;
      } else if (const auto* timer = std::get_if<action::Timer>(&action)) {
        timer_at = timer->at;
      } else if (const auto* finished = std::get_if<action::Done>(&action)) {
        done.push_back(*finished);
        order += "D" + std::to_string(finished->id.raw()) + " ";
      } else if (const auto* said = std::get_if<action::Heard>(&action)) {
        heard.push_back(said->receipt);
        order += "H" + said->receipt.provider_id + " ";
      } else {
        ADD_FAILURE() << "an action that SMPP has no use for";
      }
    }
  }

  /// Virtual time, with every timer on the way.
  void pass(Millis by) {
    const MonoTime until = clock.mono() + by;
    while (timer_at && *timer_at <= until) {
      clock.advance(std::max(*timer_at - clock.mono(), Millis{0}));
      timer_at.reset();
      tell([&](Actions& out) { adapter.on_timer(0, clock.mono(), out); });
    }
    clock.advance(until - clock.mono());
  }

  template <class Call>
  void tell(Call call) {
    Actions out;
    call(out);
    perform(out);
  }

  void start() {
    tell([&](Actions& out) { adapter.start(clock.mono(), out); });
  }
  void stop() {
    tell([&](Actions& out) { adapter.stop(clock.mono(), out); });
  }
  void accept_connection() {
    framer_ = {};
    tell([&](Actions& out) { adapter.on_stream_open(stream, clock.mono(), out); });
  }
  void lose_connection(const char* reason = "reset by peer") {
    tell([&](Actions& out) { adapter.on_stream_closed(stream, reason, clock.mono(), out); });
  }
  void bytes(std::string_view text) {
    tell([&](Actions& out) { adapter.on_bytes(stream, text, clock.mono(), out); });
  }

  static Item item(std::uint64_t id, std::string text, std::string to = "+8613800000007") {
    Item out;
    out.id = DeliveryId(id);
    out.to = {.medium = Medium::sms, .address = std::move(to), .params = {}};
    out.message.title = std::move(text);
    out.expires = from_unix_ms(4'000'000'000'000);
    return out;
  }
  void submit(const Item& item) {
    tell([&](Actions& out) { adapter.submit({&item, 1}, clock.mono(), out); });
  }
  void submit(std::uint64_t id, std::string text) { submit(item(id, std::move(text))); }

  // --- The message centre ---------------------------------------------------------------------

  /// The oldest PDU not looked at yet.
  Pdu next() {
    if (sent.empty()) {
      ADD_FAILURE() << "nothing was sent";
      return {.body = {}};
    }
    Pdu pdu = sent.front();
    sent.pop_front();
    return pdu;
  }
  Pdu next(Command command) {
    Pdu pdu = next();
    EXPECT_EQ(pdu.command, command);
    return pdu;
  }
  ShortMessage next_message(std::uint32_t* sequence = nullptr) {
    const Pdu pdu = next(Command::submit_sm);
    if (sequence != nullptr) *sequence = pdu.sequence;
    return parse_short_message(pdu.body).value();
  }

  void say(const Pdu& pdu) { bytes(encode(pdu)); }
  void respond(const Pdu& request, std::uint32_t status, std::string body = {}) {
    say({.command = response_to(request.command),
         .status = status,
         .sequence = request.sequence,
         .body = std::move(body)});
  }
  /// Takes the oldest submit_sm under `id`.
  void take(std::string_view id) {
    respond(next(Command::submit_sm), kStatusOk, encode_message_id(id));
  }
  void refuse(std::uint32_t status) { respond(next(Command::submit_sm), status); }

  /// Lets the channel in.
  void bind() {
    start();
    rebind();
  }
  void rebind() {
    accept_connection();
    respond(next(Command::bind_transceiver), kStatusOk, encode_message_id("smsc"));
  }

  static std::string receipt_text(const std::string& id, const std::string& stat) {
    return "id:" + id +
           " sub:001 dlvrd:001 submit date:2611252200 done date:2611252201 stat:" + stat +
           " err:000 text:hello";
  }
  void receipt(const std::string& id, const std::string& stat = "DELIVRD") {
    deliver(kEsmReceipt, receipt_text(id, stat));
  }
  void deliver(std::uint8_t esm_class, std::string text, std::uint8_t coding = kCodingDefault) {
    ShortMessage message;
    message.source = {.ton = 1, .npi = 1, .digits = "8613800000007"};
    message.destination = {.ton = 0, .npi = 1, .digits = "10690000"};
    message.esm_class = esm_class;
    message.data_coding = coding;
    message.text = std::move(text);
    deliver(message);
  }
  void deliver(const ShortMessage& message) {
    say({.command = Command::deliver_sm, .sequence = ++sequence_, .body = encode(message)});
    // The answer; submissions that nobody has looked at yet may be before it.
    const Pdu answer = sent.back();
    sent.pop_back();
    EXPECT_EQ(answer.command, Command::deliver_sm_resp);
    EXPECT_EQ(answer.sequence, sequence_);
    EXPECT_EQ(answer.status, kStatusOk);
  }

  /// The last Done, which is for `id`.
  Outcome outcome(std::uint64_t id) {
    if (done.empty() || done.back().id != DeliveryId(id)) {
      ADD_FAILURE() << "not done: " << id;
      return {};
    }
    return done.back().outcome;
  }

  ManualClock clock{from_unix_ms(1'795'000'000'000)};
  SeededRng rng{7};
  SmppAdapter adapter;
  StreamId stream;
  std::vector<action::Open> opened;
  std::deque<Pdu> sent;
  int closed = 0;
  std::optional<MonoTime> timer_at;
  std::vector<action::Done> done;
  std::vector<Receipt> heard;
  /// "D1 Hid D2 ..." as the engine saw it.
  std::string order;

 private:
  Framer framer_;
  std::uint32_t sequence_ = 100;
};

}  // namespace linli::notify::smpp
