// SPDX-License-Identifier: Apache-2.0
#include "server/net/problem.h"

#include "base/json.h"

namespace linli::net {

HttpResponse problem(const Error& error, std::string_view request_id) {
  HttpResponse out;
  out.status = errc_http_status(error.code);
  out.content_type = "application/problem+json";
  Json body{{"type", "about:blank"},
            {"title", errc_text(error.code)},
            {"status", out.status},
            {"code", errc_name(error.code)},
            {"detail", errc_sentence(error.code)},
            {"retryable", errc_retryable(error.code)},
            {"request_id", request_id}};
  if (!error.detail.empty()) body["reason"] = error.detail;
  out.body = dump_json(body);
  return out;
}

HttpResponse busy(Errc code, std::string_view request_id, int retry_after_s) {
  HttpResponse out = problem(Error{code, {}}, request_id);
  out.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
  return out;
}

}  // namespace linli::net
