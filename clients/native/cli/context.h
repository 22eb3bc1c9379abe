// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/json.h"
#include "clients/native/client.h"

/// What the commands of `linli` share.
namespace linli::cli {

/// Exit codes; also printed by --help.
enum Exit : int {
  kOk = 0,
  kFailed = 1,        ///< unexpected
  kUsage = 2,         ///< the command line is wrong
  kSavedOffline = 3,  ///< no connection; saved on this device, sent later
  kRefused = 4,       ///< the server (or this device) says no; the reason is printed
  kNeedsServer = 5,   ///< no connection, and the command needs one; nothing was changed
  kStore = 6,         ///< the store is in use, damaged or the disk is full
};

inline constexpr std::string_view kUntrusted =
    "服务器的证书不可信：可能连错了地方，或要用 --ca 指定证书。";

struct Context {
  std::string store;
  std::string ca_file;
  bool is_json = false;
  bool is_verbose = false;
  /// Writes stay on this device until the next `sync`.
  bool is_offline = false;
  /// Set by the command that ran.
  int exit = kOk;

  /// Opens the store. On failure prints why, sets `exit` and returns null.
  std::unique_ptr<client::Client> open();
  /// The same, and says how to enrol when the store is not. With `or_slip` a kept slip is enough.
  std::unique_ptr<client::Client> open_enrolled(bool or_slip = false);

  /// With --json the value, else the text.
  void print(const std::string& text, const Json& value) const;
  /// Says what went wrong and sets `exit`.
  void fail_with(const Error& error);
};

/// Queues a mutation, tries to send it, says what happened and sets `exit`. `done` is said when the
/// server has accepted it.
void write_and_send(Context& context, client::Client& client, const std::string& mutator,
                    const Json& args, const std::string& done);

/// The second half of it, for a mutation that is queued: `result` goes out with --json, `text` is
/// said whether it was sent or kept, and what became of it after that.
void deliver(Context& context, client::Client& client, std::uint64_t id, const std::string& mutator,
             const std::string& text, Json result);

/// Local date and time.
std::string time_text(std::int64_t unix_ms);
/// Asks on the terminal; empty at its end or when there is none.
std::string ask(const std::string& question, bool hidden = false);

}  // namespace linli::cli
