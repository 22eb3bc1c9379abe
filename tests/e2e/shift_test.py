# SPDX-License-Identifier: Apache-2.0
"""VOL: a whole shift between two phones without a net, brought in every order."""

import itertools
import json
import time
import urllib.request
from pathlib import Path

import harness
from harness import seconds, wait_for
from harness.keys import is_signed, unb64
from harness.world import SLUG, WINDOW


class Service(harness.WorldTest):
    """Teams with a lead and a volunteer, each with a phone."""

    people = 40

    def make_team(self, name, **more):
        desk = self.world.desk(WINDOW)
        team = desk.post("/teams", {"id": self.world.new_id(), "name": name, "area": "hn"})["id"]
        lead, volunteer = (self.world.phone(f"{name}-{who}") for who in ("lead", "volunteer"))
        for phone in (lead, volunteer):
            desk.post(f"/teams/{team}/members", {"person": phone.person})
        desk.post(f"/teams/{team}/members/{lead.person}/role", {"role": "lead"})
        now = int(time.time() * 1000)
        shift = desk.post(
            "/shifts",
            {
                "id": self.world.new_id(),
                "team": team,
                "title": "清扫楼道",
                "from": now - 3_600_000,
                "to": now + 7_200_000,
                "need": 2,
                **more,
            },
        )["id"]
        for phone in (lead, volunteer):
            phone.sync()
        return team, shift, lead, volunteer

    def do_shift(self, shift, lead, volunteer):
        """Check-in and check-out, co-signed; everything stays on the two phones."""
        for what in ("checkin", "checkout"):
            shown = lead.json("lead", "qr", "--shift", shift)["qr"]
            receipt = volunteer.json(what, "--qr", shown, "--offline")["receipt"]
            lead.json("lead", "scan", "--receipt", receipt, "--offline")
            if what == "checkin":
                time.sleep(31)  # the next code: one code is one act

    def hours(self, shift, person):
        return self.world.rows("hours").get(f"{shift}:{person}")

    def station(self, name):
        """A station of the community and its printed code."""
        desk = self.world.desk(WINDOW)
        id = self.world.new_id()
        desk.post("/teams", {"id": id, "name": name, "area": "hn", "kind": "station"})
        return id, desk.get(f"/teams/{id}/station-code")["code"]


class Codes(Service):
    def test_VOL_1_the_code_changes_every_30_seconds_and_is_signed_for_team_shift_and_place(self):
        place, _ = self.station("连心桥二")
        team, shift, lead, _ = self.make_team("轮换", place=place)
        lead.offline()
        [mine] = [one for one in lead.json("teams")["teams"] if one["id"] == team]
        self.assertEqual((mine["my_role"], len(mine["members"])), ("lead", 2))
        if time.time() % 30 > 22:
            time.sleep(30 - time.time() % 30)
        first = lead.json("lead", "qr", "--shift", shift)
        again = lead.json("lead", "qr", "--shift", shift)
        self.assertEqual(first["qr"], again["qr"], "in one window one code")
        self.assertEqual(first["until"] % 30_000, 0)
        time.sleep(max(0, first["until"] / 1000 - time.time()) + 0.2)
        second = lead.json("lead", "qr", "--shift", shift)
        self.assertNotEqual(first["qr"], second["qr"])
        codes = [LeadCode(shown["qr"]) for shown in (first, second)]
        for code in codes:
            self.assertEqual((code.team, code.shift, code.place), (team, shift, place))
            self.assertEqual(harness.sha256(code.key)[:16].hex(), lead.cid)
            self.assertTrue(is_signed(code.key, code.signature, "linli.lead.1\0", code.signed))
            moved = code.signed.replace(place.encode(), b"x" * len(place))
            self.assertFalse(is_signed(code.key, code.signature, "linli.lead.1\0", moved))
        self.assertEqual(codes[1].window - codes[0].window, 1)

    def test_VOL_1_a_printed_station_code_is_of_lower_grade_and_only_for_its_place(self):
        place, code = self.station("爱心曲二")
        _, other = self.station("民心网二")
        _, shift, lead, volunteer = self.make_team("站点", place=place)
        volunteer.json("checkin", "--qr", code, "--shift", shift)
        self.assertEqual(self.hours(shift, volunteer.person)["grade"], "C")
        lead.json("checkin", "--qr", other, "--shift", shift)
        row = self.hours(shift, lead.person)
        self.assertEqual(row["grade"], "C")
        self.assertIn("elsewhere", row["flags"])

    def test_VOL_1_a_reprinted_code_voids_the_old_sheet(self):
        place, code = self.station("暖心岛二")
        _, shift, _, volunteer = self.make_team("重印", place=place)
        self.world.desk(WINDOW).post(f"/teams/{place}/renew-code")
        volunteer.sync()
        done = volunteer.run("checkin", "--qr", code, "--shift", shift, ok=False)
        self.assertEqual(done.returncode, 4, done.stdout)
        self.assertEqual(volunteer.pending(), [])


