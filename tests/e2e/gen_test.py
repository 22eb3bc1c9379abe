# SPDX-License-Identifier: Apache-2.0
"""GEN-1 to GEN-11: what every module owes a phone that is mostly offline."""

import time
import unittest

import harness
from harness import Peer, seconds, wait_for


class Offline(harness.WorldTest):
    people = 40

    def test_GEN_1_offline_writes_survive_a_kill_and_show_as_pending(self):
        """Written without a net, visible after kill -9 and a restart, sent once there is one."""
        notice = self.world.send("GEN-1 停水")
        phone = self.world.phone(self.id())
        phone.sync()
        phone.offline()
        watcher = phone.start("sync", "--watch")
        phone.ack(notice)
        watcher.kill()
        watcher.communicate()
        self.assertEqual([p["name"] for p in phone.pending()], ["notice.acknowledge"])
        self.assertTrue(phone.notice(notice)["acknowledged"], "shown optimistically")
        phone.online()
        phone.sync()
        self.assertEqual(phone.pending(), [])
        self.assertEqual(self.world.acks(notice), 1)

    def test_GEN_2_three_lost_acks_leave_every_mutation_exactly_once(self):
        """The server hears the phone, the phone hears nothing back, three times."""
        notice = self.world.send("GEN-2 体检")
        phone = self.world.phone(self.id())
        phone.sync()
        phone.ack(notice)
        before = self.world.head()
        for _ in range(3):
            phone.line.drop_down_after_welcome = True
            phone.run("sync", "--timeout", "3", ok=False, limit=15)
            phone.line.cut()
        phone.line.drop_down_after_welcome = False
        phone.sync()
        self.assertEqual(phone.pending(), [])
        self.assertEqual(phone.attention(), [])
        self.assertEqual(self.world.acks(notice), 1)
        self.assertLessEqual(self.world.head() - before, 2, "one commit, not one per attempt")

    def test_GEN_3_a_gap_is_not_held_and_the_right_order_works(self):
        """3 before 1 and 2: err gap names what the server wants; then 1, 2, 3 run."""
        notice = self.world.send("GEN-3 讲座")
        who = self.world.resident()
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
        notice = self.world.send("GEN-4 修路")
        phone = self.world.phone(self.id())
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
        """As far as the first modules go: an answer is one field with a time. The later one holds,
        whichever arrives first, and both numbered mutations get their result; keeping the other
        value beside it comes with the modules whose records people edit."""
        notice = self.world.send("GEN-5 燃气检查")
        one, two = self.world.two_phones_of_one_person(self.id())
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
        """synced, pending n, syncing, offline since, attention n; offline is no error."""
        notice = self.world.send("GEN-6 停电")
        phone = self.world.phone(self.id())
        phone.sync()
        self.assertEqual(phone.status()["state"], "synced")
        phone.ack(notice)
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
        self.assertEqual(phone.status()["state"], "attention")

    def test_GEN_7_on_a_half_open_line_every_command_answers_in_time(self):
        """Bytes vanish, no reset comes: commands that need no net do not wait, sync gives up."""
        notice = self.world.send("GEN-7 防汛")
        phone = self.world.phone(self.id())
        phone.sync()
        phone.line.swallow = True
        for command in (["status"], ["notices"], ["ack", notice]):
            phone.run(*command, limit=1.5)
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
        worker = self.world.grid_worker("G1")
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
        self.world.move_worker(worker, "G2")
        phone.online()
        phone.sync()
        left = {row["key"] for row in phone.rows("person_card")} & {row["key"] for row in rows}
        self.assertEqual(left, set(), "rows of the old grid have left in this sync")
        self.assertEqual(phone.pending(), [])
        self.assertEqual([a["name"] for a in phone.attention()], ["person.register"])
        self.assertEqual(self.world.quarantined(worker.account), ["person.register"])

    def test_GEN_11_a_phone_clock_days_off_keeps_order_and_both_times(self):
        """Three days ahead and three behind: stored are the server's time and the true time."""
        for shift in ("+3d", "-3d"):
            with self.subTest(shift):
                notice = self.world.send(f"GEN-11 {shift}")
                wrong = self.world.phone(self.id() + shift, shift=shift)
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
