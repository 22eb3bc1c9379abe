// SPDX-License-Identifier: Apache-2.0
// Goal:   hostile and dirty XML does no harm, and a signature is believed only for what it covers.
// Method: documents made here, signed with a key made for these tests, then altered.
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/unit/notify/cap_samples.h"

namespace linli::notify::cap::test {
namespace {

using Verdict = SignatureReport::Verdict;

Errc error_of(const std::string& xml) {
  const auto read = read_alerts(xml, {});
  return read ? Errc{} : read.error().code;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  if (at != std::string::npos) text.replace(at, what.size(), with);
  return text;
}

TEST(CapXml, RefusesEveryDoctypeSoNoEntityIsEverExpanded_RAIN1) {
  const std::string laughs =
      "<?xml version=\"1.0\"?><!DOCTYPE alert [<!ENTITY a \"aaaaaaaaaa\">"
      "<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>"
      "<alert><identifier>&c;</identifier></alert>";
  EXPECT_EQ(error_of(laughs), Errc::malformed);
  const std::string external =
      "<!DOCTYPE alert [<!ENTITY x SYSTEM \"http://127.0.0.1:9/\">]>"
      "<alert><identifier>&x;</identifier></alert>";
  EXPECT_EQ(error_of(external), Errc::malformed);
  EXPECT_EQ(error_of("<!DOCTYPE alert SYSTEM \"file:///etc/passwd\"><alert/>"), Errc::malformed);
  EXPECT_EQ(error_of("<alert><identifier>&nosuch;</identifier></alert>"), Errc::malformed);
}

TEST(CapXml, RefusesWhatIsTooLargeTooDeepOrBroken_RAIN1) {
  std::string deep;
  for (int i = 0; i < kXmlDepthMax + 1; ++i) deep += "<a>";
  EXPECT_EQ(error_of(deep), Errc::too_deep);
  EXPECT_EQ(error_of(std::string(kAlertBytesMax + 1, ' ')), Errc::too_large);
  std::string wide = "<a>";
  for (std::size_t i = 0; i <= kXmlElementsMax; ++i) wide += "<b/>";
  EXPECT_EQ(error_of(wide + "</a>"), Errc::too_large);
  EXPECT_EQ(error_of(""), Errc::malformed);
  EXPECT_EQ(error_of("<alert><identifier>"), Errc::malformed);
  EXPECT_EQ(error_of("<rss/>"), Errc::malformed);
  EXPECT_EQ(error_of(std::string("<alert>\xff\xfe</alert>")), Errc::malformed);
}

TEST(CapXml, ReadsTheEncodingsOfRealFeeds_RAIN1) {
  const std::string body = "<alert><identifier>1</identifier><note>";
  const auto note = [](const std::string& xml) { return document_of(xml).alert.text_of("note"); };
  EXPECT_EQ(
      note("\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>" + body + "暴雨</note></alert>"),
      "暴雨");
  EXPECT_EQ(
      note("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" + body + "\xe9t\xe9</note></alert>"),
      "été");
  // 暴雨 in GBK; and 镕, which GB2312 does not have although that is what is declared.
  EXPECT_EQ(note("<?xml version='1.0' encoding='GBK'?>" + body + "\xb1\xa9\xd3\xea</note></alert>"),
            "暴雨");
  EXPECT_EQ(note("<?xml version='1.0' encoding='gb2312'?>" + body + "\xe9\x46</note></alert>"),
            "镕");
}

TEST(CapXml, CommentsLeaveNoGapInAText) {
  const auto alert = document_of(
      "<alert><identifier>1</identifier>"
      "<note>Ext<!-- x -->re<![CDATA[me]]></note></alert>");
  EXPECT_EQ(alert.alert.text_of("note"), "Extreme");
}

TEST(CapXml, FindsAlertsInWrapperRoots_RAIN1) {
  const std::string one = Sample{}.xml();
  const auto two = read_alerts("<alerts>" + one + one + "</alerts>", {});
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(two->size(), 2U);
  EXPECT_EQ(two->front().wrapper, "alerts");
  const auto edxl = read_alerts(
      "<EDXLDistribution xmlns=\"urn:oasis:names:tc:emergency:EDXL:DE:1.0\"><contentObject>"
      "<xmlContent><embeddedXMLContent>" +
          one + "</embeddedXMLContent></xmlContent></contentObject></EDXLDistribution>",
      {});
  ASSERT_TRUE(edxl.has_value());
  EXPECT_EQ(edxl->front().wrapper, "EDXLDistribution");
  EXPECT_EQ(edxl->front().alert.text_of("sender"), "qx@example.cn");
}

TEST(CapXml, ReportsTheSchemaAsWarnings_RAIN1) {
  std::ifstream in("config/cap/CAP-v1.2.xsd");
  const std::string xsd{std::istreambuf_iterator<char>(in), {}};
  const auto schema = Schema::load(xsd);
  ASSERT_TRUE(schema.has_value());
  const auto good = read_alerts(Sample{}.xml(), {}, &*schema);
  ASSERT_TRUE(good.has_value());
  EXPECT_TRUE(good->front().schema_warnings.empty()) << good->front().schema_warnings.front();
  // Another order of elements: warned of, and read all the same (notify.md §5 trap 29).
  const std::string moved = replaced(replaced(Sample{}.xml(), "<scope>Public</scope>", ""),
                                     "<status>", "<scope>Public</scope><status>");
  const auto bad = read_alerts(moved, {}, &*schema);
  ASSERT_TRUE(bad.has_value());
  EXPECT_FALSE(bad->front().schema_warnings.empty());
  EXPECT_TRUE(read_alert(bad->front().alert).has_value());
  EXPECT_FALSE(Schema::load("<nonsense/>").has_value());
}

TEST(CapSignature, VerifiesOurOwnAndNoticesEveryChange_RAIN1) {
  const auto signed_xml = sign_document(Sample{}.xml(), signer());
  ASSERT_TRUE(signed_xml.has_value()) << signed_xml.error().detail;
  EXPECT_EQ(document_of(*signed_xml, signer_trust()).signature.verdict, Verdict::verified);
  EXPECT_FALSE(document_of(*signed_xml, signer_trust()).signature.is_weak);
  EXPECT_EQ(document_of(Sample{}.xml(), signer_trust()).signature.verdict, Verdict::unsigned_);
  for (const auto& [what, with] :
       std::vector<std::pair<std::string, std::string>>{{"Extreme", "Minor"},
                                                        {"<event>", "<event> "},
                                                        {"410103", "410105"},
                                                        {"Actual", "Exercise"},
                                                        {"</info>", "</info><info/>"}}) {
    const auto altered = document_of(replaced(*signed_xml, what, with), signer_trust());
    EXPECT_EQ(altered.signature.verdict, Verdict::bad) << what;
  }
}

TEST(CapSignature, AStrangersSignatureIsUnknown_E10) {
  const auto signed_xml = sign_document(Sample{}.xml(), stranger());
  ASSERT_TRUE(signed_xml.has_value());
  EXPECT_EQ(document_of(*signed_xml, signer_trust()).signature.verdict, Verdict::unknown);
  EXPECT_EQ(document_of(*signed_xml, {}).signature.verdict, Verdict::unknown);
  // The stranger's text with our signer's certificate put into it.
  const auto ours = sign_document(Sample{}.xml(), signer());
  const auto certificate = [](const std::string& xml) {
    const std::size_t from = xml.find("<X509Certificate>");
    return xml.substr(from, xml.find("</X509Certificate>") - from);
  };
  const auto forged = document_of(
      replaced(*signed_xml, certificate(*signed_xml), certificate(*ours)), signer_trust());
  EXPECT_NE(forged.signature.verdict, Verdict::verified);
}

TEST(CapSignature, WrappingASignedAlertDoesNotLendItsSignature_Trap28) {
  const auto signed_xml = sign_document(Sample{}.xml(), signer());
  ASSERT_TRUE(signed_xml.has_value());
  const std::string good = signed_xml->substr(signed_xml->find("<alert"));
  Sample forged;
  forged.identifier = "forged";
  // Side by side: each alert answers for itself.
  const auto both = read_alerts("<alerts>" + forged.xml() + good + "</alerts>", signer_trust());
  ASSERT_TRUE(both.has_value());
  ASSERT_EQ(both->size(), 2U);
  EXPECT_EQ((*both)[0].signature.verdict, Verdict::unsigned_);
  EXPECT_EQ((*both)[1].signature.verdict, Verdict::verified);
  // The signed one hidden inside the forged one, and its signature moved out to the forged one.
  const std::string inside = replaced(forged.xml(), "</alert>", good + "</alert>");
  const auto nested = document_of(inside, signer_trust());
  EXPECT_EQ(nested.alert.text_of("identifier"), "forged");
  EXPECT_EQ(nested.signature.verdict, Verdict::unsigned_);
  const std::size_t from = good.find("<Signature");
  const std::string signature = good.substr(from, good.rfind("</alert>") - from);
  const std::string moved = replaced(forged.xml(), "</alert>", signature + "</alert>");
  EXPECT_EQ(document_of(moved, signer_trust()).signature.verdict, Verdict::bad);
  // A Reference to something else than the whole document, by id.
  const std::string by_id =
      replaced(replaced(*signed_xml, "URI=\"\"", "URI=\"#x\""), "<alert ", "<alert Id=\"x\" ");
  EXPECT_EQ(document_of(by_id, signer_trust()).signature.verdict, Verdict::unknown);
}

TEST(CapSignature, AnEarlierSignatureHoldsWhenAnotherWasAdded) {
  const auto once = sign_document(Sample{}.xml(), signer());
  ASSERT_TRUE(once.has_value());
  const auto twice = sign_document(*once, stranger());
  ASSERT_TRUE(twice.has_value());
  EXPECT_EQ(document_of(*twice, signer_trust()).signature.verdict, Verdict::verified);
  const auto altered = document_of(replaced(*twice, "Extreme", "Minor"), signer_trust());
  EXPECT_EQ(altered.signature.verdict, Verdict::bad);
}

TEST(CapSignature, TrustStoreRefusesWhatIsNoCertificate) {
  EXPECT_FALSE(TrustStore::load("").has_value());
  EXPECT_FALSE(TrustStore::load("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
                   .has_value());
  EXPECT_FALSE(sign_document(Sample{}.xml(), {"no key", "no certificate"}).has_value());
}

}  // namespace
}  // namespace linli::notify::cap::test
