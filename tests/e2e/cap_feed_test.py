# SPDX-License-Identifier: Apache-2.0
"""RAIN: from a feed of the weather service to a warning on a phone, and back."""

import datetime
import http.server
import threading

import harness
from harness import wait_for

APPROVER = "张书记"
SENDER = "weather@example.cn"
ZONE = datetime.timezone(datetime.timedelta(hours=8))


def cap(number, kind="Alert", colour="Red", refers="", status="Actual", sender=SENDER):
    """(identifier, document) of a rainstorm signal for 二七区."""
    now = datetime.datetime.now(ZONE).replace(microsecond=0)
    sent = now + datetime.timedelta(seconds=number)
    words = {"Red": ("红色", "Extreme"), "Orange": ("橙色", "Severe")}[colour]
    identifier = f"41010341600000_{sent:%Y%m%d%H%M%S}_{number}"
    references = f"<references>{refers}</references>" if refers else ""
    document = f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier>
<sender>{sender}</sender><sent>{sent.isoformat()}</sent><status>{status}</status>
<msgType>{kind}</msgType><scope>Public</scope>{references}
<info><language>zh-CN</language><category>Met</category><event>暴雨</event>
<urgency>Immediate</urgency><severity>{words[1]}</severity><certainty>Observed</certainty>
<effective>{sent.isoformat()}</effective>
<expires>{(now + datetime.timedelta(hours=6)).isoformat()}</expires>
<senderName>气象台</senderName><headline>气象台发布暴雨{words[0]}预警信号</headline>
<description>预计三小时降雨一百毫米以上。</description>
<area><areaDesc>二七区</areaDesc><geocode><valueName>CPEAS Geographic Code</valueName>
<value>410103000000</value></geocode></area></info></alert>"""
    return f"{sender},{identifier},{sent.isoformat()}", document


class Feed(http.server.ThreadingHTTPServer):
    """An Atom feed of whatever documents it holds."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.documents = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/feed"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        base = self.server.url[: -len("/feed")]
        if self.path == "/feed":
            entries = "".join(
                f"<entry><id>{n}</id><updated>2026-01-01T00:00:00Z</updated>"
                f'<link href="{base}/{n}"/></entry>'
                for n in range(len(self.server.documents))
            )
            text = f'<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id>{entries}</feed>'
        else:
            text = self.server.documents[int(self.path[1:])]
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class CapFeed(harness.WorldTest):
    people = 40
    feed = Feed()
    channels = f"""
[[feed]]
name = "weather"
url = "{feed.url}"
senders = ["{SENDER}"]
period_s = 1
"""

    @classmethod
    def tearDownClass(cls):
        cls.feed.shutdown()

    def warnings(self):
        return self.world.desk(APPROVER).get("/warnings")["items"]

    def one(self, is_it, what):
        return wait_for(lambda: next((w for w in self.warnings() if is_it(w)), None), what, 30)

    def test_RAIN_from_the_feed_to_the_phone_and_the_cancel_that_a_person_confirms(self):
        phone = self.world.phone(self.id())
        desk = self.world.desk(APPROVER)
        self.feed.documents.append("<alert><!DOCTYPE bomb></alert>")
        self.feed.documents.append(cap(1, status="Test")[1])
        self.feed.documents.append(cap(2, sender="forged@example.cn")[1])
        name, document = cap(3)
        self.feed.documents.append(document)
        warning = self.one(lambda w: w["colour"] == "red", "the draft")
        self.assertEqual(len(self.warnings()), 1, "a test and a forged one are none (RAIN-1, 2)")
        notice = warning["notice"]
        admin = desk.get(f"/notices/{notice}")
        self.assertEqual(admin["state"], "in_review", "a person decides (RAIN-7)")
        self.assertLessEqual(len(admin["content"]["action_line"]), 40, "RAIN-6")
        self.assertIn("红色", admin["content"]["title"])
        desk.post(
            f"/notices/{notice}/approve",
            {"fingerprint": admin["fingerprint"], "persons": self.count(admin)},
        )
        wait_for(lambda: desk.get(f"/notices/{notice}")["state"] == "sent", "the sending", 20)
        phone.sync()
        self.assertEqual(phone.notice(notice)["severity"], "red")

        self.feed.documents.append(cap(4, kind="Cancel", refers=name)[1])
        cancelled = self.one(lambda w: w["state"] == "over", "the cancel")
        self.assertEqual(cancelled["proposal"]["what"], "withdraw", "proposed, not done")
        self.assertEqual(desk.get(f"/notices/{notice}")["state"], "sent")
        desk.post(f"/notices/{notice}/withdraw", {"reason": "预警解除"})
        phone.sync()
        shown = phone.notice(notice)
        self.assertEqual((shown["state"], shown["alert"]), ("withdrawn", False), "RAIN-4")

    def count(self, admin):
        answer = self.world.desk(APPROVER).post(
            "/notices/audience-count", {"audience": admin["audience"]}
        )
        return answer["persons"]


if __name__ == "__main__":
    harness.main(__file__)
