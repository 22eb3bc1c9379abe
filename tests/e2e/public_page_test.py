#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What people without enrolment see (F9), and the key with which browsers subscribe to Web Push."""

import base64
import http.client
import json
import subprocess
import unittest

import feedparser
import harness
from harness import wait_for

CHANNELS = """
[[channel]]
name = "push"
kind = "webpush"
key_file = "@FOLDER@/vapid.pem"
contact = "mailto:office@linli.example"
"""


class PublicPage(harness.WorldTest):
    people = 20

    def get(self, path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.world.server.port, timeout=10)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def page(self):
        return self.get("/c/huainan/public")[2].decode()

    def test_shows_what_is_out_for_everybody_and_only_that(self):
        self.world.send("全社区停水")
        self.world.send("只给一网格", areas=("g1",))
        self.world.send("红色暴雨", severity="red", action_line="<上二楼>")
        wait_for(lambda: "全社区停水" in self.page() and "红色暴雨" in self.page(), "the page", 15)
        page = self.page()
        self.assertNotIn("只给一网格", page)
        self.assertIn("&lt;上二楼&gt;", page)
        self.assertLess(page.index("红色暴雨"), page.index("全社区停水"))
        self.assertEqual(self.get("/")[2].decode(), page)
        status, headers, body = self.get("/c/huainan/api/v1/public/notices")
        self.assertEqual((status, headers["cache-control"]), (200, "public, max-age=10"))
        titles = [notice["title"] for notice in json.loads(body)["items"]]
        self.assertEqual(titles[0], "红色暴雨")
        self.assertIn("全社区停水", titles)
        self.assertNotIn("只给一网格", titles)
        status, headers, body = self.get("/c/huainan/public/atom.xml")
        feed = feedparser.parse(body)
        self.assertFalse(feed.bozo, feed.get("bozo_exception"))
        titles = [entry.title for entry in feed.entries]
        self.assertIn("全社区停水", titles)
        self.assertNotIn("只给一网格", titles)
        self.assertEqual(
            self.get("/c/huainan/public/atom.xml", **{"If-None-Match": headers["etag"]})[0], 304
        )

    def test_a_withdrawn_notice_leaves_the_page(self):
        notice = self.world.send("写错了的通知")
        wait_for(lambda: "写错了的通知" in self.page(), "the page", 15)
        self.world.desk("张书记").post(f"/notices/{notice}/withdraw", {"reason": "写错了"})
        wait_for(lambda: "写错了的通知" not in self.page(), "the page without it", 15)


class PushKey(harness.WorldTest):
    people = 20
    channels = CHANNELS

    @classmethod
    def setUpClass(cls):
        # The key has to lie there before the server starts.
        plain = harness.World._config

        def with_key(world, port):
            key = world.folder / "vapid.pem"
            if not key.exists():
                subprocess.run(
                    ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key],
                    check=True,
                )
                key.chmod(0o600)
            return plain(world, port)

        harness.World._config = with_key
        try:
            super().setUpClass()
        finally:
            harness.World._config = plain

    def test_the_key_is_an_uncompressed_point_and_the_owner_subscribes_with_it(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.world.server.port, timeout=10)
        connection.request("GET", "/c/huainan/api/v1/push-key")
        key = json.loads(connection.getresponse().read())["key"]
        connection.close()
        raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
        self.assertEqual((len(raw), raw[0]), (65, 4))
        phone = self.world.resident()
        subscription = {
            "person": phone.person,
            "medium": "webpush",
            "address": "https://push.example/abc",
            "params": {"p256dh": key, "auth": "AAAAAAAAAAAAAAAAAAAAAA"},
        }
        peer = harness.Peer(phone).caught_up()
        peer.push(1, (1, "endpoint.put", subscription))
        self.assertEqual(peer.result(1, 1)["st"], "ok", peer.result(1, 1))
        known = self.world.rows("endpoint")
        self.assertEqual([row["person"] for row in known.values()], [phone.person])
        stranger = harness.Peer(self.world.resident()).caught_up()
        stranger.push(1, (1, "endpoint.put", subscription))
        self.assertEqual(stranger.result(1, 1)["st"], "rejected", "only for oneself")
        peer.push(1, (2, "endpoint.remove", {k: subscription[k] for k in ("person", "address")}))
        self.assertEqual(peer.result(1, 2)["st"], "ok")
        self.assertEqual(self.world.rows("endpoint"), {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
