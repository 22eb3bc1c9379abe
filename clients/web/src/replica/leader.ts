// SPDX-License-Identifier: Apache-2.0
// The tab that leads: runs the engine and tells the others. Who leads is decided by Web Locks where
// there are any (worker.ts), and in any case by the number in the store: a leader that was taken
// over cannot write any more.
import type { Changes } from './apply';
import { BEAT_MS, openChannel, type Channel, type ChannelMessage } from './channel';
import { Engine } from './engine';
import type { Store } from './store';

export interface LeaderOptions {
  store: Store;
  base: URL;
  slug: string;
  tab: string;
  /** Another tab took over. Not called when the store was only emptied. */
  onLost(): void;
}

export class Leader {
  private readonly channel: Channel;
  private engine?: Engine;
  private beat?: ReturnType<typeof setInterval>;
  private isClosed = false;
  private starting?: Promise<void>;
  /** Changes when the lead is given up, so that one that is just beginning ends too. */
  private term = 0;

  constructor(private readonly options: LeaderOptions) {
    this.channel = openChannel(options.slug);
    this.channel.onMessage = (message) => this.onMessage(message);
  }

  get isLeading(): boolean {
    return this.engine !== undefined;
  }

  /** Takes over, unless it leads already. Errors: io. */
  async lead(): Promise<void> {
    const { term } = this;
    // One that was given up while it began ends without an engine: then begin anew.
    while (!this.engine && !this.isClosed && term === this.term) {
      this.starting ??= this.begin().finally(() => (this.starting = undefined));
      await this.starting;
    }
  }

  private async begin(): Promise<void> {
    const { store, base, slug } = this.options;
    const { term } = this;
    const held: { engine?: Engine } = {};
    const engine = (held.engine = await Engine.start({
      store: await store.lead(), base, slug,
      onChanged: (changes) => this.tell(changes),
      onLost: () => this.onEngineLost(held.engine),
    }));
    if (this.isClosed || term !== this.term) return engine.abandon();
    this.engine = engine;
    this.beat ??= setInterval(() => this.say('beat'), BEAT_MS);
    (this.beat as { unref?: () => void }).unref?.();
    this.say('beat');
  }

  /** Another tab leads from now on; nothing is said to the server, it goes on with our cid. */
  yield(): void {
    ++this.term;
    this.engine?.abandon();
    this.quiet();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.engine?.stop();
    this.quiet();
    this.channel.close();
  }

  private quiet(): void {
    this.engine = undefined;
    clearInterval(this.beat);
    this.beat = undefined;
  }

  private onEngineLost(engine: Engine | undefined): void {
    if (!engine || this.engine !== engine) return;
    this.quiet();
    this.options.onLost();
  }

  private onMessage(message: ChannelMessage): void {
    if (!this.engine) return;
    switch (message.t) {
      case 'wrote':
        return this.engine.onWrote(message.what);
      case 'dial': return this.engine.dial(message.isForced);
      case 'who': return this.say('beat');
      case 'reload':
        this.yield();
        void this.lead().catch(() => this.options.onLost());
    }
  }

  private tell(changes: Changes): void {
    this.say('changed', [...changes.tables], changes.all);
  }

  private say(t: 'changed' | 'beat', tables: string[] = [], all = false): void {
    if (!this.engine) return;
    const facts = this.engine.facts(this.options.tab);
    this.channel.post(t === 'beat' ? { t, facts } : { t, facts, tables, all });
  }
}
