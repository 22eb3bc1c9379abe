# SPDX-License-Identifier: Apache-2.0
"""HTTPS and WSS of linlid: versions, a phone, and certificates exchanged while it runs."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest
import warnings

import harness
from harness import Admin, Folder, Phone, Server, seconds, wait_for

SLUG = "shiyan"


def make_certificate(folder, name):
    """A self-signed one for localhost; (certificate, key)."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + [
            "-nodes",
            "-days",
            "2",
            "-subj",
            f"/CN={name}",
            "-addext",
            "subjectAltName=DNS:localhost",
        ]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    return certificate, key


class TlsTest(unittest.TestCase):
    def setUp(self):
        self.folder = folder = Folder("tls")
        self.addCleanup(folder.remove)
        self.tls_port = harness.free_port()
        self.origin = f"https://localhost:{self.tls_port}"
        self.first = make_certificate(folder, "first")
        self.install(*self.first)
        self.admin = Admin(folder / "data", self.origin)
        self.made = self.admin.json("init", "--name", "试验社区", "--slug", SLUG)
        self.server = Server(
            lambda _: ["--config", str(folder / "linlid.toml")], folder / "linlid.log"
        )
        (folder / "linlid.toml").write_text(
            f'[server]\nlisten = ["127.0.0.1:{self.server.port}"]\n'
            f'listen_tls = ["127.0.0.1:{self.tls_port}"]\norigins = ["{self.origin}"]\n'
            f'drain_seconds = 1\n[tls]\ncertificate = "{folder / "now.pem"}"\n'
            f'key = "{folder / "now.key"}"\n[data]\nfolder = "{folder / "data"}"\n'
        )
        self.addCleanup(self.server.kill)
        self.server.start()

    def install(self, certificate, key):
        shutil.copy(certificate, self.folder / "now.pem")
        shutil.copy(key, self.folder / "now.key")

    def connect(self, highest=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if highest:
            context.set_ciphers("ALL:@SECLEVEL=0")  # Debian's level forbids old versions by itself
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # old is what is asked for
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = highest
        raw = socket.create_connection(("127.0.0.1", self.tls_port), timeout=seconds(10))
        try:
            secure = context.wrap_socket(raw, server_hostname="localhost")
        except BaseException:
            raw.close()
            raise
        self.addCleanup(secure.close)
        return secure

    def shown(self):
        """The certificate that a new connection gets, as PEM text."""
        return ssl.DER_cert_to_PEM_cert(self.connect().getpeercert(binary_form=True))

    def pem(self, pair):
        return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(pair[0].read_text()))

    def ask(self, secure):
        secure.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return secure.recv(4096)

    def reload(self, result):
        """SIGHUP; waits for its line in the log."""
        lines = self.server.text().count("app.tls.reload")
        self.server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.server.text().count("app.tls.reload") > lines, "the reload", 10)
        line = [l for l in self.server.text().splitlines() if "app.tls.reload" in l][-1]
        self.assertIn(result, line)

    def test_nothing_below_tls_1_2(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.assertRaises(ssl.SSLError):
                self.connect(version)
        self.assertEqual(self.connect(ssl.TLSVersion.TLSv1_2).version(), "TLSv1.2")
        self.assertEqual(self.connect().version(), "TLSv1.3")

    def test_sighup_shows_the_new_certificate_and_keeps_open_connections(self):
        old = self.connect()
        self.assertTrue(self.ask(old).startswith(b"HTTP/1.1 200 "))
        self.assertEqual(self.shown(), self.pem(self.first))
        second = make_certificate(self.folder, "second")
        self.install(*second)
        self.reload("ok")
        self.assertEqual(self.shown(), self.pem(second))
        self.assertTrue(self.ask(old).startswith(b"HTTP/1.1 200 "))

    def test_a_certificate_that_does_not_fit_leaves_the_old_one_in_use(self):
        second = make_certificate(self.folder, "second")
        for spoiled in ((second[0], self.first[1]), (self.folder / "linlid.toml", second[1])):
            self.install(*spoiled)
            self.reload("now.")
            self.assertEqual(self.shown(), self.pem(self.first))
        os.remove(self.folder / "now.pem")
        self.reload("now.pem")
        self.assertEqual(self.shown(), self.pem(self.first))
        self.assertTrue(self.server.is_running())

    def test_a_phone_that_trusts_the_certificate_enrols_and_syncs_and_others_refuse(self):
        address = f"{self.origin}/c/{SLUG}/#enrol={self.made['staff'][0]['secret']}"
        enroll = ("enroll", address, "--person", 1)
        trusting = ("--ca", self.first[0])
        refused = Phone(self.folder / "stranger").run(*enroll, ok=False)
        self.assertNotEqual(refused.returncode, 0)
        phone = Phone(self.folder / "phone")
        phone.run(*enroll, *trusting)
        self.assertNotEqual(phone.run("sync", ok=False).returncode, 0)
        phone.run("sync", *trusting)

    def test_a_handshake_that_never_comes_is_closed(self):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.tls_port), timeout=seconds(20)) as silent:
            self.assertEqual(silent.recv(1), b"")
        self.assertLess(time.monotonic() - began, seconds(15))


if __name__ == "__main__":
    harness.main(__file__)
