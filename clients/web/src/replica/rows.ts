// SPDX-License-Identifier: Apache-2.0
// Rows that reach phones, by table. Names and members are those of the server; where a row is made
// stands with it. The key of a row is `Row.key`, never a member. Times are unix ms. A row may lack
// any member: an older server wrote it, or an effect of a pending mutation made it (PROTOCOL §8).
import type { MediaRef } from '../media/ref';

import type { ServiceTables } from './rows_service';

export type Severity = 'none' | 'blue' | 'yellow' | 'orange' | 'red';
export type Category =
  | 'dangjian' | 'events' | 'latest' | 'policy' | 'weather' | 'living' | 'farming' | 'urgent';
export type Role =
  | 'resident' | 'proxy' | 'volunteer' | 'lead' | 'grid' | 'window' | 'editor' | 'approver'
  | 'finance' | 'supervisor' | 'partner' | 'custodian' | 'admin' | 'district';

/** `notice`, key = notice id. server/community/notices/module.cc put_public. */
export interface NoticeRow {
  /** A withdrawn warning stays as a silent stub without body; other withdrawn notices vanish. */
  state: 'sent' | 'corrected' | 'withdrawn' | 'expired';
  category: Category;
  /** At most 60 characters. */
  title: string;
  /** What to do, at most 40 characters; always there while an urgent notice is live. */
  action_line?: string;
  /** Plain text, at most 8000 characters. */
  body?: string;
  voice?: MediaRef;
  /** SHA-256 of each, at most 6. */
  images?: MediaRef[];
  severity: Severity;
  /** Of a warning: the same over corrections; with `severity` the key of `firstAlert` (E9). */
  incident?: string;
  /** Kind of weather, e.g. 暴雨. */
  event?: string;
  valid_from?: number;
  valid_to?: number;
  needs_ack: boolean;
  issuer?: string;
  drill?: boolean;
  sent_at: number;
  corrected_at?: number;
  corrected: boolean;
  rev: number;
  /** Which question is asked; an `ack` with a smaller `ask` no longer counts (absent = 0). */
  ask?: number;
  /** Louder than muting: red, orange, coloured weather warnings, category urgent. */
  urgent: boolean;
  /** Whether it sounds at all. */
  alert: boolean;
}

/** `ack`, key = notice:person. server/community/notices/acks.cc; also an effect of
 *  notice.acknowledge, then with the members of the first group only. */
export interface AckRow {
  notice: string;
  person: string;
  choice: 'ok' | 'help' | 'away';
  ask?: number;
  /** Account that answered. */
  by: string;
  captured_at: number;

  /** `proxied`: a daughter's tap on a red warning, the person's own answer stays open. */
  state?: 'ok' | 'help' | 'away' | 'in_person' | 'proxied';
  at?: number;
  via?: 'self' | 'proxy' | 'knock';
  name?: string;
  door?: string;
  unit?: string;
  community?: string;
}

/** `mute`, key = account:category. server/community/notices/mutes.cc; effect of notice.mute.
 *  Until the server deletes an unmuted one it says `muted: false`. */
export interface MuteRow {
  category: Category;
  muted: boolean;
  at: number;
}

/** `me`, key = account. server/community/membership.cc me_row. */
export interface MeRow {
  account: string;
  /** Empty for an account without a person. */
  person: string;
  name: string;
  community: string;
  /** Whom this account speaks for, oneself first. */
  persons: { id: string; name: string }[];
  /** `scope` is an area. */
  roles: { role: Role; scope: string }[];
}

export type AreaKind =
  | 'city_district' | 'street' | 'community' | 'grid' | 'courtyard' | 'building' | 'entrance';

/** `area`, key = area id. server/community/areas/module.cc. */
export interface AreaRow {
  kind: AreaKind;
  parent: string;
  name: string;
  state: 'active' | 'closed';
  /** From the root down, itself included. */
  path: string[];
  /** The nearest grid, else the community. */
  unit: string;
  grid: string;
  community: string;
  geocode?: string;
  shelter?: string;
}

/** `task`, key = notice:person: a knock. server/community/tasks/module.cc; task.visit patches
 *  `result`, `done_at` and `visited_by` as an effect. */
export interface TaskRow {
  /** `post`: a sheet for a stairwell, with neither person nor answer; `erasure` is the office's. */
  kind: 'knock' | 'post' | 'erasure';
  notice: string;
  person: string;
  state: 'open' | 'no_answer' | 'handed_on' | 'done';
  owner: 'grid' | 'assignee' | 'lead' | 'desk';
  assignee?: string;
  tries: number;
  opened_at: number;
  /** When it goes to the next owner by itself. */
  next_at?: number;
  ask: number;
  /** `help`: somebody called for it; only what a person says of the visit ends it. */
  why: 'ladder' | 'parallel' | 'by_hand' | 'help';
  called_at?: number;
  /** After the call the same person answered something else. */
  recalled_at?: number;
  outcomes: { at: number; by: string; outcome: VisitOutcome; note?: string }[];
  result?: VisitOutcome | 'answered' | 'ended';
  done_at?: number;
  visited_by?: string;
  name: string;
  door: string;
  floor?: number;
  area: string;
  unit: string;
  community: string;
  living_alone?: boolean;
  mobility?: Mobility;
  neighbour?: string;
  keyholder?: string;
  severity: Severity;
  title: string;
  /** What to say at the door. */
  line: string;
}
/** `request`, key = task: what the person asked of the office and how it stands.
 *  server/community/tasks/requests.cc */
