// SPDX-License-Identifier: Apache-2.0
// The elevated token of this page: in memory only, so that closing the tab ends it.

/** Idle life of an elevated token, as docs/PROTOCOL.md §7 promises it. */
export const kElevatedIdleMs = 15 * 60_000;

export class Elevation {
  private held: { token: string; until: number; endsAt: number } | undefined;
  private readonly now: () => number;
  private readonly changed: () => void;

  constructor(now: () => number = Date.now, changed: () => void = () => {}) {
    this.now = now;
    this.changed = changed;
  }

  /** Times in unix ms of the server; `offset` = server clock minus ours. */
  take(grant: { token: string; expires_at: number; ends_at: number }, offset = 0): void {
    this.held = {
      token: grant.token,
      until: grant.expires_at - offset,
      endsAt: grant.ends_at - offset,
    };
    this.changed();
  }

  /** A fresher one from the header `Linli-Token`; ignored once the first was dropped. */
  renew(token: string): void {
    if (!this.held) return;
    const until = Math.min(this.now() + kElevatedIdleMs, this.held.endsAt);
    this.held = { ...this.held, token, until };
    this.changed();
  }

  drop(): void {
    this.held = undefined;
    this.changed();
  }

  /** Undefined when there is none or it has run out. */
  get token(): string | undefined {
    return this.held && this.until > this.now() ? this.held.token : undefined;
  }

  /** Unix ms of our clock; 0 = not elevated. */
  get until(): number {
    return this.held ? Math.min(this.held.until, this.held.endsAt) : 0;
  }
}
