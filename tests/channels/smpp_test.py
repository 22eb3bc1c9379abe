# SPDX-License-Identifier: Apache-2.0
"""The SMPP channel against npm `smpp` as message centre, and beside Kannel as a second sender."""

import subprocess
import unittest
import urllib.parse
import urllib.request

from _channel import HERE, Channel, Folder, JsonLines, free_port, seconds, wait_for

TO = {"medium": "sms", "address": "+8613800000007"}
SOURCE = "10690000"
HAN = "邻里互助"


def smsc(*arguments):
    return JsonLines(["node", HERE / "peers" / "smsc.mjs", *arguments])


class SmppCase(unittest.TestCase):
    def setUp(self):
        self.folder = Folder("smpp")
        self.addCleanup(self.folder.remove)
        (self.folder.path / "password").write_text("secret\n")

    def start(self, *arguments, bound=True, **settings):
        """A message centre and a channel that has asked it for a session, and got it if `bound`."""
        self.smsc = smsc(*arguments)
        self.addCleanup(self.smsc.stop)
        self.channel = self.dial(self.smsc.wait("port"), **settings)
        self.smsc.wait("bind")
        if bound:
            wait_for(lambda: self.channel.health()["state"] == "up", "the session")

    def dial(self, port, **settings):
        channel = Channel(
            "smpp",
            {
                "host": "127.0.0.1",
                "port": port,
                "system_id": "linli",
                "password_file": str(self.folder.path / "password"),
                "source": SOURCE,
                "source_npi": 1,
                "response_s": 2,
                "enquire_link_s": 1,
                "opt_out": "",
                **settings,
            },
            self.folder.path,
        )
        self.addCleanup(channel.stop)
        return channel

    def plan(self, *answers):
        """What the message centre says to the next submissions."""
        count = len(self.smsc.all("planned")) + 1
        self.smsc.tell(plan=list(answers))
        self.smsc.wait("planned", count)

    def receipt(self, id, stat="DELIVRD", source="8613800000007"):
        text = (
            f"id:{id} sub:001 dlvrd:001 submit date:2611252200 done date:2611252201 "
            f"stat:{stat} err:000 text:hello"
        )
        self.smsc.tell(
            deliver={
                "source_addr": source,
                "source_addr_ton": 1,
                "destination_addr": SOURCE,
                "esm_class": 4,
                "short_message": text,
            }
        )


