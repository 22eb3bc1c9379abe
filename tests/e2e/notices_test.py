# SPDX-License-Identifier: Apache-2.0
"""NTC: what a phone does with notices, with and without a net."""

import harness


class Notices(harness.WorldTest):
    people = 40

    def test_NTC_1_a_category_muted_offline_stays_muted_and_a_warning_is_loud(self):
        phone = self.world.phone(self.id())
        phone.offline()
        phone.run("mute", "活动预报", "--offline")
        self.assertEqual(phone.json("mute")["muted"], ["events"], "at once, without a server")
        phone.run("mute", "紧急通知", "--offline", ok=False)
        phone.online()
        phone.sync()
        self.assertEqual(phone.json("mute")["muted"], ["events"])
        event = self.world.send("合唱排练", category="events")
        water = self.world.send("明天停水", category="latest")
        storm = self.world.send("红色暴雨", category="events", severity="red", action_line="上二楼")
        phone.sync()
        muted = {id: phone.notice(id)["muted"] for id in (event, water, storm)}
        self.assertEqual(muted, {event: True, water: False, storm: False})
        phone.run("mute", "events", "--off")
        phone.sync()
        self.assertFalse(phone.notice(event)["muted"])


if __name__ == "__main__":
    harness.main(__file__)
