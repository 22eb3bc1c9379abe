# SPDX-License-Identifier: Apache-2.0
"""The Web Push channel against a push service of http_ece and jose (peers/push_service.mjs)."""

import json
import ssl
import tempfile
import unittest
import urllib.request
from pathlib import Path

from _channel import HERE, Channel, JsonLines
from _tls import certificate, openssl

RED = {
    "notice": "0199a0b0c0d07e0f8111222233334444",
    "severity": "red",
    "title": "暴雨红色预警",
    "action_line": "今晚别出门，住一楼和地下室的请到社区服务中心二楼",
}


class WebPush(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = Path(cls.folder.name)
        cls.cert, cls.key = certificate(cls.path)
        for name in ("vapid.pem", "other.pem"):
            curve = ["ecparam", "-name", "prime256v1", "-genkey", "-noout"]
            openssl(*curve, "-out", cls.path / name)
        cls.service = JsonLines(["node", HERE / "peers/push_service.mjs", cls.cert, cls.key])
        cls.port = cls.service.wait("port")
        cls.context = ssl.create_default_context(cafile=cls.cert)

    @classmethod
    def tearDownClass(cls):
        cls.service.stop()
        cls.folder.cleanup()

    def channel(self, key="vapid.pem", **more):
        settings = {
            "key_file": str(self.path / key),
            "contact": "mailto:duty@huainan.example.org",
            "ca_file": str(self.cert),
            "services": ["localhost"],
            **more,
        }
        channel = Channel("webpush", settings, self.path, "--allow-private")
        self.addCleanup(channel.stop)
        return channel

    def control(self, what, **body):
        request = urllib.request.Request(
            f"https://localhost:{self.port}/control/{what}", json.dumps(body).encode()
        )
        with urllib.request.urlopen(request, timeout=10, context=self.context) as reply:
            return json.load(reply)

    def subscribe(self, name, channel):
        channel.tell(callback={"method": "GET", "path": "/key"})
        vapid = json.loads(channel.wait("callback")["body"])["key"]
        made = self.control("subscribe", name=name, vapid=vapid)
        keys = {"p256dh": made["p256dh"], "auth": made["auth"]}
        return {"medium": "webpush", "address": made["endpoint"], "params": keys}

    def pushes(self, name):
        return [line for line in list(self.service.said) if line.get("name") == name]

    def send(self, channel, id, to, message=None, **more):
        item = {"id": id, "to": to, "message": message or RED, "lane": "red", **more}
        channel.tell(submit=[item])
        return channel.done(id)

    def test_a_push_opens_in_the_browser_and_our_signature_is_verified(self):
        channel = self.channel()
        to = self.subscribe("anna", channel)
        done = self.send(channel, 1, to)
        self.assertEqual(done["outcome"], "accepted", self.pushes("anna"))
        push = self.pushes("anna")[0]
        self.assertIsNone(push["fault"])
        payload = json.loads(push["text"])
        self.assertEqual(payload["title"], RED["title"])
        self.assertEqual(payload["line"], RED["action_line"])
        self.assertEqual(payload["id"], RED["notice"])
        self.assertEqual(payload["tag"], RED["notice"])
        self.assertFalse(payload["silent"])
        self.assertEqual(push["headers"]["urgency"], "high")
        self.assertAlmostEqual(int(push["headers"]["ttl"]), 3600, delta=30)

    def test_every_push_has_its_own_key_and_salt_and_the_token_is_reused(self):
        channel = self.channel()
        to = self.subscribe("burst", channel)
        for id in range(1, 6):
            self.assertEqual(self.send(channel, id, to)["outcome"], "accepted")
        seen = self.pushes("burst")
        self.assertEqual(len({push["sender"] for push in seen}), 5)
        self.assertEqual(len({push["salt"] for push in seen}), 5)
        self.assertEqual(len({push["headers"]["authorization"] for push in seen}), 1)
        self.assertEqual(len({push["headers"]["topic"] for push in seen}), 1)

    def test_the_largest_payload_is_taken_and_a_long_title_is_cut_between_characters(self):
        channel = self.channel()
        to = self.subscribe("long", channel)
        done = self.send(channel, 1, to, {**RED, "title": "暴雨" * 3000})
        self.assertEqual(done["outcome"], "accepted")
        push = self.pushes("long")[0]
        self.assertLessEqual(push["bytes"], 4096)
        self.assertGreater(push["bytes"], 4080)
        title = json.loads(push["text"])["title"]
        self.assertTrue(title.endswith("…"))
        self.assertEqual(set(title) - {"…"}, {"暴", "雨"})

    def test_answers_of_the_service_remove_only_who_is_gone(self):
        channel = self.channel()
        expected = [
            (410, {}, "invalid_endpoint"),
            (404, {}, "invalid_endpoint"),
            (400, {}, "permanent_content"),
            (413, {}, "permanent_content"),
            (429, {"retry-after": "77"}, "throttled"),
            (500, {}, "retry_after"),
            (503, {"retry-after": "5"}, "retry_after"),
            (307, {"location": "https://localhost/elsewhere"}, "retry_after"),
            (403, {}, "retry_after"),
            (202, {}, "accepted"),
            (403, {}, "permanent_content"),
        ]
        to = self.subscribe("script", channel)
        answers = [{"status": status, "headers": headers} for status, headers, _ in expected]
        self.control("script", name="script", answers=answers)
        for id, (status, headers, outcome) in enumerate(expected, 1):
            done = self.send(channel, id, to)
            self.assertEqual(done["outcome"], outcome, status)
            self.assertEqual(done["certain"], outcome == "invalid_endpoint", status)
            self.assertEqual(done["wait_ms"], 1000 * int(headers.get("retry-after", 0)), status)

    def test_a_wrong_vapid_key_a_storm_of_500_and_no_dns_remove_no_endpoint_G6(self):
        channel = self.channel()
        to = self.subscribe("storm", channel)
        self.control("script", name="storm", answers=[{"status": 500}] * 50)
        ended = [self.send(channel, id, to) for id in range(1, 51)]
        wrong = self.channel(key="other.pem")
        others = [self.subscribe(f"storm{number}", channel) for number in range(3)]
        ended += [self.send(wrong, id, others[id % 3]) for id in range(100, 120)]
        away = {**to, "address": "https://no-such-host.invalid/send/storm"}
        ended += [self.send(channel, id, away) for id in range(200, 205)]
        closed = {**to, "address": "https://localhost:1/send/storm"}
        ended += [self.send(channel, id, closed) for id in range(300, 305)]
        self.assertEqual(len(ended), 80)
        for done in ended:
            self.assertNotIn(done["outcome"], ("invalid_endpoint", "opted_out", "accepted"))
            self.assertFalse(done["certain"])
        self.assertEqual(ended[50]["outcome"], "retry_after", "one endpoint stops nothing")
        self.assertEqual(ended[60]["outcome"], "permanent_config", "three different ones do")
        self.assertIn("another key", [push.get("fault") for push in self.pushes("storm0")])

    def test_an_endpoint_that_points_inwards_is_not_called(self):
        settings = {
            "key_file": str(self.path / "vapid.pem"),
            "contact": "mailto:duty@huainan.example.org",
            "ca_file": str(self.cert),
        }
        with Channel("webpush", settings, self.path) as guarded:
            to = self.subscribe("inward", guarded)
            done = self.send(guarded, 1, to)
        self.assertEqual(done["outcome"], "retry_after")
        self.assertEqual(self.pushes("inward"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
