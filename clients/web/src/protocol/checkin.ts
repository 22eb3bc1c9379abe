// SPDX-License-Identifier: Apache-2.0
// The bytes of check-in (docs/PROTOCOL.md §10): codes of leads and stations, entries,
// six digits, log.
// Held to tests/protocol/checkin.json. Nothing here reads a clock, a row or a key of its own.
import { ed25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromBase64Url, isEqual, toBase64Url, toHex, utf8, type Bytes } from './bytes';
import { ByteReader, shortText, uint } from './checkin_bytes';

export const WINDOW_MS = 30_000;
/** A code of so many windows ago still counts as seen now. */
export const FRESH_WINDOWS = 3;
export const LEAD_MAGIC = 'LLQ1.';
export const STATION_MAGIC = 'LLS1.';
export const ENTRY_MAGIC = 'LLE1.';
export const NOTE_BYTES_MAX = 300;

const ID_BYTES_MAX = 32;
const EVIDENCE_BYTES_MAX = 32;
const VERSION = uint(1, 1);
const ZERO = new Uint8Array(1);
const NO_HASH = new Uint8Array(32);

/** What signs: only `DeviceKey`, inside the replica. */
export interface Signer {
  readonly pub: Bytes;
  sign(message: Bytes): Bytes;
}

/** `malformed`: other bytes than §10 allows. `bad_signature`: changed after it was signed. */
export class CodeError extends Error {
  constructor(readonly code: 'malformed' | 'bad_signature') {
    super(code);
  }
}

export interface LeadCode {
  team: string;
  shift: string;
  /** May be empty. */
  place: string;
  /** Key of the lead's device, 32 bytes. */
  lead: Bytes;
  window: number;
  /** 8 bytes. */
  nonce: Bytes;
  /** 64 bytes. */
  sig: Bytes;
}

export interface StationCode {
  station: string;
  /** 16 bytes. */
  secret: Bytes;
}

export const TYPES = { checkIn: 1, checkOut: 2, countersign: 3, leadIn: 4, leadOut: 5 } as const;
export type EntryType = (typeof TYPES)[keyof typeof TYPES];
export const METHODS = { none: 0, leadCode: 1, stationCode: 2, digits: 3 } as const;
export type Method = (typeof METHODS)[keyof typeof METHODS];

/** What an entry says, before a device puts it into its chain. */
export interface EntryDraft {
  type: EntryType;
  shift: string;
  /** Whose hours these are. */
  person: string;
  method: Method;
  /** Hash of the code (32), digits (6, ASCII), hash of the entry (32), or a time (8). */
  evidence: Bytes;
  note: string;
}

export interface Entry extends EntryDraft {
  device: Bytes;
  dseq: number;
  prev: Bytes;
  /** Unix ms of the phone, uncorrected. */
  at: number;
  /** Monotonic clock: 0 = none. A browser's stops in sleep, so ours says none. */
  boot: number;
  mono: number;
  nonce: Bytes;
  sig: Bytes;
}

export function windowOf(unixMs: number): number {
  return Math.floor(Math.max(0, unixMs) / WINDOW_MS);
}

// --- Lead's and station's codes -----------------------------------------------------------------

function leadRaw(code: Omit<LeadCode, 'sig'>): Bytes {
  const names = concat(shortText(code.team), shortText(code.shift), shortText(code.place));
  return concat(VERSION, names, code.lead, uint(code.window, 4), code.nonce);
}

function leadMessage(code: Omit<LeadCode, 'sig'>): Bytes {
  return concat('linli.lead.1', ZERO, leadRaw(code));
}

/** `shiftKey` has 32 bytes. The same lead, shift and window give the same code. */
export function makeLeadCode(
  signer: Signer, what: Pick<LeadCode, 'team' | 'shift' | 'place' | 'window'>, shiftKey: Bytes,
): LeadCode {
  const { team, shift, place, window } = what;
  const seed = concat('linli.nonce.1', ZERO, signer.pub, uint(window, 4));
  const nonce = hmac(sha256, shiftKey, seed).slice(0, 8);
  const code = { team, shift, place, lead: signer.pub, window, nonce };
  return { ...code, sig: signer.sign(leadMessage(code)) };
}

