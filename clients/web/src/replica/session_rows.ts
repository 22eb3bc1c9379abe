// SPDX-License-Identifier: Apache-2.0
// The rows' side of a session: staging, reveals, digests, membership, acks.
import { rowHash } from '../protocol/digest';
import {
  LANES, type Digest, type FrameB, type FrameC, type FrameM, type Lane, type Op,
} from '../protocol/frames';
import type { SessionCore } from './session';
import type { StagedOp, StagedOps } from './store';

/** Staged ops beyond this leave memory (decision M4). */
const STAGING_BYTES_MAX = 1024 * 1024;
/** A fill in progress is stored so often, so that a killed phone resumes it. */
const SPILL_MS = 10_000;
/** A bucket whose digest stays wrong is fetched again ever more rarely. */
const REFILL_MS = 60_000;
const REFILL_MAX_MS = 3_600_000;
const ACK_BYTES = 8 * 1024;
/** What an op costs besides its texts, bytes. */
const OP_BYTES = 128;

interface LaneStaging {
  ops: StagedOps[];
  /** Digest of the last B of each bucket; undefined = that B carried none. */
  digests: Map<number, Digest | undefined>;
  bytes: number;
  isSpilled: boolean;
}
interface FillStaging {
  ops: StagedOp[];
  to: number;
  bytes: number;
}
interface Refill {
  tries: number;
  /** Monotonic ms; undefined = nothing to ask for. */
  due?: number;
}

const emptyLane = (): LaneStaging => ({ ops: [], digests: new Map(), bytes: 0, isSpilled: false });

function sizeOf(ops: readonly StagedOp[]): number {
  let bytes = 0;
  for (const op of ops) {
    bytes += OP_BYTES + op.tbl.length + op.key.length + (op.data?.length ?? 0) * 2;
  }
  return bytes;
}

/** Hashed when it comes, so that no transaction waits for it. */
function staged({ tbl, key, ver, data }: Op): StagedOp {
  if (data === undefined) return { tbl, key, ver, h: 0n };
  return { tbl, key, ver, data, h: rowHash(tbl, key, ver, data) };
}

export class RowsSide {
  /** A C came since the last ack. */
  hasRevealed = false;

  private lanes: Record<Lane, LaneStaging> = { u: emptyLane(), s: emptyLane() };
  private readonly fills = new Map<number, FillStaging>();
  private readonly refills = new Map<number, Refill>();
  /** Refilling on this socket: frames of before may still come, so their `to` proves nothing. */
  private readonly unresumable = new Set<number>();
  private spilledAt = 0;
  private rx = 0;
  private rxAcked = 0;

  constructor(private readonly core: SessionCore) {}

  reset(): void {
    this.lanes = { u: emptyLane(), s: emptyLane() };
    this.fills.clear();
    this.refills.clear();
    this.unresumable.clear();
    this.spilledAt = this.core.clock.mono();
    this.rx = this.rxAcked = 0;
    this.hasRevealed = false;
  }

  count(bytes: number): void {
    this.rx += bytes;
  }

  hasStaged(lane: Lane): boolean {
    const { ops, isSpilled } = this.lanes[lane];
    return ops.length > 0 || isSpilled;
  }

  private get stagedBytes(): number {
    let bytes = this.lanes.u.bytes + this.lanes.s.bytes;
    for (const fill of this.fills.values()) bytes += fill.bytes;
    return bytes;
  }

  // --- Frames -----------------------------------------------------------------------------------

  onB(frame: FrameB): void {
    const bucket = this.core.replica.state.buckets.get(frame.b);
    if (!bucket) return; // Dropped while this was on the line.
    const ops = frame.ops.map(staged);
    const bytes = sizeOf(ops);
    if (bucket.isLive) {
      const lane = this.lanes[bucket.grant.lane];
      lane.digests.set(frame.b, frame.d);
      lane.bytes += bytes;
      lane.ops.push({ b: frame.b, ops });
      return;
    }
    const fill = this.fills.get(frame.b) ?? { ops: [], to: 0, bytes: 0 };
    fill.to = Math.max(fill.to, frame.to);
    fill.bytes += bytes;
    for (const op of ops) fill.ops.push(op);
    this.fills.set(frame.b, fill);
  }

  async onC(frame: FrameC): Promise<void> {
    this.core.forgetBackOff();
    this.hasRevealed = true;
    if (frame.b === undefined) await this.commit(frame.lane, frame.seq);
    else await this.reveal(frame.b, frame.d);
  }

