// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

/// XML in and out: bytes become a small tree and back, signatures are checked and made. The only
/// file that sees libxml2 and xmlsec1 (decision M20). No function here opens a file or a socket.
namespace linli::notify::cap {

/// One alert of the China feed has about 90 KiB; a polygon-rich one of others up to 1 MiB.
inline constexpr std::size_t kAlertBytesMax = 2 * 1024 * 1024;
/// A feed of 500 entries has about 700 KiB.
inline constexpr std::size_t kFeedBytesMax = 8 * 1024 * 1024;
/// CAP in EDXL-DE nests 9 deep.
inline constexpr int kXmlDepthMax = 32;
/// Elements of one document; a feed of 500 entries has about 10,000. Bounds the time, too.
inline constexpr std::size_t kXmlElementsMax = 100'000;
/// Alerts in one document with a wrapper root.
inline constexpr std::size_t kAlertsPerDocumentMax = 100;
/// Signatures looked at in one alert; each costs one check per certificate.
inline constexpr std::size_t kSignaturesMax = 4;
/// Certificates of one source.
inline constexpr std::size_t kCertificatesMax = 16;
/// Sentences of the schema report that are kept.
inline constexpr std::size_t kSchemaWarningsMax = 20;

struct XmlElement {
  /// Without prefix.
  std::string name;
  std::string ns;
  std::vector<std::pair<std::string, std::string>> attributes;
  /// All character data directly in it, as written; comments leave no gap.
  std::string text;
  std::vector<XmlElement> children;

  /// The first child of that name in any namespace; null = none.
  [[nodiscard]] const XmlElement* child(std::string_view wanted) const;
  /// Text of that child without white space around it; empty = none.
  [[nodiscard]] std::string text_of(std::string_view wanted) const;
  [[nodiscard]] std::string attribute(std::string_view wanted) const;
};

/// `text` without white space around it (ASCII, U+00A0, U+3000, U+FEFF).
std::string trimmed(std::string_view text);

/// Reads a document in any encoding that the library knows; GB2312 and GBK are read as GB18030.
/// Errors: too_large, too_deep, malformed (also: any DOCTYPE, so no entity is ever declared).
Result<XmlElement> parse_xml(std::string_view bytes, std::size_t bytes_max = kFeedBytesMax);

/// What is known of who wrote an alert.
struct SignatureReport {
  enum class Verdict : std::uint8_t {
    unsigned_,  ///< no signature
    unknown,    ///< signed, but by nobody in the trust store, or in a form we do not accept
    bad,        ///< the text is not the one that was signed
    verified,   ///< covers the whole alert as it was parsed, by a trusted certificate
  } verdict = Verdict::unsigned_;
  /// SHA-1 is involved: enough to show it to a human, not for a standing rule.
  bool is_weak = false;
  /// For the operator.
  std::string detail;
};

/// Whose signature counts for one source. Constant after construction.
class TrustStore {
 public:
  TrustStore();
  ~TrustStore();
  TrustStore(TrustStore&&) noexcept;
  TrustStore& operator=(TrustStore&&) noexcept;
  /// `pem`: one or more certificates: those that sign, or authorities that issue such.
  /// Errors: invalid_argument, too_large (kCertificatesMax).
  static Result<TrustStore> load(std::string_view pem);
  [[nodiscard]] bool empty() const;

 private:
  friend class SignatureCheck;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// The OASIS schema; absent schema = no report. Constant after construction.
/// Threads: one at a time.
class Schema {
 public:
  Schema();
  ~Schema();
  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) noexcept;
  /// Errors: invalid_argument.
  static Result<Schema> load(std::string_view xsd);

 private:
  friend struct SchemaCheck;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// One `alert` element, wherever in the document it was.
struct AlertDocument {
  XmlElement alert;
  SignatureReport signature;
  /// Name of the root when that is not the alert itself.
  std::string wrapper;
  std::vector<std::string> schema_warnings;
};

/// Finds the alerts of a document, also in wrapper roots (`alerts`, EDXL-DE), and checks each one's
/// enveloped signature.
/// Spec:    W3C XML Signature; CAP 1.2 §3.3.2.1. Accepted is exactly one Reference, to the whole
///          document (URI=""), with the enveloped and canonicalization transforms only; the
///          signature is a direct child of the alert, and the alert is checked as a document of its
///          own: what is verified is what is parsed.
/// Errors:  as parse_xml(), and malformed when there is no alert.
Result<std::vector<AlertDocument>> read_alerts(std::string_view bytes, const TrustStore& trust,
                                               const Schema* schema = nullptr);

/// PEM texts of a private key and its certificate.
struct SigningKey {
  std::string key_pem;
  std::string certificate_pem;
};
/// The document with an enveloped RSA-SHA256 signature as the root's last child.
/// Errors: malformed, invalid_argument (the key).
Result<std::string> sign_document(std::string_view xml, const SigningKey& key);

/// `text` as character data or as an attribute's value; characters that XML 1.0 forbids are left
/// out.
std::string xml_escape(std::string_view text);

}  // namespace linli::notify::cap
