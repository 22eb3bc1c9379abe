// SPDX-License-Identifier: Apache-2.0
#include "server/app/pdf_renderer.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "server/app/font_coverage.h"
#include "server/net/program_run.h"

namespace linli::app {
namespace {

bool is_plain(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// One attribute, `name="value"`, off the front of `rest`. False when it is not an allowed one.
bool take_attribute(std::string_view& rest) {
  for (const std::string_view name : {"class=", "lang=", "charset="}) {
    if (!rest.starts_with(name)) continue;
    rest.remove_prefix(name.size());
    if (!rest.starts_with('"')) return false;
    const auto end = rest.find('"', 1);
    if (end == std::string_view::npos) return false;
    rest.remove_prefix(end + 1);
    return true;
  }
  return false;
}

/// What stands between < and >.
bool is_plain_tag(std::string_view tag) {
  if (tag == "!doctype html") return true;
  if (tag.starts_with('/')) tag.remove_prefix(1);
  const auto* end = std::ranges::find_if_not(tag, is_plain);
  if (end == tag.begin()) return false;
  tag.remove_prefix(static_cast<std::size_t>(end - tag.begin()));
  while (tag.starts_with(' ')) {
    tag.remove_prefix(1);
    if (!take_attribute(tag)) return false;
  }
  return tag.empty();
}

}  // namespace

bool is_self_contained(std::string_view page) {
  constexpr std::string_view kStyleEnd = "</style>";
  while (!page.empty()) {
    const auto open = std::min(page.find('<'), page.size());
    page.remove_prefix(open);
    if (page.empty()) break;
    const auto close = page.find('>');
    if (close == std::string_view::npos || !is_plain_tag(page.substr(1, close - 1))) return false;
    const bool is_style = page.starts_with("<style");
    page.remove_prefix(close + 1);
    if (!is_style) continue;
    const std::string_view style = page.substr(0, page.find(kStyleEnd));
    for (const std::string_view banned : {"url", "import", "\\", "src", "<"})
      if (style.contains(banned)) return false;
    page.remove_prefix(style.size());
  }
  return true;
}

PdfRenderer::PdfRenderer(std::vector<std::string> program, std::string fc_list)
    : program_(std::move(program)),
      fonts_{std::move(fc_list), "-f", FontCoverage::kFormat, FontCoverage::kPattern} {}

void PdfRenderer::render(std::string page, std::function<void(Result<std::string>)> done) {
  if (!is_self_contained(page)) return done(fail(Errc::internal, "a page that fetches things"));
  net::asio::post(loop_.io(), [this, job = Job{std::move(page), std::move(done)}]() mutable {
    if (waiting_.size() >= kWaitingMax)
      return job.done(fail(Errc::unavailable, "too many files are being made"));
    waiting_.push_back(std::move(job));
    start_next();
  });
}

void PdfRenderer::start_next() {
  if (running_ >= kRunsMax || waiting_.empty()) return;
  ++running_;
  Job job = std::move(waiting_.front());
  waiting_.pop_front();
  check_fonts(std::move(job));
}

void PdfRenderer::check_fonts(Job job) {
  net::run_program(
      loop_.io(), {fonts_, "", kFontListBytesMax, kFontListMax},
      [this, job = std::move(job)](const Result<std::string>& list) mutable {
        if (!list) return finish(job, std::unexpected(list.error()));
        const auto missing = FontCoverage::parse(*list).first_missing(job.page);
        if (!missing) return run(std::move(job));
        finish(job, fail(Errc::unsupported, "这台服务器的字体里没有“" + *missing +
                                                "”字，不能生成 PDF；请打开证明，用浏览器打印。"));
      });
}

void PdfRenderer::run(Job job) {
  net::run_program(loop_.io(), {program_, job.page, kPdfBytesMax, kRunMax},
                   [this, job](Result<std::string> pdf) {
                     if (pdf && !pdf->starts_with("%PDF-"))
                       pdf = fail(Errc::internal, "its output is no PDF");
                     finish(job, std::move(pdf));
                   });
}

void PdfRenderer::finish(const Job& job, Result<std::string> pdf) {
  --running_;
  if (!pdf && pdf.error().code != Errc::unsupported)
    log_event(LogLevel::warn, "pdf.failed",
              {{"code", errc_name(pdf.error().code)}, {"detail", pdf.error().detail}});
  job.done(std::move(pdf));
  start_next();
}

}  // namespace linli::app
