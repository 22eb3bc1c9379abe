# SPDX-License-Identifier: Apache-2.0
"""A provider as the exec channel speaks to it: notes what it was given, accepts, and after a moment
says that it was delivered. Arguments: the file to note in; a folder whose files are answers of
people: <number> holds what that number writes back to the next message."""

import json
import os
import sys

answers = sys.argv[2] if len(sys.argv) > 2 else ""

with open(sys.argv[1], "a", encoding="utf-8") as notes:
    for line in sys.stdin:
        item = json.loads(line)
        if item.get("type") != "send":
            continue
        notes.write(json.dumps(item, ensure_ascii=False) + "\n")
        notes.flush()
        name = item["key"][:12]
        answer = {"id": item["id"], "outcome": "accepted", "provider_ids": [name], "parts": 1}
        print(json.dumps(answer), flush=True)
        receipt = {"provider_id": name, "delivery": item["id"], "state": "delivered"}
        print(json.dumps({"receipt": receipt}), flush=True)
        number = item["to"]["address"]
        file = os.path.join(answers, os.path.basename(number)) if answers else ""
        if file and os.path.exists(file):
            with open(file, encoding="utf-8") as answer:
                reply = answer.read().strip()
            os.remove(file)
            said = {"address": number, "state": "read", "reply": reply}
            print(json.dumps({"receipt": said}), flush=True)
