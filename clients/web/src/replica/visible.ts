// SPDX-License-Identifier: Apache-2.0
// What a screen sees of the store: rows of shown buckets with pending work merged in. Reads only.
import {
  applyOverlay, parseArgs, type EffectTable, type JsonObject, type MergedRow,
} from './overlay';
import type { LocalMutation, Row } from './api';
import type { BucketState, Entry, MutationRecord, ReadTx, ReplicaState } from './store';

/** Sensitive buckets stay readable so long after a contact (docs/PROTOCOL.md §2). */
export const SENSITIVE_LEASE_MS = 72 * 3_600_000;

/** How long after a contact a bucket stays readable, ms. */
export function readableMs(state: ReplicaState, isSensitive: boolean): number {
  return isSensitive ? Math.min(SENSITIVE_LEASE_MS, state.leaseMs) : state.leaseMs;
}

/** Past its lease a bucket is kept but not shown, until the next contact. */
export function isLocked(state: ReplicaState, bucket: BucketState, now: number): boolean {
  if (!state.contactAt) return false;
  return now - state.contactAt > readableMs(state, bucket.grant.isSensitive);
}

function shownSlots(state: ReplicaState, now: number): Set<number> {
  const slots = new Set<number>();
  for (const bucket of state.buckets.values()) {
    if (bucket.slot && !isLocked(state, bucket, now)) slots.add(bucket.slot);
  }
  return slots;
}

/** Of several live entries of a row the one with the highest ver shows. */
function newestLive(entries: Entry[], slots: Set<number>) {
  const newest = new Map<string, Entry>();
  const vers = new Map<string, number>();
  for (const entry of entries) {
    if (!slots.has(entry.slot)) continue;
    vers.set(entry.key, Math.max(entry.ver, vers.get(entry.key) ?? 0));
    if (entry.data === undefined) continue;
    const known = newest.get(entry.key);
    if (!known || entry.ver > known.ver) newest.set(entry.key, entry);
  }
  return { newest, verOf: (key: string) => vers.get(key) ?? 0 };
}

/** Queued and accepted-but-not-visible work, in order. */
async function overlayOf(tx: ReadTx): Promise<MutationRecord[]> {
  const all = [...(await tx.mutationsIn('confirmed')), ...(await tx.mutationsIn('queued'))];
  return all.sort((a, b) => a.id - b.id);
}

/** Row text is the server's, but a damaged store must not take the screen down. */
function parsed(data: string): JsonObject {
  return parseArgs(data) ?? {};
}

export interface View {
  effects: EffectTable;
  /** Unix ms of the phone. */
  now: number;
}

/** Rows of a table by key; with `key`, that row at most. */
export async function readRows(tx: ReadTx, view: View, tbl: string, key?: string): Promise<Row[]> {
  const state = await tx.state();
  const entries = key === undefined ? await tx.table(tbl) : await tx.row(tbl, key);
  const merged = new Map<string, MergedRow>();
  const { newest, verOf } = newestLive(entries, shownSlots(state, view.now));
  for (const [id, entry] of newest) {
    merged.set(id, { value: parsed(entry.data!), isPending: false });
  }
  const pending = await overlayOf(tx);
  const actor = state.identity?.account ?? '';
  applyOverlay({ effects: view.effects, actor, pending, tbl, verOf }, merged);
  return [...merged]
    .filter(([id]) => key === undefined || id === key)
    .map(([id, row]) => ({ key: id, ...row }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

function infoOf(text: string): unknown {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

export function toLocal(record: MutationRecord): LocalMutation {
  const { id, name, wall, state, attention, n, code, msg, info, answeredAt } = record;
  const base = { id, name, wall, args: parsed(record.args) };
  if (attention === 'open') {
    const problem = { code, message: msg, info: infoOf(info) };
    return { ...base, state: 'rejected', problem, rejectedAt: answeredAt };
  }
  if (state !== 'queued') return { ...base, state: 'accepted' };
  return { ...base, state: n > 0 ? 'sent' : 'unsent' };
}

export async function readPending(tx: ReadTx): Promise<LocalMutation[]> {
  return (await overlayOf(tx)).map(toLocal);
}

export async function readAttention(tx: ReadTx): Promise<LocalMutation[]> {
  return (await tx.openAttention()).map(toLocal);
}
