# SPDX-License-Identifier: Apache-2.0
"""GEN-1 to GEN-11: what every module owes a phone that is mostly offline."""

import json
import time

import harness
from harness import Peer, seconds


ALERT = 0  # the up-lane of an acknowledgement


class Offline(harness.WorldTest):
    people = 40

    def test_GEN_1_offline_writes_survive_a_kill_and_show_as_pending(self):
        """Killed at any moment of a write: what was said to be saved is there, waits, is shown, and
        is sent once there is a net."""
        phone = self.world.phone(self.id())
        notice = self.world.send("GEN-1 停水")
        phone.sync()
        phone.offline()
        said, killed = [], 0
        for step in range(32):
            writer = phone.start("ack", notice, "--choice", ("ok", "away")[step % 2], "--offline")
            time.sleep(step * 0.001)
            killed += writer.poll() is None
            writer.kill()
            text = writer.communicate()[0]
            said += [json.loads(line)["id"] for line in text.splitlines()]
        phone.ack(notice)
        waiting = phone.pending()
        self.assertGreater(killed, 0, "some were killed at work")
        self.assertLessEqual(set(said), {p["id"] for p in waiting})
        self.assertEqual({p["name"] for p in waiting}, {"notice.acknowledge"})
        shown = phone.notice(notice)["acks"]
        self.assertEqual([(a["choice"], a["pending"]) for a in shown], [("ok", True)])
        phone.online()
        phone.sync()
        self.assertEqual((phone.pending(), phone.attention()), ([], []))
        self.assertEqual(self.world.reach(notice)["ok"], 1)

    def test_GEN_2_three_lost_acks_leave_every_mutation_exactly_once(self):
        """The server hears the phone, the phone hears nothing back, three times."""
        phone = self.world.phone(self.id())
        notice = self.world.send("GEN-2 体检")
        phone.sync()
        phone.run("ack", notice, "--offline")
        for _ in range(3):
            phone.line.drop_down_after_welcome = True
            phone.run("sync", "--timeout", "3", ok=False, limit=15)
            phone.line.cut()
        phone.line.drop_down_after_welcome = False
        phone.sync()
        self.assertEqual(phone.pending(), [])
        self.assertEqual(phone.attention(), [])
        self.assertEqual(self.world.acks(notice), 1)
        held = self.world.results(phone.cid)
        self.assertEqual(len(held), len(set(held)), "each number has one result")
        self.assertEqual([n for lane, n in held if lane == ALERT], [1])

    def test_GEN_3_a_gap_is_not_held_and_the_right_order_works(self):
        """3 before 1 and 2: err gap names what the server wants; then 1, 2, 3 run."""
        who = self.world.resident()
        notice = self.world.send("GEN-3 讲座")
        peer = Peer(who).caught_up()
        mut = ("notice.acknowledge", {"notice": notice, "person": who.person, "choice": "away"})
        peer.push(0, (3, *mut))
        gap = peer.wait("err", code="gap")
        self.assertEqual((gap["lane"], gap["want"], gap["fatal"]), (0, 1, False))
        peer.push(
            0,
            (1, mut[0], mut[1] | {"choice": "ok"}),
            (2, mut[0], mut[1] | {"choice": "help"}),
            (3, *mut),
        )
        seqs = [peer.result(0, n)["seq"] for n in (1, 2, 3)]
        self.assertEqual(seqs, sorted(set(seqs)))
        peer.close()
        again = peer.again(up=((0, 3), (0, 0), (0, 0)))
        self.assertEqual(again.wait("welcome")["last_n"][0], 3)
        self.assertEqual([again.result(0, n)["seq"] for n in (1, 2, 3)], seqs, "the stored results")
        again.close()
        self.assertEqual(self.world.reach(notice)["away"], 1, "what 3 said is what holds")

    def test_GEN_4_a_rejected_write_waits_in_the_attention_list_and_others_pass(self):
        """Refused with a sentence, later ones go through, mended and sent again it goes too."""
        phone = self.world.phone(self.id())
        notice = self.world.send("GEN-4 修路")
        phone.sync()
        phone.offline()
        phone.mutate(
            "notice.acknowledge",
            {"notice": notice, "person": self.world.stranger(), "choice": "ok"},
        )
        phone.ack(notice)
        phone.online()
        phone.sync()
        self.assertEqual(phone.pending(), [])
        attention = phone.attention()
        self.assertEqual([a["code"] for a in attention], ["not_member"])
        self.assertRegex(attention[0]["msg"], "[\u4e00-\u9fff]")
        self.assertEqual(self.world.acks(notice), 1)
        phone.mend(attention[0]["id"], {"notice": notice, "person": phone.person, "choice": "help"})
        phone.sync()
        self.assertEqual(phone.attention(), [])
        self.assertEqual(self.world.reach(notice)["help"], 1)

    def test_GEN_5_two_devices_answer_offline_and_the_later_answer_holds(self):
        """An answer is one field with a time: the later one holds, whichever arrives first, and
        both numbered mutations get their result. Records that people edit keep the other value
        beside it: GEN_5 of people_test.cc and of web family_test."""
        one, two = self.world.two_phones_of_one_person(self.id())
        notice = self.world.send("GEN-5 燃气检查")
        for phone in (one, two):
            phone.sync()
            phone.offline()
        one.ack(notice, "help")
        time.sleep(1.1)
        two.ack(notice, "ok")
        for phone in (two, one):  # the earlier answer arrives last
            phone.online()
            phone.sync()
            self.assertEqual((phone.pending(), phone.attention()), ([], []))
        two.sync()
        self.assertEqual(self.world.reach(notice)["ok"], 1)
        self.assertEqual(self.world.reach(notice)["help"], 0)

    def test_GEN_6_status_knows_exactly_five_states(self):
        """已同步, 待上传 n, 同步中, 暂时连不上（上次 hh:mm）, 有问题 n; offline is no error."""
        phone = self.world.phone(self.id())
        notice = self.world.send("GEN-6 停电")
        phone.sync()
        self.assertEqual(phone.status()["state"], "synced")
        phone.run("ack", notice, "--offline")
        status = phone.status()
        self.assertEqual((status["state"], len(phone.pending())), ("pending", 1))
        phone.offline()
        offline = phone.run("sync", ok=False, limit=15)
        self.assertNotIn(offline.returncode, (0, 1, 2), "its own exit code, not that of a fault")
        status = phone.status()
        self.assertEqual(status["state"], "offline")
        self.assertGreater(status["last_contact"], 0)
        phone.online()
        phone.mutate(
            "notice.acknowledge",
            {"notice": notice, "person": self.world.stranger(), "choice": "ok"},
        )
        phone.sync()
        status = phone.status()
        self.assertEqual((status["state"], status["label"]), ("trouble", "有问题 1"))

    def test_GEN_7_on_a_half_open_line_every_command_answers_in_time(self):
        """Bytes vanish, no reset comes: commands that need no net do not wait, sync gives up."""
        phone = self.world.phone(self.id())
        notice = self.world.send("GEN-7 防汛")
        phone.sync()
        phone.line.swallow = True
        for command in (["status"], ["notices"], ["ack", notice]):
            phone.run(*command, limit=1.5, ok=(0, harness.SAVED_OFFLINE))
        phone.run("sync", "--timeout", "4", ok=False, limit=6)
        self.assertEqual(phone.status()["state"], "offline")
        self.assertEqual(len(phone.pending()), 1)
        phone.line.swallow = False
        phone.line.cut()
        phone.sync()
        self.assertEqual(self.world.acks(notice), 1)

    def test_GEN_10_moved_to_another_grid_old_rows_leave_and_no_work_vanishes(self):
        """One sync: rows of the old grid are gone, unsent work is refused visibly, both ends
        keep it."""
        worker = self.world.grid_worker("g1")
        phone = self.world.phone(self.id(), slip=worker.slip)
        phone.sync()
        rows = phone.rows("person_card")
        self.assertGreater(len(rows), 0, "the worker sees the people of the own grid")
        phone.offline()
        phone.mutate(
            "person.register",
            {
                "id": self.world.new_id(),
                "name": "无手机老人",
                "household": worker.household,
                "no_phone": True,
            },
        )
        self.assertEqual(len(phone.rows("person_card")), len(rows) + 1, "shown while pending")
        self.world.move_worker(worker, "g2")
        phone.online()
        phone.sync()
        left = {row["key"] for row in phone.rows("person_card")} & {row["key"] for row in rows}
        self.assertEqual(left, set(), "rows of the old grid have left in this sync")
        self.assertEqual(phone.pending(), [])
        self.assertEqual([a["name"] for a in phone.attention()], ["person.register"])
        self.assertEqual(self.world.quarantined(worker.account), ["person.register"])

    def test_GEN_11_a_phone_clock_days_off_keeps_order_and_both_times(self):
        """Three days ahead and three behind: stored are the server's time and the true time."""
        for days in (3, -3):
            with self.subTest(days):
                wrong = self.world.phone(f"{self.id()}{days}", days_off=days)
                notice = self.world.send(f"GEN-11 {days}")
                wrong.sync()
                wrong.offline()
                wrong.ack(notice)
                said = time.time()
                wrong.online()
                wrong.sync()
                row = wrong.ack_row(notice)
                self.assertAlmostEqual(row["captured_at"] / 1000, said, delta=seconds(60))
                self.assertAlmostEqual(row["at"] / 1000, time.time(), delta=seconds(60))
                self.assertIn(notice, [n["id"] for n in wrong.notices()], "not taken for expired")


if __name__ == "__main__":
    harness.main(__file__)
