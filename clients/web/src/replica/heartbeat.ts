// SPDX-License-Identifier: Apache-2.0
// Whether the line is alive, and what the clocks of both ends say (docs/PROTOCOL.md §4).
import { ClockEstimate, type Clock } from './clock';

/** No byte for so long after a ping: the path is half-open (GEN-7). */
const PONG_MS = 20_000;
const PING_MS = 45_000;
/** Sooner when an answer is outstanding. */
const IMPATIENT_PING_MS = 10_000;
/** Ask again how far this phone is complete until it has caught up. */
const CATCH_UP_POLL_MS = 2_000;
/** Pings whose pong is still of interest. */
const PINGS_MAX = 8;

/** What the line waits for. */
export interface LineState {
  isAnswerDue: boolean;
  isCaughtUp: boolean;
}

export class Heartbeat {
  readonly estimate: ClockEstimate;
  private heardAt = 0;
  private saidAt = 0;
  private pingedAt?: number;
  private polledAt = 0;
  private readonly sent = new Map<number, number>();

  constructor(
    private readonly clock: Clock,
    known: { clockOff: number; clockUnc: number },
    private readonly sendPing: (t0: number) => void,
  ) {
    this.estimate = new ClockEstimate(clock, known.clockOff, known.clockUnc);
  }

  reset(): void {
    this.heardAt = this.saidAt = this.clock.mono();
    this.pingedAt = undefined;
    this.sent.clear();
  }
  heard(): void {
    this.heardAt = this.clock.mono();
    this.pingedAt = undefined;
  }
  said(): void {
    this.saidAt = this.clock.mono();
  }
  get isWaiting(): boolean {
    return this.pingedAt !== undefined;
  }

  ping(): void {
    const now = this.clock.mono();
    const t0 = Math.round(this.clock.wall());
    if (this.sent.size >= PINGS_MAX) this.sent.delete(this.sent.keys().next().value!);
    this.sent.set(t0, now);
    this.pingedAt ??= now;
    this.polledAt = now;
    this.sendPing(t0);
  }

  onPong(t0: number, t1: number): void {
    const sentAt = this.sent.get(t0);
    if (sentAt === undefined) return;
    this.estimate.add(sentAt, t1);
    for (const earlier of this.sent.keys()) {
      this.sent.delete(earlier);
      if (earlier === t0) break;
    }
  }

  /** Pings when it is time. False: the line is dead. */
  onTime(line: LineState): boolean {
    const now = this.clock.mono();
    if (this.pingedAt !== undefined && now - this.pingedAt >= PONG_MS) return false;
    const isPollDue = !line.isCaughtUp && now - this.polledAt >= CATCH_UP_POLL_MS;
    if (isPollDue || (this.pingedAt === undefined && now >= this.idleAt(line))) this.ping();
    return true;
  }

  /** When onTime() has something to do next. */
  due(line: LineState): number {
    const next = this.pingedAt === undefined ? this.idleAt(line) : this.pingedAt + PONG_MS;
    return line.isCaughtUp ? next : Math.min(next, this.polledAt + CATCH_UP_POLL_MS);
  }

  private idleAt({ isAnswerDue }: LineState): number {
    const heard = this.heardAt + (isAnswerDue ? IMPATIENT_PING_MS : PING_MS);
    return Math.min(heard, this.saidAt + PING_MS);
  }
}
