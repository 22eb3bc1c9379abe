// SPDX-License-Identifier: Apache-2.0
// What a phone keeps, and what the replica asks of a local database. Two stores implement it:
// store_idb.ts and, where nothing can be kept, store_memory.ts.
import type { Cursors, Digest, Grant, Lane, PerUpLane, UpLane } from '../protocol/frames';
import type { Identity } from './api';

/** DISK. One per store and enrolment (decision M10). */
export interface StoredIdentity extends Identity {
  /** scheme://host[:port] as the phone dials it. */
  origin: string;
  /** base64url of the server's key. */
  serverPub: string;
  cert: string;
  /** Private key, 32 bytes. */
  seed: Uint8Array;
}

/** DISK. Live (covered by its lane's cursor) or filling (own cursor and staging, decision B4). */
export interface BucketState {
  readonly grant: Grant;
  readonly isLive: boolean;
  /** Where the shown entries are; 0 = nothing is shown. */
  readonly slot: number;
  readonly digest: Digest;
  /** Where spilled staging of a fill is; 0 = none. */
  readonly fillSlot: number;
  readonly fillDigest: Digest;
  /** The spilled staging is complete up to here; 0 = a new connection starts over. */
  readonly fillCursor: number;
}

/** DISK. Everything small; written by the leader only. */
export interface ReplicaState {
  identity?: StoredIdentity;
  epoch?: string;
  cur: Cursors;
  buckets: Map<number, BucketState>;
  nextSlot: number;
  /** Results stored up to, and numbers ever given, per up-lane. */
  resN: PerUpLane;
  lastN: PerUpLane;
  digestMismatches: number;
  /** Phone's wall clock at the last welcome or pong, unix ms; 0 = never. */
  contactAt: number;
  /** How long normal buckets stay readable after a contact, ms. */
  leaseMs: number;
  /** Counted running time without contact, ms (decision M19). */
  offlineMs: number;
  /** Server clock minus phone clock and its uncertainty, ms; `clockUnc` 0 = never measured. */
  clockOff: number;
  clockUnc: number;
  isRekeyWanted: boolean;
  isRevoked: boolean;
  /** When this phone heard first that it was replaced, unix ms; 0 = it was not (ENR-10). */
  handOverAt: number;
}

export function emptyState(): ReplicaState {
  return {
    cur: { u: 0, s: 0 }, buckets: new Map(), nextSlot: 1, resN: [0, 0, 0], lastN: [0, 0, 0],
    digestMismatches: 0, contactAt: 0, leaseMs: 0, offlineMs: 0, clockOff: 0, clockUnc: 0,
    isRekeyWanted: false, isRevoked: false, handOverAt: 0,
  };
}

/** A copy whose own members may be changed; bucket states never are. */
export function copyState(state: ReplicaState): ReplicaState {
  return {
    ...state, cur: { ...state.cur }, buckets: new Map(state.buckets), resN: [...state.resN],
    lastN: [...state.lastN],
  };
}

/** DISK. A row in a slot. */
export interface Entry {
  tbl: string;
  key: string;
  slot: number;
  ver: number;
  /** Undefined = tombstone. */
  data?: string;
  /** Row hash; 0 of a tombstone. */
  h: bigint;
}

export interface RowId {
  tbl: string;
  key: string;
}

export interface StagedOp {
  tbl: string;
  key: string;
  ver: number;
  data?: string;
  h: bigint;
}
export interface StagedOps {
  b: number;
  ops: StagedOp[];
}

/** DISK. A phone's write, until its journal entry is pruned. */
export interface MutationRecord {
  /** Order of making on this phone; given by the store. */
  id: number;
  lane: UpLane;
  /** 0 until the transaction before it is first sent: until then it may be edited or withdrawn. */
  n: number;
  name: string;
  args: string;
  wall: number;
  off: number;
  unc: number;
  fixes: number;
  /** Without a result; accepted and waiting in the overlay for its lanes; in the journal. */
  state: 'queued' | 'confirmed' | 'settled';
  attention: 'none' | 'open' | 'dismissed';
  seq: number;
  lanes: Lane[];
  code: string;
  msg: string;
  info: string;
  /** Unix ms of the result. */
  answeredAt: number;
}

/** Inside a transaction. No await but on these methods: an IndexedDB transaction would end. */
export interface ReadTx {
  state(): Promise<ReplicaState>;
  /** All entries of a table in every slot. */
  table(tbl: string): Promise<Entry[]>;
  row(tbl: string, key: string): Promise<Entry[]>;
  entries(slot: number, ids: readonly RowId[]): Promise<(Entry | undefined)[]>;
  /** Ops that wait for the C of a lane outside of memory, in order. */
  staged(lane: Lane): Promise<StagedOps[]>;
  mutation(id: number): Promise<MutationRecord | undefined>;
  /** In the order of making. */
  mutationsIn(state: MutationRecord['state']): Promise<MutationRecord[]>;
  openAttention(): Promise<MutationRecord[]>;
  countQueued(): Promise<number>;
  local<T>(key: string): Promise<T | undefined>;
  localKeys(prefix: string): Promise<string[]>;
}

export interface Tx extends ReadTx {
  putState(state: ReplicaState): void;
  putEntries(entries: readonly Entry[]): void;
  clearSlot(slot: number): Promise<void>;
  stage(lane: Lane, ops: readonly StagedOps[]): void;
  clearStaged(lane: Lane): Promise<void>;
  /** Returns its id. */
  addMutation(mutation: Omit<MutationRecord, 'id'>): Promise<number>;
  putMutation(mutation: MutationRecord): void;
  removeMutation(id: number): void;
  putLocal(key: string, value: unknown): void;
  removeLocal(key: string): void;
  /** Everything, the leader's number included: who leads finds out at the next write. */
  wipe(): Promise<void>;
}

/** `strict`: on the disk before it resolves, for what only this phone has (decision M25). */
export type Durability = 'relaxed' | 'strict';

/**
 * Transactions are atomic and one after the other; a body that throws leaves nothing behind.
 * Errors (ReplicaProblem): disk_full, io, `not_leader` where a leader's store was taken over.
 */
export interface Store {
  /** False: nothing outlives the page. */
  readonly isKept: boolean;
  read<T>(body: (tx: ReadTx) => Promise<T>): Promise<T>;
  write<T>(durability: Durability, body: (tx: Tx) => Promise<T>): Promise<T>;
  /** Takes over: the writes of an earlier leader fail from now on. */
  lead(): Promise<Store>;
  /** Called when another tab needs a newer form of the store; it is closed then. */
  onClosed?: () => void;
  close(): void;
}

/** Refused inside a leader's transaction because another tab took over. */
export const NOT_LEADER = 'not_leader';
