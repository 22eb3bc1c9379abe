// SPDX-License-Identifier: Apache-2.0
// One attachment on the screen: here already, being fetched, too large to fetch unasked, or not to
// be had. Its address lives as long as the component.
import type { MediaCache } from '../../media/cache';
import { ASK_BYTES, type MediaRef } from '../../media/ref';

export type ShownState = 'looking' | 'ask' | 'loading' | 'shown' | 'offline' | 'broken';

export class ShownMedia {
  state = $state<ShownState>('looking');
  url = $state('');
  private isGone = false;

  constructor(
    private readonly cache: MediaCache,
    readonly ref: MediaRef,
  ) {}

  /** What is kept here shows at once; `mayFetch` false waits for a tap. */
  async look(mayFetch: boolean): Promise<void> {
    const held = await this.cache.held(this.ref);
    if (held) return this.show(held);
    if (mayFetch && this.ref.bytes <= ASK_BYTES) return this.load();
    this.state = 'ask';
  }

  async load(): Promise<void> {
    if (this.state === 'loading' || this.state === 'shown') return;
    this.state = 'loading';
    try {
      this.show(await this.cache.get(this.ref));
    } catch (thrown) {
      const { code } = thrown as { code?: string };
      const isOffline = code === 'offline' || code?.startsWith('http_5');
      this.state = isOffline ? 'offline' : 'broken';
    }
  }

  private show(blob: Blob): void {
    if (this.isGone) return;
    this.url = URL.createObjectURL(blob);
    this.state = 'shown';
  }

  fail(): void {
    this.state = 'broken';
  }

  stop(): void {
    this.isGone = true;
    if (this.url) URL.revokeObjectURL(this.url);
  }
}
