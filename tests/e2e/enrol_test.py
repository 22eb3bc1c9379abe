# SPDX-License-Identifier: Apache-2.0
"""ENR-3, ENR-10, M23: slips read without a net, a new phone for the old one, guessed codes."""

import http.client
import json
import signal
import stat
import threading
import time

import harness
from harness import SAVED_OFFLINE, SLUG, Peer, Phone, Refused, enrol, seconds, wait_for
from harness.world import WINDOW

ALERT = 0
REFUSED = 4


class Lines(threading.Thread):
    """What a running command says, line by line as JSON."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.said = process, []
        self.start()

    def run(self):
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def wait(self, what, limit=20):
        return wait_for(lambda: self.first(what), "it to say so", limit)

    def first(self, what):
        return next((said for said in self.said if what(said)), None)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(seconds(10))
        self.join(seconds(5))
        self.process.stdout.close()


class KeptSlip(harness.WorldTest):
    people = 20

    def setUp(self):
        self.line = self.world.line()
        self.phone = Phone(self.world.folder / self._testMethodName, line=self.line)
        self.home, self.person = self.world.household()
        self.code = self.world.desk(WINDOW).slip(self.home)["code"]

    def enroll(self, *more, code=None, **options):
        address = f"{self.line.origin}/c/{SLUG}/#enrol={code or self.code}"
        return self.phone.run("enroll", address, *more, **options)

    def devices(self):
        return [d for d in self.world.rows("device").values() if d["account"] in self.accounts()]

    def accounts(self):
        rows = self.world.rows("account").items()
        return [key for key, row in rows if row.get("person") == self.person]

    def stored(self, text):
        """Whether the store's files hold a text."""
        files = [f for f in self.phone.store.iterdir() if f.name.startswith("replica.db")]
        return any(text.encode() in f.read_bytes() for f in files)

    def test_ENR_3_a_slip_read_offline_is_completed_by_the_next_sync(self):
        self.phone.offline()
        self.enroll(ok=(SAVED_OFFLINE,))
        status = self.phone.status()
        self.assertEqual(
            (status["enrolled"], status["label"], status["slip"]["state"]),
            (False, "待确认", "waiting"),
        )
        self.assertTrue(self.stored(self.code), "kept until it is used")
        for file in self.phone.store.iterdir():
            if file.name.startswith("replica.db"):
                self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.phone.run("sync", ok=(SAVED_OFFLINE,))
        self.assertEqual(self.phone.run("notices", ok=False).returncode, REFUSED)
        self.phone.online()
        self.phone.sync()
        status = self.phone.status()
        self.assertTrue(status["enrolled"])
        self.assertNotIn("slip", status)
        self.assertEqual(status["person"], self.person)
        self.assertFalse(self.stored(self.code), "gone once it is used")
        self.assertEqual(len(self.devices()), 1)

    def test_ENR_3_a_running_phone_completes_it_as_soon_as_there_is_a_net(self):
        self.phone.offline()
        self.enroll("--offline", ok=(SAVED_OFFLINE,))
        watching = Lines(self.phone.start("sync", "--watch"))
        self.assertEqual(watching.wait(lambda s: "slip" in s)["slip"]["state"], "waiting")
        time.sleep(0.5)
        self.phone.online()
        watching.wait(lambda s: s["enrolled"] and s["state"] == "synced")
        watching.end()
        self.assertEqual(len(self.devices()), 1)

    def test_ENR_3_killed_at_any_moment_it_is_kept_or_enrolled_and_never_twice(self):
        killed = 0
        for step in range(12):
            self.phone = Phone(self.world.folder / f"killed-{step}", line=self.line)
            self.home, self.person = self.world.household()
            self.code = self.world.desk(WINDOW).slip(self.home)["code"]
            running = self.phone.start(
                "enroll", f"{self.line.origin}/c/{SLUG}/#enrol={self.code}", "--person", "1"
            )
            time.sleep(0.004 * step)
            killed += running.poll() is None
            running.kill()
            running.communicate()
            status = self.phone.status()
            with self.subTest(step):
                self.assertFalse(status["enrolled"] and "slip" in status, "one or the other")
                if not status["enrolled"] and "slip" not in status:
                    self.enroll("--person", "1")  # killed before anything was kept
                self.phone.sync()
                self.assertEqual(self.phone.status()["person"], self.person)
                self.assertEqual(len(self.devices()), 1)
        self.assertGreater(killed, 0, "some were killed at work")

    def test_ENR_3_a_wrong_code_is_told_at_the_next_contact_and_can_be_replaced(self):
        self.phone.offline()
        door = self.world.rows("household")[self.home]["door"]
        address = f"{self.line.origin}/c/{SLUG}"
        self.phone.run("enroll", address, "00000000", "--door", door, ok=(SAVED_OFFLINE,))
        self.phone.online()
        said = self.phone.run("sync", ok=(REFUSED,))
        self.assertEqual(json.loads(said.stdout)["error"]["code"], "wrong_code")
        status = self.phone.status()
        self.assertEqual((status["state"], status["slip"]["state"]), ("trouble", "refused"))
        self.assertEqual(status["slip"]["problem"]["code"], "wrong_code")
        self.assertFalse(self.stored("00000000"))
        self.enroll("--person", "1")
        self.phone.sync()
        self.assertEqual(self.phone.status()["person"], self.person)

    def test_ENR_3_among_several_persons_it_asks_at_the_next_contact(self):
        second = self.world.desk(WINDOW).post(
            "/persons",
            {"id": self.world.new_id(), "household": self.home, "name": "同住的人"},
        )["id"]
        self.phone.offline()
        self.enroll(ok=(SAVED_OFFLINE,))
        self.phone.online()
        self.phone.run("sync", ok=(2,))
        slip = self.phone.status()["slip"]
        self.assertEqual((slip["state"], len(slip["persons"])), ("choosing", 2))
        ref = next(p["ref"] for p in slip["persons"] if p["name"].startswith("同"))
        self.phone.run("enroll", "--confirm", "7", ok=(REFUSED,))
        self.phone.run("enroll", "--confirm", ref)
        self.phone.sync()
        self.assertEqual(self.phone.status()["person"], second)


