# SPDX-License-Identifier: Apache-2.0
"""The path of the README, with the commands of the README: from a printed slip to the reach
count."""

import unittest

import harness
from harness import wait_for
from harness.world import APPROVER, EDITOR

PASSPHRASE = "correct horse battery staple"


class Readme(harness.WorldTest):
    people = 40

    def test_a_notice_reaches_a_phone_and_its_answer_reaches_the_office_through_offline_times(self):
        world = self.world
        # A resident enrols with the slip that the demo printed.
        resident = world.phone("resident", slip=world.printed_slip())
        resident.sync()
        resident.offline()
        # Staff: the editor writes, the approver lets it out; both with slips of the demo as well.
        editor = world.phone("editor", slip=world.staff_slip(EDITOR))
        approver = world.phone("approver", slip=world.staff_slip(APPROVER))
        secret = approver.set_up(world.setup_code(APPROVER), PASSPHRASE)
        notice = editor.json("notice", "send", "--title", "明天停水", "--body", "早八点到晚六点", "--ack")
        self.assertEqual(notice["state"], "in_review", "nothing is out before a second person")
        early = approver.run(
            "notice", "approve", notice["id"], "--yes", "--totp", "000000", ok=False
        )
        self.assertNotEqual(early.returncode, 0, "a wrong code lets nothing out")
        approver.elevated("notice", "approve", notice["id"], "--yes", secret=secret)

        def answers():
            """Counted once everybody in the audience is, which the report says."""

            def counted():
                report = approver.json("notice", "reach", notice["id"])
                return None if "sending" in report else report["total"]

            return wait_for(counted, "the count")["ok"]

        # Still offline: nothing new. Back online: it is there.
        self.assertNotIn(notice["id"], [n["id"] for n in resident.notices()])
        resident.online()
        resident.sync()
        self.assertIn(notice["id"], [n["id"] for n in resident.notices()])
        # Offline again: the answer waits on the phone, then counts.
        resident.offline()
        resident.ack(notice["id"])
        self.assertEqual(len(resident.pending()), 1)
        self.assertEqual(answers(), 0)
        resident.online()
        resident.sync()
        self.assertEqual(resident.pending(), [])
        self.assertEqual(answers(), 1)


if __name__ == "__main__":
    harness.main(__file__)
