// SPDX-License-Identifier: Apache-2.0
#include "server/http/qr.h"

#include <memory>

#include <qrencode.h>

namespace linli::http {
namespace {

constexpr int kQuiet = 4;

class Code {
 public:
  static Result<Code> make(std::string_view text) {
    const std::string owned(text);
    QRcode* made = QRcode_encodeString8bit(owned.c_str(), 0, QR_ECLEVEL_M);
    if (made == nullptr) return fail(Errc::too_large, "text does not fit into a QR code");
    return Code(made);
  }
  [[nodiscard]] int width() const { return code_->width; }
  /// False outside.
  [[nodiscard]] bool is_dark(int x, int y) const {
    if (x < 0 || y < 0 || x >= code_->width || y >= code_->width) return false;
    return (code_->data[y * code_->width + x] & 1U) != 0;
  }

 private:
  struct Free {
    void operator()(QRcode* code) const { QRcode_free(code); }
  };
  explicit Code(QRcode* code) : code_(code) {}
  std::unique_ptr<QRcode, Free> code_;
};

}  // namespace

Result<std::string> qr_svg(std::string_view text) {
  LINLI_TRY(Code code, Code::make(text));
  const std::string side = std::to_string(code.width() + 2 * kQuiet);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + side + " " + side +
                    "\" shape-rendering=\"crispEdges\" role=\"img\" aria-label=\"二维码\">"
                    "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><path d=\"";
  for (int y = 0; y < code.width(); ++y) {
    for (int x = 0; x < code.width(); ++x) {
      int run = 0;
      while (code.is_dark(x + run, y)) ++run;
      if (run == 0) continue;
      out += "M" + std::to_string(x + kQuiet) + " " + std::to_string(y + kQuiet) + "h" +
             std::to_string(run) + "v1h-" + std::to_string(run) + "z";
      x += run;
    }
  }
  return out + "\"/></svg>";
}

Result<std::string> qr_terminal(std::string_view text) {
  LINLI_TRY(Code code, Code::make(text));
  std::string out;
  for (int y = -kQuiet; y < code.width() + kQuiet; y += 2) {
    out += "\x1b[30;107m";  // black on white
    for (int x = -kQuiet; x < code.width() + kQuiet; ++x) {
      const bool upper = code.is_dark(x, y);
      const bool lower = code.is_dark(x, y + 1);
      out += upper && lower ? "█" : upper ? "▀" : lower ? "▄" : " ";
    }
    out += "\x1b[0m\n";
  }
  return out;
}

}  // namespace linli::http
