// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "notify/cap/output.h"
#include "notify/channel.h"
#include "notify/records.h"
#include "server/app/channels_config.h"

namespace linli::app {

/// Our warnings for others: each public warning as CAP 1.2, with an RSS and an Atom feed of them.
///
/// It reads the rows of the outbox before the gateway takes them over and notes them in a file of
/// its own, so a row that comes again after a crash is published once.
/// Threads: take() from the gateway's; file() from any.
class CapPublish {
 public:
  struct Parts {
    PublishConfig config;
    /// Ends with '/'.
    std::string base_url;
    std::string title;
    /// cap_out.json beside the database.
    std::string file;
    const notify::SecretReader* secrets = nullptr;
    const Clock* clock = nullptr;
  };
  struct File {
    std::string type;
    std::string body;
  };

  /// Errors: invalid_argument (the key), corrupt, io.
  static Result<std::unique_ptr<CapPublish>> open(Parts parts);

  void take(std::span<const notify::OutboxItem> rows);
  /// "rss.xml", "atom.xml" or "<identifier>.xml". Errors: not_found.
  [[nodiscard]] Result<File> file(const std::string& name) const;

 private:
  explicit CapPublish(Parts parts) : parts_(std::move(parts)) {}
  void take_one(const notify::OutboxItem& row);
  void publish(const std::string& notice, notify::cap::MsgType type, const Json& content);
  void store();

  const Parts parts_;
  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::unique_ptr<notify::cap::Publisher> publisher_;
  /// Rows of published notices that may still be cancelled, for what their end says.
  std::map<std::string, Json> live_;
  std::uint64_t last_row_ = 0;
};

}  // namespace linli::app
