// SPDX-License-Identifier: Apache-2.0
// One thing a person does, whatever happens on the way: the same content keeps its Idempotency-Key
// until the server has answered, so pressing the button again never does it twice.

import type { ApiProblem } from './problem';

export interface KeptAttempt {
  key: string;
  /** JSON text the key stands for. */
  body: string;
}

export class Attempt {
  private kept: KeptAttempt | undefined;
  private readonly newKey: () => string;

  /** `kept`: of an earlier visit to the page. */
  constructor(kept?: KeptAttempt, newKey: () => string = () => crypto.randomUUID()) {
    this.kept = kept;
    this.newKey = newKey;
  }

  /** Another body gets another key: the server refuses a key that comes back changed. */
  keyFor(body: unknown): string {
    const text = JSON.stringify(body ?? null);
    if (!this.kept || this.kept.body !== text) this.kept = { key: this.newKey(), body: text };
    return this.kept.key;
  }

  /** The server took it. */
  succeeded(): void {
    this.kept = undefined;
  }

  /** An answer that will not change ends the key; silence and "later" keep it. */
  failed(problem: ApiProblem): void {
    const mayStillRun = problem.isUnanswered || problem.isRetryable;
    if (!mayStillRun && problem.code !== 'elevation_required') this.kept = undefined;
  }

  /** To be stored with the draft; undefined when nothing is open. */
  get open(): KeptAttempt | undefined {
    return this.kept;
  }
}