export interface RequestRow {
  person: string;
  kind: 'help' | 'erasure';
  state: 'open' | 'taken' | 'no_answer' | 'done';
  asked_at: number;
  /** Of this state. */
  at: number;
  notice?: string;
  title?: string;
  due_at?: number;
  /** The office's answer to a wish for erasure. */
  result?: 'erased' | 'refused';
  note?: string;
}
/** `shelter`, key id, and `transfer`, key <notice>:<person>. server/community/tasks/transfers.cc */
export interface ShelterRow {
  notice: string;
  name: string;
  area: string;
  unit: string;
  community: string;
  capacity: number;
}
/** Before the server has heard of it there is neither name nor door. */
export interface TransferRow {
  notice: string;
  person: string;
  state: 'moved' | 'arrived' | 'returned';
  name?: string;
  door?: string;
  shelter?: string;
  place?: string;
  organiser?: string;
  care?: string;
  moved_at?: number;
  arrived_at?: number;
  returned_at?: number;
}
export type VisitOutcome = 'told' | 'no_answer' | 'moved' | 'refused' | 'rescue';
export type Mobility = 'free' | 'stick' | 'wheelchair' | 'bed';

/** `person_card`, key = person. server/community/people/module.cc project_person; staff of the
 *  grid. person.register shows `name` and `household` only as an effect. */
export interface PersonCardRow {
  name: string;
  household: string;
  door?: string;
  birth_year?: number;
  sex?: 'f' | 'm';
  tags?: string[];
  no_phone?: boolean;
  living_alone?: boolean;
  mobility?: Mobility;
  languages?: string[];
  phone?: string;
  landline?: string;
  neighbour?: string;
  keyholder?: string;
  area?: string;
  grid?: string;
  floor?: number;
  /** Devices that reach the person. */
  app?: number;
}

/** `household_card`, key = household. server/community/people/module.cc project_household. */
export interface HouseholdCardRow {
  door: string;
  area: string;
  grid: string;
  floor?: number;
  state: 'active' | 'closed';
}

/** `notice_desk`, key = notice id. server/community/notices/module.cc project_desk; staff only. */
export interface NoticeDeskRow {
  state:
    | 'draft' | 'in_review' | 'rejected' | 'scheduled' | 'missed' | 'sent' | 'corrected'
    | 'withdrawn' | 'expired' | 'archived';
  category: Category;
  title: string;
  severity: Severity;
  urgent: boolean;
  drill?: boolean;
  incident?: string;
  valid_to?: number;
  community: string;
  /** Account that wrote it last: may not approve it. */
  author: string;
  approved_by?: string;
  created_at: number;
  submitted_at?: number;
  send_at?: number;
  sent_at?: number;
  corrected_at?: number;
  withdrawn_at?: number;
  /** Audience as counted at approval. */
  persons?: number;
  rev: number;
  demo?: boolean;
  /** While it goes out: step n of m. */
  sending?: { phase: string; n?: number; m?: number };
}

export const REACH_STATES = [
  'ok', 'help', 'away', 'in_person', 'proxied', 'seen', 'delivered', 'handed', 'failed', 'app',
  'no_app', 'no_channel', 'excluded',
] as const;
export type ReachState = (typeof REACH_STATES)[number];

/** `reach_count`, key = notice:unit: persons by state. server/community/notices/module.cc
 *  count_members; staff only. The states sum up to `audience`. */
export type ReachCountRow = {
  notice: string;
  unit: string;
  community: string;
  audience: number;
} & { [state in ReachState]: number };

/** `desk_alarm`, key = kind or kind:subject. server/community/desk/module.cc; staff only. */
export interface DeskAlarmRow {
  kind: string;
  subject?: string;
  text: string;
  since: number;
  until?: number;
  /** Absent while it is open. */
  cleared_at?: number;
  count: number;
  community: string;
}

/** `warning`, key = incident: of a feed. server/community/notices/warnings.cc; staff only. */
export interface WarningRow {
  state: 'open' | 'over';
  /** Identifier of the newest message of the feed. */
  alert: string;
  kind: 'open' | 'update' | 'all_clear' | 'expire';
  colour: Severity;
  event: string;
  signal_no?: number;
  drill?: boolean;
  source: string;
  sender?: string;
  headline?: string;
  expires_at: number;
  doubts?: string[];
  /** Areas. */
  places: string[];
  sound?: boolean;
  opened_at: number;
  at: number;
  community: string;
  /** Draft or notice of the incident. */
  notice?: string;
  /** What a person should decide; members of a draft besides these. */
  proposal?: { what: 'correct' | 'withdraw' | 'write_anew'; at: number } & Record<string, unknown>;
}

/** What `Replica.rows` gives for a table. */
export interface Tables extends ServiceTables {
  notice: NoticeRow;
  ack: AckRow;
  mute: MuteRow;
  me: MeRow;
  area: AreaRow;
  task: TaskRow;
  request: RequestRow;
  shelter: ShelterRow;
  transfer: TransferRow;
  person_card: PersonCardRow;
  household_card: HouseholdCardRow;
  notice_desk: NoticeDeskRow;
  reach_count: ReachCountRow;
  desk_alarm: DeskAlarmRow;
  warning: WarningRow;
}
