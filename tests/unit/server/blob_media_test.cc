// SPDX-License-Identifier: Apache-2.0
// Goal:   an attachment is known by its bytes, and leaves without what its camera wrote beside it.
// Method: files put together here, part by part; each planted part has a word to look for.
#include "server/http/blob_media.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/limits.h"

namespace linli::test {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::string segment(char marker, std::string_view content) {
  std::string out = "\xff";
  out += marker;
  append_u16be(out, static_cast<std::uint16_t>(content.size() + 2));
  return out + std::string(content);
}

/// Exif with tag 0x0112 and a word.
std::string exif(std::uint16_t orientation, bool little) {
  std::string out("Exif\0\0"sv);
  const auto u16 = [&](std::uint16_t value) {
    out += static_cast<char>(little ? value & 0xff : value >> 8);
    out += static_cast<char>(little ? value >> 8 : value & 0xff);
  };
  out += little ? "II" : "MM";
  u16(42);
  if (little)
    out += "\x08\0\0\0"sv;
  else
    out += "\0\0\0\x08"sv;
  u16(2);
  u16(0x010f);  // a maker
  out += "\0\0\0\0\0\0\0\0\0\0"sv;
  u16(0x0112);
  u16(3);
  if (little)
    out += "\x01\0\0\0"sv;
  else
    out += "\0\0\0\x01"sv;
  u16(orientation);
  u16(0);
  return out + "secret place";
}

const std::string kTables = segment('\xdb', "quantisation") + segment('\xc2', "progressive");
/// Two scans with a stuffed byte, a restart marker and a table between them.
const std::string kScans = segment('\xda', "head1") +
                           std::string(
                               "co\xff\x00"
                               "de\xff\xd0"
                               "more",
                               12) +
                           segment('\xc4', "huffman") + segment('\xda', "head2") + "last";

std::string jpeg(const std::string& extra) {
  return "\xff\xd8" + extra + kTables + kScans + "\xff\xd9";
}

std::string strip(std::string_view type, const std::string& bytes) {
  const auto out = http::stripped_media(type, bytes);
  EXPECT_TRUE(out) << out.error().detail;
  return out.value_or("");
}

TEST(StripJpeg, LeavesAPlainPictureByteByByte) {
  const std::string plain =
      jpeg(segment('\xe0', "JFIF\0\1\2"sv) + segment('\xe2', "ICC_PROFILE\0colours"sv) +
           segment('\xee', "Adobe"));
  EXPECT_EQ(strip("image/jpeg", plain), plain);
}

TEST(StripJpeg, DropsPlaceDeviceTextsAndWhatLiesBehindTheEnd) {
  const std::string full =
      jpeg(segment('\xe0', "JFXX\0secret"sv) + segment('\xe1', exif(1, true)) +
           segment('\xe1', "http://ns.adobe.com/xap/1.0/\0secret"sv) +
           segment('\xe2', "MPF\0secret"sv) + segment('\xed', "Photoshop 3.0 secret") +
           segment('\xfe', "secret comment")) +
      "secret film";
  const std::string out = strip("image/jpeg", full);
  EXPECT_EQ(out.find("secret"), out.npos);
  EXPECT_EQ(out, jpeg(""));
}

TEST(StripJpeg, KeepsHowThePictureStands) {
  for (const bool little : {true, false}) {
    const std::string out = strip("image/jpeg", jpeg(segment('\xe1', exif(6, little))));
    EXPECT_EQ(out.find("secret"), out.npos);
    const auto at = out.find("Exif");
    ASSERT_NE(at, out.npos);
    EXPECT_LT(at, out.find("quantisation"));
    // Once more: what was written is read as the same.
    EXPECT_EQ(strip("image/jpeg", out), out);
  }
  for (const std::uint16_t silly : std::initializer_list<std::uint16_t>{0, 1, 9, 65535})
    EXPECT_EQ(strip("image/jpeg", jpeg(segment('\xe1', exif(silly, false)))), jpeg(""));
}

TEST(StripJpeg, RefusesWhatDoesNotFitTogether) {
  const std::string whole = jpeg(segment('\xe1', exif(6, true)));
  for (std::size_t size = 3; size < whole.size(); ++size)
    EXPECT_FALSE(http::stripped_media("image/jpeg", whole.substr(0, size))) << size;
  EXPECT_FALSE(http::stripped_media("image/jpeg", "\xff\xd8\xff\xd9"));
  EXPECT_FALSE(http::stripped_media("image/jpeg", "\xff\xd8\xff\xe1\x00\x01"s));
}

std::string chunk(std::string_view name, std::string_view content) {
  std::string out;
  append_u32be(out, static_cast<std::uint32_t>(content.size()));
  return out + std::string(name) + std::string(content) + "CRC.";
}

TEST(StripPng, DropsTextsAndExif) {
  const std::string head = "\x89PNG\r\n\x1a\n" + chunk("IHDR", "size") + chunk("pHYS", "dots");
  const std::string tail = chunk("IDAT", "pixels") + chunk("IEND", "");
  const std::string full = head + chunk("tEXt", "secret") + chunk("eXIf", "secret") +
                           chunk("tIME", "secret") + chunk("zzZz", "secret") + tail + "secret";
  EXPECT_EQ(strip("image/png", full), head + tail);
  EXPECT_FALSE(http::stripped_media("image/png", head));
  EXPECT_FALSE(http::stripped_media("image/png", head + "\xff\xff\xff\xff" + tail));
}

std::string riff_chunk(std::string_view name, std::string_view content) {
  std::string out(name);
  for (int i = 0; i < 4; ++i) out += static_cast<char>(content.size() >> (8 * i) & 0xff);
  out += content;
  return content.size() % 2 == 0 ? out : out + '\0';
}
std::string webp(const std::string& chunks) { return riff_chunk("RIFF", "WEBP" + chunks); }

TEST(StripWebp, DropsExifAndXmpAndItsFlags) {
  const std::string flags_all("\x3c\0\0\0\0\0\0\0\0\0", 10);
  const std::string flags_left("\x30\0\0\0\0\0\0\0\0\0", 10);
  const std::string full = webp(riff_chunk("VP8X", flags_all) + riff_chunk("ICCP", "rgb") +
                                riff_chunk("VP8 ", "pixels") + riff_chunk("EXIF", "secret!") +
                                riff_chunk("XMP ", "secret"));
  EXPECT_EQ(strip("image/webp", full),
            webp(riff_chunk("VP8X", flags_left) + riff_chunk("ICCP", "rgb") +
                 riff_chunk("VP8 ", "pixels")));
  EXPECT_FALSE(http::stripped_media("image/webp", webp(riff_chunk("EXIF", "secret"))));
  EXPECT_FALSE(http::stripped_media("image/webp", full.substr(0, full.size() - 1)));
}

struct Kind {
  const char* label;
  std::string_view bytes;
  std::string_view type;
};
class SniffMedia : public testing::TestWithParam<Kind> {};
TEST_P(SniffMedia, KnowsItByItsBytes) {
  EXPECT_EQ(http::sniff_media(GetParam().bytes), GetParam().type);
}
INSTANTIATE_TEST_SUITE_P(
    All, SniffMedia,
    testing::Values(Kind{"jpeg", "\xff\xd8\xff\xe0"sv, "image/jpeg"},
                    Kind{"png", "\x89PNG\r\n\x1a\n...."sv, "image/png"},
                    Kind{"webp", "RIFF\0\0\0\0WEBPVP8 "sv, "image/webp"},
                    Kind{"wav_is_not_taken", "RIFF\0\0\0\0WAVEfmt "sv, ""},
                    Kind{"mp3_with_tag", "ID3\3\0\0\0"sv, "audio/mpeg"},
                    Kind{"mp3_frame", "\xff\xfb\x90\x64"sv, "audio/mpeg"},
                    Kind{"mp3_of_version_2", "\xff\xf3\x48\xc4"sv, "audio/mpeg"},
                    Kind{"aac", "\xff\xf1\x50\x80"sv, "audio/aac"},
                    Kind{"m4a",
                         "\0\0\0\x20"
                         "ftypM4A \0\0"sv,
                         "audio/mp4"},
                    Kind{"heic_is_not_taken",
                         "\0\0\0\x20"
                         "ftypheic\0\0"sv,
                         ""},
                    Kind{"opus", "OggS\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x13OpusHead"sv,
                         "audio/ogg"},
                    Kind{"vorbis_is_not_taken", "OggS\0\2\0\0\0\0\0\0\0\1vorbis"sv, ""},
                    Kind{"webm", "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webm"sv,
                         "audio/webm"},
                    Kind{"html", "<!doctype html><script>"sv, ""}, Kind{"svg", "<svg xmlns="sv, ""},
                    Kind{"empty", ""sv, ""}, Kind{"zeros", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv, ""}),
    [](const auto& test) { return std::string(test.param.label); });

}  // namespace
}  // namespace linli::test