class Smpp(SmppCase):
    # --- What the peer reads ----------------------------------------------------------------------

    def test_the_peer_reads_what_we_sent(self):
        self.start()
        self.assertEqual(
            self.smsc.wait("bind"),
            {"command": "bind_transceiver", "system_id": "linli", "password": "secret"},
        )
        self.channel.submit(1, TO, "hello")
        done = self.channel.done(1)
        self.assertEqual((done["outcome"], done["provider_ids"]), ("accepted", ["m1"]))
        seen = self.smsc.wait("submit")
        self.assertEqual((seen["source"], seen["destination"]), (SOURCE, "8613800000007"))
        self.assertEqual((seen["data_coding"], seen["text"]), (0, "hello"))
        self.channel.submit(2, TO, HAN + "😀")
        self.channel.done(2)
        seen = self.smsc.wait("submit", 2)
        self.assertEqual((seen["data_coding"], seen["text"]), (8, HAN + "😀"))

    def test_parts_arrive_in_order_and_join_to_the_text(self):
        self.start()
        text = "邻" * 66 + "👨‍👩‍👧‍👦" + "里" * 90
        self.channel.submit(1, TO, text)
        done = self.channel.done(1)
        self.assertEqual(done["provider_ids"], ["m1", "m2", "m3"])
        self.assertEqual(done["parts"], 3)
        self.smsc.wait("submit", 3)
        parts = self.smsc.all("submit")
        self.assertEqual("".join(part["text"] for part in parts), text)
        self.assertEqual([part["esm_class"] for part in parts], [0x40] * 3)
        self.assertEqual([part["udh"][-4:] for part in parts], ["0301", "0302", "0303"])
        self.assertEqual(len({part["udh"][:-4] for part in parts}), 1)

    def test_over_tls_with_the_operators_own_authority(self):
        key, cert = self.folder.path / "key.pem", self.folder.path / "cert.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            + ["-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost"]
            + ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True,
            capture_output=True,
            timeout=seconds(20),
        )
        self.start(key, cert, tls=True, ca_file=str(cert))
        self.channel.submit(1, TO, "hello")
        self.assertEqual(self.channel.done(1)["outcome"], "accepted")
        # Without the authority the certificate is not trusted.
        stranger = self.dial(self.smsc.wait("port"), tls=True)
        stranger.submit(1, TO, "hello")
        self.assertEqual(stranger.done(1, 15)["outcome"], "retry_after")
        self.assertEqual(len(self.smsc.all("bind")), 1)

    # --- What the peer does to us -----------------------------------------------------------------

    def test_trap_11_a_throttled_second_part_does_not_repeat_the_first(self):
        self.start()
        self.plan({"ok": "a"}, {"status": 0x58}, {"status": 0x58}, {"ok": "b"})
        self.channel.submit(1, TO, "邻" * 80)
        self.assertEqual(self.channel.done(1, 15)["provider_ids"], ["a", "b"])
        self.smsc.wait("submit", 4)
        numbers = [part["udh"][-2:] for part in self.smsc.all("submit")]
        self.assertEqual(numbers, ["01", "02", "02", "02"])

    def test_a_throttled_message_goes_back_and_the_next_waits_a_moment(self):
        self.start()
        self.plan({"status": 0x58})
        self.channel.submit(1, TO, "one")
        done = self.channel.done(1)
        self.assertEqual((done["outcome"], done["parts"]), ("throttled", 0))
        self.channel.submit(2, TO, "two")
        self.assertEqual(self.channel.done(2)["outcome"], "accepted")

    def test_trap_14_silence_is_unknown_and_a_late_answer_is_told(self):
        self.start()
        self.plan({"silent": True})
        self.channel.submit(1, TO, "hello")
        done = self.channel.done(1)
        self.assertEqual((done["outcome"], done["peer_fault"]), ("unknown", True))
        self.smsc.tell(late={"sequence": self.smsc.wait("submit")["sequence"], "ok": "late"})
        heard = self.channel.wait("heard")
        self.assertEqual(
            (heard["delivery"], heard["provider_id"], heard["state"]), (1, "late", "accepted")
        )
        self.assertEqual(len(self.smsc.all("submit")), 1)

    def test_trap_13_receipts_before_the_answer_later_and_of_strangers(self):
        self.start(response_id="hex", receipt_id="decimal")
        self.plan({"silent": True})
        self.channel.submit(1, TO, "hello")
        sequence = self.smsc.wait("submit")["sequence"]
        self.receipt("0000000127")
        self.smsc.wait("answer")
        self.assertEqual(self.channel.all("heard"), [])
        self.smsc.tell(late={"sequence": sequence, "ok": "7F"})
        self.assertEqual(self.channel.done(1)["provider_ids"], ["127"])
        heard = self.channel.wait("heard")
        self.assertEqual((heard["provider_id"], heard["state"]), ("127", "delivered"))
        self.receipt("4711", "UNDELIV", source="8613900000001")
        heard = self.channel.wait("heard", 2)
        self.assertEqual((heard["provider_id"], heard["state"]), ("4711", "failed"))

    def test_trap_16_an_empty_message_id_is_accepted_without_a_name(self):
        self.start()
        self.plan({"ok": ""})
        self.channel.submit(1, TO, "hello")
        done = self.channel.done(1)
        self.assertEqual((done["outcome"], done["provider_ids"]), ("accepted", [""]))

    def test_trap_15_unbind_in_flight_then_a_new_session(self):
        self.start()
        self.plan({"silent": True})
        self.channel.submit(1, TO, "hello")
        sequence = self.smsc.wait("submit")["sequence"]
        self.smsc.tell(unbind=True)
        self.smsc.wait("answer")
        self.smsc.tell(late={"sequence": sequence, "ok": "x"})
        self.assertEqual(self.channel.done(1)["outcome"], "accepted")
        self.smsc.wait("closed")
        self.channel.submit(2, TO, "two")
        self.assertEqual(self.channel.done(2)["outcome"], "accepted")
        self.assertEqual(len(self.smsc.all("bind")), 2)

    def test_trap_15_a_cut_connection_in_flight_is_unknown(self):
        self.start()
        self.plan({"silent": True})
        self.channel.submit(1, TO, "hello")
        self.smsc.wait("submit")
        self.smsc.tell(cut=True)
        self.assertEqual(self.channel.done(1)["outcome"], "unknown")
        self.smsc.wait("bind", 2)

    def test_trap_15_the_session_is_kept_alive_and_bytes_that_are_no_smpp_end_it(self):
        self.start()
        self.smsc.wait("enquire", 2)
        self.assertEqual(self.channel.health()["state"], "up")
        self.smsc.tell(raw="485454502f312e31")
        self.smsc.wait("closed")
        self.smsc.wait("bind", 2)

    def test_a_wrong_password_is_a_configuration_fault(self):
        (self.folder.path / "password").write_text("wrong")
        self.start(bound=False)
        self.channel.submit(1, TO, "hello")
        self.assertEqual(self.channel.done(1)["outcome"], "permanent_config")
        self.assertEqual(self.channel.health()["state"], "down")

    def test_replies_are_opt_outs_codes_or_words(self):
        self.start()
        for text in ("r", "拒收", "42", "谢谢"):
            self.smsc.tell(
                deliver={
                    "source_addr": "8613800000007",
                    "source_addr_ton": 1,
                    "destination_addr": SOURCE,
                    "short_message": text,
                }
            )
        self.channel.wait("heard", 4)
        heard = self.channel.all("heard")
        self.assertEqual(
            [(one["because"], one["state"]) for one in heard],
            [
                ("opted_out", "failed"),
                ("opted_out", "failed"),
                (None, "read"),
                (None, "accepted"),
            ],
        )
        self.assertEqual([one["reply"] for one in heard], ["R", "拒收", "42", "谢谢"])
        self.assertEqual({one["address"] for one in heard}, {"+8613800000007"})

    def test_two_sessions_when_asked(self):
        self.start(bind="tx_rx")
        self.smsc.wait("bind", 2)
        commands = {bind["command"] for bind in self.smsc.all("bind")}
        self.assertEqual(commands, {"bind_transmitter", "bind_receiver"})

    def test_stop_unbinds(self):
        self.start()
        self.channel.stop()
        self.assertEqual(self.channel.process.returncode, 0)
        self.smsc.wait("unbind")


