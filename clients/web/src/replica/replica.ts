// SPDX-License-Identifier: Apache-2.0
// The leader's replica: each method that writes is one durable transaction, and `state` changes
// only after it. Spec: docs/PROTOCOL.md §2-§6.
import {
  LANES, UP_LANES, type Cursors, type Digest, type FrameM, type FrameR, type FrameWelcome,
  type Lane, type PushedMutation, type UpLane,
} from '../protocol/frames';
import {
  addResults, applyGrants, applyOps, applyToLive, Changes, checkDigest, dropBucket, fillingBucket,
  requeueAbove, restartFill, revealed, settle, type Step,
} from './apply';
import { chosen, pushed, type Room } from './room';
import {
  copyState, type Durability, type ReplicaState, type StagedOp,
  type StagedOps, type Store, type StoredIdentity,
} from './store';
import { readableMs } from './visible';

/** Answered work is kept so long for a server that was restored. */
export const JOURNAL_MS = 14 * 24 * 3_600_000;

/** Measured at a welcome or pong. */
export interface Contact {
  /** Unix ms of the phone. */
  at: number;
  clockOff: number;
  clockUnc: number;
}

export class Replica {
  private constructor(
    readonly store: Store,
    public state: ReplicaState,
    private readonly wallClock: () => number,
  ) {}

  static async open(store: Store, wallClock: () => number): Promise<Replica> {
    return new Replica(store, await store.read((tx) => tx.state()), wallClock);
  }

  private async write(
    durability: Durability,
    body: (step: Step) => Promise<void>,
  ): Promise<Changes> {
    const step = { next: copyState(this.state), changes: new Changes(), now: this.wallClock() };
    await this.store.write(durability, async (tx) => {
      await body({ ...step, tx });
      tx.putState(step.next);
    });
    this.state = step.next;
    return step.changes;
  }

  // --- Rows -------------------------------------------------------------------------------------

  /** `isRekey`: somebody else used this cid, or numbers that the server wants are gone. */
  async applyWelcome(
    welcome: FrameWelcome,
    contact: Contact,
  ): Promise<{ changes: Changes; isRekey: boolean }> {
    const changes = await this.write('strict', async (step) => {
      const { next } = step;
      if (next.epoch !== welcome.epoch) {
        await applyGrants(step, []);
        next.epoch = welcome.epoch;
        next.cur = { ...welcome.head };
      }
      if (welcome.buckets) await applyGrants(step, welcome.buckets);
      for (const [b, bucket] of next.buckets) {
        if (bucket.isLive || bucket.fillCursor) continue;
        next.buckets.set(b, await restartFill(step, bucket));
      }
      let isRekey = UP_LANES.some((lane) => welcome.lastN[lane] > next.lastN[lane]);
      for (const lane of UP_LANES) {
        if (!isRekey) isRekey = !(await requeueAbove(step, lane, welcome.lastN[lane]));
      }
      next.isRekeyWanted ||= isRekey;
      next.leaseMs = Math.max(0, welcome.leaseUntil - welcome.t1);
      if (welcome.handOver !== undefined && !next.handOverAt) next.handOverAt = contact.at;
      noteContact(next, contact);
      step.changes.isPending = true;
      await settle(step);
    });
    return { changes, isRekey: this.state.isRekeyWanted };
  }

  /** Purges and the note of them are one transaction. */
  applyMembership(change: FrameM, results: readonly FrameR[]): Promise<Changes> {
    return this.write('strict', async (step) => {
      for (const b of change.drop) await dropBucket(step, b);
      for (const grant of change.add) {
        const held = step.next.buckets.get(grant.b);
        const base = held ? { ...held, grant } : undefined;
        step.next.buckets.set(grant.b, await restartFill(step, base ?? fillingBucket(grant)));
      }
      step.changes.isPending = true;
      await addResults(step, results);
      await settle(step);
    });
  }

