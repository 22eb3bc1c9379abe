// SPDX-License-Identifier: Apache-2.0
// One phone's conversation with its community's server, without socket, timer or database calls of
// its own. Spec: docs/PROTOCOL.md.
//
//   offline --onOpen--> nonce --K--> welcome --welcome--> live
//      ^------------- onClosed (from any, through closing) ----'
//   halted: the server refused this device, or it was replaced; start() tries again.
//
// Call one method at a time, wait for it, then perform takeActions() in order. What the peer sends
// never throws: it ends in a close. A failing store closes the socket too, and nothing that was not
// stored is acknowledged.
import { utf8Length } from '../protocol/bytes';
import { decodeMessage } from '../protocol/decode';
import { bucketSetHash } from '../protocol/digest';
import { encodeHelloBody, encodeMessage } from '../protocol/encode';
import { ProtocolError } from '../protocol/errors';
import {
  LANES, PROTO_MAX, PROTO_MIN, SUBPROTOCOL, type ClientFrame, type Cursors, type FrameErr,
  type FrameK, type FramePong, type FrameR, type FrameWelcome, type Held, type HelloBody,
  type Part, type ServerFrame,
} from '../protocol/frames';
import { DeviceKey, helloMessage } from '../protocol/sign';
import { Changes } from './apply';
import type { ClockEstimate, Clock, Rng } from './clock';
import { Heartbeat, type LineState } from './heartbeat';
import { ReplicaProblem } from './problem';
import type { Contact, Replica } from './replica';
import { RowsSide } from './session_rows';
import { UpSide } from './session_up';

export type Action =
  | { t: 'send'; text: string }
  /** Close the socket, then call onClosed() as for any other close. */
  | { t: 'close'; code: number }
  /** Call onTimer() at this monotonic time instead of any earlier wish. */
  | { t: 'arm'; at: number }
  /** Open a socket after so many ms; onOpen() or onClosed() follows. */
  | { t: 'redial'; after: number }
  /** Something that screens show has changed. */
  | { t: 'changed'; changes: Changes };

/** For K after the socket opened, and for welcome after hello. */
const OPENING_MS = 20_000;
const HOUSEKEEPING_MS = 600_000;
const RECONNECT_MIN_MS = 1_000;
const RECONNECT_MAX_MS = 60_000;
const HINT_MAX_MS = 3_600_000;

/** The server will say the same again until somebody acts. */
const FINAL = new Set([
  'unauthenticated', 'bad_signature', 'revoked', 'expired', 'bad_origin', 'forbidden',
  'unsupported_version',
]);
const FINAL_CLOSE: Record<number, string> = {
  4401: 'unauthenticated', 4403: 'forbidden', 4426: 'unsupported_version',
};

/** Pause before try number `attempts` + 1, ms: doubling, times a random factor in [0.5, 1). */
export function reconnectDelay(attempts: number, rng: Rng): number {
  const step = Math.min(RECONNECT_MIN_MS * 2 ** Math.min(attempts, 10), RECONNECT_MAX_MS);
  return step / 2 + rng.below(step / 2);
}

type Phase = 'offline' | 'nonce' | 'welcome' | 'live' | 'closing' | 'halted';

/** What both sides of a session share. */
export interface SessionCore {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly isLive: boolean;
  /** Results that came and are not stored yet. */
  results: FrameR[];
  send(frame: ClientFrame): void;
  close(code: number, why?: ReplicaProblem): void;
  refuse(code: string): void;
  note(changes: Changes): void;
  /** The line was good: back-off starts over. */
  forgetBackOff(): void;
}

export class Session implements SessionCore {
  results: FrameR[] = [];
  /** Why the server refused, or what the store said. */
  trouble?: ReplicaProblem;

  private phase: Phase = 'offline';
  private actions: Action[] = [];
  private changes = new Changes();
  private isStopped = false;
  private attempts = 0;
  private hint = 0;
  private armedAt?: number;
  private housekeptAt: number;
  private readonly heart: Heartbeat;
  private readonly rows: RowsSide;
  private readonly up: UpSide;

  // Of the open socket.
  private openedAt = 0;
  private helloAt = 0;
  private hadSetHash = false;
  private goal: Cursors = { u: 0, s: 0 };
  private isHandOver = false;

  constructor(
    readonly replica: Replica,
    readonly clock: Clock,
    readonly rng: Rng,
    private readonly app: string,
  ) {
    this.heart = new Heartbeat(clock, replica.state, (t0) => this.send({ t: 'ping', t0 }));
    this.housekeptAt = clock.mono();
    this.rows = new RowsSide(this);
    this.up = new UpSide(this);
  }