class Kannel:
    """bearerbox and smsbox that send to the message centre on `port`."""

    def __init__(self, folder, port):
        self.sendsms, box, admin = free_port(), free_port(), free_port()
        config = folder / "kannel.conf"
        config.write_text(f"""
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = admin
smsbox-port = {box}
smsbox-interface = 127.0.0.1

group = smsc
smsc = smpp
smsc-id = peer
host = 127.0.0.1
port = {port}
transceiver-mode = true
smsc-username = linli
smsc-password = secret
system-type = ""
source-addr-ton = 0
source-addr-npi = 1
dest-addr-ton = 1
dest-addr-npi = 1
esm-class = 0
max-pending-submits = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {self.sendsms}
sendsms-interface = 127.0.0.1

group = sendsms-user
username = linli
password = secret
concatenation = true
max-messages = 10
""")
        self.log = open(folder / "kannel.log", "wb")
        self.boxes = [self.run("bearerbox", config)]
        try:
            self.until_it_listens(box)
            self.boxes.append(self.run("smsbox", config))
            self.until_it_listens(self.sendsms)
        except AssertionError:
            self.stop()
            raise

    def run(self, box, config):
        return subprocess.Popen(
            [f"/usr/sbin/{box}", "-v", "1", str(config)], stdout=self.log, stderr=self.log
        )

    def until_it_listens(self, port):
        def listens():
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=seconds(2)).close()
            except urllib.error.HTTPError:
                return True
            except (OSError, urllib.error.URLError) as error:
                return "refused" not in str(error)
            return True

        wait_for(listens, f"Kannel on port {port}", 20)

    def send(self, text, coding):
        query = urllib.parse.urlencode(
            {
                "username": "linli",
                "password": "secret",
                "from": SOURCE,
                "to": "+8613800000007",
                "text": text,
                "coding": coding,
                "charset": "UTF-8",
                "dlr-mask": 3,
                "dlr-url": "http://127.0.0.1:9/",
            }
        )
        url = f"http://127.0.0.1:{self.sendsms}/cgi-bin/sendsms?{query}"
        with urllib.request.urlopen(url, timeout=seconds(20)) as answer:
            if answer.status != 202:
                raise AssertionError(f"{answer.status} {answer.read()}")

    def stop(self):
        for box in reversed(self.boxes):
            box.terminate()
        for box in self.boxes:
            try:
                box.wait(seconds(15))
            except subprocess.TimeoutExpired:
                box.kill()
                box.wait()
        self.log.close()


