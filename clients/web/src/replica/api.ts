// SPDX-License-Identifier: Apache-2.0
// What screens may ask of the replica. They see this file only: never IndexedDB, sockets or keys.
// `openReplica` (client.ts) gives the real one, `fake.ts` one in memory for tests and drawing.

import type { EntryDraft } from '../protocol/checkin';

/** Svelte's store contract: calls `run` at once with the newest value, then at each change. */
export interface Readable<T> {
  subscribe(run: (value: T) => void): () => void;
}

/** Exactly these five are shown (GEN-6); offline is never an error. */
export type SyncState = 'synced' | 'pending' | 'syncing' | 'offline' | 'trouble';

/** A refusal with a sentence for people; `code` as in base/errc.h. */
export interface Problem {
  code: string;
  message: string;
}

/** Where a slip that was read stands (ENR-3): `choosing` waits for `choosePerson`. */
export interface SlipStatus {
  stage: 'checking' | 'choosing' | 'confirming' | 'refused';
  household: string;
  /** Masked names, while somebody has to be chosen. */
  persons: { ref: string; name: string }[];
  problem?: Problem;
}

export interface Identity {
  slug: string;
  community: string;
  /** 32 hex digits each. */
  cid: string;
  account: string;
  /** Key of the person's row; empty for an account without one. */
  person: string;
  name: string;
}

/** Numbers of mutations since this phone heard of it. */
export interface HandOver {
  taken: number;
  refused: number;
  waiting: number;
}

export interface Status {
  state: SyncState;
  identity?: Identity;
  slip?: SlipStatus;
  isConnected: boolean;
  /** True once everything up to the opening of this connection is here. */
  isCaughtUp: boolean;
  /** Not answered yet; accepted but not visible yet; refused. */
  pending: number;
  confirmed: number;
  attention: number;
  /** Buckets that are still coming down. */
  filling: number;
  /** Phone's wall clock, unix ms; 0 = never. */
  contactAt: number;
  digestMismatches: number;
  /** Server clock minus phone clock, ms, as far as it is known. */
  clockOffset: number;
  /** Why the server refused for good, or the store failed. */
  trouble?: Problem;
  /** The device was revoked: its rows are gone, its unsent work is kept. */
  isRevoked: boolean;
  /** The owner's new phone took this one's place (ENR-10): what became of the work made here. */
  handOver?: HandOver;
  /** The store was lost under us (site data wiped, evicted) since the last start. */
  wasWiped: boolean;
  /** Another tab holds the connection. */
  isFollower: boolean;
  /** This browser keeps nothing: rows and unsent work end with the page. */
  isVolatile: boolean;
}

export interface Row<T = Record<string, unknown>> {
  key: string;
  value: T;
  /** Shown because of work that was not accepted yet (待上传). */
  isPending: boolean;
}

export interface LocalMutation {
  /** Local id, stable; the number on the wire is given when it is first sent. */
  id: number;
  name: string;
  args: Record<string, unknown>;
  /** Phone's wall clock when it was made, unix ms. */
  wall: number;
  /** `unsent` may still be edited or withdrawn. */
  state: 'unsent' | 'sent' | 'accepted' | 'rejected';
  /** Why it was rejected. */
  problem?: Problem & { info?: unknown };
  rejectedAt?: number;
}

/** What happened at a shift; the replica adds key, place in the device's chain, and time. */
export interface RecordAsk {
  draft: EntryDraft;
  /** Text of the code that was scanned; with a countersign, of the code that the receipt names. */
  qr?: string;
  /** With a countersign: text of the entry that it signs. */
  receipt?: string;
  walkUp?: { name: string; last4: string };
}
export interface Recorded {
  mutation: LocalMutation;
  /** `LLE1.`…: shown as the receipt. */
  text: string;
  /** 32 hex digits. */
  id: string;
}
export interface LeadCodeAsk {
  team: string;
  shift: string;
  place: string;
  window: number;
  /** 32 bytes, of the row `shift_key`. */
  shiftKey: Uint8Array;
}

export interface Replica {
  readonly slug: string;
  readonly status: Readable<Status>;
  /** All rows of a table with pending work merged in, ordered by key; live. */
  rows<T>(tbl: string): Readable<Row<T>[]>;
  row<T>(tbl: string, key: string): Readable<Row<T> | undefined>;
  readonly pending: Readable<LocalMutation[]>;
  readonly attention: Readable<LocalMutation[]>;

  /** Durable before it resolves; sent when there is a connection. Rejects with a Problem. */
  mutate(name: string, args: Record<string, unknown>): Promise<LocalMutation>;
  /** Only while unsent (GEN-1). */
  edit(id: number, args: Record<string, unknown>): Promise<void>;
  withdraw(id: number): Promise<void>;
  /** Attention list: done with it, or once more with other arguments (`fixes`). */
  dismiss(id: number): Promise<void>;
  mend(id: number, args: Record<string, unknown>): Promise<LocalMutation>;
  /** Gathered and sent as one `notice.seen` within 30 s. */
  noteSeen(notice: string): Promise<void>;
  /** True the first time for an incident and severity on this device: nothing sounds twice (E9). */
  firstAlert(incident: string, severity: string): Promise<boolean>;

  /** Signs an entry of check-in into this device's chain, in the transaction that stores its
   *  mutation (PROTOCOL §10). Rejects with a Problem. */
  record(ask: RecordAsk): Promise<Recorded>;
  /** The lead's code of a window, signed by this device. The key itself is told to nobody. */
  leadCode(ask: LeadCodeAsk): Promise<string>;

  /** Reads a slip: its link's secret, or 8 digits with the door. Goes on by itself when there is a
   *  connection; watch `status.slip`. `label` names this phone in the family's list of devices. */
  readSlip(slip: { code: string; door?: string; label: string; purposes: string[] }): Promise<void>;
  choosePerson(ref: string): Promise<void>;
  forgetSlip(): Promise<void>;

  /** 立即同步: dials now instead of waiting for the back-off. */
  syncNow(): void;
  /** A device token for `Authorization: Bearer`, made or reused; rejects with a Problem offline. */
  token(): Promise<string>;
  /** 换人使用: deletes everything here. Refused with code `wrong_state` while work is unsent (GEN-8),
   *  unless this phone was revoked and can never send it: export it before. */
  signOut(): Promise<void>;
  /** Unsent and refused work as JSON text, so that nothing is lost on a phone given away. */
  exportUnsent(): Promise<string>;
  /** Bytes used and granted, and whether the browser promised to keep them. */
  storage(): Promise<{ used: number; quota: number; persisted: boolean }>;
  close(): Promise<void>;
}