  get estimate(): ClockEstimate {
    return this.heart.estimate;
  }
  get isLive(): boolean {
    return this.phase === 'live';
  }
  get isHalted(): boolean {
    return this.phase === 'halted';
  }
  get isTrying(): boolean {
    return this.phase === 'nonce' || this.phase === 'welcome';
  }
  /** Nothing is filling and both lanes are complete up to the head that welcome named. */
  get isCaughtUp(): boolean {
    const { cur, buckets } = this.replica.state;
    if (!this.isLive || LANES.some((lane) => cur[lane] < this.goal[lane])) return false;
    return [...buckets.values()].every((bucket) => bucket.isLive);
  }

  takeActions(): Action[] {
    const out = this.actions;
    this.actions = [];
    return out;
  }

  // --- Events -----------------------------------------------------------------------------------

  /** Dials now; forgets a halt and the back-off. A live line is pinged instead. */
  start(): void {
    this.isStopped = false;
    this.attempts = 0;
    if (this.phase === 'halted') {
      this.trouble = undefined;
      this.phase = 'offline';
    }
    if (this.phase === 'offline') this.actions.push({ t: 'redial', after: 0 });
    if (this.isLive && !this.heart.isWaiting) this.heart.ping();
    this.rearm();
  }

  onOpen(): Promise<void> {
    return this.guarded(async () => {
      if (this.phase !== 'offline') return;
      this.reset();
      this.phase = 'nonce';
      if (!this.replica.state.identity) return this.refuse('unauthenticated');
      this.up.queuedAtOpening = (await this.replica.counts()).queued;
      await this.replica.forgetLaneStaging();
    });
  }

  onMessage(text: string): Promise<void> {
    return this.guarded(async () => {
      if (this.phase === 'offline' || this.phase === 'closing' || this.isHalted) return;
      this.heart.heard();
      this.rows.count(utf8Length(text));
      const frames = decodeMessage(text);
      if (frames instanceof ProtocolError) {
        return this.close(frames.close, new ReplicaProblem(frames.code, frames.message));
      }
      for (const frame of frames) {
        if (!this.isOpen) return;
        await this.onFrame(frame);
      }
      if (this.isLive) await this.afterMessage();
    });
  }

  onTimer(): Promise<void> {
    return this.guarded(async () => {
      this.armedAt = undefined;
      await this.checkDeadlines();
      await this.housekeeping();
    });
  }

  /** The socket closed, or could not be opened (1006). */
  onClosed(code: number): Promise<void> {
    return this.guarded(async () => {
      const wasOpen = this.phase !== 'offline' && !this.isHalted;
      // A close of the socket that a failed store asked for must not write again.
      if (this.isLive) await this.rows.spillFills().catch((error) => this.fail(error));
      if (!this.isHalted) this.phase = 'offline';
      const final = FINAL_CLOSE[code];
      if (final && wasOpen) this.refuse(final);
      this.reset();
      this.changes.isPending = true;
      if (this.phase !== 'offline' || this.isStopped) return;
      const after = this.hint + reconnectDelay(this.attempts++, this.rng);
      this.hint = 0;
      this.actions.push({ t: 'redial', after });
    });
  }

  /** Something was put into the pending list. */
  onLocalWrite(): Promise<void> {
    return this.guarded(async () => {
      this.up.mayHaveWork();
      if (this.isLive) await this.up.push();
    });
  }

  /** Says bye; no redial follows. */
  stop(): Promise<void> {
    return this.guarded(async () => {
      this.isStopped = true;
      if (this.isLive) {
        await this.up.flushResults();
        await this.rows.spillFills();
        if (this.isLive) this.send({ t: 'bye' });
      }
      this.close(1000);
    });
  }

