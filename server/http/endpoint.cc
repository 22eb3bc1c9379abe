// SPDX-License-Identifier: Apache-2.0
#include "server/http/endpoint.h"

#include <algorithm>

#include "base/assert.h"

namespace linli::http {
namespace {

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  return std::ranges::equal(pattern, path, [](const std::string& want, const std::string& got) {
    return is_parameter(want) ? !got.empty() : want == got;
  });
}

std::size_t literals(const std::vector<std::string>& pattern) {
  return pattern.size() - static_cast<std::size_t>(std::ranges::count_if(pattern, is_parameter));
}

}  // namespace

JsonSchema schema_of(const char* text) {
  const auto parsed = parse_json(text);
  LINLI_ASSERT(parsed.has_value());
  return JsonSchema(*parsed);
}

std::vector<std::string> path_segments(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    out.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return out;
}

void EndpointTable::add(Endpoint endpoint) {
  for (const Endpoint& known : endpoints_)
    LINLI_ASSERT(known.method != endpoint.method || known.path != endpoint.path);
  segments_.push_back(path_segments(endpoint.path));
  endpoints_.push_back(std::move(endpoint));
}

EndpointTable::Match EndpointTable::find(std::string_view method, std::string_view path) const {
  Match out;
  const std::vector<std::string> pieces = path_segments(path);
  std::size_t best = 0;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    if (!matches(segments_[i], pieces)) continue;
    if (endpoints_[i].method != method) {
      out.allowed.push_back(endpoints_[i].method);
      continue;
    }
    if (out.endpoint != nullptr && literals(segments_[i]) <= literals(segments_[best])) continue;
    out.endpoint = &endpoints_[i];
    best = i;
  }
  if (out.endpoint == nullptr) return out;
  for (std::size_t k = 0; k < pieces.size(); ++k) {
    const std::string& name = segments_[best][k];
    if (is_parameter(name)) out.path.emplace(name.substr(1, name.size() - 2), pieces[k]);
  }
  return out;
}

}  // namespace linli::http
