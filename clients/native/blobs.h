// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "clients/native/enrolment.h"

/// Attachments of a device: sent in pieces that survive a cut line and a new start, and kept beside
/// the notices that show them. Spec: docs/PROTOCOL.md §10.
namespace linli::client {

/// Calls block; see enrolment.h. Threads: one.
class Blobs {
 public:
  /// A cut line costs one piece; so many cuts in a row end the call, and the next one goes on.
  static constexpr int kTriesMax = 5;

  explicit Blobs(Client& client) : client_(client), api_(client, nullptr) {}

  /// Sends a file, or what is missing of it since an earlier call. Returns {sha, bytes, type} as a
  /// notice refers to it; the server may have stripped what a camera wrote beside the picture.
  /// Errors: not_found (the file), too_large, unsupported_media, unavailable, timed_out, and what
  ///         the server answers.
  Result<Json> upload(const std::filesystem::path& file);

  /// The bytes, from the store or, once, from the server; checked against `sha`.
  /// Errors: not_found (not there, or not for this account), bad_signature (another sum), io.
  Result<std::string> get(const std::string& sha);
  /// Where get() keeps it.
  [[nodiscard]] std::filesystem::path file_of(const std::string& sha) const;
  /// Fetches what the notices here refer to and removes what none does any more. Stops at the first
  /// error, which only costs time: the next call goes on. Returns how many came.
  Result<std::size_t> refresh();

 private:
  struct Place {
    /// Path of the upload on the server.
    std::string path;
    std::size_t offset = 0;
  };
  Result<HttpReply> send(HttpCall call, const std::string& path);
  Result<Place> begin(const std::string& bytes, const std::string& sha);
  Result<Json> go_on(const std::string& bytes, Place place);

  Client& client_;
  StaffApi api_;
};

/// SHA-256 of every attachment that a notice refers to.
std::vector<std::string> blobs_of(const Json& notice);

}  // namespace linli::client
