# SPDX-License-Identifier: Apache-2.0
"""RAIN-40: a red rainstorm, from the feed of the weather service to the last unreached elder.

40 people live in two grids of their own. Orange, red five times, an Update for a smaller area, a
Cancel; an Exercise and a forged sender in between. The ladders are those of a drill: seconds where
the shipped ones have minutes. What the funnel has to say is tests/e2e/rain40_fixture.json.
"""

import datetime
import json
import os
import threading
import unittest

import harness
from cap_feed_test import Feed
from harness import Desk, wait_for

APPROVER, WINDOW, ADMIN = "张书记", "孙浩", "小冯"
SENDER = "41010341600000@weather.example.cn"
ZONE = datetime.timezone(datetime.timedelta(hours=8))
HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "harness", "sms_program.py")
with open(os.path.join(HERE, "rain40_fixture.json"), encoding="utf-8") as fixture:
    FIXTURE = json.load(fixture)

# Squares of a kilometre, one for each grid, and what the messages draw around them.
GRIDS = {"r1": (34.70, 113.60), "r2": (34.70, 113.70)}
WORDS = {"Orange": ("橙色", "Severe"), "Red": ("红色", "Extreme")}
LADDER = [
    {"after_s": 0, "media": ["webpush", "vendor_push"]},
    {"after_s": 1, "media": ["sms", "wechat"]},
    {"after_s": 3, "media": ["sms"], "is_repeat": True},
    {"after_s": 5, "media": ["sms"], "to_helpers": True},
    {"after_s": 6, "media": ["knock"]},
]


def escalation():
    shipped = os.path.join(HERE, "..", "..", "config", "escalation.json")
    with open(shipped, encoding="utf-8") as file:
        policies = json.load(file)
    for name in ("red", "orange"):
        policies["policies"][name]["rungs"] = LADDER
    return policies


def square(corner, grow=0.0):
    lat, lon = corner
    points = [(lat - grow, lon - grow), (lat + 0.01 + grow, lon - grow),
              (lat + 0.01 + grow, lon + 0.01 + grow), (lat - grow, lon + 0.01 + grow)]
    return [list(point) for point in points]


class Messages:
    """CAP documents of one sender; each later than the one before."""

    def __init__(self):
        self.count = 0

    def make(self, kind="Alert", colour="Red", grids=("r1", "r2"), refers="", **more):
        self.count += 1
        now = datetime.datetime.now(ZONE).replace(microsecond=0)
        now -= datetime.timedelta(hours=more.get("hours_ago", 0))
        sent = now + datetime.timedelta(seconds=self.count)
        identifier = f"41010341600000_{sent:%Y%m%d%H%M%S}_0"
        sender = more.get("sender", SENDER)
        word, severity = WORDS[colour]
        areas = "".join(
            "<area><areaDesc>试验网格</areaDesc><polygon>" +
            " ".join(f"{lat:.4f},{lon:.4f}"
                     for lat, lon in square(GRIDS[g], 0.002) + square(GRIDS[g], 0.002)[:1]) +
            "</polygon></area>" for g in grids)
        references = f"<references>{refers}</references>" if refers else ""
        expires = now + datetime.timedelta(hours=6)
        document = f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier>
<sender>{sender}</sender><sent>{sent.isoformat()}</sent>
<status>{more.get("status", "Actual")}</status>
<msgType>{kind}</msgType><scope>Public</scope>{references}
<info><language>zh-CN</language><category>Met</category><event>{more.get("event", "暴雨")}</event>
<urgency>Immediate</urgency><severity>{severity}</severity><certainty>Observed</certainty>
<effective>{sent.isoformat()}</effective><expires>{expires.isoformat()}</expires>
<senderName>气象台</senderName><headline>气象台发布暴雨{word}预警信号</headline>
<description>预计三小时降雨一百毫米以上。</description>
<instruction>{FIXTURE["action_line"]}</instruction>{areas}</info></alert>"""
        return f"{sender},{identifier},{sent.isoformat()}", document


class Rain40(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.feed = Feed()
        cls.addClassCleanup(cls.feed.shutdown)
        cls.world = harness.World("rain40", people=20, escalation=escalation(), channels=f"""
[[channel]]
name = "sms"
kind = "exec"
medium = "sms"
program = ["/usr/bin/python3", "{PROGRAM}", "@FOLDER@/sms.log"]
receipts = true
rate = 500

