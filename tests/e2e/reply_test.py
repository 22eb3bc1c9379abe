# SPDX-License-Identifier: Apache-2.0
"""What a resident writes back to an SMS that went out by HTTP: from the provider's web hook to the
funnel. The provider is played: it takes what the profile sends and pushes as its page says."""

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import harness
from harness import wait_for

WINDOW = "孙浩"
PROFILE = Path(__file__).resolve().parents[2] / "config/providers/aliyun_sms.json"


class Provider(ThreadingHTTPServer):
    """Takes every message; `sent` holds (number, template variables)."""

    def __init__(self):
        self.sent = []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):  # noqa: N802
        query = parse_qs(urlsplit(self.path).query)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.sent.append((query["PhoneNumbers"][0], json.loads(query["TemplateParam"][0])))
        body = json.dumps({"Code": "OK", "BizId": f"b{len(self.server.sent)}"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def channels(port):
    return f"""
[[channel]]
name = "sms"
kind = "http"
profile = "{PROFILE}"
endpoint = "http://127.0.0.1:{port}"
access_key_id = "id"
access_key_secret = "secret"
sign_name = "淮南社区"
hook_secret = "hook-7"
replies = true
rate = 500

[[channel.templates]]
id = "SMS_1"
categories = ["weather"]
text = "${{title}}。${{ask}}"
variables = [
  {{name = "title", value = "{{{{title}}}}", max = 35}},
  {{name = "ask", value = "{{{{reply}}}}", max = 35, empty = "详询社区"}},
]
"""


class Replies(harness.WorldTest):
    people = 20

    @classmethod
    def setUpClass(cls):
        cls.provider = Provider()
        cls.addClassCleanup(cls.provider.server_close)
        cls.addClassCleanup(cls.provider.shutdown)
        cls.channels = channels(cls.provider.server_port)
        super().setUpClass()

    def push(self, *messages, key="hook-7"):
        """(status, body) of the provider's push of SmsUp."""
        url = f"{self.world.origin}/c/huainan/hooks/sms?key={key}"
        body = json.dumps(messages, ensure_ascii=False).encode()
        request = urllib.request.Request(url, data=body, method="POST")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def person(self, number):
        home, person = self.world.household()
        self.world.desk(WINDOW).post("/persons", {"id": person, "phone": number})
        return person

    def test_M21_an_answer_by_the_providers_web_hook_counts_once(self):
        person = self.person("13800000901")
        other = self.person("13800000902")
        notice = self.world.send("红色暴雨 回复", severity="red", needs_ack=True)
        wait_for(lambda: {n for n, _ in self.provider.sent} >= {"13800000901", "13800000902"},
                 "the messages", 30)
        asked = dict(self.provider.sent)["13800000901"]
        self.assertEqual(asked["ask"], "回复1=已知 2=需要帮助 3=在外地")

        said = {"phone_number": "13800000901", "content": "１", "dest_code": "1234",
                "sequence_id": "1"}
        status, _ = self.push(said, key="wrong")
        self.assertEqual(status, 401)
        self.assertEqual(self.world.reach(notice)["ok"], 0)
        for _ in range(2):
            self.assertEqual(self.push(said), (200, {"code": 0, "msg": "接收成功"}))
        wait_for(lambda: self.world.reach(notice)["ok"] == 1, "the answer to count", 20)
        help_wanted = {"phone_number": "+8613800000902", "content": "2", "sequence_id": "2"}
        self.assertEqual(self.push(help_wanted)[0], 200)
        wait_for(lambda: self.world.reach(notice)["help"] == 1, "the call for help", 20)
        self.assertEqual(self.world.reach(notice)["ok"], 1)
        rows = self.world.rows("ack")
        self.assertEqual(rows[f"{notice}:{person}"]["choice"], "ok")
        self.assertEqual(rows[f"{notice}:{other}"]["choice"], "help")
        self.assertNotIn("13800000901", self.world.server.text(), "never in the log")


if __name__ == "__main__":
    harness.main(__file__)
