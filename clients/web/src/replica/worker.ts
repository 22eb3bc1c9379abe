// SPDX-License-Identifier: Apache-2.0
// One of these per tab. The one that holds the lock owns the socket and the replica's writes; the
// others wait, and take over when the leader's tab is gone or frozen (decision M25).
import { BEAT_LOST_MS, openChannel } from './channel';
import { Leader } from './leader';
import { IdbStore } from './store_idb';

/** From the page. `visible`: only a tab that somebody looks at takes over by force. */
export type ToWorker =
  | { t: 'open'; slug: string; base: string; tab: string; isVisible: boolean }
  | { t: 'visible'; isVisible: boolean }
  | { t: 'close' };
/** To the page: the store is open, or could not be opened; all is said. */
export type FromWorker = { t: 'ready' } | { t: 'failed' } | { t: 'closed' };

const WATCH_MS = 2_000;

class Campaign {
  private readonly leader: Leader;
  private readonly name: string;
  private release?: () => void;
  private waiting?: AbortController;
  private heardAt = performance.now();
  private isStealing = false;
  private isClosed = false;
  isVisible: boolean;

  constructor(
    private readonly store: IdbStore,
    { slug, base, tab, isVisible }: Extract<ToWorker, { t: 'open' }>,
  ) {
    this.name = `linli:${slug}`;
    this.isVisible = isVisible;
    const onLost = () => void this.relead();
    this.leader = new Leader({ store, slug, tab, base: new URL(base), onLost });
    const channel = openChannel(slug);
    channel.onMessage = ({ t }) => {
      if (t === 'beat' || t === 'changed') this.heardAt = performance.now();
    };
    setInterval(() => this.watch(), WATCH_MS);
    void this.queue();
  }

  /** Waits for the lock, leads while it holds it, and waits again when it was stolen. */
  private async queue(): Promise<void> {
    while (!this.isClosed) {
      this.waiting = new AbortController();
      await this.hold({ signal: this.waiting.signal });
      // Stolen, or the wait was given up for a theft of our own.
      while (this.isStealing) await new Promise((done) => setTimeout(done, WATCH_MS));
    }
  }

  private async hold(options: LockOptions): Promise<void> {
    let isHeld = false;
    try {
      await navigator.locks.request(this.name, options, async () => {
        isHeld = true;
        this.heardAt = performance.now();
        await this.leader.lead();
        await new Promise<void>((done) => (this.release = done));
      });
    } catch {
      // AbortError: stolen or given up; anything else: the store failed, and is tried again.
      await new Promise((done) => setTimeout(done, 500));
    }
    // A wait that was given up has nothing to give back: another hold() may lead already.
    if (!isHeld) return;
    this.release = undefined;
    this.leader.yield();
    this.heardAt = performance.now();
  }

  private watch(): void {
    const isQuiet = performance.now() - this.heardAt > BEAT_LOST_MS;
    if (this.release || this.isStealing || this.isClosed || !this.isVisible || !isQuiet) return;
    this.isStealing = true;
    this.waiting?.abort();
    void this.hold({ steal: true }).finally(() => (this.isStealing = false));
  }

  /** Taken over by number. If the lock stays ours, the store was emptied: begin anew. */
  private async relead(): Promise<void> {
    await new Promise((done) => setTimeout(done, 200));
    if (this.release) await this.leader.lead().catch(() => this.release?.());
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.waiting?.abort();
    await this.leader.close();
    this.release?.();
    this.store.close();
  }
}

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
};
let campaign: Campaign | undefined;

scope.onmessage = async ({ data }) => {
  if (data.t === 'open') {
    try {
      campaign = new Campaign(await IdbStore.open(data.slug), data);
      scope.postMessage({ t: 'ready' });
    } catch {
      scope.postMessage({ t: 'failed' });
    }
  }
  if (data.t === 'visible' && campaign) campaign.isVisible = data.isVisible;
  if (data.t === 'close') {
    await campaign?.close();
    scope.postMessage({ t: 'closed' });
  }
};
