// SPDX-License-Identifier: Apache-2.0
// Steps of the replica's transactions. Each changes `next` and writes through `tx`; nothing of it
// counts until the transaction is durable.
import { isEqual } from '../protocol/bytes';
import { addHash, EMPTY_DIGEST, isSameDigest, mutationHash } from '../protocol/digest';
import type { Digest, FrameR, Grant, UpLane } from '../protocol/frames';
import { EFFECTS } from './effects.gen';
import { tablesOf } from './overlay';
import type { BucketState, Entry, MutationRecord, ReplicaState, StagedOp, Tx } from './store';

/** What a transaction changed, for screens. */
export class Changes {
  /** Any table may have changed (a fill, a purge). */
  all = false;
  readonly tables = new Set<string>();
  /** Pending list, attention list or state. */
  isPending = false;
  /** Buckets whose digest was wrong: they fill anew and show what they have meanwhile. */
  readonly mismatched: number[] = [];

  merge(other: Changes): void {
    this.all ||= other.all;
    this.isPending ||= other.isPending;
    for (const tbl of other.tables) this.tables.add(tbl);
    this.mismatched.push(...other.mismatched);
  }
  /** What `name` showed looks different now, even if no row came. */
  addEffectsOf(name: string): void {
    this.isPending = true;
    for (const tbl of tablesOf(EFFECTS, name)) this.tables.add(tbl);
  }
  get isEmpty(): boolean {
    return !this.all && !this.isPending && !this.tables.size;
  }
}

export interface Step {
  tx: Tx;
  next: ReplicaState;
  changes: Changes;
  /** Unix ms of the phone. */
  now: number;
}

// --- Rows ---------------------------------------------------------------------------------------

/** Stores ops in a slot, newest ver first in rank (`ver` guard), and returns the slot's digest. */
export async function applyOps(
  { tx, changes }: Step,
  slot: number,
  ops: readonly StagedOp[],
  digest: Digest,
): Promise<Digest> {
  const newest = new Map<string, StagedOp>();
  for (const op of ops) {
    const id = `${op.tbl}\0${op.key}`;
    const known = newest.get(id);
    if (!known || op.ver >= known.ver) newest.set(id, op);
  }
  const all = [...newest.values()];
  const olds = await tx.entries(slot, all);
  const puts: Entry[] = [];
  let sum = digest;
  all.forEach((op, i) => {
    const old = olds[i];
    if (old && old.ver > op.ver) return;
    if (old?.data !== undefined) sum = addHash(sum, old.h, -1);
    if (op.data !== undefined) sum = addHash(sum, op.h, 1);
    puts.push({ ...op, slot });
    changes.tables.add(op.tbl);
  });
  tx.putEntries(puts);
  return sum;
}

export function fillingBucket(grant: Grant): BucketState {
  return {
    grant, isLive: false, slot: 0, digest: EMPTY_DIGEST, fillSlot: 0, fillDigest: EMPTY_DIGEST,
    fillCursor: 0,
  };
}

/** The bucket fills again from the start and shows what it has meanwhile. */
export async function restartFill(step: Step, bucket: BucketState): Promise<BucketState> {
  if (bucket.fillSlot) await step.tx.clearSlot(bucket.fillSlot);
  const { grant, slot, digest } = bucket;
  return { ...fillingBucket(grant), slot, digest };
}

export async function dropBucket(step: Step, b: number): Promise<void> {
  const bucket = step.next.buckets.get(b);
  if (!bucket) return;
  if (bucket.slot) await step.tx.clearSlot(bucket.slot);
  if (bucket.fillSlot) await step.tx.clearSlot(bucket.fillSlot);
  step.changes.all ||= bucket.slot !== 0;
  step.next.buckets.delete(b);
}

/** Keeps what is listed with the same gen, deletes the rest, marks what is new as filling. */
export async function applyGrants(step: Step, listed: readonly Grant[]): Promise<void> {
  const wanted = new Map(listed.map((grant) => [grant.b, grant]));
  for (const [b, bucket] of [...step.next.buckets]) {
    const grant = wanted.get(b);
    if (grant?.gen === bucket.grant.gen) step.next.buckets.set(b, { ...bucket, grant });
    else await dropBucket(step, b);
  }
  for (const [b, grant] of wanted) {
    if (!step.next.buckets.has(b)) step.next.buckets.set(b, fillingBucket(grant));
  }
}

