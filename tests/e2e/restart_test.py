# SPDX-License-Identifier: Apache-2.0
"""GEN-13 and its kin: what a killed, drained, restored or slow end loses (nothing acknowledged)."""

import threading
import time
import unittest

import harness
from harness import Peer, seconds, wait_for


class Writer(threading.Thread):
    """A phone that answers one notice again and again and notes which numbers were acknowledged."""

    def __init__(self, identity, notice):
        super().__init__(daemon=True)
        self.identity, self.notice = identity, notice
        self.peer = Peer(identity).caught_up()
        self.sent, self.stop = 0, False

    def run(self):
        try:
            while not self.stop and self.peer.closed is None:
                self.sent += 5
                self.peer.push(0, *(self.mutation(n) for n in range(self.sent - 4, self.sent + 1)))
                self.peer.result(0, self.sent)
        except Exception:  # the server was killed: what counts is which results came
            pass

    def mutation(self, n):
        return (
            n,
            "notice.acknowledge",
            {
                "notice": self.notice,
                "person": self.identity.person,
                "choice": ("ok", "help", "away")[n % 3],
            },
        )

    def acknowledged(self):
        """{n: seq} of every result that came."""
        return {f["n"]: f["seq"] for f in self.peer.of("R", st="ok")}


class Restart(harness.WorldTest):
    people = 30

    def test_GEN_13_a_kill_in_mid_batch_loses_nothing_acknowledged_and_alarms_nobody_twice(self):
        people = [self.world.resident() for _ in range(8)]
        notice = self.world.send("GEN-13 红色预警", severity="red")
        writers = [Writer(who, notice) for who in people]
        for writer in writers:
            writer.start()
        wait_for(lambda: all(len(w.acknowledged()) >= 20 for w in writers), "load", 30)
        self.world.server.kill()
        for writer in writers:
            writer.stop = True
            writer.join(seconds(10))
        began = time.monotonic()
        self.world.server.start()
        for writer in writers:
            with self.subTest(writer.identity.name):
                known = writer.acknowledged()
                last = writer.sent
                peer = writer.peer.again(up=((0, last), (0, 0), (0, 0))).caught_up()
                self.assertGreaterEqual(peer.wait("welcome")["last_n"][0], max(known))
                for n, seq in known.items():
                    self.assertEqual(peer.result(0, n)["seq"], seq, "acknowledged means kept")
                peer.push(0, *(writer.mutation(n) for n in range(1, last + 1)))
                after = {n: peer.result(0, n)["seq"] for n in range(1, last + 1)}
                self.assertEqual(len(set(after.values())), last, "each ran once")
                self.assertEqual(peer.rows("notice"), {}, "no alert comes a second time")
                peer.close()
        self.assertLess(time.monotonic() - began, seconds(60))
        self.assertEqual(self.world.acks(notice), len(writers))

    def test_GEN_9_the_desk_knows_what_a_lost_phone_had_not_sent_also_after_a_restart(self):
        notice = self.world.send("设备与同步")
        who = self.world.resident()
        peer = Peer(who, pending=4).caught_up()
        answer = {"notice": notice, "person": who.person, "choice": "ok"}
        peer.push(0, (1, "notice.acknowledge", answer))
        peer.result(0, 1)
        peer.close()

        def unsent():
            return self.world.devices(who.account)[0].get("unsent")

        wait_for(lambda: unsent() == 3, "what the phone said, less what came", 15)
        self.assertEqual(self.world.server.terminate(), 0)
        self.world.server.start()
        [device] = self.world.devices(who.account)
        self.assertEqual((device["unsent"], device["app"]), (3, "peer"))
        self.assertLess(abs(time.time() * 1000 - device["last_contact"]), 120_000)

    def test_SIGTERM_drains_and_phones_come_back(self):
        notice = self.world.send("平稳重启")
        peer = Peer(self.world.resident()).caught_up()
        self.assertEqual(self.world.server.terminate(), 0)
        drain = peer.wait("drain")
        self.assertLess(drain["after"], 60_000)
        self.assertIn(peer.wait_closed(), (1001, None))
        self.world.server.start()
        back = peer.again().caught_up()
        self.assertNotIn("buckets", back.wait("welcome"), "nothing to fetch anew")
        self.assertEqual(back.rows("notice"), {})
        back.close()
        self.assertGreaterEqual(self.world.acks(notice), 0)

    def test_a_slow_phone_delays_nobody_and_hears_the_warning_before_bulk(self):
        """40 kbit/s and a lot to fetch: the red warning overtakes it; a fast phone notices
        nothing."""
        for number in range(12):
            self.world.send(f"长通知 {number}", body="社" * 7000)
        line = self.world.line()
        slow_one, fast_one = self.world.resident(), self.world.resident()
        fast = Peer(fast_one).caught_up()
        line.down_rate = 5000
        slow = Peer(slow_one.through(line))
        slow.wait("B", limit=30)
        began = time.monotonic()
        warning = self.world.send("慢线红色预警", severity="red")
        wait_for(lambda: warning in fast.rows("notice"), "the warning on the fast phone", 10)
        self.assertLess(time.monotonic() - began, seconds(5))
        wait_for(lambda: warning in slow.rows("notice"), "the warning on the slow phone", 15)
        self.assertLess(time.monotonic() - began, seconds(10))
        bulk = [key for key, row in slow.rows("notice").items() if "长通知" in row["title"]]
        self.assertLess(len(bulk), 12, "the bulk is still under way")
        slow.close()
        fast.close()

    def test_a_half_open_phone_does_not_hold_the_others(self):
        line = self.world.line()
        stuck = Peer(self.world.resident().through(line)).caught_up()
        line.swallow = True
        well = Peer(self.world.resident()).caught_up()
        notice = self.world.send("半开连接")
        wait_for(lambda: notice in well.rows("notice"), "the notice", 10)
        line.swallow = False
        line.cut()
        back = stuck.again()
        wait_for(lambda: notice in back.rows("notice"), "the notice after reconnecting", 10)
        well.close()
        back.close()

    def test_many_phones_reconnect_at_once_without_fetching_again(self):
        phones = [Peer(self.world.resident()).caught_up() for _ in range(20)]
        self.world.server.kill()
        for phone in phones:
            phone.wait_closed()
        self.world.server.start()
        began = time.monotonic()
        back = [phone.again() for phone in phones]
        for phone in back:
            phone.caught_up()
            self.assertNotIn("buckets", phone.wait("welcome"))
        self.assertLess(time.monotonic() - began, seconds(20))
        for phone in back:
            phone.close()