class NewPhone(harness.WorldTest):
    people = 20

    def test_ENR_10_the_old_phone_hands_over_what_it_made_before_and_nothing_else(self):
        home, person = self.world.household()
        old = self.world.phone("old", self.world.desk(WINDOW).slip(home))
        notice = self.world.send("ENR-10 换手机")
        old.sync()
        account, cid = old.account, old.cid
        self.assertEqual(len([n for n in old.notices() if n["id"] == notice]), 1)
        old.offline()
        old.ack(notice, "help")
        time.sleep(1.1)
        slip = self.world.desk(WINDOW).slip(home, replaces=cid)
        new = Peer(self.world.resident(slip=slip)).caught_up()
        self.assertEqual(self.world.rows("device")[cid]["reason"], "replaced")
        time.sleep(1.1)
        old.ack(notice, "away")
        old.online()
        done = json.loads(old.run("sync", ok=(REFUSED,)).stdout)
        self.assertEqual(done["result"], "handed_over")
        self.assertGreaterEqual(done["hand_over"]["taken"], 1)
        self.assertEqual((done["hand_over"]["refused"], done["hand_over"]["waiting"]), (1, 0))
        self.assertEqual(old.rows("notice"), [], "no row is left")
        self.assertEqual([a["code"] for a in old.attention()], ["revoked"])
        self.assertEqual(self.world.quarantined(account), ["notice.acknowledge"])
        self.assertEqual(self.world.rows("ack")[f"{notice}:{person}"]["choice"], "help")
        lanes = [n for lane, n in self.world.results(cid) if lane == ALERT]
        self.assertEqual(len(lanes), len(set(lanes)), "each number has one result")
        again = json.loads(old.run("sync", ok=(REFUSED,)).stdout)
        self.assertEqual(again["hand_over"], done["hand_over"], "nothing runs twice")
        refused = old.run("ack", notice, "--offline", ok=False)
        self.assertEqual(refused.returncode, REFUSED, "and it takes no more writes")
        new.close()

    def test_ENR_10_a_lost_phone_hands_nothing_over(self):
        home, person = self.world.household()
        old = self.world.phone("lost", self.world.desk(WINDOW).slip(home))
        notice = self.world.send("ENR-10 丢手机")
        old.sync()
        cid = old.cid
        old.offline()
        old.ack(notice, "help")
        time.sleep(1.1)
        for reason in ("replaced", "lost"):  # it turned out to be stolen
            self.world.desk(WINDOW).post(f"/devices/{cid}/revoke", {"reason": reason})
        old.online()
        done = json.loads(old.run("sync", ok=(REFUSED,)).stdout)
        self.assertEqual(done["result"], "refused")
        self.assertEqual(len(old.pending()), 1, "kept, for who finds the phone")
        self.assertEqual(old.rows("notice"), [])
        self.assertNotIn(f"{notice}:{person}", self.world.rows("ack"))

    def test_ENR_10_a_phone_that_does_not_know_hand_over_still_hands_over(self):
        """What another client does that heeds minor 1 only: it deletes what is not listed and
        pushes."""
        home, person = self.world.household()
        who = self.world.resident(slip=self.world.desk(WINDOW).slip(home))
        notice = self.world.send("ENR-10 旧客户端")
        peer = Peer(who).caught_up()
        slip = self.world.desk(WINDOW).slip(home, replaces=who.key.cid)
        before = int(time.time() * 1000)
        time.sleep(0.05)
        enrol(self.world.origin, SLUG, slip)
        self.assertEqual(peer.wait_closed(), 1013, "not for good")
        back = peer.again()
        welcome = back.wait("welcome")
        self.assertEqual(welcome["buckets"], [])
        self.assertGreaterEqual(welcome["hand_over"], before)
        args = {"notice": notice, "person": person, "choice": "ok"}
        muts = [
            {"n": 1, "name": "notice.acknowledge", "wall": before, "args": json.dumps(args)},
            {
                "n": 2,
                "name": "notice.acknowledge",
                "wall": int(time.time() * 1000) + 1000,
                "args": json.dumps(args | {"choice": "away"}),
            },
        ]
        back.send({"t": "push", "lane": ALERT, "muts": muts})
        self.assertEqual(back.result(ALERT, 1)["st"], "ok")
        late = back.result(ALERT, 2)
        self.assertEqual((late["st"], late["code"]), ("rejected", "revoked"))
        self.world.send("ENR-10 以后的通知")
        time.sleep(0.3)
        self.assertEqual(back.of("B"), [], "no row comes")
        with self.assertRaises(Refused):
            who.token()
        back.close()

    def test_ENR_10_a_restore_keeps_reason_and_time(self):
        home, _ = self.world.household()
        who = self.world.resident(slip=self.world.desk(WINDOW).slip(home))
        lost = self.world.resident()
        self.world.backup(self.world.folder / "backup")
        slip = self.world.desk(WINDOW).slip(home, replaces=who.key.cid)
        enrol(self.world.origin, SLUG, slip)
        self.world.revoke(lost)
        at = self.world.rows("device")[who.key.cid]["revoked_at"]
        self.world.restore(self.world.folder / "backup")
        row = self.world.rows("device")[who.key.cid]
        self.assertEqual((row["state"], row["reason"]), ("revoked", "replaced"))
        self.assertEqual(row["revoked_at"], at)
        back = Peer(who)
        self.assertEqual(back.wait("welcome")["hand_over"], at)
        back.close()
        self.assertEqual(Peer(lost).wait_closed(), 4401)


