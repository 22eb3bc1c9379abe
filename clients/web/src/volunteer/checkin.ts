// SPDX-License-Identifier: Apache-2.0
// What a phone without a net decides about a code that it scanned (docs/PROTOCOL.md §10): whose it
// is, whether it is fresh, and what entry follows. Pure; the rows are those that the phone holds.
import { fromBase64Url, isEqual, toBase64Url, toHex, utf8 } from '../protocol/bytes';
import {
  codeHash, CodeError, ENTRY_MAGIC, entryHash, FRESH_WINDOWS, LEAD_MAGIC, METHODS, parseEntry,
  parseLeadCode, parseStationCode, STATION_MAGIC, timeEvidence, TYPES, windowOf, type Entry,
  type EntryDraft, type EntryType, type LeadCode,
} from '../protocol/checkin';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Row } from '../replica/api';
import type { ShiftRow, TeamMemberRow, TeamRow } from '../replica/rows_service';

export interface Held {
  teams: readonly Row<TeamRow>[];
  members: readonly Row<TeamMemberRow>[];
  shifts: readonly Row<ShiftRow>[];
}

/** Why a scan is not taken; each has its sentence `vol.scan.<why>`. */
export type ScanRefusal =
  | 'notCode' | 'isReceipt' | 'isLeadCode' | 'isStation' | 'forged' | 'notLead' | 'otherShift'
  | 'noShift' | 'own' | 'oldStation' | 'digits' | 'notShown' | 'notRotating';
/** Taken, but the grade will be lower. */
export type ScanWarning = 'late' | 'elsewhere' | 'noShiftHere';

export type Scanned =
  | { isTaken: true; draft: EntryDraft; qr?: string; warnings: ScanWarning[] }
  | { isTaken: false; why: ScanRefusal };

export interface ScanAsk {
  held: Held;
  /** Whose hours. */
  person: string;
  type: typeof TYPES.checkIn | typeof TYPES.checkOut;
  /** Unix ms by the server's clock, as far as the phone knows it. */
  now: number;
  /** The shift that the person chose; with a lead's code the code says it. */
  shift?: string;
}

const refused = (why: ScanRefusal): Scanned => ({ isTaken: false, why });

/** A lead's or a station's code from camera; never throws. */
export function judgeScan(text: string, ask: ScanAsk): Scanned {
  try {
    if (text.startsWith(LEAD_MAGIC)) return judgeLeadCode(text, ask);
    if (text.startsWith(STATION_MAGIC)) return judgeStation(text, ask);
  } catch (error) {
    return refused(error instanceof CodeError && error.code === 'malformed' ? 'notCode' : 'forged');
  }
  return refused(text.startsWith(ENTRY_MAGIC) ? 'isReceipt' : 'notCode');
}

function judgeLeadCode(text: string, { held, person, type, now, shift }: ScanAsk): Scanned {
  const code = parseLeadCode(text);
  const lead = leadOf(held, code);
  if (!lead) return refused('notLead');
  if (lead.person === person) return refused('own');
  if (shift && shift !== code.shift) return refused('otherShift');
  const warnings: ScanWarning[] = [];
  if (Math.abs(windowOf(now) - code.window) > FRESH_WINDOWS) warnings.push('late');
  const row = held.shifts.find(({ key }) => key === code.shift)?.value;
  // A shift that was made while this phone had no net: the server knows it.
  if (!row) warnings.push('noShiftHere');
  else if ((row.place ?? '') !== code.place) warnings.push('elsewhere');
  const draft = draftOf(type, code.shift, person, METHODS.leadCode, codeHash(text));
  return { isTaken: true, draft, qr: text, warnings };
}

function judgeStation(text: string, { held, person, type, shift }: ScanAsk): Scanned {
  const { station } = parseStationCode(text);
  const row = held.teams.find(({ key }) => key === station)?.value;
  if (row?.code_hash !== toHex(codeHash(text))) return refused('oldStation');
  if (!shift) return refused('noShift');
  const at = held.shifts.find(({ key }) => key === shift)?.value;
  const warnings: ScanWarning[] = at && at.place !== station ? ['elsewhere'] : [];
  const draft = draftOf(type, shift, person, METHODS.stationCode, codeHash(text));
  return { isTaken: true, draft, qr: text, warnings };
}

