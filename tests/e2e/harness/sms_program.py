# SPDX-License-Identifier: Apache-2.0
"""A provider as the exec channel speaks to it: notes what it was given, accepts, and after a moment
says that it was delivered. Argument: the file to note in."""

import json
import sys

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
