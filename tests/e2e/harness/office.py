# SPDX-License-Identifier: Apache-2.0
"""Staff at the desk: the HTTP interface with tokens, elevation and TOTP."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

from .peer import Refused
from .totp import totp
from .waiting import seconds, wait_for


class Desk:
    """One staff member. Calls below /c/<slug>/api/v1; Refused carries status and problem."""

    def __init__(self, identity, passphrase=None, totp_secret=None):
        self.identity = identity
        self.passphrase, self.totp_secret = passphrase, totp_secret
        self.bearer = identity.token()
        self.seq = 0

    def request(self, method, path, value=None, headers=None, raw=None):
        """(status, headers, body bytes)"""
        url = f"{self.identity.origin}/c/{self.identity.slug}/api/v1{path}"
        data = raw if raw is not None else None if value is None else json.dumps(value).encode()
        head = {"Authorization": f"Bearer {self.bearer}", **(headers or {})}
        if data is not None:
            head.setdefault("Content-Type", "application/json")
        if method != "GET":
            head.setdefault("Idempotency-Key", str(uuid.uuid4()))
        request = urllib.request.Request(url, data=data, method=method, headers=head)
        try:
            with urllib.request.urlopen(request, timeout=seconds(15)) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def call(self, method, path, value=None, **more):
        """JSON of a successful answer, else raises Refused."""
        status, _, body = self.request(method, path, value, **more)
        answer = json.loads(body or b"{}")
        if status >= 300:
            raise Refused(status, answer)
        return answer

    def get(self, path, **query):
        text = "?" + urllib.parse.urlencode(query, doseq=True) if query else ""
        return self.call("GET", path + text)

    def post(self, path, value=None, **more):
        return self.call("POST", path, value or {}, **more)

    def set_up(self, code, passphrase="correct horse battery staple"):
        """First passphrase and authenticator with a setup code."""
        ticket = self.post("/staff/setup", {"code": code, "passphrase": passphrase})
        self.passphrase, self.totp_secret = passphrase, ticket["totp_secret"]
        self.post(
            "/staff/setup/confirm", {"ticket": ticket["ticket"], "totp": totp(self.totp_secret)}
        )
        return self

    def elevate(self):
        """A TOTP works once, so a second elevation may have to wait for the next one."""

        def attempt():
            try:
                return self.post(
                    "/elevate", {"passphrase": self.passphrase, "totp": totp(self.totp_secret)}
                )
            except Refused as refused:
                if refused.body.get("code") != "wrong_code":
                    raise
                time.sleep(30 - time.time() % 30 + 0.2)
                return None

        self.bearer = wait_for(attempt, "an elevated token", 35)["token"]
        return self

    # --- What a clerk does ----------------------------------------------------------------------

    def draft(self, title, areas, **content):
        """Drafts and submits; answers what approve() wants."""
        notice = self.post(
            "/notices",
            {
                "category": "latest",
                "title": title,
                "body": title,
                "audience": {"areas": areas},
                "needs_ack": True,
                **content,
            },
        )
        return self.post(f"/notices/{notice['id']}/submit") | {"areas": areas}

    def approve(self, draft):
        persons = self.post("/notices/audience-count", {"audience": {"areas": draft["areas"]}})
        self.post(
            f"/notices/{draft['id']}/approve",
            {"fingerprint": draft["fingerprint"], "persons": persons["persons"]},
        )
        return draft["id"]

    def reach(self, notice):
        return self.get(f"/notices/{notice}/reach")

    def slip(self, household, **more):
        """A new enrolment slip as enrol() wants it."""
        return {"code": self.post("/invites", {"household": household, **more})["secret"]}
