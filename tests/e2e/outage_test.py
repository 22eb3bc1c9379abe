# SPDX-License-Identifier: Apache-2.0
"""An outage of a provider: the app goes on, SMS waits with its age shown, and comes or is dropped.

The peer is the message centre of npm `smpp`, which is not there at first."""

import json
import os
import subprocess
import threading
import time
import unittest
from pathlib import Path

import harness
from harness import SLOW, wait_for

APPROVER, WINDOW = "张书记", "孙浩"
SMSC = Path(__file__).resolve().parents[1] / "channels" / "peers" / "smsc.mjs"
PORT = harness.free_port()
CHANNELS = f"""
[[channel]]
name = "sms"
kind = "smpp"
host = "127.0.0.1"
port = {PORT}
system_id = "linli"
password_file = "@FOLDER@/password"
source = "10690000"
rate = 500
"""


class MessageCentre:
    """npm `smpp` on PORT; `texts` holds (destination, text) of what it took."""

    def __init__(self):
        self.texts = []
        self.process = subprocess.Popen(
            ["node", str(SMSC)],
            env={**os.environ, "SMSC_PORT": str(PORT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            if submit := json.loads(line).get("submit"):
                self.texts.append((submit["destination"], submit["text"]))

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        self.process.stdout.close()


class Outage(harness.WorldTest):
    people = 20
    channels = CHANNELS

    @classmethod
    def setUpClass(cls):
        if not (SMSC.parents[2] / "tools/node_modules/smpp").exists():
            raise unittest.SkipTest("npm smpp is not installed")
        folder = harness.Folder("outage-secret")
        cls.addClassCleanup(folder.remove)
        (folder.path / "password").write_text("secret\n")
        cls.channels = CHANNELS.replace("@FOLDER@", str(folder.path))
        super().setUpClass()

    def persons(self, count, first):
        """New residents who are reached by SMS only: {person: number}. The first gets a knock with
        every red warning."""
        out = {}
        for n in range(count):
            home, person = self.world.household()
            number = str(12000000000 + first + n)
            more = {"mobility": "wheelchair"} if n == 0 else {}
            self.world.desk(WINDOW).post("/persons", {"id": person, "phone": number, **more})
            out[person] = number
        return out

    def channel(self):
        return self.world.desk(APPROVER).get("/gateway")["channels"][0]

    def deliveries(self, notice, **search):
        search = {"notice": notice, "limit": "500", **search}
        return self.world.desk(APPROVER).get("/gateway/deliveries", **search)["deliveries"]

    def metric(self, name):
        _, page = harness.get(f"{self.world.origin}/metrics")
        found = [x for x in page.decode().splitlines() if x.startswith(name + "{")]
        return float(found[0].rsplit(" ", 1)[1])

    def test_RAIN_14_phones_go_on_and_sms_waits_with_its_age_and_comes_once(self):
        phone = self.world.phone("near")
        people = self.persons(12, 700)
        notice = self.world.send("红色暴雨 断网", severity="red", action_line="上二楼")
        phone.sync()
        self.assertIn(notice, [n["id"] for n in phone.notices()], "the app needs no provider")
        wait_for(lambda: self.channel()["open"], "the breaker", 60)

        # A second warning does not join the queue of the first: the ladder goes on to the door.
        second = self.world.send("红色暴雨 第二次", severity="red", action_line="上三楼")
        wait_for(lambda: self.channel()["owed"] >= len(people), "what is owed", 20)
        desk = self.world.desk(WINDOW)
        wait_for(
            lambda: len([t for t in desk.get("/tasks")["tasks"] if t["notice"] == second]) > 1,
            "the knocks", 20,
        )
        wait_for(lambda: self.channel()["oldest_s"] >= 2, "an age", 20)
        self.assertEqual(self.channel()["state"], "down")
        self.assertGreaterEqual(self.metric("linli_gateway_oldest_seconds"), 2)
        self.assertGreaterEqual(self.metric("linli_gateway_owed"), len(people))
        self.assertRegex(
            self.world.admin.run("gateway", "channels").stdout,
            r"sms .*\d+ wait, the oldest for \d+ ",
        )

        # What is over before the provider is back is dropped, and says why.
        until = int((time.time() + 8 * SLOW) * 1000)
        short = self.world.send("红色大风 很快结束", severity="red", valid_to=until)
        wait_for(
            lambda: len(self.deliveries(short, state="expired")) >= len(people), "the drop", 40
        )
        dropped = self.deliveries(short, state="expired")
        self.assertEqual(
            {d["reason"] for d in dropped}, {"expired while its channel could not be used"}
        )
        listed = self.world.admin.json("gateway", "dead", "--state", "expired", "--notice", short)
        self.assertEqual(len(listed["deliveries"]), len(dropped))

        def said_why():
            found = desk.get(f"/notices/{short}/unreached")["items"]
            why = {p["person"]: p.get("why") for p in found}
            return all(why.get(person) == "expired" for person in people)

        wait_for(said_why, "the unreached list to say why", 20)

        # Told at the door meanwhile: no late message.
        told = next(iter(people))
        for each in (notice, second):
            desk.post(f"/tasks/{each}:{told}/visit", {"outcome": "told"})
        self.world.server.kill()
        self.world.server.start()
        centre = MessageCentre()
        self.addCleanup(centre.stop)
        due = {number for person, number in people.items() if person != told}

        def numbers(title):
            return [to[-11:] for to, text in centre.texts if title in text]

        for title in ("断网", "第二次"):
            wait_for(lambda t=title: due <= set(numbers(t)), f"{title}: everybody", 150)
        for title in ("断网", "第二次"):
            mine = [n for n in numbers(title) if n in set(people.values())]
            self.assertEqual(sorted(mine), sorted(due), f"{title}: each once, and not who was told")
        self.assertEqual(numbers("很快结束"), [])
        wait_for(lambda: "oldest_s" not in self.channel(), "the queue to empty", 60)


if __name__ == "__main__":
    harness.main(__file__)