  private async guarded(body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } catch (error) {
      this.fail(error);
    }
    if (!this.changes.isEmpty) {
      this.actions.push({ t: 'changed', changes: this.changes });
      this.changes = new Changes();
    }
    this.rearm();
  }

  private fail(error: unknown): void {
    const isKnown = error instanceof ReplicaProblem;
    const why = isKnown ? error : new ReplicaProblem('internal', String(error));
    this.trouble = why;
    this.close(1011, why);
    this.changes.isPending = true;
  }

  // --- Frames -----------------------------------------------------------------------------------

  private async onFrame(frame: ServerFrame): Promise<void> {
    switch (frame.t) {
      case 'K': return this.onK(frame);
      case 'welcome': return this.onWelcome(frame);
      case 'err': return this.onErr(frame);
      case 'drain':
        this.hint = Math.min(frame.after, HINT_MAX_MS);
        this.attempts = 0;
        return;
    }
    if (!this.isLive) {
      return this.close(4400, new ReplicaProblem('malformed', 'a frame before welcome'));
    }
    switch (frame.t) {
      case 'B': return this.rows.onB(frame);
      case 'C': return this.rows.onC(frame);
      case 'M': return this.rows.onM(frame);
      case 'R': return this.up.onR(frame);
      case 'pong': return this.onPong(frame);
      case 'rekeyed': return this.up.onRekeyed(frame);
    }
  }

  private async afterMessage(): Promise<void> {
    await this.up.flushResults();
    if (this.isLive && this.rows.hasRevealed) await this.up.pushUnanswered();
    if (this.isLive) await this.rows.afterMessage();
    if (this.isLive) await this.up.push();
    if (this.isLive && this.isHandOver) await this.endHandOver();
  }

  private onK(frame: FrameK): void {
    if (this.phase !== 'nonce') return this.close(4400, new ReplicaProblem('malformed', 'K'));
    if (frame.proto[0] > PROTO_MAX || frame.proto[1] < PROTO_MIN) {
      return this.refuse('unsupported_version');
    }
    const { origin, seed } = this.replica.state.identity!;
    const body = encodeHelloBody(this.helloBody(frame));
    const { nonce, serverId } = frame;
    const message = helloMessage({ origin, subprotocol: SUBPROTOCOL, serverId, nonce, body });
    this.phase = 'welcome';
    this.helloAt = this.clock.mono();
    this.send({ t: 'hello', body, sig: new DeviceKey(seed).sign(message) });
  }

  private helloBody(frame: FrameK): HelloBody {
    const { identity, epoch, cur, buckets, resN, lastN } = this.replica.state;
    const held: Held[] = [...buckets.values()].map(({ grant }) => [grant.b, grant.gen]);
    this.hadSetHash = held.length > 0;
    this.up.begin(resN);
    return {
      cid: identity!.cid, origin: identity!.origin, proto: [PROTO_MIN, PROTO_MAX], app: this.app,
      epoch, cur, setHash: held.length ? bucketSetHash(held) : undefined,
      part: this.parts(() => true), up: resN.map((n, lane) => [n, lastN[lane]!]),
      pending: this.up.queuedAtOpening, cert: epoch === frame.epoch ? undefined : identity!.cert,
      t0: Math.round(this.clock.wall()),
    };
  }

  private parts(fits: (cur: number) => boolean): Part[] {
    return [...this.replica.state.buckets.values()]
      .filter(({ isLive, fillCursor }) => !isLive && fits(fillCursor))
      .map(({ grant, fillCursor }): Part => [grant.b, grant.gen, fillCursor]);
  }

  private async onWelcome(frame: FrameWelcome): Promise<void> {
    const { identity, epoch } = this.replica.state;
    if (this.phase !== 'welcome' || frame.account !== identity!.account) {
      return this.close(4400, new ReplicaProblem('malformed', 'welcome'));
    }
    if (frame.epoch !== epoch && !frame.buckets) {
      return this.close(4400, new ReplicaProblem('malformed', 'another epoch without buckets'));
    }
    this.estimate.add(this.helloAt, frame.t1);
    const { changes, isRekey } = await this.replica.applyWelcome(frame, this.contact());
    this.note(changes);
    this.trouble = undefined;
    this.phase = 'live';
    this.goal = frame.head;
    if (frame.buckets && this.hadSetHash) this.sendHave();
    this.heart.ping();
    this.isHandOver = frame.handOver !== undefined;
    // A replaced phone gets no new key: what a clone of it did stays with the clone.
    if (this.isHandOver && isRekey) return this.refuse('revoked');
    await this.up.onWelcome(frame, isRekey);
  }

  private sendHave(): void {
    const live = [...this.replica.state.buckets.values()].filter((bucket) => bucket.isLive);
    const held = live.map(({ grant }): Held => [grant.b, grant.gen]);
    this.send({ t: 'have', live: held, part: this.parts((cur) => cur > 0) });
  }

  private async onPong(frame: FramePong): Promise<void> {
    this.heart.onPong(frame.t0, frame.t1);
    const { cur, contactAt } = this.replica.state;
    const to = { u: 0, s: 0 };
    for (const lane of LANES) {
      if (!this.rows.hasStaged(lane) && frame[lane] > cur[lane]) to[lane] = frame[lane];
    }
    const isMoved = to.u > 0 || to.s > 0;
    if (isMoved) this.attempts = 0;
    // Contact is noted now and then, not with a write at every ping.
    if (!isMoved && this.clock.wall() - contactAt < HOUSEKEEPING_MS) return;
    this.note(await this.replica.advance(to, this.contact()));
  }

  private async onErr(frame: FrameErr): Promise<void> {
    const { code, fatal } = frame;
    if (frame.after > 0) this.hint = Math.min(frame.after, HINT_MAX_MS);
    if (code === 'gap' && frame.lane !== undefined) return this.up.onGap(frame.lane, frame.want);
    if (code === 'forked') {
      await this.replica.wantRekey();
      this.attempts = 0;
      return this.close(1000);
    }
    if (code === 'conflict' && this.isLive) await this.up.noteConflict();
    if (code === 'revoked') this.note(await this.replica.wipeRows());
    if (fatal && FINAL.has(code)) return this.refuse(code, frame.msg);
    if (fatal) this.close(1000, new ReplicaProblem(code, frame.msg));
  }

  private async endHandOver(): Promise<void> {
    const { queued, confirmed } = await this.replica.counts();
    if (queued > 0 || confirmed > 0) return;
    this.send({ t: 'bye' });
    this.refuse('revoked');
  }

  // --- Time -------------------------------------------------------------------------------------

  private get line(): LineState {
    return { isAnswerDue: this.up.isWaiting, isCaughtUp: this.isCaughtUp };
  }

  private async checkDeadlines(): Promise<void> {
    const late = (what: string) => this.close(4408, new ReplicaProblem('timed_out', what));
    if (this.isTrying && this.clock.mono() - this.openedAt >= OPENING_MS) return late('opening');
    if (!this.isLive) return;
    if (!this.heart.onTime(this.line)) return late('no pong');
    await this.rows.onTime();
    this.up.rewindOverdue();
    await this.up.push();
  }

  private async housekeeping(): Promise<void> {
    const now = this.clock.mono();
    const passed = now - this.housekeptAt;
    if (passed < HOUSEKEEPING_MS) return;
    this.housekeptAt = now;
    if (!this.isLive) this.note(await this.replica.countOffline(passed));
    await this.replica.pruneJournal();
  }

  private rearm(): void {
    let at = this.housekeptAt + HOUSEKEEPING_MS;
    const sooner = (other: number) => (at = Math.min(at, other));
    if (this.isTrying) sooner(this.openedAt + OPENING_MS);
    if (this.isLive) {
      sooner(this.heart.due(this.line));
      for (const due of [...this.rows.dues(), ...this.up.dues()]) sooner(due);
    }
    if (this.armedAt === at) return;
    this.armedAt = at;
    this.actions.push({ t: 'arm', at });
  }

  // --- Shared with the sides --------------------------------------------------------------------

  send(frame: ClientFrame): void {
    this.heart.said();
    this.actions.push({ t: 'send', text: encodeMessage(frame) });
  }

  close(code: number, why?: ReplicaProblem): void {
    if (!this.isOpen) return;
    if (why) this.trouble = why;
    this.phase = 'closing';
    this.actions.push({ t: 'close', code });
    this.changes.isPending = true;
  }

  refuse(code: string, message?: string): void {
    if (this.isHalted) return;
    if (this.isOpen) this.actions.push({ t: 'close', code: 1000 });
    this.trouble = new ReplicaProblem(code, '', message);
    this.phase = 'halted';
    this.changes.isPending = true;
  }

  note(changes: Changes): void {
    this.changes.merge(changes);
    this.rows.onMismatch(changes.mismatched);
  }

  forgetBackOff(): void {
    this.attempts = 0;
  }

  private get isOpen(): boolean {
    return this.isLive || this.isTrying;
  }

  private contact(): Contact {
    const { off, uncertainty } = this.estimate;
    return { at: this.clock.wall(), clockOff: off, clockUnc: uncertainty };
  }

  private reset(): void {
    this.openedAt = this.clock.mono();
    this.heart.reset();
    this.results = [];
    this.hadSetHash = this.isHandOver = false;
    this.goal = { u: 0, s: 0 };
    this.rows.reset();
    this.up.reset();
  }
}
