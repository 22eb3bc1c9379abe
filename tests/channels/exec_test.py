# SPDX-License-Identifier: Apache-2.0
"""The exec channel: the example program, one that dies, one that does not exist."""

import unittest

from _channel import HERE, Channel, Folder, wait_for

TO = {"medium": "sms", "address": "13800000007"}


class Exec(unittest.TestCase):
    def setUp(self):
        self.folder = Folder("exec")
        self.addCleanup(self.folder.remove)

    def channel(self, *program):
        settings = {"medium": "sms", "program": [str(part) for part in program], "timeout_s": 20}
        made = Channel("exec", settings, self.folder.path)
        self.addCleanup(made.stop)
        return made

    def example(self):
        return self.channel("/usr/bin/python3", HERE / "peers/exec_program.py")

    def test_each_delivery_gets_its_outcome_and_its_receipt(self):
        channel = self.example()
        for number, title in enumerate(["停水通知", "noise", "refuse"], 1):
            channel.submit(number, TO, title)
        kinds = [channel.done(number)["outcome"] for number in (1, 2, 3)]
        self.assertEqual(kinds, ["accepted", "accepted", "opted_out"])
        self.assertEqual(channel.done(1)["provider_ids"], ["p1"])
        channel.wait("heard", 2)
        self.assertEqual(channel.all("heard")[0]["provider_id"], "p1")

    def test_a_program_that_dies_leaves_its_delivery_unknown_and_is_started_again(self):
        channel = self.example()
        channel.submit(1, TO, "exit")
        self.assertEqual(channel.done(1)["outcome"], "unknown")

        numbers = iter(range(2, 100))

        def works_again():
            number = next(numbers)
            channel.submit(number, TO, "停水通知")
            return channel.done(number)["outcome"] == "accepted"

        wait_for(works_again, "the program again", pause=0.3)

    def test_a_program_that_cannot_be_started_is_told(self):
        channel = self.channel("/nonexistent/program")
        channel.submit(1, TO, "停水通知")
        self.assertIn(channel.done(1)["outcome"], ("unknown", "retry_after"))
        wait_for(lambda: channel.health()["state"] != "up", "bad health")


if __name__ == "__main__":
    unittest.main()