export function leadCodeText(code: LeadCode): string {
  return LEAD_MAGIC + toBase64Url(concat(leadRaw(code), code.sig));
}

/** Signature checked. Throws CodeError. */
export function parseLeadCode(text: string): LeadCode {
  const reader = open(LEAD_MAGIC, text);
  const code: LeadCode = {
    team: reader.text(1, ID_BYTES_MAX), shift: reader.text(1, ID_BYTES_MAX),
    place: reader.text(1, ID_BYTES_MAX), lead: reader.take(32), window: reader.number(4),
    nonce: reader.take(8), sig: reader.take(64),
  };
  if (!reader.isDone || !code.team || !code.shift) throw new CodeError('malformed');
  checkSignature(code.lead, leadMessage(code), code.sig);
  return code;
}

export function stationCodeText({ station, secret }: StationCode): string {
  return STATION_MAGIC + toBase64Url(concat(VERSION, shortText(station), secret));
}

/** Throws CodeError. Whether it is the present one, `team.code_hash` tells. */
export function parseStationCode(text: string): StationCode {
  const reader = open(STATION_MAGIC, text);
  const code = { station: reader.text(1, ID_BYTES_MAX), secret: reader.take(16) };
  if (!reader.isDone || !code.station) throw new CodeError('malformed');
  return code;
}

/** SHA-256 of the bytes of a lead's or a station's code. Throws CodeError. */
export function codeHash(text: string): Bytes {
  const magic = text.startsWith(STATION_MAGIC) ? STATION_MAGIC : LEAD_MAGIC;
  return sha256(bytesOf(magic, text));
}

export function sixDigits(shiftKey: Bytes, window: number): string {
  const mac = hmac(sha256, shiftKey, concat('linli.digits.1', ZERO, uint(window, 4)));
  const number = new DataView(mac.buffer, mac.byteOffset).getUint32(0);
  return String(number % 1_000_000).padStart(6, '0');
}

// --- Entries ------------------------------------------------------------------------------------

function entryRaw(entry: Omit<Entry, 'sig'>): Bytes {
  const chain = concat(entry.device, uint(entry.dseq, 4), entry.prev);
  const times = concat(uint(entry.at, 8), uint(entry.boot, 4), uint(entry.mono, 8));
  const about = concat(shortText(entry.shift), shortText(entry.person), uint(entry.method, 1));
  const note = utf8(entry.note);
  const said = concat(uint(entry.evidence.length, 1), entry.evidence, uint(note.length, 2), note);
  return concat(VERSION, uint(entry.type, 1), chain, times, about, said, entry.nonce);
}

function entryMessage(entry: Omit<Entry, 'sig'>): Bytes {
  return concat('linli.entry.1', ZERO, entryRaw(entry));
}

/** One act has one form: anything else is refused, as the server does. */
function isWellFormed(entry: Omit<Entry, 'sig'>): boolean {
  const { type, method, evidence, dseq, prev } = entry;
  if (dseq === 0 || !entry.shift || !entry.person) return false;
  if ((dseq === 1) !== isEqual(prev, NO_HASH)) return false;
  if (type === TYPES.countersign) return method === METHODS.none && evidence.length === 32;
  if (isByLead(type)) return method === METHODS.none && evidence.length === 8;
  if (method === METHODS.digits) {
    return evidence.length === 6 && evidence.every((byte) => byte >= 0x30 && byte <= 0x39);
  }
  return method !== METHODS.none && evidence.length === 32;
}

export function isByLead(type: EntryType): boolean {
  return type === TYPES.leadIn || type === TYPES.leadOut;
}

export function isIn(type: EntryType): boolean {
  return type === TYPES.checkIn || type === TYPES.leadIn;
}

