// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_schema.h"
#include "server/auth/tokens.h"
#include "server/net/http_message.h"
#include "sync/engine/registry.h"

/// One HTTP operation as a value: what the router dispatches and openapi.json is made of, so that
/// the two cannot differ.
namespace linli::http {

using Respond = std::function<void(net::HttpResponse)>;

/// Who calls. Absent on open endpoints.
struct Caller {
  sync::Actor actor;
  /// Absent for API keys.
  std::optional<auth::TokenClaims> claims;
};

struct Call {
  net::HttpRequest request;
  /// Values of `{x}` in the path.
  std::map<std::string, std::string, std::less<>> path;
  /// Body, query and path parameters merged into one object, checked against the schema.
  Json args = Json::object();
  std::optional<Caller> caller;
};

/// WIRE: what a caller must show.
enum class Access : std::uint8_t {
  open,
  /// Anybody; whoever sends a token is told apart, and a bad one is refused.
  optional,
  /// A device or elevated token, or an API key.
  signed_in,
  /// An elevated token.
  elevated,
};

struct Endpoint {
  std::string method;
  /// Below /c/<slug>, e.g. "/api/v1/areas/{id}".
  std::string path;
  Access access = Access::signed_in;
  /// Refused without Idempotency-Key; the first answer is kept and repeated.
  bool needs_key = false;
  /// Unique; the mutator's or query's name for those.
  std::string id;
  std::string tag;
  std::string summary;
  /// Of Call::args.
  JsonSchema schema{};
  /// Media type of the answer.
  std::string answers = "application/json";
  /// A body that is not JSON; it stays in Call::request.
  std::string takes = "application/json";
  std::function<void(Call call, Respond done)> run;
};

/// Of a schema of ours; asserts that `text` is JSON.
JsonSchema schema_of(const char* text);

/// Pieces of a path between slashes; "{x}" is a parameter.
std::vector<std::string> path_segments(std::string_view path);

/// The endpoints of one community, matched by method and path; literal pieces win over parameters.
class EndpointTable {
 public:
  struct Match {
    const Endpoint* endpoint = nullptr;
    std::map<std::string, std::string, std::less<>> path;
    /// Methods of that path, when it exists with other ones.
    std::vector<std::string> allowed;
  };

  /// Asserts that method and path are new.
  void add(Endpoint endpoint);
  [[nodiscard]] Match find(std::string_view method, std::string_view path) const;
  [[nodiscard]] const std::vector<Endpoint>& all() const { return endpoints_; }

 private:
  std::vector<Endpoint> endpoints_;
  std::vector<std::vector<std::string>> segments_;
};

}  // namespace linli::http
