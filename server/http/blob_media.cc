// SPDX-License-Identifier: Apache-2.0
#include "server/http/blob_media.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/blob_limits.h"
#include "base/bytes.h"

namespace linli::http {
namespace {

using namespace std::string_view_literals;

std::uint8_t byte_at(std::string_view in, std::size_t at) {
  return static_cast<std::uint8_t>(in[at]);
}

/// `size` bytes from `at`, in the given order; nothing beyond the end.
std::optional<std::uint32_t> number_at(std::string_view in, std::size_t at, std::size_t size,
                                       bool little) {
  if (at > in.size() || in.size() - at < size) return std::nullopt;
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < size; ++i)
    out = out << 8 | byte_at(in, at + (little ? size - 1 - i : i));
  return out;
}

// --- JPEG -----------------------------------------------------------------------------------

constexpr std::uint8_t kApp0 = 0xe0;
constexpr std::uint8_t kApp1 = 0xe1;
constexpr std::uint8_t kApp2 = 0xe2;
constexpr std::uint8_t kApp14 = 0xee;
constexpr std::uint8_t kApp15 = 0xef;
constexpr std::uint8_t kComment = 0xfe;
constexpr std::uint8_t kStartOfScan = 0xda;
constexpr std::uint8_t kEndOfImage = 0xd9;
constexpr std::string_view kExif = "Exif\0\0"sv;

bool stands_alone(std::uint8_t marker) {
  return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/// JFIF, ICC profiles and Adobe's colour transform change what is seen.
bool is_kept(std::uint8_t marker, std::string_view content) {
  if (marker == kApp0) return content.starts_with("JFIF\0"sv);
  if (marker == kApp2) return content.starts_with("ICC_PROFILE\0"sv);
  if (marker == kApp14) return content.starts_with("Adobe"sv);
  return marker != kComment && !(marker >= kApp0 && marker <= kApp15);
}

/// 1..8 as in Exif tag 0x0112; 1 = as it lies, also where there is none.
std::uint32_t orientation_of(std::string_view exif) {
  const std::string_view tiff = exif.substr(kExif.size());
  const bool little = tiff.starts_with("II");
  if (!little && !tiff.starts_with("MM")) return 1;
  const std::size_t ifd = number_at(tiff, 4, 4, little).value_or(0);
  const std::uint32_t entries = number_at(tiff, ifd, 2, little).value_or(0);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = ifd + 2 + i * 12;
    const auto tag = number_at(tiff, at, 2, little);
    if (!tag) return 1;
    if (*tag != 0x0112) continue;
    const std::uint32_t value = number_at(tiff, at + 8, 2, little).value_or(1);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/// An Exif segment that says how the picture stands, and nothing else.
std::string orientation_segment(std::uint32_t orientation) {
  std::string exif(kExif);
  exif += "MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01"sv;
  append_u16be(exif, static_cast<std::uint16_t>(orientation));
  exif += "\0\0\0\0\0\0"sv;
  std::string out = "\xff\xe1";
  append_u16be(out, static_cast<std::uint16_t>(exif.size() + 2));
  return out + exif;
}

/// The end of the coded data that starts at `at`: the next marker that is neither a stuffed byte
/// nor a restart.
std::size_t end_of_scan(std::string_view in, std::size_t at) {
  for (; at + 1 < in.size(); ++at) {
    if (byte_at(in, at) != 0xff) continue;
    const std::uint8_t next = byte_at(in, at + 1);
    if (next != 0x00 && next != 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return in.size();
}

Result<std::string> strip_jpeg(std::string_view in) {
  std::string out(in.substr(0, 2));
  std::uint32_t orientation = 1;
  bool has_scan = false;
  for (std::size_t at = 2; at + 1 < in.size();) {
    if (byte_at(in, at) != 0xff) return fail(Errc::malformed, "JPEG: no marker");
    const std::uint8_t marker = byte_at(in, at + 1);
    if (marker == 0xff) {  // fill byte
      ++at;
      continue;
    }
    if (marker == kEndOfImage) {
      if (!has_scan) break;
      // Behind it some cameras keep a second picture, or a film.
      return out.append(in.substr(at, 2));
    }
    if (stands_alone(marker)) {
      out += in.substr(at, 2);
      at += 2;
      continue;
    }
    const auto length = number_at(in, at + 2, 2, false);
    if (!length || *length < 2 || in.size() - at - 2 < *length)
      return fail(Errc::malformed, "JPEG: a segment is cut off");
    const std::string_view content = in.substr(at + 4, *length - 2);
    if (marker == kApp1 && content.starts_with(kExif)) orientation = orientation_of(content);
    const bool is_picture = marker < kApp0 || marker > kApp15;
    if (is_picture && orientation != 1) {
      out += orientation_segment(orientation);
      orientation = 1;
    }
    if (is_kept(marker, content)) out += in.substr(at, *length + 2);
    at += *length + 2;
    if (marker == kStartOfScan) {
      has_scan = true;
      const std::size_t end = end_of_scan(in, at);
      out += in.substr(at, end - at);
      at = end;
    }
  }
  return fail(Errc::malformed, "JPEG: it does not end");
}

// --- PNG ------------------------------------------------------------------------------------

constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1a\n"sv;
constexpr std::array<std::string_view, 15> kPngChunks = {"IHDR", "PLTE", "IDAT", "IEND", "tRNS",
                                                         "gAMA", "cHRM", "sRGB", "iCCP", "sBIT",
                                                         "pHYS", "bKGD", "hIST", "cICP", "acTL"};

Result<std::string> strip_png(std::string_view in) {
  std::string out(kPngMagic);
  for (std::size_t at = kPngMagic.size(); at < in.size();) {
    const auto length = number_at(in, at, 4, false);
    if (!length || in.size() - at < 12 || in.size() - at - 12 < *length)
      return fail(Errc::malformed, "PNG: a chunk is cut off");
    const std::string_view name = in.substr(at + 4, 4);
    const bool is_frame = name == "fcTL" || name == "fdAT";
    if (is_frame || std::ranges::find(kPngChunks, name) != kPngChunks.end())
      out += in.substr(at, *length + 12);
    if (name == "IEND") return out;
    at += *length + 12;
  }
  return fail(Errc::malformed, "PNG: it does not end");
}

// --- WebP -----------------------------------------------------------------------------------

constexpr std::size_t kRiffHead = 12;
constexpr std::array<std::string_view, 7> kWebpChunks = {"VP8 ", "VP8L", "VP8X", "ALPH",
                                                         "ANIM", "ANMF", "ICCP"};
/// Flags of VP8X: Exif and XMP follow.
constexpr std::uint8_t kHasExifOrXmp = 0x0c;

Result<std::string> strip_webp(std::string_view in) {
  std::string out(in.substr(0, kRiffHead));
  bool has_picture = false;
  for (std::size_t at = kRiffHead; at < in.size();) {
    const auto length = number_at(in, at + 4, 4, true);
    const std::size_t whole = length ? 8 + std::size_t{*length} + *length % 2 : 0;
    if (!length || in.size() - at < whole) return fail(Errc::malformed, "WebP: a chunk is cut off");
    const std::string_view name = in.substr(at, 4);
    if (std::ranges::find(kWebpChunks, name) != kWebpChunks.end()) {
      const std::size_t start = out.size();
      out += in.substr(at, whole);
      if (name == "VP8X" && *length > 0)
        out[start + 8] = static_cast<char>(byte_at(out, start + 8) & ~kHasExifOrXmp);
      has_picture = has_picture || name != "VP8X";
    }
    at += whole;
  }
  if (!has_picture) return fail(Errc::malformed, "WebP: no picture in it");
  const auto size = static_cast<std::uint32_t>(out.size() - 8);
  for (std::size_t i = 0; i < 4; ++i) out[4 + i] = static_cast<char>(size >> (8 * i) & 0xff);
  return out;
}

// --- Sound ----------------------------------------------------------------------------------

bool is_mp4_audio(std::string_view in) {
  if (in.size() < 12 || in.substr(4, 4) != "ftyp") return false;
  const std::string_view brand = in.substr(8, 4);
  return brand == "M4A " || brand == "M4B " || brand == "mp42" || brand == "mp41" ||
         brand == "isom" || brand == "iso2" || brand == "iso5" || brand == "iso6" ||
         brand == "dash";
}

/// The sync word of a frame: layer 0 is AAC in ADTS, layer III is MP3.
std::string_view mpeg_frame(std::string_view in) {
  if (in.size() < 4 || byte_at(in, 0) != 0xff || (byte_at(in, 1) & 0xe0) != 0xe0) return {};
  const std::uint8_t second = byte_at(in, 1);
  if ((second & 0xf6) == 0xf0) return "audio/aac";
  const bool has_version = (second & 0x18) != 0x08;
  const bool is_layer_3 = (second & 0x06) == 0x02;
  const bool has_rate = (byte_at(in, 2) & 0xf0) != 0xf0 && (byte_at(in, 2) & 0x0c) != 0x0c;
  return has_version && is_layer_3 && has_rate ? "audio/mpeg" : std::string_view{};
}

}  // namespace

std::string_view sniff_media(std::string_view bytes) {
  if (bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (bytes.starts_with(kPngMagic)) return "image/png";
  if (bytes.size() >= kRiffHead && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP")
    return "image/webp";
  if (bytes.starts_with("ID3")) return "audio/mpeg";
  if (is_mp4_audio(bytes)) return "audio/mp4";
  if (bytes.starts_with("OggS") && bytes.substr(0, 64).contains("OpusHead")) return "audio/ogg";
  if (bytes.starts_with("\x1a\x45\xdf\xa3") && bytes.substr(0, 64).contains("webm"))
    return "audio/webm";
  return mpeg_frame(bytes);
}

std::size_t media_bytes_max(std::string_view type) {
  return type.starts_with("image/") ? limits::kBlobImageBytesMax : limits::kBlobAudioBytesMax;
}

Result<std::string> stripped_media(std::string_view type, std::string bytes) {
  if (type == "image/jpeg") return strip_jpeg(bytes);
  if (type == "image/png") return strip_png(bytes);
  if (type == "image/webp") return strip_webp(bytes);
  return bytes;
}

}  // namespace linli::http
