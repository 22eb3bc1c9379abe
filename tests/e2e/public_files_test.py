# SPDX-License-Identifier: Apache-2.0
"""What others may fetch without enrolment: our warnings as signed CAP with their feeds, and the
events as a calendar. Read by xmllint, xmlsec1, feedparser and a parser of iCalendar lines."""

import datetime
import os
import subprocess
import urllib.request

import feedparser
import harness
from harness import wait_for

APPROVER = "张书记"
HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA = os.path.join(HERE, "..", "..", "config", "cap", "CAP-v1.2.xsd")


def make_key(folder):
    """(key file, certificate file) of a community that signs."""
    key, certificate = folder / "cap.key", folder / "cap.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
         "/CN=huainan.example.cn", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True)
    os.chmod(key, 0o600)
    return key, certificate


class PublicFiles(harness.WorldTest):
    people = 20
    keys = harness.Folder("cap-key")
    key, certificate = make_key(keys)
    channels = f"""
[publish]
sender = "huainan.example.cn"
key = "{key}"
certificate = "{certificate}"
"""

    @classmethod
    def tearDownClass(cls):
        cls.keys.remove()

    def url(self, name):
        return f"{self.world.origin}/c/huainan/public/{name}"

    def fetch(self, name):
        with urllib.request.urlopen(self.url(name), timeout=15) as answer:
            return answer.headers["Content-Type"], answer.read()

    def items(self):
        return feedparser.parse(self.fetch("cap/rss.xml")[1]).entries

    def test_RAIN_14_a_public_warning_is_a_signed_cap_and_its_end_is_one_too(self):
        before = len(self.items())
        notice = self.world.send("红色暴雨 公开", severity="red", action_line="今晚别出门")
        wait_for(lambda: len(self.items()) == before + 1, "the item of the feed", 20)
        link = self.items()[0].link
        kind, document = self.fetch(link.split("/public/")[1])
        self.assertTrue(kind.startswith("application/cap+xml"))
        file = self.world.folder / "alert.xml"
        file.write_bytes(document)
        subprocess.run(["xmllint", "--nonet", "--noout", "--schema", SCHEMA, str(file)],
                       check=True, capture_output=True)
        subprocess.run(["xmlsec1", "--verify", "--trusted-pem", str(self.certificate), str(file)],
                       check=True, capture_output=True)
        self.assertIn("今晚别出门", document.decode())
        self.assertIn("<msgType>Alert</msgType>", document.decode())
        self.world.desk(APPROVER).post(f"/notices/{notice}/withdraw", {"reason": "解除"})
        wait_for(lambda: len(self.items()) == before + 2, "the Cancel", 20)
        _, cancel = self.fetch(self.items()[0].link.split("/public/")[1])
        self.assertIn("<msgType>Cancel</msgType>", cancel.decode())
        self.assertIn("<references>", cancel.decode())
        # A restart publishes nothing again.
        self.world.server.kill()
        self.world.server.start()
        self.assertEqual(len(self.items()), before + 2)
        self.assertEqual(harness.get(self.url("cap/nothing.xml"))[0], 404)

    def test_what_is_not_for_everybody_is_not_published(self):
        before = len(self.items())
        self.world.send("红色暴雨 一格", areas=("g1",), severity="red", action_line="上二楼")
        self.world.send("普通通知")
        notice = self.world.send("红色暴雨 全体", severity="red", action_line="上二楼")
        wait_for(lambda: len(self.items()) == before + 1, "the one for everybody", 20)
        self.assertIn("全体", self.items()[0].title)
        self.world.desk(APPROVER).post(f"/notices/{notice}/withdraw", {"reason": "解除"})

    def test_events_are_a_calendar(self):
        start = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        start += datetime.timedelta(days=3)
        end = start + datetime.timedelta(hours=2)
        self.world.send("周三健身课", category="events", body="一楼，\n请带毛巾；免费",
                        valid_from=int(start.timestamp() * 1000),
                        valid_to=int(end.timestamp() * 1000))
        kind, text = self.fetch("events.ics")
        self.assertTrue(kind.startswith("text/calendar"))
        lines = text.decode().replace("\r\n ", "").split("\r\n")
        self.assertEqual((lines[0], lines[-2:]), ("BEGIN:VCALENDAR", ["END:VCALENDAR", ""]))
        event = dict(line.split(":", 1) for line in lines if ":" in line)
        self.assertEqual(event["SUMMARY"], "周三健身课")
        self.assertEqual(event["DTSTART"], start.strftime("%Y%m%dT%H%M%SZ"))
        self.assertEqual(event["DTEND"], end.strftime("%Y%m%dT%H%M%SZ"))
        self.assertEqual(event["DESCRIPTION"], "一楼，\\n请带毛巾；免费")
        self.assertIn("UID", event)


if __name__ == "__main__":
    harness.main(__file__)
