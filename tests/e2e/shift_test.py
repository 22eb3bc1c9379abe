# SPDX-License-Identifier: Apache-2.0
"""VOL: a whole shift between two phones without a net, brought in every order."""

import itertools
import json
import time
import urllib.request

import harness
from harness.world import SLUG, WINDOW


class Shift(harness.WorldTest):
    people = 40

    def make_team(self, name):
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
        volunteer.json("checkin", "--digits", digits, "--shift", shift)
        self.assertEqual(self.hours(shift, volunteer.person)["grade"], "C")

    def test_VOL_5_a_walk_up_is_entered_by_the_lead_with_a_reason(self):
        _, shift, lead, _ = self.make_team("路人")
        entered = lead.json(
            "lead", "enter", "--shift", shift, "--name", "老张", "--last4", "1234", "--reason", "没有手机"
        )
        self.assertEqual(self.hours(shift, entered["person"])["grade"], "D")

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


if __name__ == "__main__":
    harness.main(__file__)
