// SPDX-License-Identifier: Apache-2.0
// Made by scripts/effects.mjs from schema/mutators.json; do not edit.
import type { MutatorInfo } from './overlay';

export const EFFECTS: Record<string, MutatorInfo> = {
  "area.close": {"lane":1},
  "area.create": {"lane":1},
  "area.rename": {"lane":1},
  "area.set_outline": {"lane":1},
  "area.set_zones": {"lane":1},
  "attendance.approve": {"lane":1},
  "attendance.claim": {"lane":1},
  "attendance.correct": {"lane":1},
  "attendance.record": {
    "lane": 1,
    "effects": [
      {
        "key": "{id}",
        "op": "patch",
        "row": {
          "entry": "{entry}",
          "kind": "{kind}",
          "person": "{person}",
          "shift": "{shift}"
        },
        "tbl": "attendance"
      }
    ]
  },
  "certificate.issue": {"lane":1},
  "certificate.revoke": {"lane":1},
  "consent.withdraw": {"lane":1},
  "endpoint.put": {"lane":1},
  "endpoint.remove": {"lane":1},
  "erasure.answer": {"lane":1},
  "erasure.request": {"lane":1},
  "gateway.pause": {"lane":1},
  "gateway.replay": {"lane":1},
  "gateway.resume": {"lane":1},
  "gateway.test": {"lane":1},
  "hours.confirm": {"lane":1},
  "hours.dispute": {"lane":1},
  "hours.finalise": {"lane":1},
  "hours.resolve": {"lane":1},
  "household.put": {"lane":1},
  "identity.create_account": {"lane":1},
  "identity.detach_device": {"lane":1},
  "identity.grant_role": {"lane":1},
  "identity.label_device": {"lane":1},
  "identity.revoke_api_key": {"lane":1},
  "identity.revoke_device": {"lane":1},
  "identity.revoke_invite": {"lane":1},
  "identity.revoke_role": {"lane":1},
  "identity.set_account_state": {"lane":1},
  "notice.acknowledge": {
    "lane": 0,
    "effects": [
      {
        "key": "{notice}:{person}",
        "op": "put",
        "row": {
          "ask": "{ask}",
          "by": "{actor}",
          "captured_at": "{now}",
          "choice": "{choice}",
          "notice": "{notice}",
          "person": "{person}"
        },
        "tbl": "ack"
      }
    ]
  },
  "notice.approve": {"lane":1},
  "notice.correct": {"lane":1},
  "notice.draft": {"lane":1},
  "notice.edit": {"lane":1},
  "notice.mute": {
    "lane": 1,
    "effects": [
      {
        "key": "{actor}:{category}",
        "op": "put",
        "row": {
          "at": "{now}",
          "category": "{category}",
          "muted": "{muted}"
        },
        "tbl": "mute"
      }
    ]
  },
  "notice.reject": {"lane":1},
  "notice.remind": {"lane":1},
  "notice.seen": {"lane":2},
  "notice.send": {"lane":1},
  "notice.stop": {"lane":1},
  "notice.submit": {"lane":1},
  "notice.withdraw": {"lane":1},
  "people.import_row": {"lane":2},
  "people.request_read": {"lane":1},
  "people.request_search": {"lane":1},
  "people.undo_import": {"lane":2},
  "person.end": {"lane":1},
  "person.merge": {"lane":1},
  "person.move": {"lane":1},
  "person.put": {"lane":1},
  "person.quiet": {"lane":1},
  "person.register": {
    "lane": 1,
    "effects": [
      {
        "key": "{id}",
        "op": "put",
        "row": {
          "household": "{household}",
          "name": "{name}"
        },
        "tbl": "person_card"
      }
    ]
  },
  "person.undo": {"lane":1},
  "proxy.confirm": {"lane":1},
  "proxy.end": {"lane":1},
  "proxy.request": {"lane":1},
  "shelter.open": {"lane":1},
  "shift.answer": {
    "lane": 1,
    "effects": [
      {
        "key": "{shift}:{person}",
        "op": "patch",
        "row": {
          "answer": "{answer}",
          "at": "{now}",
          "person": "{person}",
          "shift": "{shift}"
        },
        "tbl": "shift_answer"
      }
    ]
  },
  "shift.cancel": {"lane":1},
  "shift.create": {
    "lane": 1,
    "effects": [
      {
        "key": "{id}",
        "op": "put",
        "row": {
          "from": "{from}",
          "need": "{need}",
          "place": "{place}",
          "state": "open",
          "team": "{team}",
          "title": "{title}",
          "to": "{to}"
        },
        "tbl": "shift"
      }
    ]
  },
  "task.assign": {"lane":1},
  "task.open": {"lane":1},
  "task.visit": {
    "lane": 0,
    "effects": [
      {
        "key": "{id}",
        "op": "patch",
        "row": {
          "done_at": "{now}",
          "result": "{outcome}",
          "visited_by": "{actor}"
        },
        "tbl": "task"
      }
    ]
  },
  "team.close": {"lane":1},
  "team.confirm": {"lane":1},
  "team.create": {"lane":1},
  "team.guardian_consent": {"lane":1},
  "team.join_request": {
    "lane": 1,
    "effects": [
      {
        "key": "{team}:{person}",
        "op": "patch",
        "row": {
          "person": "{person}",
          "state": "requested",
          "team": "{team}"
        },
        "tbl": "team_member"
      }
    ]
  },
  "team.leave": {
    "lane": 1,
    "effects": [
      {
        "key": "{team}:{person}",
        "op": "patch",
        "row": {
          "state": "left"
        },
        "tbl": "team_member"
      }
    ]
  },
  "team.renew_code": {"lane":1},
  "team.set_role": {"lane":1},
  "transfer.arrive": {
    "lane": 0,
    "effects": [
      {
        "key": "{notice}:{person}",
        "op": "patch",
        "row": {
          "arrived_at": "{now}",
          "arrived_by": "{actor}",
          "notice": "{notice}",
          "person": "{person}",
          "shelter": "{shelter}",
          "state": "arrived"
        },
        "tbl": "transfer"
      }
    ]
  },
  "transfer.record": {
    "lane": 0,
    "effects": [
      {
        "key": "{notice}:{person}",
        "op": "patch",
        "row": {
          "care": "{care}",
          "moved_at": "{now}",
          "moved_by": "{actor}",
          "notice": "{notice}",
          "organiser": "{organiser}",
          "person": "{person}",
          "place": "{place}",
          "shelter": "{shelter}",
          "state": "moved"
        },
        "tbl": "transfer"
      }
    ]
  },
  "transfer.return": {
    "lane": 1,
    "effects": [
      {
        "key": "{notice}:{person}",
        "op": "patch",
        "row": {
          "care": "{care}",
          "notice": "{notice}",
          "person": "{person}",
          "returned_at": "{now}",
          "returned_by": "{actor}",
          "state": "returned"
        },
        "tbl": "transfer"
      }
    ]
  },
  "warning.end_rule": {"lane":1},
  "warning.propose_rule": {"lane":1},
  "warning.sign_rule": {"lane":1},
  "warning.veto": {"lane":1},
};
