// SPDX-License-Identifier: Apache-2.0
#include "notify/cap/xml.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlschemas.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/io.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

namespace linli::notify::cap {
namespace {

template <class T, void (*Free)(T*)>
struct Freer {
  void operator()(T* what) const { Free(what); }
};
using Doc = std::unique_ptr<xmlDoc, Freer<xmlDoc, xmlFreeDoc>>;
using Parser = std::unique_ptr<xmlParserCtxt, Freer<xmlParserCtxt, xmlFreeParserCtxt>>;
using Key = std::unique_ptr<xmlSecKey, Freer<xmlSecKey, xmlSecKeyDestroy>>;
using Keys = std::unique_ptr<xmlSecKeysMngr, Freer<xmlSecKeysMngr, xmlSecKeysMngrDestroy>>;
using Dsig = std::unique_ptr<xmlSecDSigCtx, Freer<xmlSecDSigCtx, xmlSecDSigCtxDestroy>>;

xmlParserInputPtr refuse_entity(const char*, const char*, xmlParserCtxtPtr) { return nullptr; }
void say_nothing(const char*, int, const char*, const char*, const char*, int, const char*) {}
void swallow(void*, const char*, ...) {}

/// Once per process, for both libraries: nothing may be read from files or the network by them.
bool libraries_ready() {
  static const bool ready = [] {
    xmlInitParser();
    xmlSetExternalEntityLoader(refuse_entity);
    if (xmlSecInit() < 0) return false;
    if (xmlSecCryptoAppInit(nullptr) < 0 || xmlSecCryptoInit() < 0) return false;
    // What fails is in our reports; the library would print it. CryptoInit sets a printer again.
    xmlSecErrorsSetCallback(say_nothing);
    xmlSecIOCleanupCallbacks();
    return true;
  }();
  return ready;
}

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text);
}
const xmlChar* xml(const char* text) { return reinterpret_cast<const xmlChar*>(text); }
const xmlSecByte* raw(std::string_view text) {
  return reinterpret_cast<const xmlSecByte*>(text.data());
}

// --- Parsing ----------------------------------------------------------------------------------

/// What stopped the parser before its time; lives behind ctxt->_private.
struct Watch {
  std::size_t elements = 0;
  std::optional<Error> stopped;
};

void stop(xmlParserCtxtPtr parser, Error why) {
  auto& watch = *static_cast<Watch*>(parser->_private);
  if (!watch.stopped) watch.stopped = std::move(why);
  xmlStopParser(parser);
}

void on_doctype(void* parser, const xmlChar*, const xmlChar*, const xmlChar*) {
  stop(static_cast<xmlParserCtxtPtr>(parser), {Errc::malformed, "xml: DOCTYPE is refused"});
}

void on_element(void* context, const xmlChar* name, const xmlChar* prefix, const xmlChar* uri,
                int namespaces, const xmlChar** namespace_list, int attributes, int defaulted,
                const xmlChar** attribute_list) {
  auto* parser = static_cast<xmlParserCtxtPtr>(context);
  auto& watch = *static_cast<Watch*>(parser->_private);
  if (parser->nodeNr >= kXmlDepthMax) return stop(parser, {Errc::too_deep, "xml: nesting"});
  if (++watch.elements > kXmlElementsMax)
    return stop(parser, {Errc::too_large, "xml: too many elements"});
  xmlSAX2StartElementNs(context, name, prefix, uri, namespaces, namespace_list, attributes,
                        defaulted, attribute_list);
}

