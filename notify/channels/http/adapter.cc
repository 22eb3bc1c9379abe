// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/adapter.h"

#include "base/assert.h"
#include "notify/channels/http/http_adapter.h"
#include "notify/channels/http/settings.h"

namespace linli::notify {

Result<std::unique_ptr<Adapter>> make_http_channel(const AdapterParts& parts) {
  LINLI_ASSERT(parts.rng != nullptr && parts.clock != nullptr && parts.secrets != nullptr);
  const auto named = [&](const Error& error) {
    return fail(error.code, "channel " + parts.name + ": " + error.detail);
  };
  const std::string path = json_text(parts.settings, "profile");
  if (path.empty()) return named({Errc::invalid_argument, "profile: missing"});
  const auto text = parts.secrets->read(path);
  if (!text) return named(text.error());
  auto profile = http::load_profile(*text);
  if (!profile) return named(profile.error());
  auto setup = http::make_setup(std::move(*profile), parts.settings, parts.secrets);
  if (!setup) return named(setup.error());
  return std::make_unique<http::HttpAdapter>(std::move(*setup), *parts.rng, *parts.clock);
}

}  // namespace linli::notify
