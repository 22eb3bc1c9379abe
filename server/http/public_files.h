// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/http/site.h"

namespace linli::http {

/// What anybody may fetch without enrolment: our warnings as CAP with their feeds, and the events
/// as a calendar. Cacheable; nothing in it depends on who asks.
class PublicFiles {
 public:
  explicit PublicFiles(const SiteParts& parts) : parts_(parts) {}
  void add_to(EndpointTable& table);

 private:
  void serve_cap(const Call& call, const Respond& done) const;
  void serve_calendar(const Call& call, const Respond& done) const;

  const SiteParts& parts_;
};

}  // namespace linli::http
