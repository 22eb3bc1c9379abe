# SPDX-License-Identifier: Apache-2.0
"""The HTTP interface as an integrator meets it: retries, pages, imports, and openapi.json."""

import json
import unittest
import uuid

import harness
from harness import Refused, wait_for
from harness.world import ADMIN, APPROVER, EDITOR, WINDOW

TABLE = """门牌,网格,姓名,性别,出生年,电话,独居,星座
导入甲1号,1网格,甲一,女,1950,12000007001,是,白羊
导入甲1号,1网格,甲二,男,1948,,,
导入乙2号,2网格,乙一,男,1990,12000007003,,
,2网格,丙一,男,1990,,,
"""


class Api(harness.WorldTest):
    people = 60

    def desk(self, who=WINDOW):
        return self.world.desk(who)

    def household(self):
        return {"id": self.world.new_id(), "door": f"接口{uuid.uuid4().hex[:6]}号", "area": "g1"}

    # --- Retries --------------------------------------------------------------------------------

    def test_a_repeated_key_answers_again_and_runs_once(self):
        key, body = {"Idempotency-Key": str(uuid.uuid4())}, {"household": self.world.household()[0]}
        first = self.desk().request("POST", "/invites", body, key)
        again = self.desk().request("POST", "/invites", body, key)
        self.assertEqual(first[0], 200, first[2])
        self.assertEqual((first[0], json.loads(first[2])), (again[0], json.loads(again[2])))
        self.assertGreater(int(first[1]["Linli-Seq"]), 0)
        self.assertNotEqual(again[1]["Linli-Seq"], "0", "the true one or none")
        self.assertIsNone(first[1]["Idempotent-Replayed"])
        self.assertEqual(again[1]["Idempotent-Replayed"], "true")

    def test_the_same_key_with_another_body_is_refused(self):
        key = {"Idempotency-Key": str(uuid.uuid4())}
        self.assertEqual(self.desk().request("POST", "/households", self.household(), key)[0], 200)
        with self.assertRaises(Refused) as refused:
            self.desk().post("/households", self.household(), headers=key)
        self.assertEqual(
            (refused.exception.status, refused.exception.body["code"]),
            (409, "idempotency_mismatch"),
        )

    def test_a_write_without_key_is_refused_with_a_hint(self):
        with self.assertRaises(Refused) as refused:
            self.desk().post("/households", self.household(), headers={"Idempotency-Key": ""})
        self.assertEqual(refused.exception.status, 400)
        self.assertIn("Idempotency-Key", refused.exception.body["reason"])

    # --- Four eyes ------------------------------------------------------------------------------

    def test_the_author_cannot_approve_and_another_can(self):
        desk = self.desk(APPROVER)
        draft = desk.draft("同一个人", ["hn"])
        with self.assertRaises(Refused) as refused:
            desk.approve(draft)
        self.assertEqual(
            (refused.exception.status, refused.exception.body["code"]), (403, "same_person")
        )
        self.assertEqual(self.desk("罗主任").approve(draft), draft["id"])

    def test_approval_needs_elevation(self):
        draft = self.desk(EDITOR).draft("未提权", ["hn"])
        plain = harness.Desk(self.desk(APPROVER).identity)
        with self.assertRaises(Refused) as refused:
            plain.approve(draft)
        self.assertEqual(
            (refused.exception.status, refused.exception.body["code"]), (401, "elevation_required")
        )

    def test_an_approval_of_a_text_that_changed_is_refused(self):
        draft = self.desk(EDITOR).draft("会被改", ["hn"])
        self.desk(EDITOR).call("PATCH", f"/notices/{draft['id']}", {"title": "改过了"})
        self.desk(EDITOR).post(f"/notices/{draft['id']}/submit")
        with self.assertRaises(Refused) as refused:
            self.desk(APPROVER).approve(draft)
        self.assertEqual(refused.exception.status, 409)

    def test_a_resident_may_not_use_the_desk(self):
        resident = harness.Desk(self.world.resident())
        for path in (
            "/notices",
            "/households?area=g1",
            "/persons?q=%E7%8E%8B",
            "/devices?account=" + "0" * 32,
            "/device-sync",
            "/accounts/names",
        ):
            with self.subTest(path), self.assertRaises(Refused) as refused:
                resident.get(path)
            self.assertEqual(refused.exception.status, 403)

    # --- Tasks and the privacy centre ------------------------------------------------------------

    def test_a_knock_by_hand_is_seen_by_its_grid_and_done_with_a_visit(self):
        person = self.world.stranger()
        opened = self.desk(WINDOW).post(
            "/tasks", {"kind": "knock", "person": person, "reason": "电话没人接"}
        )
        other = self.world.grid_worker("g2")
        other = harness.Desk(self.world.resident(slip=other.slip))
        self.assertNotIn(opened["id"], [t["id"] for t in other.get("/tasks")["tasks"]])
        mine = self.desk(WINDOW).get("/tasks", unit="g1")["tasks"]
        self.assertIn(opened["id"], [t["id"] for t in mine])
        self.desk(WINDOW).post(f"/tasks/{opened['id']}/visit", {"outcome": "told"})
        mine = self.desk(WINDOW).get("/tasks", unit="g1")["tasks"]
        self.assertNotIn(opened["id"], [t["id"] for t in mine])

    def test_ENR_12_a_resident_reads_what_is_held_and_asks_for_erasure(self):
        resident = harness.Desk(self.world.resident())
        data = resident.get("/me/data")
        self.assertEqual(len(data["devices"]), 1)
        for path in ("/me/consents", "/me/answers", "/me/access"):
            self.assertIsInstance(resident.get(path, limit=1)["items"], list)
        asked = resident.post("/me/erasure", {"person": data["person"]})
        self.desk(WINDOW).post(
            f"/erasures/{asked['task']}/answer", {"outcome": "refused", "note": "依法保存"}
        )
        self.assertEqual(resident.get("/me/data")["erasure"]["note"], "依法保存")

    def test_ENR_12_a_record_is_read_by_staff_only_with_a_trace_that_its_person_sees(self):
        resident = harness.Desk(self.world.resident())
        person = resident.get("/me/data")["person"]
        window = self.desk(WINDOW)
        for path in (f"/persons/{person}", f"/persons/{person}/endpoints"):
            with self.subTest(path):
                with self.assertRaises(Refused) as refused:
                    window.get(path)
                self.assertEqual(refused.exception.status, 403)
                access = window.post("/person-reads", {"person": person})["access"]
                window.get(path, access=access)
                resident.get(path)
        looks = resident.get("/me/access")["items"]
        self.assertEqual([one["role"] for one in looks], ["window", "window"])

    # --- Pages ----------------------------------------------------------------------------------

    def test_pages_join_to_the_whole_list_without_a_repeat(self):
        for _ in range(12):
            self.world.household("g6")
        whole = [h["id"] for h in self.desk().get("/households", area="g6", limit=500)["items"]]
        self.assertGreater(len(whole), 10)
        joined, query = [], {"area": "g6", "limit": 7}
        while True:
            page = self.desk().get("/households", **query)
            self.assertLessEqual(len(page["items"]), 7)
            joined += [h["id"] for h in page["items"]]
            if not page.get("next"):
                break
            query["cursor"] = page["next"]
        self.assertEqual(joined, whole)

    def test_a_page_links_to_the_next(self):
        for _ in range(3):
            self.world.household("g5")
        status, headers, _ = self.desk().request("GET", "/households?area=g5&limit=2")
        self.assertEqual(status, 200)
        self.assertRegex(headers["Link"], r'^<[^>]*cursor=[^>]*>; rel="next"$')

    # --- Imports --------------------------------------------------------------------------------

    def import_table(self, raw, apply=False):
        """The finished job."""
        desk = self.desk()
        status, _, body = desk.request(
            "POST",
            f"/imports?apply={'true' if apply else 'false'}",
            raw=raw,
            headers={"Content-Type": "text/csv"},
        )
        self.assertIn(status, (200, 202), body)
        job = json.loads(body)
        return wait_for(lambda: self.finished(job["job"]), "the import")

    def finished(self, job):
        look = self.desk().get(f"/imports/{job}")
        return look if look["state"] not in ("running", "undoing") else None

    def persons_named(self, name):
        """A search in the whole community leaves a trace first."""
        reason = {"q": name, "reason": "核对导入"}
        access = self.desk().post("/person-searches", reason)["access"]
        return self.desk().get("/persons", access=access)["items"]

    def test_imports_in_both_encodings_dry_run_apply_repeat_and_undo(self):
        for encoding, tag in (("utf-8", "壹"), ("gb18030", "贰")):
            with self.subTest(encoding):
                raw = TABLE.replace("导入", "导入" + tag).replace("甲一", tag + "甲一").encode(encoding)
                dry = self.import_table(raw)
                self.assertEqual((dry["added"], len(dry["errors"])), (3, 1), dry)
                self.assertEqual(dry["errors"][0]["line"], 5)
                self.assertRegex(dry["errors"][0]["message"], "[\u4e00-\u9fff]")
                self.assertEqual(dry["unknown_columns"], ["星座"])
                self.assertEqual(self.persons_named(tag + "甲一"), [], "a dry run writes nothing")
                done = self.import_table(raw, apply=True)
                self.assertEqual(done["added"], 3)
                self.assertEqual(len(self.persons_named(tag + "甲一")), 1)
                again = self.import_table(raw, apply=True)
                self.assertEqual((again["added"], again["changed"]), (0, 0), "the same people")
                self.desk().post(f"/imports/{done['job']}/undo-all")
                wait_for(lambda: self.finished(done["job"]), "the undo")
                self.assertEqual(self.persons_named(tag + "甲一"), [])

    def test_a_large_table_whose_every_line_is_refused_ends_with_a_report(self):
        tag = "x" * 25
        raw = "门牌,网格,姓名,标签\n" + "".join(f"大表{i}号,1网格,某{i},{tag}\n" for i in range(15000))
        done = self.import_table(raw.encode())
        self.assertEqual(done["errors_total"], 15000)
        self.assertEqual(len(done["errors"]), 200)

    def test_a_table_of_bytes_that_are_no_text_is_refused(self):
        status, _, body = self.desk().request(
            "POST", "/imports", raw=b"\xff\xff\x00\x81\x20", headers={"Content-Type": "text/csv"}
        )
        self.assertEqual(status // 100, 4, body)
        self.assertRegex(json.loads(body)["detail"], "[\u4e00-\u9fff]")

    # --- openapi.json ---------------------------------------------------------------------------

    def test_openapi_is_a_document_whose_every_path_answers(self):
        status, body = harness.get(f"{self.world.origin}/api/v1/openapi.json")
        self.assertEqual(status, 200)
        document = json.loads(body)
        self.assertRegex(document["openapi"], r"^3\.1\.")
        operations = [
            (method.upper(), path)
            for path, item in document["paths"].items()
            for method in item
            if method in ("get", "post", "put", "patch", "delete")
        ]
        self.assertGreater(len(operations), 40)
        names = [
            op["operationId"]
            for item in document["paths"].values()
            for op in item.values()
            if isinstance(op, dict) and "operationId" in op
        ]
        self.assertEqual(len(names), len(set(names)))
        for method, path in operations:
            with self.subTest(f"{method} {path}"):
                url = self.world.origin + path.replace("{slug}", harness.SLUG)
                wire = harness.Wire(self.world.server.port)
                target = url[len(self.world.origin) :].replace("{", "").replace("}", "")
                wire.send(
                    f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
                    "Connection: close\r\n\r\n"
                )
                got, _, answer = wire.response()
                wire.socket.close()
                if path.endswith("/a/{token}"):  # a page for people, in HTML
                    self.assertIn("<!doctype html>", answer.decode().lower())
                    self.assertIn(got, (400, 404))
                    continue
                problem = json.loads(answer) if got >= 400 else {}
                self.assertNotIn(got, (405, 501, 500))
                self.assertNotEqual(problem.get("reason"), "no such page")

    def test_every_reference_in_openapi_leads_somewhere(self):
        document = json.loads(harness.get(f"{self.world.origin}/api/v1/openapi.json")[1])

        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    target = document
                    for piece in node["$ref"].removeprefix("#/").split("/"):
                        target = target[piece.replace("~1", "/").replace("~0", "~")]
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        walk(document)

    # --- Keys for integrations ------------------------------------------------------------------

    def test_an_api_key_may_what_its_scopes_say_and_nothing_once_revoked(self):
        made = self.desk(ADMIN).post("/api-keys", {"label": "试验", "scopes": ["window@g1"]})
        robot = harness.Desk.__new__(harness.Desk)
        robot.identity, robot.bearer = self.desk(ADMIN).identity, made["key"]
        self.assertIn("id", robot.post("/households", self.household()))
        with self.assertRaises(Refused) as refused:
            robot.post("/households", self.household() | {"area": "g2"})
        self.assertEqual(refused.exception.status, 403)
        self.desk(ADMIN).post(f"/api-keys/{made['id']}/revoke")
        with self.assertRaises(Refused) as refused:
            robot.get("/households", area="g1")
        self.assertEqual(refused.exception.status, 401)


if __name__ == "__main__":
    harness.main(__file__)