/** Six digits, typed: only their form is known here; the server judges them. */
export function judgeDigits(typed: string, ask: ScanAsk): Scanned {
  const digits = plainDigits(typed);
  if (!/^\d{6}$/.test(digits)) return refused('digits');
  if (!ask.shift) return refused('noShift');
  const draft = draftOf(ask.type, ask.shift, ask.person, METHODS.digits, utf8(digits));
  return { isTaken: true, draft, warnings: [] };
}

/** Full-width digits and spaces are how people type. */
export function plainDigits(typed: string): string {
  const narrow = typed.replace(/[０-９]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0));
  return narrow.replace(/[\s-]/g, '');
}

/** The active lead of the code's team whose phone made it. */
function leadOf({ members }: Held, code: LeadCode): TeamMemberRow | undefined {
  const pub = toBase64Url(code.lead);
  return members.map(({ value }) => value).find((member) =>
    member.team === code.team && member.role === 'lead' && member.state === 'active' &&
    (member.keys ?? []).some((key) => key.pub === pub));
}

function draftOf(
  type: EntryType, shift: string, person: string, method: EntryDraft['method'],
  evidence: Uint8Array,
): EntryDraft {
  return { type, shift, person, method, evidence, note: '' };
}

// --- The lead's side ----------------------------------------------------------------------------

export type Receipt =
  | { isTaken: true; entry: Entry; draft: EntryDraft; receipt: string; qr: string }
  | { isTaken: false; why: ScanRefusal };

export interface ReceiptAsk {
  /** The lead's own person. */
  person: string;
  shift: string;
  /** Texts of the codes that this phone showed in the present and the FRESH_WINDOWS before. */
  shown: readonly string[];
}

/** A receipt from the volunteer's screen, scanned back; never throws. */
export function judgeReceipt(text: string, { person, shift, shown }: ReceiptAsk): Receipt {
  const no = (why: ScanRefusal): Receipt => ({ isTaken: false, why });
  if (text.startsWith(LEAD_MAGIC)) return no('isLeadCode');
  if (text.startsWith(STATION_MAGIC)) return no('isStation');
  let entry: Entry;
  try {
    entry = parseEntry(text);
  } catch (error) {
    return no(error instanceof CodeError && error.code === 'bad_signature' ? 'forged' : 'notCode');
  }
  const isMark = entry.type === TYPES.checkIn || entry.type === TYPES.checkOut;
  if (!isMark || entry.method !== METHODS.leadCode) return no('notRotating');
  if (entry.shift !== shift) return no('otherShift');
  if (entry.person === person) return no('own');
  const qr = shown.find((code) => isEqual(codeHash(code), entry.evidence));
  if (!qr) return no('notShown');
  const draft = draftOf(
    TYPES.countersign, shift, entry.person, METHODS.none, entryHash(entry),
  );
  return { isTaken: true, entry, draft, receipt: text, qr };
}

export interface LeadEntryAsk {
  isIn: boolean;
  shift: string;
  person: string;
  /** When it happened, unix ms. */
  at: number;
  reason: string;
}

/** A lead's entry for somebody whose phone cannot: grade D, with a reason. */
export function leadDraft({ isIn, shift, person, at, reason }: LeadEntryAsk): EntryDraft {
  const type = isIn ? TYPES.leadIn : TYPES.leadOut;
  const draft = draftOf(type, shift, person, METHODS.none, timeEvidence(at));
  return { ...draft, note: reason };
}

/** The same name and digits in one shift are one walk-up (VOL-5). */
export function walkUpId(shift: string, name: string, last4: string): string {
  return 'w-' + toHex(sha256(utf8(`${shift}/${name}/${last4}`)).slice(0, 8));
}

/** Undefined where the row holds no key of 32 bytes. */
export function shiftKeyOf(row: { key?: string } | undefined): Uint8Array | undefined {
  const bytes = row?.key ? fromBase64Url(row.key) : undefined;
  return bytes?.length === 32 ? bytes : undefined;
}
