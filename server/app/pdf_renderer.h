// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "server/http/pdf_port.h"
#include "server/net/byte_stream.h"

namespace linli::app {

/// Whether nothing in a page of ours makes a renderer fetch anything: only plain elements with the
/// attributes class, lang and charset, and styles without url(), @import or escapes.
bool is_self_contained(std::string_view page);

/// PDFs of pages by the program of `certificates.pdf_command` (docs/adr/0011).
///
/// A renderer opens files and addresses that a page names, so a page that is not self-contained is
/// never given to it; and it leaves gaps for characters without a font, so fc-list is asked first.
/// Children run as run_program() says; their loop is this object's own.
class PdfRenderer final : public http::PdfPort {
 public:
  /// Children at once: one takes a processor for about a second.
  static constexpr std::size_t kRunsMax = 2;
  /// Requests that wait for their turn; more hear "busy".
  static constexpr std::size_t kWaitingMax = 8;
  /// A page of 120 activities takes 2 s on a small machine.
  static constexpr Millis kRunMax{20'000};
  /// Such a page with the used part of its fonts has 100 kB.
  static constexpr std::size_t kPdfBytesMax = 4 * 1024 * 1024;
  /// 2 kB a font; machines with a thousand fonts exist.
  static constexpr std::size_t kFontListBytesMax = 8 * 1024 * 1024;
  static constexpr Millis kFontListMax{10'000};

  /// `program` reads HTML and writes PDF, `fc_list` is fontconfig's; absolute paths.
  PdfRenderer(std::vector<std::string> program, std::string fc_list);

  void render(std::string page, std::function<void(Result<std::string> pdf)> done) override;

 private:
  struct Job {
    std::string page;
    std::function<void(Result<std::string>)> done;
  };
  void start_next();
  void check_fonts(Job job);
  void run(Job job);
  void finish(const Job& job, Result<std::string> pdf);

  // Constant after construction.
  const std::vector<std::string> program_;
  const std::vector<std::string> fonts_;
  // Owned by the loop.
  std::deque<Job> waiting_;
  std::size_t running_ = 0;
  /// The last member: it ends before what its handlers use.
  net::LoopThread loop_{"pdf"};
};

}  // namespace linli::app