[[feed]]
name = "weather"
url = "{cls.feed.url}"
senders = ["{SENDER}"]
period_s = 1
""")
        cls.addClassCleanup(cls.world.close)
        cls.messages = Messages()
        cls.settle()

    # --- The place and its people ----------------------------------------------------------------

    @classmethod
    def settle(cls):
        world, admin = cls.world, cls.world.desk(ADMIN)
        for grid, corner in GRIDS.items():
            node = {"id": grid, "kind": "grid", "parent": "hn", "name": f"试验{grid}"}
            admin.post("/areas", node)
            admin.post(f"/areas/{grid}/outline", {"polygon": square(corner)})
        wanted = FIXTURE["people"]
        cls.phones = [world.resident("r1") for _ in range(
            wanted["acknowledge"] + wanted["ask_for_help"] + wanted["phones_that_return"] +
            wanted["phones_that_stay_away"])]
        cls.sms = [f"1200000{n:04d}" for n in range(700, 700 + wanted["sms_unanswered"])]
        for number in cls.sms:
            cls.person(number)
        cls.landlines = [cls.person(landline=f"0371-600{n:04d}", area="r2")
                         for n in range(wanted["landline"] - 1)]
        cls.wang = cls.person(landline="0371-6009999", area="r2", birth_year=1943,
                              living_alone=True, keyholder="赵师傅", neighbour="赵师傅")
        cls.nothing = [cls.person(area="r2") for _ in range(wanted["nothing"])]
        # The watcher reads the outlines when it starts, and every minute.
        world.server.terminate()
        world.server.start()

    @classmethod
    def person(cls, phone="", area="r1", **more):
        desk = cls.world.desk(WINDOW)
        _, person = cls.world.household(area)
        desk.post("/persons", {"id": person, "phone": phone, **more} if phone
                  else {"id": person, **more})
        return person

    # --- Looks ----------------------------------------------------------------------------------

    def desk(self, name=APPROVER):
        return self.world.desk(name)

    def warnings(self):
        return self.desk().get("/warnings")["items"]

    def incident(self):
        real = [w for w in self.warnings() if not w.get("drill")]
        self.assertLessEqual(len(real), 1, "RAIN-3: one incident, whatever comes")
        return real[0] if real else None

    def proposal(self, is_it, what):
        return wait_for(lambda: (lambda p: p if p and is_it(p) else None)(
            self.incident().get("proposal")), what, 30)

    def funnel(self, notice):
        total = self.world.reach(notice)
        states = {name: count for name, count in total.items() if name != "audience"}
        self.assertEqual(sum(states.values()), total["audience"], "RAIN-13: it always sums")
        return total

    def sent(self, notice):
        """What the provider was given of it; notices of the demo go out beside it."""
        lines = (self.world.folder / "sms.log").read_text().splitlines()
        items = [json.loads(line) for line in lines]
        return [i for i in items if i["message"]["notice"] == notice]

    def numbers(self, notice, *purposes):
        return {i["to"]["address"] for i in self.sent(notice)
                if not purposes or i["message"]["purpose"] in purposes}

    def answer(self, identity, notice, choice):
        desk = Desk(identity)
        desk.post(f"/notices/{notice}/acknowledge",
                  {"notice": notice, "person": identity.person, "choice": choice})

    # --- The script ------------------------------------------------------------------------------

    def test_RAIN_1_to_13_from_the_feed_to_the_last_unreached_elder(self):
        notice = self.orange()
        self.red_five_times(notice)
        self.people_answer(notice)
        self.last_elder(notice)
        self.smaller_area(notice)
        self.cancel(notice)

    def orange(self):
        documents = self.feed.documents
        documents.append("<alert><!DOCTYPE bomb [<!ENTITY a 'b'>]></alert>")
        documents.append(self.messages.make(sender="forged@example.cn")[1])
        documents.append(self.messages.make(status="Test")[1])
        # RAIN-14: over before it came.
        documents.append(self.messages.make(hours_ago=7, event="大风")[1])
        self.orange_name, document = self.messages.make(colour="Orange")
        documents.append(document)
        warning = wait_for(self.incident, "the draft", 30)
        self.assertEqual((warning["colour"], warning["signal_no"]), ("orange", 1))
        self.assertEqual(set(warning["places"]), set(GRIDS), "RAIN-5: these and no others")
        notice = warning["notice"]
        admin = self.desk().get(f"/notices/{notice}")
        self.assertEqual(admin["state"], "in_review", "RAIN-7: a person decides")
        self.assertEqual(admin["content"]["action_line"], FIXTURE["action_line"], "RAIN-6")
        persons = self.desk().post("/notices/audience-count", {"audience": admin["audience"]})
        self.assertEqual(persons["persons"], FIXTURE["funnel"]["audience"])
        self.desk().post(f"/notices/{notice}/approve",
                         {"fingerprint": admin["fingerprint"], "persons": persons["persons"]})
        wait_for(lambda: self.world._is_out(notice), "the sending", 20)
        return notice

    def red_five_times(self, notice):
        self.feed.documents.append(self.messages.make(status="Exercise")[1])
        self.names = [self.orange_name]
        for number in range(1, 6):
            name, document = self.messages.make()
            self.names.append(name)
            self.feed.documents.append(document)
            proposal = self.proposal(
                lambda p, n=number: p.get("severity") == "red" and
                (n == 1 or f"第{n}次" in p.get("title", "")), f"red signal {number}")
            self.desk().post(f"/notices/{notice}/correct",
                             {key: proposal[key] for key in ("title", "severity", "action_line",
                                                             "body") if key in proposal})
            wait_for(lambda: "sending" not in self.desk().reach(notice), "the new question", 20)
        self.assertIn("第5次", self.desk().get(f"/notices/{notice}")["content"]["title"], "RAIN-3")
        drills = [w for w in self.warnings() if w.get("drill")]
        self.assertEqual(len(drills), 1, "RAIN-2: the Exercise is a drill of its own")
        self.assertNotIn(self.desk().get(f"/notices/{drills[0]['notice']}")["state"],
                         ("sent", "corrected"), "and reaches nobody by itself")

    def people_answer(self, notice):
        wanted = FIXTURE["people"]
        at_once = self.phones[:wanted["acknowledge"] + wanted["ask_for_help"]]
        threads = [threading.Thread(target=self.answer, args=(
            phone, notice, "help" if n < wanted["ask_for_help"] else "ok"))
            for n, phone in enumerate(at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        wait_for(lambda: self.funnel(notice)["delivered"] == wanted["sms_unanswered"],
                 "RAIN-9: SMS to whom the app does not reach", 60)
        self.assertEqual(self.numbers(notice), set(self.sms), "these and nobody else")
        for phone in self.phones[len(at_once):][:wanted["phones_that_return"]]:
            self.answer(phone, notice, "ok")
        self.assertEqual(self.funnel(notice)["help"], wanted["ask_for_help"], "RAIN-10")

    def tasks(self, notice):
        return {t["person"]: t for t in self.desk().get("/tasks")["tasks"]
                if t["notice"] == notice}

    def last_elder(self, notice):
        unanswered = {p["person"] for p in
                      self.desk(WINDOW).get(f"/notices/{notice}/unreached")["items"]}
        self.assertIn(self.wang, unanswered)
        knocks = wait_for(lambda: (lambda t: t if unanswered <= set(t) else None)(
            self.tasks(notice)), "RAIN-9: a knock for everybody who did not answer", 60)
        self.assertEqual(knocks[self.wang]["why"], "parallel", "at once, not at the end")
        for person in unanswered:
            self.assertIn(knocks[person]["owner"], ("grid", "lead", "desk"), "RAIN-12")
            self.assertGreater(knocks[person]["next_at"], 0, "RAIN-12: an owner and a next time")
        task = knocks[self.wang]["id"]
        for visit in range(2):
            answer = self.desk(WINDOW).post(f"/tasks/{task}/visit", {"outcome": "no_answer"})
            self.assertEqual(answer["state"], "no_answer" if visit == 0 else "handed_on")
        self.assertEqual(self.tasks(notice)[self.wang]["owner"], "lead", "RAIN-12: 无人应答 twice")
        self.assertEqual(self.funnel(notice)["no_app"], len(self.landlines) + 1)
        self.desk(WINDOW).post(f"/tasks/{task}/visit",
                               {"outcome": "told", "note": "邻居赵师傅拿钥匙开门，当面告知"})
        self.assertNotIn(self.wang, self.tasks(notice))
        self.assertEqual(self.funnel(notice), FIXTURE["funnel"], "RAIN-13")

    def smaller_area(self, notice):
        before = self.funnel(notice)
        refers = " ".join(self.names)
        name, document = self.messages.make(kind="Update", grids=("r1",), refers=refers)
        self.names = [name]
        self.feed.documents.append(document)
        proposal = self.proposal(lambda p: p.get("audience", {}).get("areas") == ["r1"],
                                 "RAIN-4: the Update for a smaller area")
        self.assertEqual(proposal["what"], "correct", "proposed, not done")
        self.assertFalse(self.incident()["sound"], "RAIN-4: no new siren")
        self.assertEqual(self.funnel(notice), before)

    def cancel(self, notice):
        told = self.numbers(notice)
        self.feed.documents.append(self.messages.make(kind="Cancel", refers=self.names[0])[1])
        self.proposal(lambda p: p["what"] == "withdraw", "RAIN-4: the Cancel")
        self.desk().post(f"/notices/{notice}/withdraw", {"reason": "预警解除"})
        wait_for(lambda: self.numbers(notice, "all_clear") == told,
                 "RAIN-4: an all-clear for those who were told, and only for them", 30)
        self.assertFalse(self.world.rows("notice")[notice]["alert"], "RAIN-4: it never sounds")
        log = self.world.server.text()
        for number in told:
            self.assertNotIn(number, log, "no address in the log")


if __name__ == "__main__":
    unittest.main(verbosity=2)
