// SPDX-License-Identifier: Apache-2.0
// A session on a line that a test spoils: virtual time, messages one at a time.
import { DeviceKey } from '../../protocol/sign';
import type { Clock, Rng } from '../clock';
import { encodeArgs } from '../mutation';
import { append } from '../pending';
import { Replica } from '../replica';
import { Session, type Action } from '../session';
import type { MutationRecord, Store } from '../store';
import { MemoryStore } from '../store_memory';
import { readRows } from '../visible';
import type { ModelServer } from './model_server';
import type { Row } from '../api';

/** Repeatable, good enough for tests (mulberry32). */
export class SeededRng implements Rng {
  constructor(private state: number) {}
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  below(n: number): number {
    return Math.floor(this.next() * n);
  }
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

export class FakeClock implements Clock {
  now = 0;
  wallOffset = 1_790_000_000_000;
  wall = () => this.wallOffset + this.now;
  mono = () => this.now;
}

export const ACCOUNT = 'a'.repeat(32);

/** Shows `set {key, v}` at once, as an effect of schema/mutators.json would. */
export const EFFECTS = {
  'model.set': {
    lane: 1,
    effects: [{ op: 'put', tbl: 't', key: '{key}', row: { v: '{v}' } } as const],
  },
};

export class SimPhone {
  session!: Session;
  replica!: Replica;
  /** Messages on the way to the server. */
  up: string[] = [];
  isOpen = false;
  armedAt = 0;
  dialAt?: number;
  /** Codes with which the phone closed. */
  readonly closes: number[] = [];
  /** Frames that the phone sent. */
  readonly sent: Record<string, any>[] = [];

  private constructor(
    readonly clock: FakeClock,
    readonly rng: SeededRng,
    readonly store: MemoryStore,
    readonly key: DeviceKey,
  ) {}

  static async enrolled(clock: FakeClock, rng: SeededRng): Promise<SimPhone> {
    const phone = new SimPhone(clock, rng, new MemoryStore(), new DeviceKey(rng.bytes(32)));
    const { cid, seed } = phone.key;
    await phone.boot();
    await phone.replica.adopt(
      {
        slug: 'hn', origin: 'https://linli.example', cid, account: ACCOUNT, seed, serverPub: '',
        cert: 'cert', community: '', person: 'p', name: '',
      },
      'slip',
    );
    phone.session.start();
    phone.perform();
    return phone;
  }

  /** As after a kill: only what is stored is left. */
  async boot(): Promise<void> {
    this.isOpen = false;
    this.up = [];
    this.dialAt = undefined;
    const store: Store = await this.store.lead();
    this.replica = await Replica.open(store, this.clock.wall);
    this.session = new Session(this.replica, this.clock, this.rng, 'sim');
    if (!this.replica.state.identity) return;
    this.session.start();
    this.perform();
  }

  /** Does what the session asks; a close is heard at once. */
  perform(): void {
    for (const action of this.session.takeActions()) this.one(action);
  }
  private one(action: Action): void {
    if (action.t === 'arm') this.armedAt = action.at;
    if (action.t === 'redial') this.dialAt = this.clock.now + action.after;
    if (action.t === 'close') {
      this.closes.push(action.code);
      this.closing = true;
    }
    if (action.t === 'send' && this.isOpen) {
      this.up.push(action.text);
      for (const line of action.text.trim().split('\n')) this.sent.push(JSON.parse(line));
    }
  }
  private closing = false;

  /** Runs one event and what follows from it. */
  async step(event: () => Promise<void>, server?: ModelServer): Promise<void> {
    await event();
    this.perform();
    while (this.closing) {
      this.closing = false;
      await this.drop(server);
    }
  }

  async drop(server?: ModelServer, code = 1006): Promise<void> {
    this.isOpen = false;
    this.up = [];
    server?.cut();
    await this.session.onClosed(code);
    this.perform();
  }

  async connect(server: ModelServer): Promise<void> {
    this.dialAt = undefined;
    this.isOpen = true;
    const opening = server.open();
    await this.step(() => this.session.onOpen(), server);
    await this.hear(opening, server);
  }

  async hear(message: string, server?: ModelServer): Promise<void> {
    if (this.isOpen) await this.step(() => this.session.onMessage(message), server);
  }

  async tick(server?: ModelServer): Promise<void> {
    this.clock.now = Math.max(this.clock.now, this.armedAt);
    await this.step(() => this.session.onTimer(), server);
  }

  async mutate(name: string, args: object, server?: ModelServer): Promise<MutationRecord> {
    const text = encodeArgs(name, args as Record<string, unknown>);
    const now = this.clock.wall();
    const made = await this.store.write('strict', (tx) => append(tx, { name, args: text, now }));
    await this.step(() => this.session.onLocalWrite(), server);
    return made;
  }

  rows(): Promise<Row[]> {
    const view = { effects: EFFECTS as never, now: this.clock.wall() };
    return this.store.read((tx) => readRows(tx, view, 't'));
  }

  /** Until nothing moves any more: everything is delivered, and time passes where it must. */
  async settle(server: ModelServer, rounds = 400): Promise<void> {
    for (let i = 0; i < rounds; ++i) {
      if (!this.isOpen) {
        this.clock.now = Math.max(this.clock.now, this.dialAt ?? this.clock.now);
        if (this.session.isHalted) return;
        await this.connect(server);
      }
      while (this.isOpen && (this.up.length || server.hasQueued)) {
        const message = this.up.shift();
        if (message !== undefined) server.receive(message);
        const down = server.connection && server.next(8);
        if (down) await this.hear(down, server);
      }
      const { queued, confirmed } = await this.replica.counts();
      const isDone = this.isOpen && this.session.isCaughtUp && !queued && !confirmed;
      if (isDone && !this.up.length && !server.hasQueued) return;
      await this.tick(server);
    }
    throw new Error('it does not come to rest');
  }
}