class Restored(harness.WorldTest):
    """Backup, more work, disaster, restore."""

    people = 20

    def test_a_restored_backup_gets_back_what_phones_had_acknowledged_since(self):
        world = self.world
        phone, gone = world.phone("keeper"), world.resident()
        slip = world.slip()  # the person is known, the first phone comes after the backup
        early = world.send("备份前")
        phone.sync()
        phone.ack(early)
        phone.sync()
        epoch = world.epoch()
        world.backup(world.folder / "backup")
        late = world.send("备份后")
        phone.sync()
        phone.ack(late)
        phone.sync()
        self.assertEqual(phone.pending(), [], "acknowledged after the backup was made")
        newcomer = world.resident(slip=slip)
        world.revoke(gone)
        phone.offline()
        phone.ack(early, "help")
        world.restore(world.folder / "backup")
        self.assertNotEqual(world.epoch(), epoch)
        phone.online()
        phone.sync()
        self.assertEqual(phone.pending(), [])
        self.assertEqual(world.reach(early)["help"], 1, "the unsent one arrived")
        self.assertEqual(
            [a["args"]["notice"] for a in phone.attention()],
            [late],
            "the notice itself is newer than the backup: its answer is not lost silently",
        )
        refused = Peer(gone)
        self.assertEqual(refused.wait_closed(), 4401)
        self.assertEqual(refused.of("err")[-1]["code"], "revoked")
        recovered = Peer(newcomer).caught_up()
        recovered.close()
        self.assertIn(newcomer.key.cid, world.recovered())

    def test_a_cloned_store_gets_a_key_of_its_own_and_nothing_is_lost_or_doubled(self):
        phone = self.world.phone("original")
        first, second = self.world.send("克隆一"), self.world.send("克隆二")
        phone.sync()
        clone = phone.clone(self.world.folder / "clone")
        phone.ack(first)
        clone.ack(second)
        for _ in range(2):
            phone.sync()
            clone.sync()
        self.assertEqual((phone.pending(), clone.pending()), ([], []))
        self.assertEqual((self.world.acks(first), self.world.acks(second)), (1, 1))
        self.assertEqual(len(self.world.devices(phone.account)), 2, "the office sees both")


if __name__ == "__main__":
    harness.main(__file__)
