// SPDX-License-Identifier: Apache-2.0
// A list that comes page by page: loading, empty, refused and "more" are all states of it.

import { type ApiProblem, asProblem } from '../../api/problem';
import type { Page } from '../../api/types';

export class Pager<T> {
  items = $state.raw<T[]>([]);
  isLoading = $state(false);
  problem = $state.raw<ApiProblem | undefined>();
  /** Unix ms of the newest answer; 0 = none yet. */
  at = $state(0);
  next = $state<string | undefined>();
  private readonly fetch: (cursor?: string) => Promise<Page<T>>;
  private turn = 0;

  constructor(fetch: (cursor?: string) => Promise<Page<T>>) {
    this.fetch = fetch;
  }

  /** From the first page; what is shown stays until the answer is there. */
  load(): Promise<void> {
    return this.page(undefined);
  }

  more(): Promise<void> {
    return this.next ? this.page(this.next) : Promise.resolve();
  }

  /** Every page; for printing and for totals. Stops at `max` items. */
  async all(max: number): Promise<void> {
    await this.load();
    while (this.next && !this.problem && this.items.length < max) await this.more();
  }

  clear(): void {
    this.turn += 1;
    this.items = [];
    this.next = undefined;
    this.problem = undefined;
    this.at = 0;
    this.isLoading = false;
  }

  private async page(cursor: string | undefined): Promise<void> {
    this.turn += 1;
    const turn = this.turn;
    this.isLoading = true;
    this.problem = undefined;
    try {
      const page = await this.fetch(cursor);
      if (turn !== this.turn) return;
      this.items = cursor ? [...this.items, ...page.items] : page.items;
      this.next = page.next;
      this.at = Date.now();
    } catch (thrown) {
      if (turn === this.turn) this.problem = asProblem(thrown);
    } finally {
      if (turn === this.turn) this.isLoading = false;
    }
  }
}

/** One thing that is asked for, again whenever somebody wants. */
export class Asked<T> {
  value = $state.raw<T | undefined>();
  isLoading = $state(false);
  problem = $state.raw<ApiProblem | undefined>();
  at = $state(0);
  private readonly fetch: () => Promise<T>;
  private turn = 0;

  constructor(fetch: () => Promise<T>) {
    this.fetch = fetch;
  }

  async load(): Promise<void> {
    this.turn += 1;
    const turn = this.turn;
    this.isLoading = true;
    this.problem = undefined;
    try {
      const value = await this.fetch();
      if (turn !== this.turn) return;
      this.value = value;
      this.at = Date.now();
    } catch (thrown) {
      if (turn === this.turn) this.problem = asProblem(thrown);
    } finally {
      if (turn === this.turn) this.isLoading = false;
    }
  }
}