/// GB2312 of the declaration is in practice a wider code page, which iconv would refuse.
const char* forced_encoding(std::string_view bytes) {
  std::string head(bytes.substr(0, 200));
  std::ranges::transform(head, head.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  head = head.substr(0, head.find("?>"));
  const std::size_t at = head.find("encoding");
  if (!head.contains("<?xml") || at == std::string::npos) return nullptr;
  const bool is_chinese =
      head.find("gb2312", at) != std::string::npos || head.find("gbk", at) != std::string::npos;
  return is_chinese ? "GB18030" : nullptr;
}

Result<Doc> read_document(std::string_view bytes, std::size_t bytes_max) {
  if (bytes.size() > bytes_max) return fail(Errc::too_large, "xml: document");
  if (!libraries_ready()) return fail(Errc::internal, "xml: libraries do not start");
  Parser parser(xmlNewParserCtxt());
  if (!parser) return fail(Errc::internal, "xml: no parser");
  Watch watch;
  parser->_private = &watch;
  parser->sax->internalSubset = on_doctype;
  parser->sax->externalSubset = on_doctype;
  parser->sax->startElementNs = on_element;
  const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
  Doc doc(xmlCtxtReadMemory(parser.get(), bytes.data(), static_cast<int>(bytes.size()), nullptr,
                            forced_encoding(bytes), options));
  if (watch.stopped) return std::unexpected(*watch.stopped);
  if (!doc || parser->wellFormed == 0 || xmlDocGetRootElement(doc.get()) == nullptr)
    return fail(Errc::malformed, "xml: line " + std::to_string(parser->lastError.line));
  return doc;
}

XmlElement tree_of(const xmlNode* node) {
  XmlElement out;
  out.name = view(node->name);
  if (node->ns != nullptr) out.ns = view(node->ns->href);
  for (const xmlAttr* attribute = node->properties; attribute; attribute = attribute->next) {
    std::string value;
    for (const xmlNode* part = attribute->children; part; part = part->next)
      value += view(part->content);
    out.attributes.emplace_back(view(attribute->name), std::move(value));
  }
  for (const xmlNode* part = node->children; part; part = part->next) {
    if (part->type == XML_TEXT_NODE || part->type == XML_CDATA_SECTION_NODE)
      out.text += view(part->content);
    else if (part->type == XML_ELEMENT_NODE)
      out.children.push_back(tree_of(part));
  }
  return out;
}

bool is_signature(const xmlNode* node) {
  return node->type == XML_ELEMENT_NODE && view(node->name) == "Signature" && node->ns != nullptr &&
         view(node->ns->href) == "http://www.w3.org/2000/09/xmldsig#";
}

std::vector<xmlNode*> signatures_of(xmlNode* alert) {
  std::vector<xmlNode*> found;
  for (xmlNode* part = alert->children; part; part = part->next)
    if (is_signature(part)) found.push_back(part);
  return found;
}

bool is_alert(const xmlNode* node) {
  if (node->type != XML_ELEMENT_NODE || view(node->name) != "alert") return false;
  for (const xmlNode* part = node->children; part; part = part->next)
    if (part->type == XML_ELEMENT_NODE && view(part->name) == "identifier") return true;
  return false;
}

void find_alerts(xmlNode* node, std::vector<xmlNode*>& found) {
  if (is_alert(node)) return found.push_back(node);
  for (xmlNode* part = node->children; part; part = part->next)
    if (part->type == XML_ELEMENT_NODE) find_alerts(part, found);
}

}  // namespace

// --- Trust ------------------------------------------------------------------------------------

struct TrustStore::Parts {
  /// Each certificate's own key: a signature made by it needs no KeyInfo.
  std::vector<Key> pinned;
  /// The same ones as anchors of certificates that come with a signature.
  Keys anchors;
};

TrustStore::TrustStore() = default;
TrustStore::~TrustStore() = default;
TrustStore::TrustStore(TrustStore&&) noexcept = default;
TrustStore& TrustStore::operator=(TrustStore&&) noexcept = default;
bool TrustStore::empty() const { return !parts_ || parts_->pinned.empty(); }