class GuessedCodes(harness.WorldTest):
    people = 20

    def check(self, source, code, door):
        """(status, body, headers) of a typed code; the office counts by address."""
        address = ("127.0.0.1", self.world.server.port)
        line = http.client.HTTPConnection(*address, timeout=10, source_address=(source, 0))
        body = json.dumps({"code": code, "door": door})
        line.request(
            "POST", f"/c/{SLUG}/enrol/check", body, {"Content-Type": "application/json"}
        )
        answer = line.getresponse()
        out = answer.status, json.loads(answer.read()), answer.headers
        line.close()
        return out

    def test_M23_the_desk_is_told_once_that_typed_codes_rest_and_qr_goes_on(self):
        desk = Peer(self.world.desk(WINDOW).identity).caught_up()
        home, _ = self.world.household()
        slip = self.world.desk(WINDOW).slip(home)
        for number in range(100):
            status, body, _ = self.check(f"127.0.0.{2 + number // 50}", "00000000", f"无{number}")
            self.assertEqual((status, body["code"]), (401, "wrong_code"))
        wait_for(lambda: "typed_codes_paused" in desk.rows("desk_alarm"), "the alarm on the desk")
        alarm = desk.rows("desk_alarm")["typed_codes_paused"]
        self.assertEqual(alarm["count"], 1)
        hour = alarm["until"] - alarm["since"]  # from the first wrong code on
        self.assertAlmostEqual(hour, 3_600_000, delta=seconds(60_000))
        self.assertRegex(alarm["text"], "[\u4e00-\u9fff]")
        head = self.world.head()
        for number in range(40):
            status, body, headers = self.check("127.0.0.5", "00000000", f"又{number}")
            self.assertEqual((status, body["code"]), (429, "rate_limited"))
        self.assertGreater(int(headers["Retry-After"]), 3000)
        self.assertEqual(self.world.head(), head + 1, "who types on writes nothing")
        self.assertEqual([a["kind"] for a in self.desk_alarms()], ["typed_codes_paused"])
        self.world.server.kill()
        self.world.server.start()
        self.assertEqual(self.check("127.0.0.6", "00000000", "再")[0], 429, "still")
        self.assertEqual([a["until"] for a in self.desk_alarms()], [alarm["until"]])
        enrol(self.world.origin, SLUG, slip)
        self.assertIn("enrol.typed_codes_rest", self.world.server.text())
        desk.close()

    def desk_alarms(self):
        return self.world.desk(WINDOW).get("/desk-alarms")["items"]


if __name__ == "__main__":
    harness.main(__file__)