/** Throws CodeError `malformed` for a draft that no server would take. */
export function signEntry(signer: Signer, entry: Omit<Entry, 'device' | 'sig'>): Entry {
  const whole = { ...entry, device: signer.pub };
  const isShort = utf8(entry.note).length <= NOTE_BYTES_MAX;
  const areIds = [entry.shift, entry.person].every((id) => utf8(id).length <= ID_BYTES_MAX);
  if (!isShort || !areIds || !isWellFormed(whole)) throw new CodeError('malformed');
  return { ...whole, sig: signer.sign(entryMessage(whole)) };
}

export function entryText(entry: Entry): string {
  return ENTRY_MAGIC + toBase64Url(concat(entryRaw(entry), entry.sig));
}

/** Signature checked. Throws CodeError. */
export function parseEntry(text: string): Entry {
  const reader = open(ENTRY_MAGIC, text);
  const entry = {
    type: reader.number(1) as EntryType, device: reader.take(32), dseq: reader.number(4),
    prev: reader.take(32), at: reader.number(8), boot: reader.number(4), mono: reader.number(8),
    shift: reader.text(1, ID_BYTES_MAX), person: reader.text(1, ID_BYTES_MAX),
    method: reader.number(1) as Method, evidence: reader.short(EVIDENCE_BYTES_MAX),
    note: reader.text(2, NOTE_BYTES_MAX), nonce: reader.take(8), sig: reader.take(64),
  };
  const isKnown = entry.type >= TYPES.checkIn && entry.type <= TYPES.leadOut &&
    entry.method <= METHODS.digits;
  const areTimes = Number.isSafeInteger(entry.at) && Number.isSafeInteger(entry.mono);
  if (!reader.isDone || !isKnown || !areTimes || !isWellFormed(entry)) {
    throw new CodeError('malformed');
  }
  checkSignature(entry.device, entryMessage(entry), entry.sig);
  return entry;
}

/** What the next entry of the device has as `prev`, and a countersign as evidence. */
export function entryHash(entry: Entry): Bytes {
  return sha256(concat(entryRaw(entry), entry.sig));
}

/** 32 hex digits. */
export function entryId(entry: Entry): string {
  return toHex(entryHash(entry).slice(0, 16));
}

/** Evidence of a lead's entry. */
export function timeEvidence(unixMs: number): Bytes {
  return uint(unixMs, 8);
}

// --- The community's log ------------------------------------------------------------------------

export function recordHash(row: string): Bytes {
  return sha256(concat('linli.record.1', ZERO, row));
}

export function nextLink(n: number, before: Bytes, record: Bytes): Bytes {
  return sha256(concat('linli.link.1', ZERO, uint(n, 8), before, record));
}

export interface Head {
  slug: string;
  day: string;
  n: number;
  link: Bytes;
}

export function isGenuineHead(server: Bytes, { slug, day, n, link }: Head, sig: Bytes): boolean {
  const message = concat('linli.head.1', ZERO, slug, ZERO, day, ZERO, uint(n, 8), link);
  return isSigned(server, message, sig);
}

// --- Inside -------------------------------------------------------------------------------------

function bytesOf(magic: string, text: string): Bytes {
  const bytes = text.startsWith(magic) ? fromBase64Url(text.slice(magic.length)) : undefined;
  if (!bytes) throw new CodeError('malformed');
  return bytes;
}

function open(magic: string, text: string): ByteReader {
  const reader = new ByteReader(bytesOf(magic, text));
  if (reader.number(1) !== 1) throw new CodeError('malformed');
  return reader;
}

function isSigned(key: Bytes, message: Bytes, sig: Bytes): boolean {
  try {
    return ed25519.verify(sig, message, key, { zip215: false });
  } catch {
    return false; // No point of the curve.
  }
}

function checkSignature(key: Bytes, message: Bytes, sig: Bytes): void {
  if (!isSigned(key, message, sig)) throw new CodeError('bad_signature');
}
