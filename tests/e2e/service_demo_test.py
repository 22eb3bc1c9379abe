# SPDX-License-Identifier: Apache-2.0
"""VOL: the demo's three teams, five stations and 90 days of attendance, as its staff sees them."""

import collections
import csv
import io
import json
import subprocess
import time
import urllib.request

import harness
from harness.world import APPROVER, SLUG, WINDOW


class ServiceDemo(harness.WorldTest):
    people = 5480

    def desk(self):
        return self.world.desk(APPROVER)

    def hours(self, **query):
        """All pages."""
        found, query = [], {"limit": 500, **query}
        while True:
            page = self.desk().get("/hours", **query)
            found += page["items"]
            if "next" not in page:
                return found
            query["cursor"] = page["next"]

    def test_VOL_1_three_teams_and_five_stations_with_printed_codes(self):
        teams = self.desk().get("/teams")["items"]
        sizes = {}
        for team in teams:
            if team["kind"] == "team":
                members = self.desk().get(f"/teams/{team['id']}/members")["members"]
                sizes[team["name"]] = len([one for one in members if one["state"] == "active"])
                leads = [one for one in members if one["role"] == "lead"]
                self.assertEqual([one["is_minor"] for one in leads], [False])
        self.assertEqual(sizes, {"雷锋帮帮团": 68, "文艺合唱队": 42, "城市精细化管理": 76})
        stations = [team for team in teams if team["kind"] == "station"]
        self.assertEqual(
            {one["name"] for one in stations}, {"连心桥", "爱心曲", "民心网", "暖心岛", "怡心路"}
        )
        for station in stations:
            code = self.desk().get(f"/teams/{station['id']}/station-code")["code"]
            self.assertTrue(code.startswith("LLS1."))

    def test_VOL_2_ninety_days_with_the_grades_of_the_reference(self):
        hours = self.hours()
        self.assertEqual(len({one["day"] for one in hours}), 90)
        grades = collections.Counter(one["grade"] for one in hours)
        for grade, percent in (("A", 61), ("B", 27), ("C", 9), ("D", 3)):
            self.assertAlmostEqual(100 * grades[grade] / len(hours), percent, delta=0.5)

    def test_VOL_8_seven_missing_check_outs_are_listed(self):
        missing = self.desk().get("/hours/missing")["hours"]
        self.assertEqual(len(missing), 7)
        one = missing[0]
        that_day = self.desk().get("/hours/missing", day=one["day"])["hours"]
        self.assertIn(one["id"], [other["id"] for other in that_day])
        self.assertTrue(all("auto" in other["flags"] for other in missing))

    def test_VOL_9_two_overlaps_are_counted_once(self):
        twice = [one for one in self.hours() if "overlap" in one["flags"]]
        self.assertEqual(len(twice), 2)
        for one in twice:
            self.assertLess(one["counted"], one["minutes"])

    def test_VOL_11_one_dispute(self):
        disputed = self.hours(state="disputed")
        self.assertEqual(len(disputed), 1)
        self.assertTrue(disputed[0]["dispute"])

    def test_VOL_6_every_chain_holds_and_every_day_has_a_signed_head(self):
        began = time.monotonic()
        report, answers = self.desk().post("/attendance/verify"), 1
        while "walk" in report:
            self.assertLess(report["walked"], report["records"])
            report = self.desk().post("/attendance/verify", {"walk": report["walk"]})
            answers += 1
        took = time.monotonic() - began
        self.assertEqual((report["findings"], report["flagged"]), ([], []))
        self.assertTrue(report["heads_checked"])
        self.assertGreater(report["records"], 3000)
        print(f"verified {report['records']} records in {took:.2f} s, {answers} answers")
        with urllib.request.urlopen(f"{self.public('attendance-heads')}") as answer:
            heads = json.load(answer)["heads"]
        self.assertGreaterEqual(len(heads), 90)
        self.assertTrue(all(len(head["sig"]) == 86 for head in heads))

    def public(self, name):
        return f"{self.world.origin}/c/{SLUG}/public/{name}"

    def is_valid(self, number, code):
        request = urllib.request.Request(
            self.public("certificate-check"),
            data=json.dumps({"number": number, "code": code}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            said = json.load(answer)
        self.assertEqual(list(said), ["valid"], "yes or no and nothing else")
        return said["valid"]

    def test_VOL_12_a_certificate_is_printed_checked_and_revoked(self):
        person = self.hours(state="final")[0]["person"]
        issued = self.desk().post("/certificates", {"person": person})
        path = f"/certificates/{issued['number']}"
        status, headers, page = self.desk().request("GET", f"{path}/sheet")
        self.assertEqual((status, headers["Content-Type"].split(";")[0]), (200, "text/html"))
        shown = self.desk().get(path)
        for text in (issued["number"], issued["code"], shown["name"], shown["log_link"], "盖章处"):
            self.assertIn(text, page.decode())
        self.assertNotIn("<script", page.decode())
        total = sum(one["counted"] for one in shown["activities"])
        self.assertEqual(total, shown["minutes"])
        self.assertTrue(self.is_valid(issued["number"], issued["code"]))
        self.assertFalse(self.is_valid(issued["number"], "X" * len(issued["code"])))
        self.desk().post(f"{path}/revoke", {"reason": "名字写错"})
        self.assertFalse(self.is_valid(issued["number"], issued["code"]))

    def pdf(self, person):
        """(number and code, status, content type, body) of the file of a new certificate."""
        issued = self.desk().post("/certificates", {"person": person})
        status, headers, body = self.desk().request(
            "GET", f"/certificates/{issued['number']}/sheet.pdf"
        )
        return issued, status, headers["Content-Type"].split(";")[0], body

    def test_VOL_12_a_certificate_is_a_pdf_with_its_fonts_inside(self):
        person = self.hours(state="final")[0]["person"]
        issued, status, kind, body = self.pdf(person)
        self.assertEqual((status, kind), (200, "application/pdf"), body[:300])
        shown = self.desk().get(f"/certificates/{issued['number']}")
        file = self.world.folder / "certificate.pdf"
        file.write_bytes(body)
        text = self.output("pdftotext", "-layout", file, "-")
        hours = f"{shown['minutes'] // 6 // 10}.{shown['minutes'] // 6 % 10}"
        for part in (issued["number"], issued["code"], shown["name"], hours, "盖章处"):
            self.assertIn(part, text)
        fonts = self.output("pdffonts", file).splitlines()[2:]
        self.assertTrue(fonts)
        for font in fonts:  # ... emb sub uni object ID
            self.assertEqual(font.split()[-5:-2], ["yes", "yes", "yes"], font)
        self.assertIn("0 embedded files", self.output("pdfdetach", "-list", file))

    def test_VOL_12_a_name_without_a_font_is_refused_and_markup_fetches_nothing(self):
        person = self.hours(state="final")[0]["person"]
        desk = self.world.desk(WINDOW)
        access = desk.post("/person-reads", {"person": person})["access"]
        name = desk.get(f"/persons/{person}", access=access)["name"]

        def rename(new):
            self.world.desk(WINDOW).post("/persons", {"id": person, "name": new})

        rename("𠮷\U000323AF")  # no font has the second one: it is of 2022
        _, status, kind, body = self.pdf(person)
        self.assertEqual((status, kind), (501, "application/problem+json"))
        told = json.loads(body)
        self.assertEqual(told["code"], "unsupported")
        self.assertRegex(told["detail"], "字体里没有“(𠮷|\U000323AF)”字")
        rename('<img src=/etc/hosts>')
        issued, status, kind, body = self.pdf(person)
        self.assertEqual((status, kind), (200, "application/pdf"), body[:300])
        file = self.world.folder / "markup.pdf"
        file.write_bytes(body)
        self.assertIn("src=/etc/hosts", self.output("pdftotext", file, "-"))
        self.assertEqual(len(self.output("pdfimages", "-list", file).splitlines()), 2)
        rename(name)

    @staticmethod
    def output(*command):
        return subprocess.run(
            [str(part) for part in command], check=True, capture_output=True, timeout=60
        ).stdout.decode()

    def test_VOL_12_the_export_is_the_same_as_JSON_and_as_a_table(self):
        records, query = [], {}
        while True:
            page = self.desk().get("/teams/leifeng/hours-export", **query)
            records += page["items"]
            if "next" not in page:
                break
            query = {"cursor": page["next"]}
        status, headers, table = self.desk().request("GET", "/teams/leifeng/hours.csv")
        rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
        while headers.get("Linli-Next"):
            path = f"/teams/leifeng/hours.csv?cursor={headers['Linli-Next']}"
            status, headers, table = self.desk().request("GET", path)
            rows += list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
        self.assertEqual(status, 200)
        self.assertEqual(
            [(row["volunteer_id"], row["service_minutes"], row["evidence_grade"]) for row in rows],
            [(r["volunteer_id"], str(r["service_minutes"]), r["evidence_grade"]) for r in records],
        )
        team = [one for one in self.hours(state="final") if one["team"] == "leifeng"]
        self.assertEqual(len(rows), len(team))

    def test_VOL_11_the_window_may_not_export_or_issue(self):
        window = self.world.desk(WINDOW)
        person = self.hours(state="final")[0]["person"]
        for method, path, value in (
            ("GET", "/teams/leifeng/hours.csv", None),
            ("POST", "/certificates", {"person": person}),
        ):
            self.assertEqual(window.request(method, path, value)[0], 403, path)


if __name__ == "__main__":
    harness.main(__file__)
