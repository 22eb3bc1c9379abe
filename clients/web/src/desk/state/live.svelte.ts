// SPDX-License-Identifier: Apache-2.0
// What has to be seen as it happens (decision M17): rows of the replica once it has caught up,
// pages over HTTP until then and for those whose replica does not hold the desk.

import { type ApiProblem, asProblem } from '../../api/problem';
import type { Row } from '../../replica/api';
import { session } from './session.svelte';

/** Between two looks over HTTP. */
export const kLookMs = 5_000;

export interface LiveParts<T> {
  tbl: string;
  /** Undefined leaves the row out. */
  read: (key: string, value: Record<string, unknown>) => T | undefined;
  fetch: () => Promise<T[]>;
  everyMs?: number;
}

export class Live<T> {
  rows = $state.raw<T[]>([]);
  problem = $state.raw<ApiProblem | undefined>();
  /** Unix ms of the newest news; 0 = none yet. */
  at = $state(0);
  isLive = $state(false);
  private readonly parts: LiveParts<T>;

  constructor(parts: LiveParts<T>) {
    this.parts = parts;
  }

  /** Call in an effect; answers what ends it. Starts over when the replica catches up. */
  watch(): () => void {
    this.isLive = session().hasLiveDesk;
    return this.isLive ? this.follow() : this.poll();
  }

  async refresh(): Promise<void> {
    if (!this.isLive) await this.look();
  }

  private follow(): () => void {
    const rows = session().replica.rows<Record<string, unknown>>(this.parts.tbl);
    return rows.subscribe((all: Row<Record<string, unknown>>[]) => {
      this.rows = all
        .map((row) => this.parts.read(row.key, row.value))
        .filter((row) => row !== undefined);
      this.problem = undefined;
      this.at = Date.now();
    });
  }

  private poll(): () => void {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async () => {
      if (!document.hidden) await this.look();
      if (!isOver) timer = setTimeout(turn, this.parts.everyMs ?? kLookMs);
    };
    void turn();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }

  private async look(): Promise<void> {
    try {
      this.rows = await this.parts.fetch();
      this.problem = undefined;
      this.at = Date.now();
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }
}