  /** C{lane}: everything staged for the lane becomes visible. `expect`: digests afterwards. */
  commitLane(commit: {
    lane: Lane;
    seq: number;
    ops: readonly StagedOps[];
    expect: ReadonlyMap<number, Digest>;
    results: readonly FrameR[];
  }): Promise<Changes> {
    const { lane, seq, ops, expect, results } = commit;
    return this.write(results.length ? 'strict' : 'relaxed', async (step) => {
      const perBucket = new Map<number, StagedOp[]>();
      for (const staged of [...(await step.tx.staged(lane)), ...ops]) {
        const all = perBucket.get(staged.b) ?? [];
        all.push(...staged.ops);
        perBucket.set(staged.b, all);
      }
      await step.tx.clearStaged(lane);
      for (const [b, all] of perBucket) await applyToLive(step, b, all);
      step.next.cur[lane] = Math.max(step.next.cur[lane], seq);
      for (const [b, digest] of expect) await checkDigest(step, b, digest);
      await addResults(step, results);
      await settle(step);
    });
  }

  /** C{b}: replaces what was shown. */
  revealBucket(reveal: {
    b: number;
    expect: Digest;
    ops: readonly StagedOp[];
    results: readonly FrameR[];
  }): Promise<Changes> {
    return this.write(reveal.results.length ? 'strict' : 'relaxed', async (step) => {
      await addResults(step, reveal.results);
      const bucket = step.next.buckets.get(reveal.b);
      if (bucket && !bucket.isLive) {
        step.next.buckets.set(reveal.b, await revealed(step, bucket, reveal));
      }
      step.changes.isPending = true;
      await settle(step);
    });
  }

  /** Staging of a fill leaves memory. `to` 0 keeps the bucket from resuming there. */
  async spillFill(b: number, to: number, ops: readonly StagedOp[]): Promise<void> {
    await this.write('relaxed', async (step) => {
      const bucket = step.next.buckets.get(b);
      if (!bucket || bucket.isLive) return;
      const fillSlot = bucket.fillSlot || step.next.nextSlot++;
      const fillDigest = await applyOps(step, fillSlot, ops, bucket.fillDigest);
      const fillCursor = Math.max(bucket.fillCursor, to);
      step.next.buckets.set(b, { ...bucket, fillSlot, fillDigest, fillCursor });
    });
  }

  async spillLane(lane: Lane, ops: readonly StagedOps[]): Promise<void> {
    await this.store.write('relaxed', async (tx) => tx.stage(lane, ops));
  }

  /** Staging of an earlier socket proves nothing. */
  async forgetLaneStaging(): Promise<void> {
    await this.store.write('relaxed', async (tx) => {
      for (const lane of LANES) await tx.clearStaged(lane);
    });
  }

  async restartFills(buckets: readonly number[]): Promise<void> {
    await this.write('relaxed', async (step) => {
      for (const b of buckets) {
        const bucket = step.next.buckets.get(b);
        if (bucket) step.next.buckets.set(b, await restartFill(step, bucket));
      }
    });
  }

  // --- Contact and leases -----------------------------------------------------------------------

  /** Cursors only grow. */
  advance(to: Cursors, contact: Contact): Promise<Changes> {
    return this.write('relaxed', async (step) => {
      for (const lane of LANES) step.next.cur[lane] = Math.max(step.next.cur[lane], to[lane]);
      noteContact(step.next, contact);
      step.changes.isPending = true;
      await settle(step);
    });
  }

  /** `runningMs` passed offline; sensitive rows go past twice their lease by both clocks. */
  countOffline(runningMs: number): Promise<Changes> {
    return this.write('relaxed', async (step) => {
      const { next, now } = step;
      next.offlineMs += runningMs;
      const limit = 2 * readableMs(next, true);
      if (!next.contactAt || next.offlineMs < limit || now - next.contactAt < limit) return;
      for (const [b, { grant }] of [...next.buckets]) {
        if (!grant.isSensitive) continue;
        await dropBucket(step, b);
        next.buckets.set(b, fillingBucket(grant));
      }
    });
  }

  /** The device was revoked (ENR-5): pending and attention stay. */
  wipeRows(): Promise<Changes> {
    return this.write('strict', async (step) => {
      await applyGrants(step, []);
      Object.assign(step.next, { cur: { u: 0, s: 0 }, epoch: undefined, isRevoked: true });
      Object.assign(step.changes, { all: true, isPending: true });
    });
  }

  // --- Keys -------------------------------------------------------------------------------------

