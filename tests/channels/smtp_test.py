# SPDX-License-Identifier: Apache-2.0
"""The SMTP channel against npm smtp-server (peers/mailbox.mjs). Signatures are verified twice: by
mailauth there and by dkimpy here; the mail is read by Python's own parser."""

import base64
import email
import email.header
import email.policy
import tempfile
import unittest
from pathlib import Path

import dkim

from _channel import HERE, Channel, JsonLines, wait_for
from _tls import certificate, openssl

RECORD_NAME = "s1._domainkey.example.org"
NOTICE = {
    "notice": "n1",
    "category": "water",
    "title": "明天上午九点到十一点停水，请各位居民提前储水，高层住户请注意水压变化（第二次通知）😀",
    "action_line": "请提前储水",
    "body": "抢修地点：淮南路 12 弄。\n联系电话见公告栏 <物业> & 居委会。\n.\n..",
    "issuer": "物业",
    "community": "淮南社区",
    "link": "https://huainan.example.org/a/t0ken?x=1&y=2",
    "needs_ack": True,
}
RED = {"notice": "n2", "severity": "red", "category": "warning", "title": "暴雨红色预警"}


class Smtp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = Path(cls.folder.name)
        cls.cert, key = certificate(cls.path)
        openssl("genrsa", "-out", cls.path / "dkim.pem", 2048)
        public = openssl("rsa", "-in", cls.path / "dkim.pem", "-pubout", "-outform", "DER")
        cls.record = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
        (cls.path / "password").write_text("sesame\n")
        (cls.path / "wrong").write_text("open\n")
        (cls.path / "secret").write_text("s" * 32)
        peer = ["node", HERE / "peers/mailbox.mjs", cls.cert, key, RECORD_NAME, cls.record]
        cls.server = JsonLines(peer)
        cls.port = cls.server.wait("port")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.folder.cleanup()

    def channel(self, **more):
        settings = {
            "url": f"smtp://localhost:{self.port}",
            "user": "linli",
            "password_file": str(self.path / "password"),
            "from": "notices@example.org",
            "from_name": "淮南社区居民委员会（自动发送，请勿回复）",
            "bounces_to": "bounces@example.org",
            "ca_file": str(self.cert),
            "unsubscribe_url": "https://huainan.example.org/hooks/mail",
            "unsubscribe_secret_file": str(self.path / "secret"),
            "dkim": {
                "domain": "example.org",
                "selector": "s1",
                "key_file": str(self.path / "dkim.pem"),
            },
            **more,
        }
        channel = Channel("smtp", settings, self.path)
        self.addCleanup(channel.stop)
        return channel

    def send(self, channel, id, mailbox, message=None, **more):
        to = {"medium": "email", "address": mailbox, "params": {}}
        channel.tell(submit=[{"id": id, "to": to, "message": message or NOTICE, **more}])
        return channel.done(id, 20)

    def mail_to(self, mailbox):
        def found():
            return [mail for mail in self.server.all("mail") if mail["to"] == mailbox]

        return wait_for(found, f"mail to {mailbox}")[-1]

    def parse(self, mail):
        raw = base64.b64decode(mail["raw"])
        return raw, email.message_from_bytes(raw, policy=email.policy.default)

    def test_a_mail_reads_as_it_was_written_and_two_verifiers_take_its_signature(self):
        done = self.send(self.channel(), 1, "wang@example.net")
        self.assertEqual(done["outcome"], "accepted", done)
        mail = self.mail_to("wang@example.net")
        self.assertEqual(mail["from"], "bounces@example.org")
        self.assertEqual((mail["user"], mail["secure"]), ("linli", True))
        raw, parsed = self.parse(mail)
        self.assertEqual([], parsed.defects)
        self.assertEqual(parsed["Subject"], NOTICE["title"])
        self.assertEqual(parsed["From"].addresses[0].addr_spec, "notices@example.org")
        # The structured parser puts a blank between the words of a long display name.
        old = email.message_from_bytes(raw)
        name = str(email.header.make_header(email.header.decode_header(old["From"])))
        self.assertEqual(name, "淮南社区居民委员会（自动发送，请勿回复） <notices@example.org>")
        self.assertEqual(parsed["Message-ID"], f"<{'0' * 31}1@example.org>")
        text = parsed.get_body(("plain",)).get_content()
        self.assertIn(NOTICE["action_line"], text)
        self.assertIn(NOTICE["body"], text.replace("\r\n", "\n"))
        self.assertIn(NOTICE["link"], text)
        html = parsed.get_body(("html",)).get_content()
        self.assertIn("&lt;物业&gt; &amp; 居委会", html)
        lines = [line for line in raw.split(b"\r\n") if not line.startswith(b"List-Unsubscribe:")]
        self.assertLessEqual(max(map(len, lines)), 78)
        self.assertNotIn(b"\n", raw.replace(b"\r\n", b""))
        self.check_signature(mail, raw)

    def check_signature(self, mail, raw):
        self.assertEqual([one["result"] for one in mail["dkim"]], ["pass"], mail["dkim"])
        names = {name.lower() for name in mail["dkim"][0]["headers"].split(": ")}
        self.assertLessEqual({"list-unsubscribe", "list-unsubscribe-post"}, names)

        def record(name, timeout=5):
            return self.record.encode() if name == f"{RECORD_NAME}.".encode() else None

        self.assertTrue(dkim.verify(raw, dnsfunc=record))
        for old, new in [
            (b"One-Click", b"Two-Click"),
            (b"\r\nTo: ", b"\r\nFrom: <x@example.org>\r\nTo: "),
            (b"\r\nDate: T", b"\r\nSubject: more\r\nDate: T"),
            (b"\r\nDate: F", b"\r\nSubject: more\r\nDate: F"),
            (b"\r\nDate: W", b"\r\nSubject: more\r\nDate: W"),
            (b"\r\nDate: S", b"\r\nSubject: more\r\nDate: S"),
            (b"\r\nDate: M", b"\r\nSubject: more\r\nDate: M"),
        ]:
            if old in raw:
                self.assertFalse(dkim.verify(raw.replace(old, new, 1), dnsfunc=record), new)

    def test_only_an_ordinary_notice_offers_to_unsubscribe_and_only_a_post_does_it(self):
        channel = self.channel()
        self.send(channel, 77, "li@example.net")
        _, ordinary = self.parse(self.mail_to("li@example.net"))
        self.assertEqual(ordinary["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        link = ordinary["List-Unsubscribe"].strip("<>")
        self.assertTrue(link.startswith("https://huainan.example.org/hooks/mail/unsubscribe/"))
        self.send(channel, 78, "zhao@example.net", RED, lane="red")
        _, warning = self.parse(self.mail_to("zhao@example.net"))
        self.assertIsNone(warning["List-Unsubscribe"])
        self.assertIsNone(warning["List-Unsubscribe-Post"])
        path = link.removeprefix("https://huainan.example.org/hooks/mail")
        channel.tell(callback={"method": "GET", "path": path})
        self.assertIn("<form method=\"post\">", channel.wait("callback")["body"])
        self.assertEqual(channel.all("heard"), [])
        channel.tell(
            callback={"method": "POST", "path": path, "body": "List-Unsubscribe=One-Click"}
        )
        heard = channel.wait("heard")
        self.assertEqual((heard["delivery"], heard["because"]), (77, "opted_out"))

    def test_answers_of_the_server_mean_no_more_than_they_say(self):
        channel = self.channel()
        expected = [
            ("r-550-5.1.1", "invalid_endpoint", True),
            ("r-550", "invalid_endpoint", False),
            ("r-550-5.2.1", "invalid_endpoint", False),
            ("r-452-4.2.2", "retry_after", False),
            ("r-450-4.7.1", "retry_after", False),
            ("r-550-5.7.1", "permanent_config", False),
            ("d-554-5.7.1", "permanent_content", False),
            ("d-451-4.3.0", "retry_after", False),
            ("d-552-5.3.4", "permanent_content", False),
            ("kept", "accepted", False),
        ]
        for id, (local, outcome, certain) in enumerate(expected, 1):
            done = self.send(channel, id, f"{local}@example.net")
            self.assertEqual((done["outcome"], done["certain"]), (outcome, certain), (local, done))
            self.assertNotIn("example.net", done["reason"])

    def test_a_lost_answer_after_the_message_is_unknown(self):
        done = self.send(self.channel(), 1, "silent@example.net")
        self.assertEqual(done["outcome"], "unknown", done)
        self.assertTrue(self.mail_to("silent@example.net")["kept"])

    def test_a_wrong_password_and_a_closed_port_remove_no_mailbox(self):
        wrong = self.channel(password_file=str(self.path / "wrong"))
        self.assertEqual(self.send(wrong, 1, "wang@example.net")["outcome"], "permanent_config")
        closed = self.channel(url="smtp://localhost:1")
        done = self.send(closed, 1, "wang@example.net")
        self.assertEqual((done["outcome"], done["peer_fault"]), ("retry_after", True))

    def test_no_mailbox_or_title_starts_a_header_or_a_command(self):
        channel = self.channel()
        done = self.send(channel, 1, "a@example.net>\r\nRCPT TO:<b@example.net")
        self.assertEqual(done["outcome"], "invalid_endpoint")
        title = "water\r\nBcc: b@example.net\r\n\r\nhello"
        self.send(channel, 2, "chen@example.net", {**NOTICE, "title": title})
        _, parsed = self.parse(self.mail_to("chen@example.net"))
        self.assertIsNone(parsed["Bcc"])
        self.assertEqual(parsed["Subject"], "water Bcc: b@example.net hello")


if __name__ == "__main__":
    unittest.main(verbosity=2)