Result<TrustStore> TrustStore::load(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  if (!libraries_ready()) return fail(Errc::internal, "xml: libraries do not start");
  TrustStore store;
  store.parts_ = std::make_unique<Parts>();
  store.parts_->anchors.reset(xmlSecKeysMngrCreate());
  if (!store.parts_->anchors || xmlSecCryptoAppDefaultKeysMngrInit(store.parts_->anchors.get()) < 0)
    return fail(Errc::internal, "trust store");
  for (std::size_t at = pem.find(kBegin); at != pem.npos; at = pem.find(kBegin, at + 1)) {
    if (store.parts_->pinned.size() == kCertificatesMax)
      return fail(Errc::too_large, "trust store: certificates");
    const std::size_t end = pem.find(kEnd, at);
    if (end == pem.npos) return fail(Errc::invalid_argument, "trust store: cut off");
    const std::string one(pem.substr(at, end - at + kEnd.size()));
    const auto size = static_cast<xmlSecSize>(one.size());
    Key key(xmlSecCryptoAppKeyLoadMemory(raw(one), size, xmlSecKeyDataFormatCertPem, nullptr,
                                         nullptr, nullptr));
    if (!key ||
        xmlSecCryptoAppKeysMngrCertLoadMemory(store.parts_->anchors.get(), raw(one), size,
                                              xmlSecKeyDataFormatPem, xmlSecKeyDataTypeTrusted) < 0)
      return fail(Errc::invalid_argument, "trust store: not a certificate");
    store.parts_->pinned.push_back(std::move(key));
  }
  if (store.empty()) return fail(Errc::invalid_argument, "trust store: no certificate");
  return store;
}

/// One alert's signatures against one store.
class SignatureCheck {
 public:
  explicit SignatureCheck(const TrustStore& trust) : trust_(trust) {}

  /// `alert` is the root of `doc`.
  SignatureReport run(const xmlDoc* doc) {
    SignatureReport best;
    const std::size_t count = signatures_of(xmlDocGetRootElement(doc)).size();
    if (count == 0) return best;
    best = {SignatureReport::Verdict::unknown, false, "nobody in the trust store signed this"};
    if (count > kSignaturesMax) best.detail = "too many signatures";
    for (std::size_t nth = 0; nth < std::min(count, kSignaturesMax); ++nth) {
      SignatureReport one = check_nth(doc, nth);
      const bool is_better = one.verdict > best.verdict ||
                             (one.verdict == best.verdict && best.is_weak && !one.is_weak);
      if (is_better) best = std::move(one);
    }
    return best;
  }

 private:
  enum class Answer : std::uint8_t { other_key, altered, good };

  /// Which of the other signatures were there when this one was made. The document does not say.
  /// They are left out without harm: nothing of a Signature element is read as part of the alert.
  enum class Others : std::uint8_t { all, earlier, none };

  SignatureReport check_nth(const xmlDoc* doc, std::size_t nth) {
    SignatureReport report{SignatureReport::Verdict::unknown, false, "signed by somebody else"};
    if (trust_.empty()) return report;
    bool is_altered = true;
    const bool is_alone = signatures_of(xmlDocGetRootElement(doc)).size() == 1;
    const std::size_t pinned = trust_.parts_->pinned.size();
    for (const Others others : {Others::all, Others::earlier, Others::none}) {
      for (std::size_t key = 0; key <= pinned; ++key) {
        xmlSecKey* pin = key < pinned ? trust_.parts_->pinned[key].get() : nullptr;
        const Answer answer = try_key(without(doc, nth, others), pin, report.is_weak);
        if (answer == Answer::good)
          return {SignatureReport::Verdict::verified, report.is_weak, "verified"};
        // A chain is looked for before the text is looked at.
        if (pin != nullptr) is_altered = is_altered && answer == Answer::altered;
      }
      if (is_alone) break;
    }
    if (is_altered)
      report = {SignatureReport::Verdict::bad, report.is_weak, "changed after signing"};
    return report;
  }

