// SPDX-License-Identifier: Apache-2.0
// The writing side of a session: pipelined pushes, results, gaps, new keys.
import {
  UP_LANES, type FrameR, type FrameRekeyed, type FrameWelcome, type PerUpLane, type UpLane,
} from '../protocol/frames';
import { DeviceKey, rekeyMessage } from '../protocol/sign';
import { ReplicaProblem } from './problem';
import { sizeOf } from './room';
import type { SessionCore } from './session';

/** Unanswered bytes per up-lane. Bulk is small: it sits in front of an alert's answer (GEN-12). */
const IN_FLIGHT_BYTES: PerUpLane = [64 * 1024, 64 * 1024, 16 * 1024];
const IN_FLIGHT_MAX = 256;
const PUSH_MAX = 100;
/** Arguments in one push; escaped JSON stays far below 1 MiB. */
const PUSH_BYTES_MAX = 128 * 1024;
/** No result for so long: push it again, its number makes that harmless. */
const RESULT_MS = 30_000;
/** Pushes behind a gap are answered with the same wish: obey once. */
const GAP_MS = 2_000;
const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 600_000;
/** Two stores with one key throw each other out: then either may take a new one. */
const CONFLICTS_MIN = 3;
const CONFLICT_SPAN_MS = 600_000;
const CONFLICT_ODDS = 4;

class LaneUp {
  /** Highest number handed to this socket. */
  sent = 0;
  inFlight: { n: number; bytes: number }[] = [];
  bytes = 0;
  pausedUntil = 0;
  /** Something was sent or answered. */
  movedAt = 0;
  /** Highest result that came, ours or a clone's. */
  seen = 0;
  gapWant = 0;
  gapAt = 0;
  /** False: the store was asked and had nothing more. */
  mayHaveWork = true;

  rewind(nextN: number): void {
    this.sent = nextN - 1;
    this.mayHaveWork = true;
    while (this.inFlight.length && this.inFlight.at(-1)!.n >= nextN) {
      this.bytes -= this.inFlight.pop()!.bytes;
    }
  }
  answered(n: number): void {
    while (this.inFlight.length && this.inFlight[0]!.n <= n) {
      this.bytes -= this.inFlight.shift()!.bytes;
    }
    this.sent = Math.max(this.sent, n);
    this.mayHaveWork = true;
  }
}

export class UpSide {
  /** Unsent work when the socket opened, for the desk. */
  queuedAtOpening = 0;

  private lanes = [new LaneUp(), new LaneUp(), new LaneUp()] as const;
  /** last_n of welcome, until the first C. */
  private againUpTo?: PerUpLane;
  /** A new key waits until the stored results up to here told what the old one did. */
  private rekeyGoal?: PerUpLane;
  private newKey?: DeviceKey;
  private conflicts = 0;
  private conflictAt = 0;

  constructor(private readonly core: SessionCore) {}

  reset(): void {
    this.lanes = [new LaneUp(), new LaneUp(), new LaneUp()];
    this.againUpTo = this.rekeyGoal = this.newKey = undefined;
  }

  begin(resN: PerUpLane): void {
    for (const lane of UP_LANES) this.lanes[lane].seen = resN[lane];
  }

  get isWaiting(): boolean {
    return this.lanes.some((up) => up.inFlight.length > 0);
  }

  dues(): number[] {
    const now = this.core.clock.mono();
    const out: number[] = [];
    for (const up of this.lanes) {
      if (up.pausedUntil > now) out.push(up.pausedUntil);
      if (up.inFlight.length) out.push(up.movedAt + RESULT_MS);
    }
    return out;
  }

  // --- Pushing -----------------------------------------------------------------------------------

  mayHaveWork(): void {
    for (const up of this.lanes) up.mayHaveWork = true;
  }

  async onWelcome(frame: FrameWelcome, isRekey: boolean): Promise<void> {
    if (isRekey) {
      this.rekeyGoal = frame.lastN;
      return this.rekeyIfKnown();
    }
    for (const lane of UP_LANES) {
      // What the server knows already is answered without being sent again.
      this.lanes[lane].sent = frame.lastN[lane];
      this.lanes[lane].movedAt = this.core.clock.mono();
    }
    this.againUpTo = frame.lastN;
    await this.push();
  }

  /** At the first C: what the stored results left out is sent again under its old number. */
  async pushUnanswered(): Promise<void> {
    const upTo = this.againUpTo;
    if (!upTo || this.isRekeying) return;
    this.againUpTo = undefined;
    for (const lane of UP_LANES) {
      const oldest = await this.core.replica.oldestQueued(lane);
      if (oldest > 0 && oldest <= upTo[lane]) this.lanes[lane].rewind(oldest);
    }
  }

  async push(): Promise<void> {
    for (const lane of UP_LANES) {
      while (this.core.isLive && !this.isRekeying && (await this.pushLane(lane)));
    }
  }

