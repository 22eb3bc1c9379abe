# SPDX-License-Identifier: Apache-2.0
"""RAIN-8, the order: a phone that comes back gets the red warning before any other data.

How fast it is for 5,000 phones is tests/bench/rain8_bench.cc."""

import json

import harness
from harness import Peer

EDITOR, APPROVER = "马会玲", "张书记"


def notices_in(frame):
    return [op[2] for op in frame["ops"] if op[1] == "notice"]


class Rain8(harness.WorldTest):
    def drafts(self, count):
        """Ordinary notices that a second person has still to let out."""
        desk = self.world.desk(EDITOR)
        body = "明天上午八点到下午五点停水。" * 60
        return [desk.draft(f"停水 {n}", ["hn"], body=body) for n in range(count)]

    def come_back(self, approve):
        """A phone misses what `approve` lets out: its frames from the welcome on."""
        phone = Peer(self.world.resident()).caught_up()
        phone.close()
        approve()
        back = phone.again().caught_up()
        self.addCleanup(back.close)
        kinds = [frame["t"] for frame in back.frames]
        return back.frames[kinds.index("welcome") + 1 :]

    def test_RAIN_8_a_phone_that_comes_back_gets_the_red_one_before_any_other_data(self):
        plain = self.drafts(12)
        desk = self.world.desk(APPROVER)
        sent = []

        def approve():
            for draft in plain:
                sent.append(desk.approve(draft))
            sent.append(self.world.send("红色暴雨", severity="red", action_line="上二楼"))

        frames = self.come_back(approve)
        red = sent[-1]
        data = [n for n, frame in enumerate(frames) if frame["t"] == "B" and frame["ops"]]
        self.assertEqual(notices_in(frames[data[0]]), [red], json.dumps(frames[data[0]])[:400])
        shown = next(n for n, f in enumerate(frames) if f["t"] == "C" and f.get("lane") == "u")
        others = [n for n in data if set(notices_in(frames[n])) & set(sent[:-1])]
        self.assertTrue(others, "the rest comes too")
        self.assertLess(shown, others[0], "and the red one is revealed before the rest begins")

    def test_without_a_red_one_the_others_come_in_their_own_lane(self):
        plain = self.drafts(2)
        desk = self.world.desk(APPROVER)
        frames = self.come_back(lambda: [desk.approve(draft) for draft in plain])
        first = next(frame for frame in frames if frame["t"] == "B" and notices_in(frame))
        self.assertIn(plain[0]["id"], notices_in(first))


if __name__ == "__main__":
    harness.main(__file__)
