// SPDX-License-Identifier: Apache-2.0
// Goal:   VOL-12: a page becomes a file or a reason, never a file with gaps, and never fetches.
// Method: the list of fonts and the renderer are shell one-liners.
#include "server/app/pdf_renderer.h"

#include <atomic>
#include <csignal>
#include <future>
#include <memory>

#include <gtest/gtest.h>

#include "server/app/font_coverage.h"

namespace linli::app {
namespace {

constexpr const char* kPage =
    "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><style>\n"
    "@page { size: A4 } .void { color: #b00 }\n</style></head><body>\n"
    "<p class=\"void\">&lt;img src=&quot;file:///etc/passwd&quot;&gt;</p><br></body></html>\n";

TEST(FontCoverage, TakesTheRangesOfEveryOutlineFont) {
  const auto fonts = FontCoverage::parse(
      "TrueType 20-7e 4e00-4e03\nCFF 4e04 20bb7\nType 1 3402\nTrueType zz 9-1 110000-110001\n\n");
  for (const char32_t in : {U'a', U'\u4e00', U'\u4e04', U'\U00020bb7'})
    EXPECT_TRUE(fonts.has(in)) << static_cast<unsigned>(in);
  for (const char32_t out : {U'\u00e9', U'\u4e05', U'\u3402', U'\U00020bb8'})
    EXPECT_FALSE(fonts.has(out)) << static_cast<unsigned>(out);
}

TEST(FontCoverage, NamesTheFirstCharacterThatWouldBeAGap) {
  const auto fonts = FontCoverage::parse("TrueType 20-7e 4e00-9fff\n");
  EXPECT_EQ(fonts.first_missing("a\r\n\t丁 野"), std::nullopt);
  EXPECT_EQ(fonts.first_missing("丁𠮷é"), "𠮷");
  EXPECT_EQ(FontCoverage::parse("").first_missing("a"), "a");
}

TEST(PdfRenderer, APageThatNamesAnythingElseIsNotSelfContained) {
  EXPECT_TRUE(is_self_contained(kPage));
  for (const char* wrong :
       {"<img src=\"file:///etc/passwd\">", "<a rel=\"attachment\" href=\"x\">",
        "<p style=\"background: url(x)\">", "<p class=\"a\" onclick=\"b\">", "<p class='a'>",
        "<style>@import \"x\";</style>", "<style>p { background: \\75rl(x) }</style>",
        "<style>p { background: url(x) }", "<!-- -->", "<p", "<P>", "<svg:image>"})
    EXPECT_FALSE(is_self_contained(wrong)) << wrong;
}

class PdfRendererTest : public ::testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

  /// Renders by `script`. As fc-list, /bin/echo tells of no font and /bin/false fails.
  static Result<std::string> render(const std::string& script, const std::string& page,
                                    const char* fc_list = "/usr/bin/fc-list") {
    PdfRenderer renderer({"/bin/sh", "-c", script}, fc_list);
    std::promise<Result<std::string>> told;
    renderer.render(page, [&](Result<std::string> pdf) { told.set_value(std::move(pdf)); });
    return told.get_future().get();
  }
};

TEST_F(PdfRendererTest, WithoutAFontForACharacterNothingIsRendered) {
  const auto pdf = render("printf %%PDF-", kPage, "/bin/echo");
  ASSERT_FALSE(pdf);
  EXPECT_EQ(pdf.error().code, Errc::unsupported);
  EXPECT_TRUE(pdf.error().detail.contains("“<”")) << pdf.error().detail;
}

TEST_F(PdfRendererTest, APageThatFetchesIsNeverGivenToTheProgram) {
  const auto pdf = render("printf %%PDF-", "<img src=\"file:///etc/passwd\">");
  ASSERT_FALSE(pdf);
  EXPECT_EQ(pdf.error().code, Errc::internal);
}

}  // namespace
}  // namespace linli::app