  /// A copy; its _private is the signature to check.
  static Doc without(const xmlDoc* source, std::size_t nth, Others others) {
    Doc doc(xmlCopyDoc(const_cast<xmlDoc*>(source), 1));
    if (!doc) return doc;
    const auto signatures = signatures_of(xmlDocGetRootElement(doc.get()));
    doc->_private = signatures[nth];
    for (std::size_t other = 0; other < signatures.size(); ++other) {
      const bool stays =
          other == nth || others == Others::all || (others == Others::earlier && other < nth);
      if (stays) continue;
      xmlUnlinkNode(signatures[other]);
      xmlFreeNode(signatures[other]);
    }
    return doc;
  }

  Answer try_key(const Doc& doc, xmlSecKey* pin, bool& is_weak) {
    if (!doc) return Answer::other_key;
    const Dsig dsig(xmlSecDSigCtxCreate(pin == nullptr ? trust_.parts_->anchors.get() : nullptr));
    if (!dsig || !restrict(*dsig)) return Answer::other_key;
    if (pin != nullptr) dsig->signKey = xmlSecKeyDuplicate(pin);
    if (xmlSecDSigCtxVerify(dsig.get(), static_cast<xmlNode*>(doc->_private)) < 0)
      return Answer::other_key;
    const auto* reference = only_reference(*dsig);
    if (reference == nullptr) return Answer::other_key;
    is_weak = is_sha1(*dsig, *reference);
    if (dsig->status == xmlSecDSigStatusSucceeded) return Answer::good;
    // A digest that does not fit the text condemns it whoever signed; a signature value that does
    // not fit this key says only that it was another key.
    return reference->status == xmlSecDSigStatusSucceeded ? Answer::other_key : Answer::altered;
  }

  /// Only what a CAP signature needs; no HMAC, XPath, XSLT, key values or references elsewhere.
  static bool restrict(xmlSecDSigCtx& dsig) {
    dsig.flags |= XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS;
    dsig.enabledReferenceUris = xmlSecTransformUriTypeEmpty;
    bool ok = true;
    for (const xmlSecTransformId id :
         {xmlSecTransformInclC14NId, xmlSecTransformInclC14NWithCommentsId,
          xmlSecTransformExclC14NId, xmlSecTransformExclC14NWithCommentsId,
          xmlSecTransformRsaSha1Id, xmlSecTransformRsaSha256Id, xmlSecTransformRsaSha384Id,
          xmlSecTransformRsaSha512Id, xmlSecTransformEcdsaSha256Id, xmlSecTransformEcdsaSha384Id})
      ok = ok && xmlSecDSigCtxEnableSignatureTransform(&dsig, id) == 0;
    for (const xmlSecTransformId id :
         {xmlSecTransformEnvelopedId, xmlSecTransformInclC14NId,
          xmlSecTransformInclC14NWithCommentsId, xmlSecTransformExclC14NId,
          xmlSecTransformExclC14NWithCommentsId, xmlSecTransformSha1Id, xmlSecTransformSha256Id,
          xmlSecTransformSha384Id, xmlSecTransformSha512Id})
      ok = ok && xmlSecDSigCtxEnableReferenceTransform(&dsig, id) == 0;
    return ok &&
           xmlSecPtrListAdd(&dsig.keyInfoReadCtx.enabledKeyData,
                            const_cast<void*>(static_cast<const void*>(xmlSecKeyDataX509Id))) == 0;
  }

  static const xmlSecDSigReferenceCtx* only_reference(xmlSecDSigCtx& dsig) {
    if (xmlSecPtrListGetSize(&dsig.signedInfoReferences) != 1) return nullptr;
    const auto* reference =
        static_cast<xmlSecDSigReferenceCtx*>(xmlSecPtrListGetItem(&dsig.signedInfoReferences, 0));
    const bool is_whole = reference->uri != nullptr && view(reference->uri).empty();
    return is_whole ? reference : nullptr;
  }