  private async commit(lane: Lane, seq: number): Promise<void> {
    const { core } = this;
    const { ops, digests, isSpilled } = this.lanes[lane];
    const isNothing = !ops.length && !isSpilled && !core.results.length;
    this.lanes[lane] = emptyLane();
    if (isNothing && seq <= core.replica.state.cur[lane]) return;
    const expect = new Map<number, Digest>();
    for (const [b, digest] of digests) if (digest) expect.set(b, digest);
    const results = this.takeResults();
    core.note(await core.replica.commitLane({ lane, seq, ops, expect, results }));
  }

  private async reveal(b: number, expect: Digest): Promise<void> {
    const { core } = this;
    const bucket = core.replica.state.buckets.get(b);
    if (!bucket || bucket.isLive) return;
    const ops = this.fills.get(b)?.ops ?? [];
    this.fills.delete(b);
    const results = this.takeResults();
    core.note(await core.replica.revealBucket({ b, expect, ops, results }));
    if (!core.replica.state.buckets.get(b)?.isLive) return;
    this.unresumable.delete(b);
    this.refills.delete(b);
  }

  async onM(frame: FrameM): Promise<void> {
    for (const b of frame.drop) this.forgetStaging(b);
    for (const { b } of frame.add) {
      const tries = this.refills.get(b)?.tries;
      this.forgetStaging(b);
      // The fill that follows is the one asked for; only its digest may forget the haste.
      if (tries) this.refills.set(b, { tries });
    }
    this.core.note(await this.core.replica.applyMembership(frame, this.takeResults()));
  }

  private takeResults() {
    const results = this.core.results;
    this.core.results = [];
    return results;
  }

  private forgetStaging(b: number): void {
    for (const lane of LANES) {
      const staging = this.lanes[lane];
      staging.ops = staging.ops.filter((one) => one.b !== b);
      staging.bytes = staging.ops.reduce((sum, one) => sum + sizeOf(one.ops), 0);
      staging.digests.delete(b);
    }
    this.fills.delete(b);
    this.refills.delete(b);
    this.unresumable.delete(b);
  }

  // --- After a message, and by time --------------------------------------------------------------

  async afterMessage(): Promise<void> {
    if (this.stagedBytes > STAGING_BYTES_MAX) await this.spill();
    await this.sendRefills();
    this.ackIfDue();
  }

  async onTime(): Promise<void> {
    const isDue = this.core.clock.mono() - this.spilledAt >= SPILL_MS;
    if (this.fills.size && isDue) await this.spillFills();
    await this.sendRefills();
  }

  dues(): number[] {
    const out: number[] = [];
    for (const { due } of this.refills.values()) if (due !== undefined) out.push(due);
    if (this.fills.size) out.push(this.spilledAt + SPILL_MS);
    return out;
  }

  private ackIfDue(): void {
    const { core } = this;
    if (!this.hasRevealed && this.rx - this.rxAcked < ACK_BYTES) return;
    this.hasRevealed = false;
    this.rxAcked = this.rx;
    const { cur, resN } = core.replica.state;
    core.send({ t: 'ack', rx: this.rx, u: cur.u, s: cur.s, res: resN });
  }

  // --- Spilling ----------------------------------------------------------------------------------

  async spillFills(): Promise<void> {
    this.spilledAt = this.core.clock.mono();
    for (const [b, fill] of [...this.fills]) {
      const to = this.unresumable.has(b) ? 0 : fill.to;
      this.fills.delete(b);
      await this.core.replica.spillFill(b, to, fill.ops);
    }
  }

  private async spill(): Promise<void> {
    await this.spillFills();
    for (const lane of LANES) {
      const staging = this.lanes[lane];
      if (!staging.ops.length || this.stagedBytes <= STAGING_BYTES_MAX / 2) continue;
      const ops = staging.ops;
      staging.ops = [];
      staging.bytes = 0;
      staging.isSpilled = true;
      await this.core.replica.spillLane(lane, ops);
    }
  }

  // --- Digests -----------------------------------------------------------------------------------

  onMismatch(buckets: readonly number[]): void {
    for (const b of buckets) {
      const tries = this.refills.get(b)?.tries ?? 0;
      this.forgetStaging(b);
      this.unresumable.add(b);
      const wait = Math.min(REFILL_MS * 2 ** Math.min(tries - 1, 10), REFILL_MAX_MS);
      const due = this.core.clock.mono() + (tries ? wait : 0);
      this.refills.set(b, { tries: tries + 1, due });
    }
  }

  private async sendRefills(): Promise<void> {
    const now = this.core.clock.mono();
    const b: number[] = [];
    for (const [id, refill] of this.refills) {
      if (refill.due === undefined || refill.due > now) continue;
      refill.due = undefined;
      this.fills.delete(id);
      b.push(id);
    }
    if (!b.length) return;
    await this.core.replica.restartFills(b);
    this.core.send({ t: 'refill', b });
  }
}

