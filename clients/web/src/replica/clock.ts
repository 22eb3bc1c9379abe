// SPDX-License-Identifier: Apache-2.0

/** Injected time: `wall` unix ms, may jump; `mono` ms since anything, never goes back. */
export interface Clock {
  wall(): number;
  mono(): number;
}

export interface Rng {
  /** Integer in [0, n). */
  below(n: number): number;
  bytes(length: number): Uint8Array;
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  mono: () => performance.now(),
};

export const systemRng: Rng = {
  below: (n) => {
    const word = crypto.getRandomValues(new Uint32Array(1))[0]!;
    return Math.floor((word / 2 ** 32) * n);
  },
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** What quartz drifts since the best sample: 1 s in 5 h. */
const DRIFT = 1 / 20_000;

/**
 * Server time minus this phone's wall clock, from the quickest exchange. Kept against the monotonic
 * clock, so that setting the wall clock moves the offset by exactly that much (GEN-11).
 */
export class ClockEstimate {
  private serverMinusMono: number;
  private takenAt = 0;
  private isMeasured = false;

  /** From what an earlier run stored; `unc` 0 = nothing is known. */
  constructor(
    private readonly clock: Clock,
    off: number,
    private unc: number,
  ) {
    this.serverMinusMono = off + clock.wall() - clock.mono();
  }

  /** The phone sent at `sentMono`, the server stamped `server`, the answer came now. */
  add(sentMono: number, server: number): void {
    const now = this.clock.mono();
    const unc = Math.ceil(Math.max(1, now - sentMono) / 2);
    const aged = this.unc + (now - this.takenAt) * DRIFT;
    if (this.isMeasured && unc > aged) return;
    this.isMeasured = true;
    this.takenAt = now;
    this.unc = unc;
    this.serverMinusMono = server - (sentMono + now) / 2;
  }

  get off(): number {
    if (!this.unc) return 0;
    return Math.round(this.serverMinusMono + this.clock.mono() - this.clock.wall());
  }
  get uncertainty(): number {
    return this.unc;
  }
}
