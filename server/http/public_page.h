// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/json.h"
#include "server/http/site.h"

namespace linli::http {

/// What anybody may read without enrolment: warnings and notices that are out for the whole
/// community, as one page that needs no script, and as a feed.
/// Threads: any.
class PublicPage {
 public:
  /// Notices on the page.
  static constexpr int kNotices = 50;
  /// A page is made anew after so long: a search engine in a hurry costs one reading per interval,
  /// and a warning is on it at the next look.
  static constexpr std::chrono::seconds kFresh{1};
  /// What caches between us and readers may keep it. A warning must not lie there for long.
  static constexpr std::chrono::seconds kCached{10};

  explicit PublicPage(const SiteParts& parts) : parts_(parts) {}
  void add_to(EndpointTable& table);

 private:
  struct Made {
    MonoTime at;
    net::HttpResponse page;
    net::HttpResponse feed;
    /// {items: [notice]}, in the order of the page.
    net::HttpResponse list;
  };
  using Shared = std::shared_ptr<const Made>;

  [[nodiscard]] static Endpoint open_endpoint(const char* path, const char* id);
  void show(const Call& call, const Respond& done, net::HttpResponse Made::* which);
  [[nodiscard]] Shared fresh();
  Shared make(sync::ReadContext& ctx);

  const SiteParts& parts_;
  std::mutex mutex_;
  /// Guarded by mutex_.
  Shared made_;
};

/// What the page and the feed are made of.
struct PublicNotices {
  /// The community's name for people, its slug, and where it is: scheme://host[:port].
  std::string community;
  std::string slug;
  std::string origin;
  /// Rows of the query notice.public: {id, title, body?, action_line?, category, severity,
  /// sent_at, corrected_at?, issuer?, images?, voice?, ...}.
  Json notices;
};
/// Warnings first, the worst of them at the top; then the newest. Pure.
std::string public_html(const PublicNotices& from);
/// Spec: RFC 4287. Pure.
std::string public_atom(const PublicNotices& from);

}  // namespace linli::http
