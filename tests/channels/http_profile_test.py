# SPDX-License-Identifier: Apache-2.0
"""The HTTP channel by a profile against Kannel, with npm `smpp` as the message centre behind it,
and the exec channel with a small program."""

import threading
import unittest
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

from _channel import HERE, ROOT, Channel, Folder, seconds, wait_for
from smpp_test import Kannel, smsc

TO = {"medium": "sms", "address": "+8613800000007"}
SECRET = "hook7"


class Hook:
    """Where Kannel brings receipts: hands them to the channel as linlid would."""

    def __init__(self, channel):
        hook = self
        self.statuses = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                url = urllib.parse.urlsplit(self.path)
                pairs = urllib.parse.parse_qsl(url.query, keep_blank_values=True)
                count = len(channel.all("callback")) + 1
                channel.tell(
                    callback={
                        "method": "GET",
                        "path": url.path,
                        "query": [list(pair) for pair in pairs],
                        "headers": {},
                        "body": "",
                    }
                )
                answer = channel.wait("callback", count)
                hook.statuses.append(answer)
                self.send_response(answer.get("status", 400))
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(seconds(5))


class KannelProfile(unittest.TestCase):
    def setUp(self):
        self.folder = Folder("http-profile")
        self.addCleanup(self.folder.remove)
        self.smsc = smsc()
        self.addCleanup(self.smsc.stop)
        self.kannel = Kannel(self.folder.path, self.smsc.wait("port"))
        self.addCleanup(self.kannel.stop)
        self.smsc.wait("bind", limit=30)

    def channel(self, **settings):
        password = self.folder.path / "password"
        password.write_text("secret\n")
        channel = Channel(
            "http",
            {
                "profile": str(ROOT / "config/providers/kannel_sendsms.json"),
                "endpoint": f"http://127.0.0.1:{self.kannel.sendsms}",
                "username": "linli",
                "password_file": str(password),
                "from": "10690000",
                "signature": "【淮南社区】",
                "hook_secret": SECRET,
                **settings,
            },
            self.folder.path,
        )
        self.addCleanup(channel.stop)
        return channel

    def test_a_red_warning_arrives_at_the_message_centre_as_written(self):
        channel = self.channel()
        title = "暴雨红色预警 & 100%?"
        channel.submit(1, TO, title, lane="red")
        self.assertEqual(channel.done(1)["outcome"], "accepted")
        seen = self.smsc.wait("submit", limit=20)
        self.assertEqual(seen["destination"].lstrip("+"), "8613800000007")
        self.assertEqual(seen["data_coding"] & 0x0C, 8)
        self.assertEqual(seen["text"], "【淮南社区】" + title)

    def test_a_receipt_comes_back_and_a_stranger_is_refused(self):
        channel = self.channel()
        with Hook(channel) as hook:
            # The address is known only now: a second channel sends with it.
            sender = self.channel(
                receipts_url=f"http://127.0.0.1:{hook.server.server_port}/hook/sms"
            )
            sender.submit(42, TO, "停水")
            self.assertEqual(sender.done(42)["outcome"], "accepted")
            self.smsc.wait("submit", limit=20)
            self.smsc.tell(
                deliver={
                    "source_addr": "8613800000007",
                    "source_addr_ton": 1,
                    "destination_addr": "10690000",
                    "esm_class": 4,
                    "short_message": "id:m1 sub:001 dlvrd:001 submit date:2611252200 "
                    "done date:2611252201 stat:DELIVRD err:000 text:",
                }
            )
            # Kannel first reports that the message centre took it (8), then the delivery (1).
            wait_for(
                lambda: [h for h in channel.all("heard") if h["state"] == "delivered"],
                f"a receipt, said: {channel.said}",
                20,
            )
        heard = [h for h in channel.all("heard") if h["state"] == "delivered"][0]
        self.assertEqual(heard["delivery"], 42)
        self.assertTrue(all(answer["status"] == 202 for answer in hook.statuses))
        channel.tell(
            callback={
                "method": "GET",
                "path": "",
                "query": [["key", "wrong"], ["delivery", "42"], ["state", "2"]],
                "headers": {},
                "body": "",
            }
        )
        refused = channel.wait("callback", len(hook.statuses) + 1)
        self.assertEqual(refused["error"], "unauthenticated")

    def test_a_wrong_password_and_a_gateway_that_is_gone(self):
        wrong = self.folder.path / "wrong"
        wrong.write_text("other\n")
        channel = self.channel(password_file=str(wrong))
        channel.submit(1, TO, "停水")
        self.assertEqual(channel.done(1)["outcome"], "permanent_config")
        self.assertEqual(channel.health()["state"], "down")
        self.kannel.stop()
        channel.submit(2, TO, "停水")
        done = channel.done(2)
        self.assertEqual((done["outcome"], done["reason"]), ("retry_after", "connect"))
        self.assertEqual(self.smsc.all("submit"), [])


class Exec(unittest.TestCase):
    def setUp(self):
        self.folder = Folder("exec")
        self.addCleanup(self.folder.remove)
        self.channel = Channel(
            "exec",
            {
                "program": ["/usr/bin/python3", str(HERE / "peers" / "exec_program.py")],
                "medium": "sms",
                "receipts": True,
                "timeout_s": 1,
            },
            self.folder.path,
        )
        self.addCleanup(self.channel.stop)

    def send(self, id, title):
        self.channel.submit(id, TO, title)
        return self.channel.done(id)

    def test_outcomes_receipts_noise_and_silence(self):
        self.assertEqual(self.send(1, "hello")["provider_ids"], ["p1"])
        self.assertEqual(self.channel.wait("heard")["provider_id"], "p1")
        self.assertEqual(self.send(2, "refuse")["outcome"], "opted_out")
        self.assertEqual(self.send(3, "noise")["outcome"], "accepted")
        silent = self.send(4, "silent")
        self.assertEqual((silent["outcome"], silent["reason"]), ("unknown", "timed_out"))
        self.assertEqual(self.send(5, "again")["outcome"], "accepted")

    def test_a_late_yes_is_a_receipt(self):
        self.assertEqual(self.send(1, "slow")["outcome"], "unknown")
        wait_for(
            lambda: [h for h in self.channel.all("heard") if h["delivery"] == 1],
            f"the late answer, said: {self.channel.said}",
            10,
        )

    def test_the_program_exits_and_is_started_again(self):
        self.assertEqual(self.send(1, "exit")["outcome"], "unknown")
        held = self.send(2, "hello")
        self.assertEqual(held["outcome"], "retry_after")
        self.assertGreater(held["wait_ms"], 0)
        ids = iter(range(3, 1000))
        wait_for(lambda: self.send(next(ids), "hello")["outcome"] == "accepted", "a restart", 10)


if __name__ == "__main__":
    unittest.main()
