#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goal: linlid serves the web app, and its Content-Security-Policy stops what it is there to stop
without stopping the app.

Method: the app of this build in Chromium, and a page from a folder that tries what is forbidden.
A failure here means a blank page on every phone, or a page on which foreign text could run.
"""
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from _linlid import SLUG, Linlid, free_port

CHROMIUM = shutil.which("chromium")
HERE = f"/c/{SLUG}"
PAGE_OF = Path(__file__).parent / "harness" / "page_of.mjs"

PROBE = """
const tries = {
  markup: () => { document.createElement('p').innerHTML = '<b>x</b>'; },
  code: () => { new Function('return 1')(); },
  worker: () => { new Worker('assets/probe.js'); },
  policy: () => { trustedTypes.createPolicy('anything', {}); },
  svelte: () => {
    const policy = trustedTypes.createPolicy('svelte-trusted-html', { createHTML: (x) => x });
    document.createElement('p').innerHTML = policy.createHTML('<b>x</b>');
  },
  address: () => {
    const policy = trustedTypes.createPolicy('linli-script-url', { createScriptURL: (x) => x });
    new Worker(policy.createScriptURL('assets/idle.js')).terminate();
  },
};
const found = [];
for (const [name, attempt] of Object.entries(tries)) {
  try { attempt(); found.push(`${name}=allowed`); } catch { found.push(`${name}=refused`); }
}
document.addEventListener('securitypolicyviolation', (e) => {
  found.push(`blocked:${e.effectiveDirective}`);
});
new Image().src = 'http://127.0.0.1:1/x.png';
fetch('http://127.0.0.1:1/').catch(() => {}).then(() => {
  setTimeout(() => { document.getElementById('app').textContent = found.join(' '); }, 200);
});
"""


def dom_of(url):
    """The document after its scripts ran, as Chromium writes it."""
    with tempfile.TemporaryDirectory(prefix="linli-chromium-") as profile:
        done = subprocess.run(
            [
                CHROMIUM,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                f"--user-data-dir={profile}",
                "--virtual-time-budget=5000",
                "--dump-dom",
                url,
            ],
            capture_output=True,
            timeout=90,
            check=True,
        )
        return done.stdout.decode()


@unittest.skipUnless(Path("clients/web/dist/index.html").exists(), "the app was not built")
class App(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Linlid())

    def test_pages_are_revalidated_and_assets_kept(self):
        status, headers, body = self.server.get(f"{HERE}/")
        self.assertEqual((status, headers["cache-control"]), (200, "no-cache"))
        self.assertEqual(
            self.server.get(f"{HERE}/", headers={"If-None-Match": headers["etag"]})[0], 304
        )
        asset = body.decode().partition('src="./')[2].partition('"')[0]
        self.assertTrue(asset.startswith("assets/"), asset)
        status, headers, plain = self.server.get(f"{HERE}/{asset}")
        self.assertEqual(status, 200)
        self.assertIn("immutable", headers["cache-control"])
        self.assertEqual(plain, Path("clients/web/dist", asset).read_bytes())

    def test_every_file_of_the_build_is_served(self):
        for file in Path("clients/web/dist").rglob("*"):
            if file.is_file() and not file.name.startswith("."):
                path = file.relative_to("clients/web/dist").as_posix()
                self.assertEqual(self.server.get(f"{HERE}/{path}")[2], file.read_bytes(), path)

    @unittest.skipUnless(CHROMIUM, "chromium is not installed")
    def test_app_and_desk_start_under_their_policy(self):
        for page in ("", "desk"):
            with self.subTest(page or "app"):
                done = subprocess.run(
                    ["node", PAGE_OF, f"http://127.0.0.1:{self.server.port}{HERE}/{page}"],
                    capture_output=True,
                    text=True,
                    timeout=180,
                )
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                shown = done.stdout
                inside = shown.partition('<div id="app">')[2].partition("</body>")[0]
                self.assertIn("<h1", inside)


class Folder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        work = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="linli-web-")))
        cls.root = work / "dist"
        (cls.root / "assets").mkdir(parents=True)
        (cls.root / "index.html").write_text(
            '<!doctype html><div id="app"></div><script type="module" src="./assets/probe.js">'
            "</script>"
        )
        (cls.root / "assets/probe.js").write_text(PROBE)
        (cls.root / "assets/idle.js").write_text("onmessage = () => {};\n")
        (work / "secret.txt").write_text("not for anybody")
        (cls.root / "way-out.txt").symlink_to("../secret.txt")
        (work / "data").mkdir()
        with Linlid(data=work / "data"):
            pass  # makes the community
        port = free_port()
        config = work / "linlid.toml"
        config.write_text(
            f'[server]\nlisten = ["127.0.0.1:{port}"]\n[data]\nfolder = "{work}/data"\n'
            f'[web]\nroot = "{cls.root}"\n'
        )
        server = Linlid(["--config", str(config)], data=work / "data")
        server.port = port
        cls.server = cls.enterClassContext(server)

    def test_a_changed_file_is_seen_at_once(self):
        file = self.root / "note.txt"
        for text in (b"one", b"two"):
            file.write_bytes(text)
            self.assertEqual(self.server.get(f"{HERE}/note.txt")[2], text)

    def test_links_do_not_lead_out_of_the_folder(self):
        self.assertEqual(self.server.get(f"{HERE}/way-out.txt")[0], 404)

    @unittest.skipUnless(CHROMIUM, "chromium is not installed")
    def test_foreign_markup_code_and_addresses_are_refused(self):
        shown = dom_of(f"http://127.0.0.1:{self.server.port}{HERE}/")
        found = shown.partition('<div id="app">')[2].partition("<")[0].split()
        self.assertEqual(
            [one for one in found if "=" in one],
            [
                "markup=refused",
                "code=refused",
                "worker=refused",
                "policy=refused",
                "svelte=allowed",
                "address=allowed",
            ],
        )
        self.assertIn("blocked:img-src", found)
        self.assertIn("blocked:connect-src", found)


if __name__ == "__main__":
    unittest.main(verbosity=2)
