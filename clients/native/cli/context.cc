// SPDX-License-Identifier: Apache-2.0
#include "clients/native/cli/context.h"

#include <algorithm>
#include <ctime>
#include <iostream>

#include <termios.h>
#include <unistd.h>

#include "base/log.h"
#include "clients/native/cli/words.h"

namespace linli::cli {
namespace {

/// A person waits for this; what takes longer is saved and goes with the next sync.
constexpr Millis kSendDeadline{1'000};
constexpr Millis kGoodbye{100};

int exit_code_of(Errc code) {
  switch (code) {
    case Errc::io:
    case Errc::corrupt:
    case Errc::disk_full: return kStore;
    case Errc::timed_out:
    case Errc::unavailable:
    case Errc::draining: return kNeedsServer;
    case Errc::internal: return kFailed;
    default: return kRefused;
  }
}

struct Queued {
  std::uint64_t id = 0;
  std::string mutator;
  /// Said when the server has accepted it, and in front of the rest when it is kept here.
  std::string done;
  std::string kept;
  Json result;
};

void tell_rejected(Context& context, const std::string& code, Json result) {
  context.exit = kRefused;
  result["result"] = "rejected";
  result["code"] = code;
  result["text"] = errc_sentence(errc_from_name(code));
  context.print("服务器没有接受：" + std::string(errc_sentence(errc_from_name(code))) +
                    "\n内容还在本机“待处理”里：linli attention",
                result);
}

void tell_kept(Context& context, client::Client& client, const Queued& queued, Json result) {
  const auto status = client.status();
  result["result"] = "saved";
  result["pending"] = status.pending;
  if (context.exit == kRefused) {
    result["trouble"] = status.json()["trouble"];
    return context.print(queued.kept + "已存在本机，但服务器不让本机登录：" +
                             std::string(status.trouble ? errc_sentence(status.trouble->code) : ""),
                         result);
  }
  if (context.is_offline) context.exit = kOk;
  context.print(queued.kept + std::string(context.is_offline ? "" : "暂时连不上，") +
                    "已存在本机（待上传 " + std::to_string(status.pending) +
                    "）。联网后运行 linli sync 就会送出。",
                result);
}

void send(Context& context, client::Client& client, const Queued& queued) {
  auto outcome = client::SyncOutcome::unreachable;
  if (!context.is_offline && client.start()) outcome = client.wait_synced(kSendDeadline);
  if (outcome != client::SyncOutcome::synced) client.stop(kGoodbye);
  Json result = queued.result;
  if (!result.contains("id")) result["id"] = queued.id;
  result["mutator"] = queued.mutator;
  if (const auto attention = client.attention()) {
    const auto mine =
        std::ranges::find(*attention, queued.id, [](const auto& item) { return item.id; });
    if (mine != attention->end()) return tell_rejected(context, mine->code, std::move(result));
  }
  const auto pending = client.pending();
  const bool is_waiting =
      !pending || std::ranges::any_of(*pending, [&](const auto& m) { return m.id == queued.id; });
  if (!is_waiting) {
    result["result"] = "ok";
    return context.print(queued.done, result);
  }
  context.exit = outcome == client::SyncOutcome::refused ? kRefused : kSavedOffline;
  tell_kept(context, client, queued, std::move(result));
}

}  // namespace

std::unique_ptr<client::Client> Context::open() {
  set_log_level(is_verbose ? LogLevel::debug : LogLevel::error);
  client::ClientOptions options;
  options.store = store;
  options.tls.ca_file = ca_file;
  options.app = "linli-cli/" LINLI_VERSION;
  auto opened = client::Client::open(std::move(options));
  if (opened) return std::move(*opened);
  const Error& error = opened.error();
  if (error.code == Errc::unavailable) {
    print("另一个程序正在使用这个存储（" + error.detail + "）。请先关掉它再试。",
          {{"error", {{"code", "store_in_use"}, {"detail", error.detail}}}});
  } else {
    fail_with(error);
  }
  exit = kStore;
  return nullptr;
}

std::unique_ptr<client::Client> Context::open_enrolled(bool or_slip) {
  auto client = open();
  if (!client || client->identity() || (or_slip && client->slip())) return client;
  if (client->slip()) {
    print("登记还没有完成（待确认）。联网后请运行：linli sync",
          {{"error", {{"code", "unauthenticated"}, {"detail", "the slip waits for the server"}}}});
    exit = kRefused;
    return nullptr;
  }
  print("本机还没有登记。请先运行：linli enroll <网址> <八位号码> --door <门牌>",
        {{"error", {{"code", "unauthenticated"}, {"detail", "not enrolled"}}}});
  exit = kRefused;
  return nullptr;
}

void Context::print(const std::string& text, const Json& value) const {
  if (is_json) {
    std::cout << dump_json(value) << "\n";
  } else if (!text.empty()) {
    std::cout << text << "\n";
  }
}

void Context::fail_with(const Error& error) {
  exit = exit_code_of(error.code);
  std::string text = std::string(errc_sentence(error.code));
  const bool is_tls = error.code == Errc::bad_signature && error.detail.starts_with("TLS");
  if (is_tls) text = kUntrusted;
  if (exit == kNeedsServer) text = "连不上服务器，什么也没有改动。请联网后再试。";
  const std::string why(word_for(kReasons, error.detail));
  if (!why.empty() && why != text) text += "（" + why + "）";
  print(text, {{"error",
                {{"code", errc_name(error.code)},
                 {"text", errc_sentence(error.code)},
                 {"detail", error.detail}}}});
}

void write_and_send(Context& context, client::Client& client, const std::string& mutator,
                    const Json& args, const std::string& done) {
  const auto made = client.mutate(mutator, args);
  if (!made) return context.fail_with(made.error());
  send(context, client, {made->id, mutator, done, "", Json::object()});
}

void deliver(Context& context, client::Client& client, std::uint64_t id, const std::string& mutator,
             const std::string& text, Json result) {
  send(context, client, {id, mutator, text, text + "\n", std::move(result)});
}

std::string time_text(std::int64_t unix_ms) {
  if (unix_ms == 0) return "";
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
  return text;
}

std::string ask(const std::string& question, bool hidden) {
  std::cerr << question << std::flush;
  termios before{};
  const bool is_terminal = hidden && tcgetattr(STDIN_FILENO, &before) == 0;
  if (is_terminal) {
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string line;
  std::getline(std::cin, line);
  if (is_terminal) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::cerr << "\n";
  }
  return line;
}

}  // namespace linli::cli