class Shift(Service):
    def test_VOL_2_two_phones_without_a_net_end_in_the_same_hours_in_every_order(self):
        seen = []
        for number, order in enumerate(itertools.permutations(("lead", "volunteer"))):
            _, shift, lead, volunteer = self.make_team(f"队{number}")
            phones = {"lead": lead, "volunteer": volunteer}
            for phone in phones.values():
                phone.offline()
            self.do_shift(shift, lead, volunteer)
            self.assertIsNone(self.hours(shift, volunteer.person), "nothing was sent")
            for who in order:
                phones[who].online()
                phones[who].sync()
            row = self.hours(shift, volunteer.person)
            seen.append({name: row[name] for name in ("grade", "minutes", "flags", "state")})
            chain = [
                (one["dseq"], one["kind"], one["cid"] == volunteer.cid)
                for one in self.world.rows("attendance").values()
                if one["shift"] == shift and "dseq" in one
            ]
            self.assertEqual(
                sorted(chain),
                [
                    (1, "countersign", False),
                    (1, "in", True),
                    (2, "countersign", False),
                    (2, "out", True),
                ],
            )
            volunteer.sync()
            shown = volunteer.json("hours")["hours"]
            self.assertEqual([one["grade"] for one in shown], ["A"], "on the volunteer's phone")
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[0]["grade"], "A")
        self.assertEqual(seen[0]["state"], "pending")
        report = self.world.admin.json("verify", limit=60)
        self.assertEqual(report["findings"], [])
        self.assertEqual(report["flagged"], [])
        self.assertGreaterEqual(report["attendance_records"], 8)

    def test_VOL_3_a_code_that_is_not_the_leads_is_refused_without_a_net(self):
        _, shift, lead, volunteer = self.make_team("假码")
        qr = lead.json("lead", "qr", "--shift", shift)["qr"]
        forged = qr[:-4] + ("AAAA" if qr[-4:] != "AAAA" else "BBBB")
        volunteer.offline()
        done = volunteer.run("checkin", "--qr", forged, "--offline", ok=False)
        self.assertEqual(done.returncode, 4, done.stdout)
        self.assertEqual(volunteer.pending(), [])
        not_lead = volunteer.run("lead", "qr", "--shift", shift, ok=False)
        self.assertEqual(not_lead.returncode, 4, not_lead.stdout)

    def test_VOL_4_six_digits_without_a_camera_are_grade_C(self):
        _, shift, lead, volunteer = self.make_team("数字")
        digits = lead.json("lead", "qr", "--shift", shift)["digits"]
        volunteer.json("checkin", "--digits", digits, "--shift", shift, "--offline")
        volunteer.sync()
        self.assertEqual(self.hours(shift, volunteer.person)["grade"], "C")

    def test_VOL_5_a_walk_up_is_entered_by_the_lead_with_a_reason(self):
        _, shift, lead, _ = self.make_team("路人")
        entered = lead.json(
            "lead", "enter", "--shift", shift, "--name", "老张", "--last4", "1234", "--reason", "没有手机"
        )
        self.assertEqual(self.hours(shift, entered["person"])["grade"], "D")

    def test_VOL_5_a_walk_up_claims_the_hours_and_nobody_else_does(self):
        _, shift, lead, volunteer = self.make_team("认领")
        desk = self.world.desk(WINDOW)
        who = self.world.rows("person")[volunteer.person]
        known = {"household": who["household"], "name": who["name"], "phone": "13900004321"}
        desk.post("/persons", {"id": volunteer.person, **known})
        about = ("--shift", shift, "--name", who["name"], "--last4")
        for act in ((), ("--out",)):
            reason = ("--reason", "没有手机", *act)
            entered = lead.json("lead", "enter", *about, "4321", *reason)
            lead.json("lead", "enter", *about, "9876", *reason)
        unknown = volunteer.run("claim", *about, "1111", ok=False)
        self.assertEqual(unknown.returncode, 4, unknown.stdout)
        foreign = volunteer.run("claim", *about, "9876", ok=False)
        self.assertEqual(foreign.returncode, 4, foreign.stdout)
        volunteer.json("claim", *about, "4321")
        volunteer.json("claim", *about, "4321")
        self.assertEqual(self.hours(shift, volunteer.person)["grade"], "D")
        self.assertEqual(self.hours(shift, entered["person"])["state"], "void")
        lead.json("claim", *about, "9876", "--person", volunteer.person)
        taken = lead.run("claim", *about, "9876", "--person", lead.person, ok=False)
        self.assertEqual(taken.returncode, 4, taken.stdout)

    def test_VOL_6_an_entry_cannot_be_withdrawn_or_edited_on_the_phone(self):
        _, shift, lead, volunteer = self.make_team("撤回")
        qr = lead.json("lead", "qr", "--shift", shift)["qr"]
        volunteer.offline()
        volunteer.json("checkin", "--qr", qr, "--offline")
        [mutation] = volunteer.pending()
        done = volunteer.run("pending", "--withdraw", mutation["id"], ok=False)
        self.assertEqual(done.returncode, 4, done.stdout)
        self.assertEqual(len(volunteer.pending()), 1)

    def test_VOL_12_the_public_check_answers_yes_or_no(self):
        request = urllib.request.Request(
            f"{self.world.origin}/c/{SLUG}/public/certificate-check",
            data=json.dumps({"number": "ZY2026000001", "code": "X"}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.assertEqual(json.load(answer), {"valid": False})

    def test_VOL_14_the_list_closes_when_enough_come(self):
        team, shift, lead, volunteer = self.make_team("集合")
        other = self.world.phone("集合-third")
        self.world.desk(WINDOW).post(f"/teams/{team}/members", {"person": other.person})
        other.sync()
        for phone in (volunteer, lead, other):
            phone.offline()
            phone.json("shift", "yes", shift, "--offline")
            phone.online()
        for phone in (volunteer, lead, other):
            phone.sync()
        answers = {one["person"]: one["answer"] for one in self.world.rows("shift_answer").values()}
        self.assertEqual(
            [answers[p.person] for p in (volunteer, lead, other)], ["yes", "yes", "full"]
        )
        self.assertEqual(self.world.rows("shift")[shift]["state"], "full")


PROGRAM = Path(__file__).parent / "harness" / "sms_program.py"


class Reminder(Service):
    """What the gateway tells volunteers by itself: mail is a program here, SMS another."""

    channels = "".join(
        f"""
[[channel]]
name = "{medium}"
kind = "exec"
medium = "{medium}"
program = ["/usr/bin/python3", "{PROGRAM}", "@FOLDER@/{medium}.log"]
receipts = true
"""
        for medium in ("email", "sms")
    )

    def given(self, medium):
        """Reminders that went out; the demo's notices do as well."""
        file = self.world.folder / f"{medium}.log"
        lines = file.read_text().splitlines() if file.exists() else []
        items = [json.loads(line) for line in lines]
        return [one for one in items if one["message"].get("notice", "").startswith("shift-")]

    def wake(self, person):
        """Quiet hours far from now, and an address."""
        desk = self.world.desk(WINDOW)
        quiet = (int(time.time()) // 60 + 12 * 60) % 1440
        hours = {"from_min": quiet, "to_min": (quiet + 1) % 1440, "zone": "UTC"}
        desk.post(f"/persons/{person}/quiet", hours)
        address = {"medium": "email", "address": f"{person}@example.cn"}
        desk.post(f"/persons/{person}/endpoints", address)

    def test_VOL_8_who_is_still_in_is_reminded_once_and_not_by_sms(self):
        due = int((time.time() + seconds(8)) * 1000)
        ended = due - 5 * 60_000
        _, shift, lead, volunteer = self.make_team("提醒", to=ended)
        for phone in (lead, volunteer):
            self.wake(phone.person)
        shown = lead.json("lead", "qr", "--shift", shift)["qr"]
        volunteer.json("checkin", "--qr", shown)
        self.assertEqual(self.hours(shift, volunteer.person)["state"], "open")
        self.assertEqual(self.given("email"), [], "five minutes are given first")
        self.assertLess(time.time() * 1000, due, "too late: whoever comes then is not reminded")
        [told] = wait_for(lambda: self.given("email"), "the reminder")
        self.assertEqual(told["to"]["address"], f"{volunteer.person}@example.cn")
        self.assertIn("签退", told["message"]["title"])
        time.sleep(2)
        self.assertEqual(len(self.given("email")), 1)
        self.assertEqual(self.given("sms"), [])


class LeadCode:
    """LLQ1 of PROTOCOL.md section 12, read anew."""

    def __init__(self, text):
        magic, _, body = text.partition(".")
        assert magic == "LLQ1", text
        self.bytes = unb64(body)
        self.at = 0
        assert self._take(1) == b"\x01"
        self.team, self.shift, self.place = (
            self._take(self._take(1)[0]).decode() for _ in range(3)
        )
        self.key = self._take(32)
        self.window = int.from_bytes(self._take(4), "big")
        self.nonce = self._take(8)
        self.signed = self.bytes[: self.at]
        self.signature = self._take(64)
        assert self.at == len(self.bytes)

    def _take(self, count):
        self.at += count
        return self.bytes[self.at - count : self.at]


if __name__ == "__main__":
    harness.main(__file__)