  /** Ends an enrolment. */
  adopt(identity: StoredIdentity, slipKey: string): Promise<Changes> {
    return this.write('strict', async (step) => {
      step.next.identity = identity;
      step.tx.removeLocal(slipKey);
      Object.assign(step.changes, { all: true, isPending: true });
    });
  }

  async wantRekey(): Promise<void> {
    if (this.state.isRekeyWanted) return;
    await this.write('strict', async ({ next }) => {
      next.isRekeyWanted = true;
    });
  }

  /** The same account under a new key: what has no result is numbered anew from 1. */
  replaceKey(identity: StoredIdentity): Promise<Changes> {
    return this.write('strict', async (step) => {
      const { tx, next } = step;
      for (const mutation of await tx.mutationsIn('queued')) {
        tx.putMutation({ ...mutation, n: 0, fixes: 0 });
      }
      for (const mutation of await tx.mutationsIn('settled')) {
        if (mutation.attention === 'open') tx.putMutation({ ...mutation, n: 0 });
        else tx.removeMutation(mutation.id);
      }
      for (const mutation of await tx.mutationsIn('confirmed')) {
        tx.putMutation({ ...mutation, n: 0 });
      }
      Object.assign(next, { identity, isRekeyWanted: false, resN: [0, 0, 0], lastN: [0, 0, 0] });
      step.changes.isPending = true;
    });
  }

  // --- Mutations ---------------------------------------------------------------------------------

  /**
   * The next of a lane with n > `afterN`, in order; gives numbers where there are none yet, in the
   * transaction before they are first sent.
   */
  async pushable(room: Room): Promise<{ muts: PushedMutation[]; changes: Changes }> {
    const queued = await this.store.read((tx) => tx.mutationsIn('queued'));
    const waiting = chosen(queued, room);
    if (waiting.every((mutation) => mutation.n > 0)) {
      return { muts: waiting.map(pushed), changes: new Changes() };
    }
    let muts: PushedMutation[] = [];
    const changes = await this.write('strict', async ({ tx, next, changes: changed }) => {
      muts = chosen(await tx.mutationsIn('queued'), room).map((mutation) => {
        if (mutation.n > 0) return pushed(mutation);
        const numbered = { ...mutation, n: ++next.lastN[room.lane] };
        tx.putMutation(numbered);
        changed.isPending = true;
        return pushed(numbered);
      });
    });
    return { muts, changes };
  }

  /** Number of the oldest without a result that has one; 0 = none. */
  async oldestQueued(lane: UpLane): Promise<number> {
    const queued = await this.store.read((tx) => tx.mutationsIn('queued'));
    const numbers = queued.filter((m) => m.lane === lane && m.n > 0).map((m) => m.n);
    return numbers.length ? Math.min(...numbers) : 0;
  }

  storeResults(results: readonly FrameR[]): Promise<Changes> {
    return this.write('strict', async (step) => {
      await addResults(step, results);
      await settle(step);
    });
  }

  /** The server wants number `want` again although it answered it. False = it is gone. */
  async requeue(lane: UpLane, want: number): Promise<boolean> {
    let isComplete = true;
    await this.write('strict', async (step) => {
      isComplete = await requeueAbove(step, lane, want - 1);
      step.next.isRekeyWanted ||= !isComplete;
    });
    return isComplete;
  }

  async pruneJournal(): Promise<void> {
    await this.store.write('relaxed', async (tx) => {
      const before = this.wallClock() - JOURNAL_MS;
      for (const mutation of await tx.mutationsIn('settled')) {
        const isDone = mutation.attention !== 'open' && mutation.answeredAt < before;
        if (isDone) tx.removeMutation(mutation.id);
      }
    });
  }

  /** Unanswered, and accepted but not visible yet. */
  async counts(): Promise<{ queued: number; confirmed: number }> {
    return this.store.read(async (tx) => ({
      queued: await tx.countQueued(),
      confirmed: (await tx.mutationsIn('confirmed')).length,
    }));
  }
}


function noteContact(next: ReplicaState, { at, clockOff, clockUnc }: Contact): void {
  Object.assign(next, { contactAt: at, offlineMs: 0, clockOff, clockUnc });
}