  static bool is_sha1(const xmlSecDSigCtx& dsig, const xmlSecDSigReferenceCtx& reference) {
    return (dsig.signMethod != nullptr && dsig.signMethod->id == xmlSecTransformRsaSha1Id) ||
           (reference.digestMethod != nullptr &&
            reference.digestMethod->id == xmlSecTransformSha1Id);
  }

  const TrustStore& trust_;
};

// --- Schema -----------------------------------------------------------------------------------

struct Schema::Parts {
  std::unique_ptr<xmlSchema, Freer<xmlSchema, xmlSchemaFree>> schema;
};
Schema::Schema() = default;
Schema::~Schema() = default;
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;

Result<Schema> Schema::load(std::string_view xsd) {
  if (!libraries_ready()) return fail(Errc::internal, "xml: libraries do not start");
  const std::unique_ptr<xmlSchemaParserCtxt, Freer<xmlSchemaParserCtxt, xmlSchemaFreeParserCtxt>>
      parser(xmlSchemaNewMemParserCtxt(xsd.data(), static_cast<int>(xsd.size())));
  if (!parser) return fail(Errc::internal, "xml: no schema parser");
  xmlSchemaSetParserErrors(parser.get(), swallow, swallow, nullptr);
  Schema out;
  out.parts_ = std::make_unique<Parts>();
  out.parts_->schema.reset(xmlSchemaParse(parser.get()));
  if (!out.parts_->schema) return fail(Errc::invalid_argument, "xml: not a schema");
  return out;
}

struct SchemaCheck {
  std::vector<std::string> found;

  static void on_error(void* self, xmlErrorPtr error) {
    auto& found = static_cast<SchemaCheck*>(self)->found;
    if (found.size() < kSchemaWarningsMax && error != nullptr && error->message != nullptr)
      found.push_back("line " + std::to_string(error->line) + ": " + trimmed(error->message));
  }
  void run(const Schema& schema, xmlDoc* doc) {
    const std::unique_ptr<xmlSchemaValidCtxt, Freer<xmlSchemaValidCtxt, xmlSchemaFreeValidCtxt>>
        valid(xmlSchemaNewValidCtxt(schema.parts_->schema.get()));
    if (!valid) return;
    xmlSchemaSetValidStructuredErrors(valid.get(), on_error, this);
    if (xmlSchemaValidateDoc(valid.get(), doc) < 0) found.emplace_back("schema check broke off");
  }
};

// --- Public -----------------------------------------------------------------------------------

const XmlElement* XmlElement::child(std::string_view wanted) const {
  const auto found = std::ranges::find(children, wanted, &XmlElement::name);
  return found == children.end() ? nullptr : &*found;
}

std::string XmlElement::text_of(std::string_view wanted) const {
  const XmlElement* found = child(wanted);
  return found == nullptr ? std::string{} : trimmed(found->text);
}

std::string XmlElement::attribute(std::string_view wanted) const {
  for (const auto& [name_, value] : attributes)
    if (name_ == wanted) return value;
  return {};
}

std::string trimmed(std::string_view text) {
  constexpr std::array<std::string_view, 7> kBlanks = {" ",      "\t",     "\r",    "\n",
                                                       "\u00a0", "\u3000", "\ufeff"};
  for (bool more = true; more;) {
    more = false;
    for (const std::string_view blank : kBlanks) {
      if (text.starts_with(blank)) text.remove_prefix(blank.size()), more = true;
      if (text.ends_with(blank)) text.remove_suffix(blank.size()), more = true;
    }
  }
  return std::string(text);
}

Result<XmlElement> parse_xml(std::string_view bytes, std::size_t bytes_max) {
  LINLI_TRY(const Doc doc, read_document(bytes, bytes_max));
  return tree_of(xmlDocGetRootElement(doc.get()));
}

