# SPDX-License-Identifier: Apache-2.0
"""Loudspeakers by MQTT, against Debian's mosquitto; its own tools are the zone's controller."""

import json
import signal
import subprocess
import threading
import time
import unittest

from _channel import Channel, Folder, free_port, seconds, wait_for

PREFIX = "linli/loudspeaker"
ZONE = "grid-3"
TO = {"medium": "loudspeaker", "address": ZONE}


class Broker:
    """mosquitto, which keeps on disk what it must, as a real one does over a power cut."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.process = None
        (folder / "conf").write_text(
            f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\n"
            f"persistence true\npersistence_location {folder.path}/\n"
            "autosave_on_changes true\nautosave_interval 1\n"
        )
        self.start()

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/mosquitto", "-c", self.folder / "conf"], stdout=log, stderr=log
            )
        probe = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-t", "probe", "-n"]
        wait_for(
            lambda: subprocess.run(probe, capture_output=True, timeout=30).returncode == 0,
            "the broker",
        )

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def end(self, how=signal.SIGTERM):
        """SIGTERM saves what is kept; SIGKILL is the power cut."""
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.send_signal(signal.SIGCONT)
        self.process.wait(seconds(10))
        self.process = None


class Controller:
    """What the zone is told; `session` is a name under which the broker keeps messages for it."""

    def __init__(self, port, session=None):
        self.where = ["-h", "127.0.0.1", "-p", str(port), "-V", "5", "-q", "1"]
        lasting = ["-i", session, "-c", "-x", "3600"] if session else []
        # %r is 1 for a retained message.
        command = ["stdbuf", "-oL", "mosquitto_sub", *self.where, *lasting]
        form = ["-d", "-F", "heard %r %t %p"]
        self.process = subprocess.Popen(
            [*command, *form, "-t", f"{PREFIX}/{ZONE}/play", "-t", f"{PREFIX}/{ZONE}/stop"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        wait_for(lambda: any("SUBACK" in line for line in self.lines), "the subscription")

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def heard(self):
        """(play or stop, payload) in order."""
        found = []
        for line in list(self.lines):
            if not line.startswith("heard "):
                continue
            _, retained, topic, payload = line.split(" ", 3)
            assert retained == "0", line
            found.append((topic.rpartition("/")[2], json.loads(payload)))
        return found

    def wait(self, count):
        return wait_for(
            lambda: self.heard() if len(self.heard()) >= count else None,
            f"{count} messages, heard: {self.heard()}",
        )

    def report(self, key, state):
        payload = json.dumps({"id": key, "state": state, "at_ms": 1790000000000})
        command = ["mosquitto_pub", *self.where, "-t", f"{PREFIX}/{ZONE}/state", "-m", payload]
        subprocess.run(command, check=True, timeout=30)

    def close(self):
        self.process.terminate()
        self.process.wait(seconds(10))
        self.reader.join(seconds(5))
        self.process.stdout.close()


def key_of(number):
    return f"{number:032}"


class Loudspeaker(unittest.TestCase):
    def setUp(self):
        self.folder = Folder("mqtt")
        self.addCleanup(self.folder.remove)
        self.port = free_port()
        self.broker = Broker(self.folder, self.port)
        self.addCleanup(self.broker.end)
        settings = {
            "broker": {"host": "127.0.0.1", "port": self.port},
            "zones": {ZONE: "淮南社区三号院", "grid-4": "淮南社区四号院"},
        }
        self.channel = Channel("mqtt", settings, self.folder.path)
        self.addCleanup(self.channel.stop)
        self.wait_up()

    def wait_up(self):
        wait_for(lambda: self.channel.health()["state"] == "up", "the connection")

    def controller(self, session=None):
        made = Controller(self.port, session)
        self.addCleanup(made.close)
        return made

    def play(self, number, title="停水通知", **more):
        self.channel.submit(number, TO, title, **more)

    def test_a_text_is_played_and_its_end_comes_back(self):
        zone = self.controller()
        self.channel.tell(preview={"to": TO, "message": {"title": "3号楼101室，电话110"}})
        preview = self.channel.wait("preview")
        self.play(1, "3号楼101室，电话110", lane="orange")
        kind, payload = zone.wait(1)[0]
        self.assertEqual(kind, "play")
        self.assertEqual(payload["text"], "淮南社区三号院。三号楼幺零幺室，电话幺幺零。")
        self.assertEqual(payload["text"], preview["text"])
        self.assertEqual((payload["id"], payload["lane"]), (key_of(1), "orange"))
        self.assertEqual((payload["preempt"], payload["repeat"]), (False, 2))
        self.assertGreater(payload["expires_ms"], time.time() * 1000)
        done = self.channel.done(1)
        self.assertEqual(done["outcome"], "accepted")
        self.assertEqual(done["provider_ids"], [key_of(1)])
        for count, (state, receipt) in enumerate(
            [("playing", "accepted"), ("played", "delivered"), ("failed", "failed")], 1
        ):
            zone.report(key_of(1), state)
            heard = self.channel.wait("heard", count)
            self.assertEqual((heard["provider_id"], heard["state"]), (key_of(1), receipt))
        self.assertEqual(self.channel.all("heard")[0]["delivery"], 1)

    def test_trap_35_red_stops_what_plays_before_it_is_sent(self):
        zone = self.controller()
        self.play(1)
        self.assertEqual(self.channel.done(1)["outcome"], "accepted")
        zone.report(key_of(1), "playing")
        self.channel.wait("heard")
        self.play(2, "暴雨红色预警", lane="red")
        heard = zone.wait(3)
        self.assertEqual([kind for kind, _ in heard], ["play", "stop", "play"])
        self.assertEqual(heard[1][1]["id"], key_of(1))
        self.assertEqual((heard[2][1]["id"], heard[2][1]["preempt"]), (key_of(2), True))
        zone.report(key_of(1), "stopped")
        self.assertEqual(self.channel.wait("heard", 2)["state"], "failed")

    def test_the_stop_command_reaches_a_text_that_plays(self):
        zone = self.controller()
        self.play(1)
        self.channel.done(1)
        self.channel.tell(cancel=1)
        kind, payload = zone.wait(2)[1]
        self.assertEqual((kind, payload), ("stop", {"v": 1, "id": key_of(1)}))

    def test_rain_4_an_all_clear_stops_and_never_sounds(self):
        zone = self.controller()
        self.play(1, collapse="n1", lane="red")
        self.channel.done(1)
        self.channel.tell(
            submit=[{"id": 2, "to": TO, "collapse": "n1", "message": {"purpose": "all_clear"}}]
        )
        self.assertEqual(self.channel.done(2)["outcome"], "accepted")
        heard = zone.wait(2)
        self.assertEqual([kind for kind, _ in heard], ["play", "stop"])
        self.assertEqual(heard[1][1], {"v": 1, "notice": "n1"})

    def test_a_controller_that_comes_back_gets_nothing_that_has_expired(self):
        self.controller("controller-3").close()
        soon = int(time.time() * 1000) + 1500
        self.play(1, "暴雨红色预警", lane="red", expires_ms=soon)
        self.play(2, "长效通知")
        self.assertEqual(self.channel.done(1)["outcome"], "accepted")
        self.assertEqual(self.channel.done(2)["outcome"], "accepted")
        # The broker counts whole seconds.
        time.sleep(max(0.0, soon / 1000 - time.time()) + 2.1)
        back = self.controller("controller-3")
        self.assertEqual([payload["id"] for _, payload in back.wait(1)], [key_of(2)])

    def test_after_a_reboot_no_old_warning_is_said(self):
        before = self.controller()
        self.play(1, "暴雨红色预警", lane="red")
        self.assertEqual(self.channel.done(1)["outcome"], "accepted")
        before.wait(1)
        self.broker.end()
        self.broker.start()
        after = self.controller()
        self.wait_up()
        self.play(2)
        self.assertEqual([payload["id"] for _, payload in after.wait(1)], [key_of(2)])

    def test_an_expired_text_is_not_sent(self):
        self.play(1, lane="red", expires_ms=int(time.time() * 1000) - 1)
        done = self.channel.done(1)
        self.assertEqual((done["outcome"], done["reason"]), ("permanent_content", "expired"))

    def test_what_has_no_confirmation_is_unknown_and_not_repeated(self):
        self.broker.freeze()
        self.play(1, lane="red")
        time.sleep(0.3)
        self.assertEqual(self.channel.all("done"), [])
        self.broker.end(signal.SIGKILL)
        self.assertEqual(self.channel.done(1)["outcome"], "unknown")
        self.play(2)
        self.assertEqual(self.channel.done(2)["outcome"], "retry_after")
        self.broker.start()
        zone = self.controller()
        self.wait_up()
        self.play(3)
        self.assertEqual([payload["id"] for _, payload in zone.wait(1)], [key_of(3)])

    def test_a_stop_that_did_not_get_through_is_sent_when_the_broker_is_back(self):
        # The broker keeps messages for it from now on, so that it misses nothing later.
        before = self.controller("controller-3")
        self.play(1)
        self.channel.done(1)
        before.wait(1)
        before.close()
        self.broker.freeze()
        self.channel.tell(cancel=1)
        self.channel.health()
        self.broker.end(signal.SIGKILL)
        self.broker.start()
        after = self.controller("controller-3")
        kind, payload = after.wait(1)[0]
        self.assertEqual((kind, payload["id"]), ("stop", key_of(1)))


if __name__ == "__main__":
    unittest.main()
