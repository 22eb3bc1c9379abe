// SPDX-License-Identifier: Apache-2.0
// The pictures and voice notes that this phone keeps beside its notices, by their sum. They go with
// the notice, and the oldest go when there are too many.
import type { Box } from './box';
import { fetchMedia, MediaProblem } from './fetch';
import { ASK_BYTES, type MediaRef } from './ref';

/** Bound of what is kept, of the 30 MB that the whole app may take on a small phone. */
export const MEDIA_BYTES_MAX = 20_000_000;
/** Bound where it lies in memory only. */
export const MEMORY_BYTES_MAX = 6_000_000;

export interface MediaCacheOptions {
  box: Box;
  /** Fetches and checks what is not here. */
  load?: (ref: MediaRef) => Promise<Blob>;
  base: URL;
  /** Undefined before enrolment. */
  token: () => Promise<string> | undefined;
  now?: () => number;
}

export class MediaCache {
  private readonly under = new Map<string, Promise<Blob>>();
  private readonly load: (ref: MediaRef) => Promise<Blob>;
  private readonly now: () => number;

  constructor(private readonly options: MediaCacheOptions) {
    const { base, token } = options;
    const own = (ref: MediaRef) => {
      const asked = token();
      return fetchMedia(ref, { base, ...(asked && { token: () => asked }) });
    };
    this.load = options.load ?? own;
    this.now = options.now ?? Date.now;
  }

  get bytesMax(): number {
    return this.options.box.isKept ? MEDIA_BYTES_MAX : MEMORY_BYTES_MAX;
  }

  /** What is here already; never asks the network. */
  async held(ref: MediaRef): Promise<Blob | undefined> {
    const found = await this.options.box.get(ref.sha).catch(() => undefined);
    // Its type comes from the row: a store that was written by others names no script.
    return found && new Blob([found], { type: ref.type });
  }

  /** From here, or fetched, checked and kept. Rejects with MediaProblem. */
  async get(ref: MediaRef): Promise<Blob> {
    const found = await this.held(ref);
    if (found) return found;
    let asked = this.under.get(ref.sha);
    if (!asked) {
      asked = this.fetchNow(ref).finally(() => this.under.delete(ref.sha));
      this.under.set(ref.sha, asked);
    }
    return asked;
  }

  private async fetchNow(ref: MediaRef): Promise<Blob> {
    const blob = await this.load(ref);
    await this.makeRoom(blob.size);
    await this.options.box.put(ref.sha, blob, this.now());
    return blob;
  }

  private async makeRoom(bytes: number): Promise<void> {
    const all = await this.options.box.list().catch(() => []);
    all.sort((a, b) => a.at - b.at);
    let sum = all.reduce((total, one) => total + one.bytes, bytes);
    for (const one of all) {
      if (sum <= this.bytesMax) return;
      await this.options.box.drop(one.name).catch(() => undefined);
      sum -= one.bytes;
    }
  }

  /** Fetches what may be fetched without asking, in this order, until the line fails. */
  async prefetch(refs: readonly MediaRef[]): Promise<void> {
    const kept = await this.options.box.list().catch(() => []);
    const held = new Set(kept.map(({ name }) => name));
    let sum = kept.reduce((total, one) => total + one.bytes, 0);
    for (const ref of refs) {
      if (held.has(ref.sha) || ref.bytes > ASK_BYTES) continue;
      // What was kept first is not thrown out for what somebody may never open.
      if ((sum += ref.bytes) > this.bytesMax) return;
      try {
        await this.get(ref);
      } catch (thrown) {
        if ((thrown as MediaProblem).code === 'offline') return;
      }
    }
  }

  /** Deletes what no notice refers to any more. */
  async keepOnly(refs: readonly MediaRef[]): Promise<void> {
    const wanted = new Set(refs.map(({ sha }) => sha));
    const all = await this.options.box.list().catch(() => []);
    for (const { name } of all) {
      if (!wanted.has(name)) await this.options.box.drop(name).catch(() => undefined);
    }
  }

  async usage(): Promise<{ count: number; bytes: number }> {
    const all = await this.options.box.list().catch(() => []);
    return { count: all.length, bytes: all.reduce((total, one) => total + one.bytes, 0) };
  }
}
