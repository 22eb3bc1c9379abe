// SPDX-License-Identifier: Apache-2.0
// Rows of service teams (server/community/teams). As in rows.ts: any member may be missing.

/** `team`, key = team id. team.cc. */
export interface TeamRow {
  name: string;
  /** A station has a printed code; `code_hash` is the hash of the present one, 64 hex digits. */
  kind: 'team' | 'station';
  state: 'active' | 'closed';
  area: string;
  community: string;
  what?: string;
  code_hash?: string;
  created_at: number;
}

/** `team_member`, key = team:person. members.cc; effect of team.join_request and team.leave. */
export interface TeamMemberRow {
  team: string;
  person: string;
  name: string;
  role: 'member' | 'lead';
  state: 'requested' | 'active' | 'left';
  /** Phones in use: what a signature is held against without a net. `pub` is base64url. */
  keys: { cid: string; pub: string }[];
  asked_at?: number;
  joined_at?: number;
}

/** `team_minor`, key = team:person. Of members under age, with leads, staff and the family only. */
export interface TeamMinorRow {
  team: string;
  person: string;
  consent?: { by: string; how: 'tap' | 'paper'; at: number };
}

/** `shift`, key = shift id. shifts.cc; effect of shift.create. */
export interface ShiftRow {
  team: string;
  title: string;
  /** A station's id, or empty. */
  place: string;
  place_name?: string;
  from: number;
  to: number;
  /** 0 = no limit. */
  need: number;
  is_callout?: boolean;
  has_travel?: boolean;
  note?: string;
  state: 'open' | 'full' | 'closed' | 'cancelled';
  reason?: string;
  yes?: number;
  no?: number;
}

/** `shift_key`, key = shift id; leads only. 32 bytes, base64url. */
export interface ShiftKeyRow {
  team: string;
  key: string;
}

/** `shift_answer`, key = shift:person. `full`: said yes when enough had. */
export interface ShiftAnswerRow {
  shift: string;
  person: string;
  name?: string;
  answer: 'yes' | 'no' | 'full';
  team?: string;
  at: number;
}

/** `attendance`, key = entry or record id. attendance.cc; effect of attendance.record. */
export interface AttendanceRow {
  kind: 'in' | 'out' | 'countersign' | 'seen' | 'confirm' | 'finalise' | 'dispute' | 'resolve'
    | 'correction' | 'approval' | 'claim';
  shift: string;
  person: string;
  team?: string;
  /** `LLE1.`… */
  entry?: string;
  cid?: string;
  dseq?: number;
  device_at?: number;
  captured?: number;
  window?: number;
  lead?: string;
  /** Id of the entry that a countersign signs. */
  target?: string;
  elsewhere?: boolean;
  /** Why it does not count. */
  refused?:
    | 'revoked' | 'not_lead' | 'own_code' | 'nonce_reused' | 'already_used' | 'wrong_code';
  reason?: string;
  pos?: number;
  at?: number;
}

export type Grade = 'A' | 'B' | 'C' | 'D';
export type HoursState =
  | 'open' | 'pending' | 'publicised' | 'final' | 'corrected' | 'disputed' | 'void';

/** `hours`, key = shift:person. derive.cc. */
export interface HoursRow {
  shift: string;
  team: string;
  community: string;
  title: string;
  person: string;
  name: string;
  /** YYYY-MM-DD. */
  day: string;
  /** 0 = not known. */
  in_at: number;
  out_at: number;
  grade: Grade;
  state: HoursState;
  minutes: number;
  /** What counts after overlaps. */
  counted: number;
  computed: number;
  flags: string[];
  /** Public until then. */
  until?: number;
  confirmed_by?: string;
  dispute?: string;
  correction?: { id: string; minutes: number; reason: string; by: string };
}

/** `publicity`, key = shift:person; the members of the team. */
export interface PublicityRow {
  team: string;
  name: string;
  title: string;
  day: string;
  minutes: number;
  until: number;
}

/** `certificate`, key = its number. certificates.cc. */
export interface CertificateRow {
  person: string;
  name: string;
  minutes: number;
  activities: { title: string; day: string; counted: number; grade: Grade; team_name: string }[];
  state: 'issued' | 'revoked';
  issued_at: number;
  code: string;
  issuer: string;
  log_n: number;
  log_link: string;
  reason?: string;
}

/** `walkup`, key = w-…: somebody without an account. */
export interface WalkUpRow {
  name: string;
  last4: string;
  shift: string;
  team: string;
  claimed_by?: string;
}

export interface ServiceTables {
  team: TeamRow;
  team_member: TeamMemberRow;
  team_minor: TeamMinorRow;
  shift: ShiftRow;
  shift_key: ShiftKeyRow;
  shift_answer: ShiftAnswerRow;
  attendance: AttendanceRow;
  hours: HoursRow;
  publicity: PublicityRow;
  certificate: CertificateRow;
  walkup: WalkUpRow;
}
