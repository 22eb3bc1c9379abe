// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "server/net/http_message.h"

namespace linli::http {

/// An error as `application/problem+json` (RFC 9457). Members beyond the standard: `code` as in
/// base/errc.h, `reason` (the operation's own words, English), `request_id`, `retryable`.
/// `detail` is a Chinese sentence for people; `sentence` replaces the standard one.
net::HttpResponse problem(const Error& error, std::string_view request_id,
                          std::string_view sentence = {});
/// The same with Retry-After, at least one second.
net::HttpResponse problem_later(const Error& error, std::string_view request_id,
                                std::chrono::milliseconds after, std::string_view sentence = {});

net::HttpResponse json_response(const Json& body, int status = 200);
/// A page of ours: no scripts, no framing, no sniffing, and no style but that of its first <style>.
/// `forms`: where forms may lead, as CSP writes it.
net::HttpResponse html_response(std::string body, int status = 200,
                                std::string_view forms = "'none'");
/// Source expression of a Content-Security-Policy for the first <style> of `page`; 'none' without.
std::string style_source(std::string_view page);

/// `text` with & < > " ' replaced.
std::string html_escaped(std::string_view text);

}  // namespace linli::http