/** Ops of a live bucket; those of another are void: it fills. */
export async function applyToLive(step: Step, b: number, ops: readonly StagedOp[]): Promise<void> {
  const bucket = step.next.buckets.get(b);
  if (!bucket?.isLive) return;
  const slot = bucket.slot || step.next.nextSlot++;
  const digest = await applyOps(step, slot, ops, bucket.digest);
  step.next.buckets.set(b, { ...bucket, slot, digest });
}

export async function checkDigest(step: Step, b: number, expect: Digest): Promise<void> {
  const bucket = step.next.buckets.get(b);
  if (!bucket?.isLive || isSameDigest(bucket.digest, expect)) return;
  ++step.next.digestMismatches;
  step.changes.mismatched.push(b);
  step.next.buckets.set(b, await restartFill(step, bucket));
}

export async function revealed(
  step: Step,
  bucket: BucketState,
  { b, expect, ops }: { b: number; expect: Digest; ops: readonly StagedOp[] },
): Promise<BucketState> {
  const fillSlot = bucket.fillSlot || step.next.nextSlot++;
  const digest = await applyOps(step, fillSlot, ops, bucket.fillDigest);
  const isRight = isSameDigest(digest, expect);
  if (!isRight) {
    ++step.next.digestMismatches;
    step.changes.mismatched.push(b);
  }
  // A wrong first fill is shown all the same: a doubtful warning is better than none.
  if (!isRight && bucket.slot) return restartFill(step, { ...bucket, fillSlot });
  if (bucket.slot) await step.tx.clearSlot(bucket.slot);
  step.changes.all = true;
  return { ...fillingBucket(bucket.grant), slot: fillSlot, digest, isLive: isRight };
}

// --- Mutations ----------------------------------------------------------------------------------

function answer(step: Step, mutation: MutationRecord, frame: FrameR): void {
  const { seq, lanes, code, msg, info } = frame;
  const isOk = frame.st === 'ok';
  step.tx.putMutation({
    ...mutation, seq, lanes, code, msg, info, answeredAt: step.now,
    state: isOk ? 'confirmed' : 'settled', attention: isOk ? 'none' : 'open',
  });
  step.changes.addEffectsOf(mutation.name);
}

/** A result of another mutation under our number keeps ours and asks for a new key. */
export async function addResults(step: Step, results: readonly FrameR[]): Promise<void> {
  if (!results.length) return;
  const queued = await step.tx.mutationsIn('queued');
  const byNumber = new Map(queued.filter((m) => m.n > 0).map((m) => [`${m.lane}:${m.n}`, m]));
  for (const frame of results) {
    const id = `${frame.lane}:${frame.n}`;
    const mutation = byNumber.get(id);
    if (mutation && frame.h && !isEqual(frame.h, mutationHash(mutation.name, mutation.args))) {
      step.next.isRekeyWanted = true;
      continue;
    }
    step.next.resN[frame.lane] = Math.max(step.next.resN[frame.lane], frame.n);
    if (!mutation) continue;
    byNumber.delete(id);
    answer(step, mutation, frame);
  }
}

/** Lets those go from the overlay whose effects are all here. After addResults and the cursors. */
export async function settle({ tx, next, changes }: Step): Promise<void> {
  for (const mutation of await tx.mutationsIn('confirmed')) {
    if (!mutation.lanes.every((lane) => next.cur[lane] >= mutation.seq)) continue;
    tx.putMutation({ ...mutation, state: 'settled' });
    changes.addEffectsOf(mutation.name);
  }
}

/**
 * Queues again, under their old numbers, what the server does not know any more: it has `lastN` of
 * the lane. False when numbers between are gone from the journal.
 */
export async function requeueAbove(step: Step, lane: UpLane, lastN: number): Promise<boolean> {
  const { tx, next } = step;
  if (lastN >= next.resN[lane]) return true;
  const known = new Set<number>();
  for (const state of ['queued', 'confirmed', 'settled'] as const) {
    for (const mutation of await tx.mutationsIn(state)) {
      if (mutation.lane !== lane || mutation.n <= lastN) continue;
      known.add(mutation.n);
      if (state === 'queued') continue;
      tx.putMutation({ ...mutation, state: 'queued', attention: 'none', seq: 0 });
      step.changes.addEffectsOf(mutation.name);
    }
  }
  next.resN[lane] = lastN;
  step.changes.isPending = true;
  for (let n = lastN + 1; n <= next.lastN[lane]; ++n) if (!known.has(n)) return false;
  return true;
}