  private async pushLane(lane: UpLane): Promise<boolean> {
    const { core } = this;
    const up = this.lanes[lane];
    const room = IN_FLIGHT_BYTES[lane] - up.bytes;
    if (!up.mayHaveWork || core.clock.mono() < up.pausedUntil) return false;
    if (room <= 0 || up.inFlight.length >= IN_FLIGHT_MAX) return false;
    const count = Math.min(PUSH_MAX, IN_FLIGHT_MAX - up.inFlight.length);
    const bytes = Math.min(room, PUSH_BYTES_MAX);
    const { muts, changes } = await core.replica.pushable({ lane, afterN: up.sent, count, bytes });
    core.note(changes);
    up.mayHaveWork = muts.length > 0;
    if (!muts.length) return false;
    for (const mutation of muts) {
      up.inFlight.push({ n: mutation.n, bytes: sizeOf(mutation) });
      up.bytes += sizeOf(mutation);
      up.sent = mutation.n;
    }
    up.movedAt = core.clock.mono();
    core.send({ t: 'push', lane, muts });
    return true;
  }

  rewindOverdue(): void {
    const now = this.core.clock.mono();
    for (const up of this.lanes) {
      if (!up.inFlight.length || now - up.movedAt < RESULT_MS) continue;
      up.movedAt = now;
      up.rewind(up.inFlight[0]!.n);
    }
  }

  // --- Answers -----------------------------------------------------------------------------------

  async onR(frame: FrameR): Promise<void> {
    const { core } = this;
    const up = this.lanes[frame.lane];
    up.seen = Math.max(up.seen, frame.n);
    if (this.newKey || frame.n === 0) return;
    if (frame.n > core.replica.state.lastN[frame.lane]) {
      // A clone took a number that this store has not given yet: leave the key to the clone.
      if (frame.st !== 'retry') await core.replica.wantRekey();
      return;
    }
    up.movedAt = core.clock.mono();
    if (frame.st === 'retry') {
      if (frame.n > up.sent) return;
      const after = Math.min(Math.max(frame.after, RETRY_MIN_MS), RETRY_MAX_MS);
      up.pausedUntil = core.clock.mono() + after;
      return up.rewind(frame.n);
    }
    up.answered(frame.n);
    core.results.push(frame);
  }

  async flushResults(): Promise<void> {
    const { core } = this;
    await this.storeResults();
    if (!core.isLive || this.newKey) return;
    if (this.rekeyGoal) return this.rekeyIfKnown();
    // A clone used one of our numbers: sign in again to learn what else it did.
    if (core.replica.state.isRekeyWanted) core.close(1000);
  }

  private async storeResults(): Promise<void> {
    const { core } = this;
    if (!core.results.length) return;
    const results = core.results;
    core.results = [];
    core.note(await core.replica.storeResults(results));
  }

  async onGap(lane: UpLane, want: number): Promise<void> {
    const { core } = this;
    const up = this.lanes[lane];
    const now = core.clock.mono();
    if (!core.isLive || this.isRekeying || want === 0) return;
    if (up.gapWant === want && now - up.gapAt < GAP_MS) return;
    up.gapWant = want;
    up.gapAt = now;
    if (want > up.sent) return;
    await this.flushResults();
    if (!core.isLive) return;
    if (want <= core.replica.state.resN[lane] && !(await core.replica.requeue(lane, want))) {
      return this.sendRekey();
    }
    up.rewind(want);
  }

  // --- New key -----------------------------------------------------------------------------------

  private get isRekeying(): boolean {
    return this.newKey !== undefined || this.rekeyGoal !== undefined;
  }

  async noteConflict(): Promise<void> {
    const now = this.core.clock.mono();
    if (now - this.conflictAt > CONFLICT_SPAN_MS) this.conflicts = 0;
    this.conflictAt = now;
    if (++this.conflicts < CONFLICTS_MIN || this.core.rng.below(CONFLICT_ODDS) !== 0) return;
    this.conflicts = 0;
    await this.core.replica.wantRekey();
  }

  private async rekeyIfKnown(): Promise<void> {
    const goal = this.rekeyGoal!;
    if (UP_LANES.some((lane) => this.lanes[lane].seen < goal[lane])) return;
    await this.storeResults();
    if (!this.core.isLive) return;
    this.rekeyGoal = undefined;
    this.sendRekey();
  }

  private sendRekey(): void {
    const { slug, cert, seed } = this.core.replica.state.identity!;
    this.newKey = new DeviceKey(this.core.rng.bytes(32));
    const { pub } = this.newKey;
    const sig = new DeviceKey(seed).sign(rekeyMessage(slug, pub));
    this.core.send({ t: 'rekey', cert, pub, sig });
  }

  async onRekeyed({ cid, cert }: FrameRekeyed): Promise<void> {
    const { core, newKey } = this;
    if (!newKey) return;
    if (cid !== newKey.cid) {
      return core.close(4400, new ReplicaProblem('malformed', 'rekeyed names another key'));
    }
    const identity = { ...core.replica.state.identity!, cid, cert, seed: newKey.seed };
    core.note(await core.replica.replaceKey(identity));
    core.forgetBackOff();
    core.close(1000);
  }
}