Result<std::vector<AlertDocument>> read_alerts(std::string_view bytes, const TrustStore& trust,
                                               const Schema* schema) {
  LINLI_TRY(Doc doc, read_document(bytes, kAlertBytesMax));
  xmlNode* root = xmlDocGetRootElement(doc.get());
  std::vector<xmlNode*> found;
  find_alerts(root, found);
  if (found.empty()) return fail(Errc::malformed, "cap: no alert in the document");
  if (found.size() > kAlertsPerDocumentMax) return fail(Errc::too_large, "cap: alerts");
  std::vector<AlertDocument> out;
  for (xmlNode* alert : found) {
    AlertDocument one;
    // A document of its own, so that "the whole document" can mean nothing but this alert.
    Doc own;
    if (alert != root) {
      one.wrapper = view(root->name);
      own.reset(xmlNewDoc(xml("1.0")));
      xmlNode* copy = own ? xmlDocCopyNode(alert, own.get(), 1) : nullptr;
      if (copy == nullptr) return fail(Errc::internal, "cap: no memory");
      xmlDocSetRootElement(own.get(), copy);
    }
    xmlDoc* used = own ? own.get() : doc.get();
    one.signature = SignatureCheck(trust).run(used);
    one.alert = tree_of(xmlDocGetRootElement(used));
    std::erase_if(one.alert.children, [](const XmlElement& e) { return e.name == "Signature"; });
    if (schema != nullptr) {
      SchemaCheck check;
      check.run(*schema, used);
      one.schema_warnings = std::move(check.found);
    }
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::string> sign_document(std::string_view xml_text, const SigningKey& key) {
  LINLI_TRY(const Doc doc, read_document(xml_text, kAlertBytesMax));
  xmlNode* signature = xmlSecTmplSignatureCreate(doc.get(), xmlSecTransformExclC14NId,
                                                 xmlSecTransformRsaSha256Id, nullptr);
  if (signature == nullptr) return fail(Errc::internal, "sign: template");
  xmlAddChild(xmlDocGetRootElement(doc.get()), signature);
  xmlNode* reference = xmlSecTmplSignatureAddReference(signature, xmlSecTransformSha256Id, nullptr,
                                                       xml(""), nullptr);
  xmlNode* info = xmlSecTmplSignatureEnsureKeyInfo(signature, nullptr);
  xmlNode* x509 = info == nullptr ? nullptr : xmlSecTmplKeyInfoAddX509Data(info);
  if (reference == nullptr || x509 == nullptr ||
      xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId) == nullptr ||
      xmlSecTmplReferenceAddTransform(reference, xmlSecTransformExclC14NId) == nullptr ||
      xmlSecTmplX509DataAddCertificate(x509) == nullptr)
    return fail(Errc::internal, "sign: template");
  Key pem(xmlSecCryptoAppKeyLoadMemory(raw(key.key_pem),
                                       static_cast<xmlSecSize>(key.key_pem.size()),
                                       xmlSecKeyDataFormatPem, nullptr, nullptr, nullptr));
  if (!pem || xmlSecCryptoAppKeyCertLoadMemory(pem.get(), raw(key.certificate_pem),
                                               static_cast<xmlSecSize>(key.certificate_pem.size()),
                                               xmlSecKeyDataFormatPem) < 0)
    return fail(Errc::invalid_argument, "sign: the key or its certificate cannot be read");
  const Dsig dsig(xmlSecDSigCtxCreate(nullptr));
  if (!dsig) return fail(Errc::internal, "sign: context");
  dsig->signKey = pem.release();
  if (xmlSecDSigCtxSign(dsig.get(), signature) < 0 || dsig->status != xmlSecDSigStatusSucceeded)
    return fail(Errc::invalid_argument, "sign: the key does not sign");
  xmlChar* bytes = nullptr;
  int size = 0;
  xmlDocDumpMemoryEnc(doc.get(), &bytes, &size, "UTF-8");
  if (bytes == nullptr) return fail(Errc::internal, "sign: no memory");
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  xmlFree(bytes);
  return out;
}

std::string xml_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (byte >= 0x20 || c == '\n' || c == '\t')
      out += c;
  }
  return out;
}

}  // namespace linli::notify::cap
