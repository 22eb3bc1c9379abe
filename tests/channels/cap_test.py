#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our CAP 1.2, its signatures and its feeds, before readers that nobody here wrote: xmllint with
the OASIS schema, xmlsec1 and feedparser; and ours before what xmlsec1 signs.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import feedparser

ROOT = Path(os.environ.get("LINLI_ROOT", Path(__file__).resolve().parents[2]))
TOOL = os.environ.get("LINLI_CAP", ROOT / "build/dev/bin/linli_cap")
GOLDEN = ROOT / "tests/golden/cap"
XSD = ROOT / "config/cap/CAP-v1.2.xsd"
KEY, CERT = GOLDEN / "signer_key.pem", GOLDEN / "signer_cert.pem"
SECONDS = 30 * int(os.environ.get("LINLI_SLOW", "1"))
DOCUMENTS = ("alert.xml", "update.xml", "cancel.xml", "drill.xml")

TEMPLATE = """<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>
<CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>
<SignatureMethod Algorithm="{method}"/>
<Reference URI=""><Transforms>
<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/></Transforms>
<DigestMethod Algorithm="{digest}"/><DigestValue/></Reference></SignedInfo>
<SignatureValue/><KeyInfo>{info}</KeyInfo></Signature>"""
SHA256 = (
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmlenc#sha256",
)
SHA1 = (
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#sha1",
)


def run(*command):
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, timeout=SECONDS, check=False
    )
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def read(path, cert=CERT):
    """What our reader says about the only alert of a file."""
    code, text = run(TOOL, "read", path, cert, XSD)
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == 1, (code, text)
    return lines[0]


class Cap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.temp.name)
        code, text = run(TOOL, "publish", cls.folder, KEY, CERT)
        assert code == 0, text

    @classmethod
    def tearDownClass(cls):
        cls.temp.cleanup()

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def verify(self, path):
        return run("xmlsec1", "--verify", "--trusted-pem", CERT, path)

    def test_xmllint_finds_our_documents_valid(self):
        for name in DOCUMENTS:
            code, text = run("xmllint", "--nonet", "--noout", "--schema", XSD, self.folder / name)
            self.assertEqual(code, 0, text)

    def test_xmlsec1_verifies_our_signatures_and_catches_tampering(self):
        for name in DOCUMENTS:
            code, text = self.verify(self.folder / name)
            self.assertEqual(code, 0, text)
        text = (self.folder / "alert.xml").read_text("utf-8")
        for old, new in (("Extreme", "Minor"), ("410103002005", "410103002007")):
            self.assertIn(old, text)
            altered = self.write("altered.xml", text.replace(old, new, 1))
            self.assertNotEqual(self.verify(altered)[0], 0)
            self.assertEqual(read(altered)["signature"], "bad")

    def test_our_reader_takes_our_documents_without_a_warning(self):
        for name, references in zip(DOCUMENTS, (0, 1, 2, 0)):
            seen = read(self.folder / name)
            self.assertEqual(seen["signature"], "verified")
            self.assertEqual(seen["schema"], [])
            self.assertEqual(seen["warnings"], [])
            self.assertEqual(seen["references"], references)
            self.assertEqual(seen["colour"], "red")

    def signed_by_xmlsec1(self, name, algorithms, info="<X509Data/>"):
        plain = (GOLDEN / "china_red.xml").read_text("utf-8")
        signature = TEMPLATE.format(method=algorithms[0], digest=algorithms[1], info=info)
        template = self.write(name, plain.replace("</alert>", signature + "</alert>"))
        out = self.folder / ("signed-" + name)
        code, text = run(
            "xmlsec1", "--sign", "--privkey-pem", f"{KEY},{CERT}", "--output", out, template
        )
        self.assertEqual(code, 0, text)
        return out

    def test_we_verify_what_xmlsec1_signs_and_call_sha1_weak(self):
        strong = read(self.signed_by_xmlsec1("strong.xml", SHA256))
        self.assertEqual((strong["signature"], strong["weak"]), ("verified", False))
        weak = read(self.signed_by_xmlsec1("weak.xml", SHA1))
        self.assertEqual((weak["signature"], weak["weak"]), ("verified", True))
        bare = read(self.signed_by_xmlsec1("bare.xml", SHA256, "<KeyName/>"))
        self.assertEqual(bare["signature"], "verified")

    def test_a_key_that_comes_with_the_message_is_not_believed(self):
        """E10: xmlsec1 by itself takes a KeyValue at its word."""
        signed = self.signed_by_xmlsec1("value.xml", SHA256, "<KeyValue/>")
        self.assertEqual(run("xmlsec1", "--verify", signed)[0], 0)
        stranger = read(signed, GOLDEN / "stranger_cert.pem")
        self.assertEqual(stranger["signature"], "unknown")

    def test_feedparser_reads_our_atom_and_rss(self):
        for name, version in (("atom.xml", "atom10"), ("rss.xml", "rss20")):
            feed = feedparser.parse(str(self.folder / name))
            self.assertFalse(feed.bozo, feed.get("bozo_exception"))
            self.assertEqual(feed.version, version)
            self.assertEqual(feed.feed.title, "淮南社区 预警 & 通知")
            self.assertEqual(len(feed.entries), 4)
            newest = feed.entries[0]
            self.assertTrue(newest.title.startswith("【演练】"), newest.title)
            self.assertEqual(newest.link, "https://linli.example/cap/n2.1.xml")
            self.assertEqual(feed.entries[3].title, '暴雨红色预警 <请看> & "转告"')
            self.assertEqual(len({entry.id for entry in feed.entries}), 4)
            self.assertIsNotNone(newest.published_parsed)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