class BesideKannel(SmppCase):
    """Gate G2: our submit_sm are Kannel's, octet for octet, but for the reference number, and the
    receipt that Kannel wants for the first part only: delivered means all parts."""

    GSM = [
        "hello",
        "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ÄÖÑÜ§¿äöñüà",
        "^{}\\[~]|€",
        "a" * 160,
        "a" * 161,
        "b" * 307,
        "line one\nline two",
    ]
    UCS2 = [HAN, "邻" * 70, "邻" * 71, "里" * 200, "邻😀里", "a" + HAN * 10 + "😀" * 20]
    CUT = "邻" * 66 + "😀" + "邻" * 40

    def pdus(self, peer, before, receipts):
        """Bodies of the submit_sm since, with the reference number of the header blanked.
        registered_delivery must be as in `receipts`, and is blanked too."""
        bodies = []
        seen = peer.all("submit")[before:]
        self.assertEqual([part["receipt"] for part in seen], receipts[: len(seen)])
        for part in seen:
            body = part["hex"]
            # Behind the destination come esm_class, protocol, priority and two empty times.
            at = body.index("3" + "3".join("8613800000007") + "00") + 28 + 2 * 5
            body = body[:at] + "**" + body[at + 2 :]
            if part["esm_class"] & 0x40:
                at = body.index("050003") + 6
                body = body[:at] + "**" + body[at + 2 :]
            bodies.append(body)
        return bodies

    def both(self, text, coding):
        """What Kannel and we make of the text."""
        pdus = []
        for peer, send, receipts in self.senders:
            before = len(peer.all("submit"))
            send(text, coding)
            wait_for(lambda: self.is_whole(peer, before), f"{text!r} to arrive", 20)
            pdus.append(self.pdus(peer, before, receipts))
        return pdus

    def is_whole(self, peer, before):
        """Whether the last part of what came since `before` is there."""
        seen = peer.all("submit")[before:]
        if not seen:
            return False
        total = int(seen[0]["udh"][-4:-2], 16) if seen[0]["esm_class"] & 0x40 else 1
        return len(seen) == total

    def setUp(self):
        super().setUp()
        self.start(validity_hours=0, window=1)
        theirs = smsc()
        self.addCleanup(theirs.stop)
        kannel = Kannel(self.folder.path, theirs.wait("port"))
        self.addCleanup(kannel.stop)
        theirs.wait("bind", limit=20)
        self.number = 0

        def ours(text, _coding):
            self.number += 1
            self.channel.submit(self.number, TO, text)

        self.senders = [(theirs, kannel.send, [1] + [0] * 9), (self.smsc, ours, [1] * 10)]

    def test_g2_our_pdus_are_kannels_except_where_it_cuts_a_pair(self):
        for texts, coding in ((self.GSM, 0), (self.UCS2, 2)):
            for text in texts:
                with self.subTest(text=text[:20], length=len(text)):
                    theirs, ours = self.both(text, coding)
                    self.assertEqual(ours, theirs)
        theirs, ours = self.both(self.CUT, 2)
        more = "0426000101"
        self.assertTrue(theirs[0].endswith("d83d" + more), "Kannel used to cut the pair")
        self.assertTrue(ours[0].endswith("90bb" + more))
        self.assertIn("d83dde00", ours[1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
