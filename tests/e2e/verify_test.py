# SPDX-License-Identifier: Apache-2.0
"""VOL-6: `linlid admin verify` on the demo, and on copies of it that somebody changed."""

import json
import shutil
import sqlite3

import harness
from harness.world import SLUG


class Forged(harness.WorldTest):
    # Large enough that grids share one index value by the thousand.
    people = 3000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.world.server.terminate()

    def copy(self, name):
        """A copy of the stopped server's data, to be forged."""
        folder = self.world.folder / name
        shutil.copytree(self.world.data, folder)
        self.addCleanup(shutil.rmtree, folder)
        return folder

    def forge(self, name, use):
        """Verifies a copy after use(rows); what is said of attendance, in order."""
        folder = self.copy(name)
        with sqlite3.connect(folder / SLUG / "sync.db") as db:
            use(Rows(db))
        db.close()
        done = harness.Admin(folder).run("--json", "verify", ok=False, limit=60)
        self.assertEqual(done.returncode, 1, f"{done.stdout}{done.stderr}")
        found = [one for one in json.loads(done.stdout)["findings"] if "pos" in one]
        self.assertTrue(found, "attendance is accused")
        return found

    def entry(self, number):
        """The check-in, check-out or countersign that the log has at a place."""
        return self.world.rows("attendance_log")[f"{number:010}"]["id"]

    def test_VOL_6_the_demo_is_in_order(self):
        report = self.world.admin.json("verify", limit=60)
        self.assertEqual(report["findings"], [])
        self.assertGreater(report["attendance_records"], 500)

    def test_VOL_6_an_altered_entry_is_named(self):
        key = self.entry(300)

        def alter(rows):
            row = rows.get("attendance", key)
            rows.put("attendance", key, row | {"device_at": row["device_at"] + 3_600_000})

        found = self.forge("altered", alter)
        self.assertEqual(accused(found), [("altered", 300, key)])

    def test_VOL_6_a_removed_entry_is_named(self):
        key = self.entry(301)
        found = self.forge("removed", lambda rows: rows.delete("attendance", key))
        self.assertEqual((found[0]["what"], found[0]["pos"], found[0]["id"]), ("removed", 301, key))

    def test_VOL_6_the_last_entries_cannot_be_cut_off(self):
        log = self.world.rows("attendance_log")
        last = max(log)

        def cut(rows):
            rows.delete("attendance", log[last]["id"])
            rows.delete("attendance_log", last)

        found = self.forge("cut", cut)
        self.assertEqual((found[0]["what"], found[0]["pos"]), ("removed", int(last)))

    def test_VOL_6_an_inserted_entry_is_named(self):
        key = self.entry(302)
        new = "0123456789abcdef0123456789abcdef"
        found = self.forge("inserted", lambda rows: rows.insert("attendance", new, key))
        self.assertEqual((found[0]["what"], found[0]["id"]), ("inserted", new))

    def test_VOL_6_reordered_entries_are_named(self):
        first, second = self.entry(303), self.entry(340)

        def swap(rows):
            places = [rows.get("attendance_log", f"{n:010}") for n in (303, 340)]
            rows.put("attendance_log", f"{303:010}", places[1])
            rows.put("attendance_log", f"{340:010}", places[0])

        found = self.forge("reordered", swap)
        self.assertEqual(
            accused(found),
            [("reordered", 303, second), ("reordered", 340, first)],
            "those two, and no innocent neighbour",
        )

    def test_VOL_6_more_hours_than_the_entries_say_are_named(self):
        hours = self.world.rows("hours")
        key = next(key for key, row in hours.items() if row["state"] == "final")

        def add(rows):
            row = rows.get("hours", key)
            rows.put("hours", key, row | {"minutes": row["minutes"] + 60})

        found = self.forge("hours", add)
        self.assertEqual([(one["what"], one["id"]) for one in found], [("hours", key)])


def accused(found):
    """Entries that are called changed; not what follows from them: hours, and published heads."""
    return [
        (one["what"], one["pos"], one["id"])
        for one in found
        if one["what"] not in ("hours", "rewritten")
    ]


class Rows:
    """Writes rows past the engine, as somebody with the database file would."""

    def __init__(self, db):
        self.db = db

    def _tbl(self, tbl):
        return self.db.execute("select id from tbl_name where name = ?", [tbl]).fetchone()[0]

    def get(self, tbl, key):
        found = self.db.execute(
            "select data from row where tbl = ? and key = ?", [self._tbl(tbl), key]
        )
        return json.loads(found.fetchone()[0])

    def put(self, tbl, key, row):
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        self.db.execute(
            "update row set data = ? where tbl = ? and key = ?", [text, self._tbl(tbl), key]
        )

    def delete(self, tbl, key):
        self.db.execute("delete from row where tbl = ? and key = ?", [self._tbl(tbl), key])

    def insert(self, tbl, key, like):
        self.db.execute(
            "insert into row (tbl, key, ver, places, data) "
            "select tbl, ?, ver, places, data from row where tbl = ? and key = ?",
            [key, self._tbl(tbl), like],
        )


if __name__ == "__main__":
    harness.main(__file__)
