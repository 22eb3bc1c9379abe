# SPDX-License-Identifier: Apache-2.0
"""The gateway in the real server: from an approved warning to whom it reached, and who is left."""

import json
import os
import time
import urllib.error
import urllib.request
import uuid

import harness
from harness import Peer, wait_for

WINDOW, APPROVER, EDITOR, ADMIN = "孙浩", "张书记", "马会玲", "小冯"

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "harness", "sms_program.py")
CHANNELS = f"""
[[channel]]
name = "sms"
kind = "exec"
medium = "sms"
program = ["/usr/bin/python3", "{PROGRAM}", "@FOLDER@/sms.log", "@FOLDER@"]
receipts = true
replies = true
links = true
part_price = 450
rate = 500
test_addresses = ["12000009999"]
operator_addresses = ["12000009998"]

[[channel]]
name = "horn"
kind = "exec"
medium = "loudspeaker"
program = ["/usr/bin/python3", "{PROGRAM}", "@FOLDER@/horn.log"]
receipts = true
"""


class Gateway(harness.WorldTest):
    people = 40
    channels = CHANNELS

    def sent(self, notice=None):
        """What the provider was given, oldest first."""
        file = self.world.folder / "sms.log"
        lines = file.read_text().splitlines() if file.exists() else []
        items = [json.loads(line) for line in lines]
        return [i for i in items if notice is None or i["message"].get("notice") == notice]

    def person(self, phone, **more):
        """A new resident who is reached by SMS only."""
        desk = self.world.desk(WINDOW)
        home, person = self.world.household()
        desk.post("/persons", {"id": person, "phone": phone, **more})
        return person

    def deliveries(self, **search):
        return self.world.desk(APPROVER).get("/gateway/deliveries", **search)["deliveries"]

    def test_RAIN_9_a_red_warning_reaches_by_sms_whom_the_app_does_not(self):
        person = self.person("12000000901")
        notice = self.world.send("红色暴雨", severity="red", action_line="上二楼")
        wait_for(lambda: [d for d in self.deliveries(notice=notice, person=person)
                          if d["state"] == "delivered"], "the receipt", 20)
        mine = [i for i in self.sent(notice) if i["to"]["address"] == "12000000901"]
        self.assertEqual(len(mine), 1)
        self.assertEqual(mine[0]["message"]["action_line"], "上二楼")
        wait_for(lambda: self.world.reach(notice)["delivered"] > 0, "the count", 20)
        total = self.world.reach(notice)
        states = {name: count for name, count in total.items() if name != "audience"}
        self.assertEqual(sum(states.values()), total["audience"], "the funnel sums (RAIN-13)")
        shown = self.deliveries(notice=notice, person=person)[0]
        self.assertEqual(shown["to"], "120****0901", "masked on the desk")
        self.assertNotIn("12000000901", self.world.server.text(), "and never in the log")

    def test_RAIN_9_an_answer_right_after_another_stops_its_ladder_as_soon(self):
        who = [self.world.resident() for _ in range(2)]
        notice = self.world.send("红色暴雨 一起答", severity="red", action_line="上二楼")
        peers = [Peer(one).caught_up() for one in who]
        time.sleep(0.5)  # the sending is over, and nothing else wakes the gateway
        for one, peer in zip(who, peers):
            choice = {"notice": notice, "person": one.person, "choice": "ok"}
            peer.push(0, (1, "notice.acknowledge", choice))
            peer.result(0, 1)
            time.sleep(0.03)  # the first is read by now, and the gateway pauses for a moment
        time.sleep(harness.seconds(0.7))
        behind = self.world.desk(APPROVER).get("/gateway")["rows_behind"]
        self.assertEqual(behind, 0, "the second did not wait for another timer")
        for peer in peers:
            peer.close()

    def test_RAIN_11_a_knock_is_a_task_on_the_grid_workers_phone_and_counts(self):
        person = self.person("12000000902", mobility="wheelchair")
        notice = self.world.send("红色暴雨 敲门", severity="red", action_line="上二楼")
        task = f"{notice}:{person}"
        desk = self.world.desk(APPROVER)
        wait_for(lambda: task in [t["id"] for t in desk.get("/tasks")["tasks"]], "the task", 20)
        self.world.desk(WINDOW).post(f"/tasks/{task}/visit", {"outcome": "told", "note": "已告知"})
        self.assertEqual(self.world.reach(notice)["in_person"], 1)
        self.assertNotIn(task, [t["id"] for t in desk.get("/tasks")["tasks"]])

    def test_RAIN_11_a_stairwell_is_walked_from_the_top_floor_down_without_a_net(self):
        desk, worker = self.world.desk(WINDOW), self.world.grid_worker("g1")
        phone = self.world.phone("stairs", worker.slip)
        floors = {}
        for floor in (2, 6, 4):
            home = desk.post(
                "/households",
                {"id": self.world.new_id(), "door": f"楼梯{floor}01", "area": "g1", "floor": floor},
            )["id"]
            person = {"id": self.world.new_id(), "household": home, "name": f"老人{floor}"}
            person |= {"phone": f"1200000096{floor}", "mobility": "wheelchair"}
            desk.post("/persons", person)
            floors[person["id"]] = floor
        notice = self.world.send("红色暴雨 楼梯", severity="red", action_line="上二楼")

        def mine(tasks):
            return [t for t in tasks if t["notice"] == notice and t["person"] in floors]

        wait_for(lambda: len(mine(desk.get("/tasks")["tasks"])) == 3, "the tasks", 20)
        phone.sync()
        phone.offline()
        tasks = mine(phone.json("tasks")["tasks"])
        self.assertEqual([floors[t["person"]] for t in tasks], [6, 4, 2])
        for task, outcome in zip(tasks, ("refused", "no_answer", "rescue")):
            done = phone.run("visit", task["id"], outcome, "--note", "敲门", ok=(0, 3))
            self.assertEqual(done.returncode, 3, "saved without a net")
        phone.online()
        phone.sync()
        left = mine(desk.get("/tasks")["tasks"])
        self.assertEqual(
            [(t["id"], t["state"], t["owner"]) for t in left],
            [(tasks[1]["id"], "no_answer", "grid"), (tasks[2]["id"], "handed_on", "desk")],
            "who needs rescue is the desk's until it is said what came of it",
        )
        self.assertEqual(left[0]["outcomes"][0]["by"], worker.account)
        row = self.world.rows("ack")[f"{notice}:{tasks[2]['person']}"]
        self.assertEqual((row["state"], row["choice"]), ("help", "help"), "RAIN-10: 需救助")

    def test_RAIN_15_heads_count_without_a_net_and_nobody_goes_home_before_the_all_clear(self):
        desk, worker = self.world.desk(WINDOW), self.world.grid_worker("g1")
        phone = self.world.phone("shelter", worker.slip)
        home = desk.post("/households", {"id": self.world.new_id(), "door": "101", "area": "g1"})
        people = []
        for name in ("赵婆婆", "钱伯"):
            row = {"id": self.world.new_id(), "household": home["id"], "name": name}
            people.append(desk.post("/persons", row)["id"])
        notice = self.world.send("红色暴雨 转移", severity="red", action_line="去二楼")
        hall = self.world.new_id()
        place = {"id": hall, "notice": notice, "name": "服务中心二楼", "area": "g1"}
        desk.post("/shelters", place)
        phone.sync()
        phone.offline()
        told = ("--shelter", hall, "--organiser", "周倩", "--care", "女儿陪着")
        for command in (
            ("record", notice, people[0], *told),
            ("arrive", notice, people[0], "--shelter", hall),
            ("arrive", notice, people[1], "--shelter", hall),
        ):
            done = phone.run("transfer", *command, ok=(0, 3))
            self.assertEqual(done.returncode, 3, "saved without a net")

        def heads():
            [line] = [one for one in phone.json("shelters")["shelters"] if one["id"] == hall]
            return [line[state] for state in ("moved", "arrived", "returned")]

        self.assertEqual(heads(), [0, 2, 0])
        phone.online()
        phone.sync()
        row = self.world.rows("transfer")[f"{notice}:{people[0]}"]
        self.assertEqual((row["organiser"], row["care"]), ("周倩", "女儿陪着"))
        self.assertEqual((row["moved_by"], row["state"]), (worker.account, "arrived"))
        back = {"notice": notice, "person": people[0]}
        status, _, body = desk.request("POST", "/transfers/return", back)
        self.assertEqual((status, json.loads(body)["code"]), (409, "wrong_state"))
        self.world.desk(APPROVER).post(f"/notices/{notice}/withdraw")
        desk.post("/transfers/return", back)
        phone.sync()
        self.assertEqual(heads(), [0, 1, 1])
        [line] = desk.get("/shelters", notice=notice)["shelters"]
        self.assertEqual((line["arrived"], line["returned"]), (1, 1))

    def test_G1_a_server_killed_in_the_middle_of_a_sending_loses_nobody(self):
        people = {self.person(f"1200000{910 + n:04d}"): f"1200000{910 + n:04d}" for n in range(12)}
        notice = self.world.send("红色暴雨 重启", severity="red", action_line="上二楼")
        wait_for(lambda: len(self.sent(notice)) > 3, "the first messages", 20)
        self.world.server.kill()
        self.world.server.start()

        def settled():
            found = {d["person"]: d["state"] for d in self.deliveries(notice=notice, limit="500")}
            return all(found.get(person) in ("delivered", "accepted") for person in people)

        wait_for(settled, "everybody to be reached", 90)
        times = {}
        for item in self.sent(notice):
            times[item["key"]] = times.get(item["key"], 0) + 1
        self.assertLessEqual(max(times.values()), 2, "red is repeated once at most")

    def test_F6_stopping_and_pausing_are_orders_that_hold(self):
        desk = self.world.desk(APPROVER)
        desk.post("/gateway/pause", {"channel": "sms", "why": "演练"})
        person = self.person("12000000950")
        notice = self.world.send("红色暴雨 停发", severity="red", action_line="上二楼")
        wait_for(lambda: desk.get("/gateway")["paused"].get("sms"), "the pause", 20)
        desk.post(f"/notices/{notice}/stop", {"reason": "写错了"})
        wait_for(lambda: all(n["id"] != notice or n["state"] == "stopped"
                             for n in desk.get("/gateway")["notices"]), "the stop", 20)
        desk.post("/gateway/resume", {"channel": "sms"})
        self.assertEqual([i for i in self.sent(notice)], [])
        self.assertEqual(self.deliveries(notice=notice, person=person, state="delivered"), [])

    def test_a_test_message_goes_to_a_training_address_only(self):
        desk = self.world.desk(APPROVER)
        for address in ("12000000901", "12000009999"):
            desk.post("/gateway/test", {"channel": "sms", "address": address,
                                        "text": f"测试 {uuid.uuid4().hex[:6]}"})

        def tests():
            return {i["to"]["address"] for i in self.sent() if i["message"]["purpose"] == "test"}

        wait_for(tests, "the test", 20)
        self.assertEqual(tests(), {"12000009999"})

    def test_M21_an_answer_by_sms_counts(self):
        person = self.person("12000000960")
        (self.world.folder / "12000000960").write_text("1")
        notice = self.world.send("红色暴雨 回复", severity="red", action_line="上二楼")
        wait_for(lambda: self.world.reach(notice)["ok"] == 1, "the answer to count", 30)
        self.assertNotIn(person, self.unreached(notice))

    def unreached(self, notice):
        found = self.world.desk(WINDOW).get(f"/notices/{notice}/unreached")["items"]
        return [p["person"] for p in found]

    def test_M21_a_link_shows_on_get_and_acknowledges_on_post_only(self):
        person = self.person("12000000961")
        notice = self.world.send("红色暴雨 链接", severity="red", action_line="上二楼")

        def mine():
            return [i for i in self.sent(notice) if i["to"]["address"] == "12000000961"]

        wait_for(mine, "the message", 20)
        link = mine()[0]["message"]["link"]
        self.assertRegex(link, r"^http://127\.0\.0\.1:\d+/c/huainan/a/[A-Za-z0-9_-]{22}$")
        for _ in range(2):
            status, page = harness.get(link)
            self.assertEqual(status, 200)
            self.assertIn("上二楼", page.decode())
            self.assertNotIn("已经回复", page.decode())
        self.assertEqual(self.world.reach(notice)["ok"], 0, "opening it says nothing")
        status, headers, page = self.answer(link, b"choice=ok")
        self.assertEqual(status, 200, "after the redirect")
        self.assertIn("您已经回复：我知道了", page)
        self.assertIn("form-action 'self'", headers["Content-Security-Policy"])
        self.assertEqual(self.world.reach(notice)["ok"], 1)
        self.assertNotIn(person, self.unreached(notice))
        self.assertEqual(self.answer(link, b"choice=other")[0], 400)
        other = link[:-2] + ("AA" if link[-2:] != "AA" else "BA")
        self.assertEqual(self.answer(other, b"choice=ok")[0], 404)
        self.world.desk(APPROVER).post(f"/notices/{notice}/withdraw", {"reason": "解除"})
        status, page = harness.get(link)
        self.assertEqual(status, 410)
        self.assertIn("已经结束", page.decode())
        self.assertNotIn("<button", page.decode())

    def answer(self, link, body):
        request = urllib.request.Request(link, data=body, method="POST")
        request.add_header("Content-Type", "application/x-www-form-urlencoded")
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def test_zones_are_told_apart_from_persons(self):
        self.world.desk(ADMIN).post("/areas/g1/zones", {
            "zones": [{"medium": "loudspeaker", "address": "gate"}]})
        self.addCleanup(self.world.desk(ADMIN).post, "/areas/g1/zones", {"zones": []})
        notice = self.world.send("红色暴雨 喇叭", severity="red", action_line="上二楼")

        def played():
            look = self.world.desk(APPROVER).reach(notice)
            return [z for z in look.get("zones", []) if z["state"] == "delivered"]

        wait_for(played, "the loudspeaker", 20)
        self.assertEqual([(z["area"], z["medium"], z["times"]) for z in played()],
                         [("g1", "loudspeaker", 1)])
        total = self.world.reach(notice)
        states = {name: count for name, count in total.items() if name != "audience"}
        self.assertEqual(sum(states.values()), total["audience"], "persons only (RAIN-13)")

    def test_a_correction_tells_the_loudspeakers_of_the_areas_that_are_new_in_it(self):
        for area, address in (("g1", "gate"), ("g2", "yard")):
            self.world.desk(ADMIN).post(f"/areas/{area}/zones", {
                "zones": [{"medium": "loudspeaker", "address": address}]})
            self.addCleanup(self.world.desk(ADMIN).post, f"/areas/{area}/zones", {"zones": []})
        notice = self.world.send("红色暴雨 扩大", areas=["g1"], severity="red",
                                 action_line="上二楼")
        desk = self.world.desk(APPROVER)

        def times():
            return {z["area"]: z["times"] for z in desk.reach(notice).get("zones", [])}

        wait_for(lambda: times() == {"g1": 1}, "the first area", 20)
        desk.post(f"/notices/{notice}/correct", {
            "audience": {"areas": ["g1", "g2"]}, "reason": "范围扩大"})
        wait_for(lambda: times() == {"g1": 2, "g2": 1}, "the new one, and the change", 20)

    def test_M28_an_approval_names_the_cost_that_was_quoted(self):
        desk = self.world.desk(APPROVER)
        draft = self.world.desk(EDITOR).draft("红色暴雨 费用", ["hn"], category="weather",
                                              severity="red", action_line="上二楼")
        quote = desk.post("/gateway/quote", {"notice": draft["id"]})
        self.assertGreater(quote["cost"], 0)
        asked = {"fingerprint": draft["fingerprint"], "persons": quote["audience"]["persons"]}
        for wrong in ({}, {"cost": quote["cost"] + 1}):
            with self.assertRaises(harness.Refused) as refused:
                desk.post(f"/notices/{draft['id']}/approve", asked | wrong)
            self.assertEqual(refused.exception.body["code"], "conflict")
        desk.post(f"/notices/{draft['id']}/approve", asked | {"cost": quote["cost"]})
        dear = self.world.desk(EDITOR).draft("红色暴雨 上限", ["hn"], category="weather",
                                             severity="red", action_line="上二楼", cost_cap=1)
        quote = desk.post("/gateway/quote", {"notice": dear["id"]})
        asked = {"fingerprint": dear["fingerprint"], "persons": quote["audience"]["persons"]}
        with self.assertRaises(harness.Refused) as refused:
            desk.post(f"/notices/{dear['id']}/approve", asked | {"cost": quote["cost"]})
        self.assertEqual(refused.exception.body["code"], "wrong_state")

    def test_the_operator_orders_a_running_gateway_and_a_stopped_one(self):
        admin = self.world.admin
        channels = admin.json("gateway", "channels")["channels"]
        self.assertEqual([c["name"] for c in channels], ["sms", "horn"])
        self.assertEqual(admin.json("gateway", "health")["findings"], [])
        admin.run("gateway", "pause", "sms", "--why", "维护")
        wait_for(lambda: admin.json("gateway", "channels")["paused"].get("sms") == "维护",
                 "the pause", 20)
        found = admin.run("gateway", "health", ok=False)
        self.assertEqual(found.returncode, 1)
        self.assertIn("sms is paused: 维护", found.stdout)
        self.world.server.terminate()
        paused = admin.json("gateway", "channels")["paused"]
        self.assertEqual(paused, {"sms": "维护"}, "from the file")
        admin.run("gateway", "resume", "sms")
        admin.run("gateway", "test", "sms", "12000009999", "--text", "停机时的测试")
        self.world.server.start()
        wait_for(lambda: [i for i in self.sent() if i["message"]["title"] == "停机时的测试"],
                 "the test that was ordered while it was stopped", 20)
        self.assertEqual(admin.json("gateway", "health")["findings"], [])
        self.assertEqual(admin.json("gateway", "dead")["deliveries"], [])
        refused = admin.run("gateway", "replay", "999999", ok=False)
        self.assertEqual(refused.returncode, 0, "an order; what it names is looked at later")

    def test_metrics_count_by_channel_and_outcome(self):
        self.person("12000000970")
        notice = self.world.send("红色暴雨 指标", severity="red", action_line="上二楼")
        wait_for(lambda: self.sent(notice), "the message", 20)

        def metric(name, **labels):
            _, page = harness.get(f"{self.world.origin}/metrics")
            wanted = [name + "{"] + [f'{label}="{value}"' for label, value in labels.items()]
            for line in page.decode().splitlines():
                if all(text in line for text in wanted):
                    return float(line.rsplit(" ", 1)[1])
            return None

        wait_for(lambda: (metric("linli_gateway_outcomes_total", channel="sms",
                                 outcome="accepted") or 0) > 0, "the count", 20)
        self.assertGreater(metric("linli_gateway_attempts_total", channel="sms"), 0)
        self.assertGreater(metric("linli_gateway_answer_seconds_count", channel="sms"), 0)
        self.assertEqual(metric("linli_gateway_breaker_open", channel="sms"), 0)
        wait_for(lambda: metric("linli_gateway_queued", channel="sms", lane="red") == 0,
                 "the queue to empty", 20)
        self.assertLess(metric("linli_community_backup_age_seconds", community="huainan"), 3600)

    def test_F5_an_old_backup_is_an_alarm_on_the_desk_and_for_the_operator(self):
        mark = self.world.data / "huainan" / "backup.last"
        self.world.server.terminate()
        mark.write_text("1000\n")
        self.world.server.start()
        desk = self.world.desk(APPROVER)
        wait_for(lambda: [a for a in desk.get("/desk-alarms")["items"]
                          if a["kind"] == "backup_old"], "the alarm", 20)
        wait_for(lambda: [i for i in self.sent() if i["message"]["purpose"] == "alarm"
                          and i["to"]["address"] == "12000009998"], "the operator's message", 20)
        self.world.admin.run("backup", self.world.folder / "backup")
        self.assertGreater(int(mark.read_text()), 1_700_000_000_000)

    def test_a_quote_shows_the_text_as_it_will_be_read(self):
        quotes = self.world.desk(APPROVER).post(
            "/gateway/quote", {"title": "明天停水", "severity": "none", "category": "latest"}
        )["quotes"]
        self.assertEqual([q["channel"] for q in quotes], ["sms", "horn"])
        self.assertIn("明天停水", quotes[0]["text"])
        answer = self.world.desk(APPROVER).post(
            "/gateway/quote", {"title": "明天停水", "audience": {"areas": ["hn"]}}
        )
        self.assertGreater(answer["quotes"][0]["persons"], 0, "for so many people")
        self.assertGreaterEqual(answer["quotes"][0]["seconds"], 1)
        self.assertGreater(answer["audience"]["persons"], answer["quotes"][0]["persons"])

    def test_a_hook_of_an_unknown_channel_is_a_problem(self):
        with self.assertRaises(harness.Refused) as refused:
            self.world.desk(APPROVER).call("POST", "/../../hooks/none", {})
        self.assertIn(refused.exception.status, (400, 404))


if __name__ == "__main__":
    harness.main(__file__)
