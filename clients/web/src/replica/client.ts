// SPDX-License-Identifier: Apache-2.0
// The replica of a page: reads the store, writes mutations into it, and lets a worker (home.ts)
// talk to the server. Every tab has one; one of their workers leads.
import { isMarked, setMark } from './marks';
import { MemoryStore } from './store_memory';
import { IdbStore } from './store_idb';
import type {
  LeadCodeAsk, LocalMutation, Readable, RecordAsk, Recorded, Replica, Row, Status,
} from './api';
import {
  BEAT_LOST_MS, openChannel, type Channel, type ChannelMessage, type LiveFacts,
} from './channel';
import { systemRng } from './clock';
import { EFFECTS } from './effects.gen';
import { openHome, type Home } from './home';
import type { TokenSource } from './http';
import { encodeArgs } from './mutation';
import { LiveQuery, Source } from './observable';
import { tablesOf } from './overlay';
import { append, dismiss, edit, mend, SEEN_PREFIX, withdraw } from './pending';
import { plainProblem, ReplicaProblem } from './problem';
import {
  choose, goOnFrom, newRound, newSlip, SLIP_KEY, type SlipInput, type SlipRecord,
} from './slip_record';
import { RECORD } from './record_name';
import { readFacts, statusOf } from './status';
import type { MutationRecord, Store, Tx } from './store';
import { readAttention, readPending, readRows, toLocal } from './visible';

export interface OpenOptions {
  /** scheme://host[:port]/c/<slug>/ of the community; the page's own by default. */
  base?: URL;
  /** Tests: a store of their own, with the engine on the page. */
  store?: Store;
}

/** A leader that died without a word shows within this time. */
const LOOK_AGAIN_MS = 5_000;
/** Rows past their lease are locked within so many looks. */
const LOOKS_PER_LEASE = 12;

const EMPTY: Status = {
  state: 'offline', isConnected: false, isCaughtUp: false, pending: 0, confirmed: 0, attention: 0,
  filling: 0, contactAt: 0, digestMismatches: 0, clockOffset: 0, isRevoked: false, wasWiped: false,
  isFollower: false, isVolatile: false,
};

/** Which query belongs to which table; undefined = the lists of mutations. */
interface Watched {
  query: LiveQuery<never>;
  tbl?: string;
}

interface PageOptions {
  slug: string;
  store: Store;
  base: URL;
  tab: string;
  wasWiped: boolean;
}

class PageReplica implements Replica {
  readonly status: Source<Status>;
  readonly pending: LiveQuery<LocalMutation[]>;
  readonly attention: LiveQuery<LocalMutation[]>;
  home!: Home;

  private readonly watched = new Map<LiveQuery<never>, Watched>();
  private readonly tables = new Map<string, LiveQuery<Row[]>>();
  private readonly channel: Channel;
  private readonly base: URL;
  private tokens?: TokenSource;
  private readonly undo: (() => void)[] = [];
  private live?: LiveFacts;
  private heardAt = 0;
  private statusText = '';
  private looks = 0;
  private wasLeaderGone = true;
  private isReadingStatus = false;
  private isStatusStale = false;
  private isMarked = false;
  private trouble?: { code: string; message: string };

  readonly slug: string;
  private readonly store: Store;
  private readonly tab: string;
  private readonly wasWiped: boolean;

  constructor({ slug, store, base, tab, wasWiped }: PageOptions) {
    this.slug = slug;
    this.store = store;
    this.tab = tab;
    this.wasWiped = wasWiped;
    this.status = new Source({ ...EMPTY, wasWiped, isVolatile: !store.isKept });
    this.pending = this.query([], () => store.read(readPending));
    this.attention = this.query([], () => store.read(readAttention));
    this.base = base;
    this.channel = openChannel(slug);
    this.channel.onMessage = (message) => this.onMessage(message);
    store.onClosed = () => this.setTrouble(new ReplicaProblem('unsupported_version'));
    const timer = setInterval(() => this.lookAgain(), LOOK_AGAIN_MS);
    (timer as { unref?: () => void }).unref?.();
    this.undo.push(() => clearInterval(timer));
    if (typeof document !== 'undefined') this.listenToPage();
    this.channel.post({ t: 'who' });
  }

  private listenToPage(): void {
    const onVisible = () => {
      const isVisible = document.visibilityState === 'visible';
      this.home.setVisible(isVisible);
      if (!isVisible) return;
      this.refresh(true, []);
      this.channel.post({ t: 'dial', isForced: false });
    };
    const onOnline = () => this.channel.post({ t: 'dial', isForced: false });
    document.addEventListener('visibilitychange', onVisible);
    window.addEventListener('online', onOnline);
    this.undo.push(() => document.removeEventListener('visibilitychange', onVisible));
    this.undo.push(() => window.removeEventListener('online', onOnline));
  }

  // --- Reading -----------------------------------------------------------------------------------

  rows<T>(tbl: string): Readable<Row<T>[]> {
    let query = this.tables.get(tbl);
    if (!query) {
      query = this.query<Row[]>([], () => this.readTable(tbl), tbl);
      this.tables.set(tbl, query);
    }
    return query as unknown as Readable<Row<T>[]>;
  }

  row<T>(tbl: string, key: string): Readable<Row<T> | undefined> {
    const read = async () => (await this.readTable(tbl, key))[0] as Row<T> | undefined;
    return this.query<Row<T> | undefined>(undefined, read, tbl);
  }

  private readTable(tbl: string, key?: string): Promise<Row[]> {
    const view = { effects: EFFECTS, now: Date.now() };
    return this.store.read((tx) => readRows(tx, view, tbl, key));
  }

  private query<T>(initial: T, read: () => Promise<T>, tbl?: string): LiveQuery<T> {
    const onWatched = (query: LiveQuery<T>, isWatched: boolean) => {
      const key = query as unknown as LiveQuery<never>;
      if (isWatched) this.watched.set(key, { query: key, ...(tbl !== undefined && { tbl }) });
      else this.watched.delete(key);
    };
    return new LiveQuery(initial, read, (error) => this.setTrouble(error), onWatched);
  }

  /** Reads again what is on the screen. */
  private refresh(all: boolean, tables: string[]): void {
    for (const { query, tbl } of this.watched.values()) {
      if (all || tbl === undefined || tables.includes(tbl)) query.refresh();
    }
    void this.readStatus();
  }

  private async readStatus(): Promise<void> {
    this.isStatusStale = true;
    if (this.isReadingStatus) return;
    this.isReadingStatus = true;
    try {
      while (this.isStatusStale) {
        this.isStatusStale = false;
        this.showStatus(await this.store.read(readFacts));
      }
    } catch (error) {
      this.setTrouble(error);
    } finally {
      this.isReadingStatus = false;
    }
  }

  private showStatus(facts: Parameters<typeof statusOf>[0]): void {
    const isGone = this.isLeaderGone;
    this.wasLeaderGone = isGone;
    const { tab, wasWiped, trouble } = this;
    const isVolatile = !this.store.isKept;
    const live = isGone ? undefined : this.live;
    const own = { tab, wasWiped, isVolatile, ...(trouble && { trouble }) };
    const status = statusOf(facts, live, own);
    if (status.identity && !this.isMarked) this.onEnrolled();
    const text = JSON.stringify(status);
    if (text === this.statusText) return;
    this.statusText = text;
    this.status.set(status);
  }

  private get isLeaderGone(): boolean {
    return Date.now() - this.heardAt > BEAT_LOST_MS;
  }

  private onEnrolled(): void {
    this.isMarked = true;
    if (!this.store.isKept) return;
    void setMark(this.slug, true);
    void globalThis.navigator?.storage?.persist?.().catch(() => false);
  }

  private setTrouble(error: unknown): void {
    this.trouble = plainProblem(error);
    this.statusText = '';
    this.status.set({ ...this.status.value, trouble: this.trouble, state: 'trouble' });
  }

  private lookAgain(): void {
    const isDeaf = typeof BroadcastChannel === 'undefined';
    const isLeaseDue = ++this.looks % LOOKS_PER_LEASE === 0;
    if (isDeaf || isLeaseDue) this.refresh(true, []);
    else if (this.isLeaderGone !== this.wasLeaderGone) void this.readStatus();
  }

  private onMessage(message: ChannelMessage): void {
    if (message.t === 'beat' || message.t === 'changed') {
      const isNews = JSON.stringify(this.live) !== JSON.stringify(message.facts);
      this.live = message.facts;
      this.heardAt = Date.now();
      if (message.t === 'beat' && (isNews || this.wasLeaderGone)) void this.readStatus();
    }
    if (message.t === 'changed') this.refresh(message.all, message.tables);
    if (message.t === 'wrote') this.refresh(false, message.tables);
    if (message.t === 'reload') this.refresh(true, []);
  }

  // --- Writing -----------------------------------------------------------------------------------

  /** Durable when it resolves; then this tab, the others and the leader are told. */
  private async write<T>(body: (tx: Tx) => Promise<T>, after: Wrote<T>): Promise<T> {
    const result = await this.store.write('strict', body).catch((error) => {
      throw error instanceof ReplicaProblem ? error : new ReplicaProblem('io', String(error));
    });
    const { what, tables } = after(result);
    this.channel.post({ t: 'wrote', what, tables });
    this.refresh(false, tables);
    return result;
  }

  async mutate(name: string, args: Record<string, unknown>): Promise<LocalMutation> {
    // Signed entries come from record() only, or the chain would not know them.
    if (name === RECORD) throw new ReplicaProblem('invalid_argument', name);
    const text = encodeArgs(name, args);
    const now = Date.now();
    return toLocal(await this.write((tx) => append(tx, { name, args: text, now }), work));
  }

  async edit(id: number, args: Record<string, unknown>): Promise<void> {
    await this.write((tx) => edit(tx, id, (name) => encodeArgs(name, args)), work);
  }

  async withdraw(id: number): Promise<void> {
    await this.write((tx) => withdraw(tx, id), work);
  }

  async dismiss(id: number): Promise<void> {
    await this.write((tx) => dismiss(tx, id), () => ({ what: 'work', tables: [] }));
  }

  async mend(id: number, args: Record<string, unknown>): Promise<LocalMutation> {
    const encode = (name: string) => encodeArgs(name, args);
    return toLocal(await this.write((tx) => mend(tx, id, encode, Date.now()), work));
  }

  async noteSeen(notice: string): Promise<void> {
    const key = SEEN_PREFIX + notice;
    const body = async (tx: Tx) => tx.putLocal(key, Date.now());
    await this.write(body, () => ({ what: 'seen', tables: [] }));
  }

  firstAlert(incident: string, severity: string): Promise<boolean> {
    const key = `alert:${severity}:${incident}`;
    return this.store.write('strict', async (tx) => {
      if ((await tx.local(key)) !== undefined) return false;
      tx.putLocal(key, Date.now());
      return true;
    });
  }

  // --- Check-in ----------------------------------------------------------------------------------

  async record(ask: RecordAsk): Promise<Recorded> {
    // Signing is not in the first load of a page.
    const [{ recordEntry }, { entryId, entryText }] = await Promise.all([
      import('./checkin'), import('../protocol/checkin'),
    ]);
    const made = { now: Date.now(), nonce: systemRng.bytes(8) };
    const { record, entry } = await this.write(
      (tx) => recordEntry(tx, ask, made), ({ record: stored }) => work(stored),
    );
    return { mutation: toLocal(record), text: entryText(entry), id: entryId(entry) };
  }

  async leadCode(ask: LeadCodeAsk): Promise<string> {
    const { leadCode } = await import('./checkin');
    const { identity } = await this.store.read((tx) => tx.state());
    if (!identity) throw new ReplicaProblem('unauthenticated');
    return leadCode(identity.seed, ask);
  }

  // --- Enrolment ---------------------------------------------------------------------------------

  async readSlip(input: SlipInput): Promise<void> {
    if (!input.code.trim()) throw new ReplicaProblem('invalid_argument', 'code');
    const fresh = newSlip(input, systemRng.bytes(32), newRound());
    await this.write(async (tx) => {
      if ((await tx.state()).identity) throw new ReplicaProblem('conflict', 'enrolled already');
      tx.putLocal(SLIP_KEY, goOnFrom(fresh, await tx.local<SlipRecord>(SLIP_KEY)));
    }, slip);
  }

  async choosePerson(ref: string): Promise<void> {
    await this.write(async (tx) => {
      const held = await tx.local<SlipRecord>(SLIP_KEY);
      if (held?.stage !== 'choosing') throw new ReplicaProblem('wrong_state');
      const chosen = choose(held, ref, newRound());
      if (!chosen) throw new ReplicaProblem('invalid_argument', 'person');
      tx.putLocal(SLIP_KEY, chosen);
    }, slip);
  }

  async forgetSlip(): Promise<void> {
    await this.write(async (tx) => tx.removeLocal(SLIP_KEY), slip);
  }

  // --- The rest ----------------------------------------------------------------------------------

  syncNow(): void {
    this.home.wake();
    this.channel.post({ t: 'dial', isForced: true });
  }

  async token(): Promise<string> {
    const { identity } = await this.store.read((tx) => tx.state());
    if (!identity) throw new ReplicaProblem('unauthenticated');
    // Signing is not in the first load of a page.
    const { TokenSource: Made } = await import('./http');
    this.tokens ??= new Made(this.base);
    return this.tokens.get(identity);
  }

  async signOut(): Promise<void> {
    await this.store.write('strict', async (tx) => {
      const { isRevoked, handOverAt } = await tx.state();
      const isLost = isRevoked || handOverAt > 0;
      if (!isLost && (await tx.countQueued()) > 0) throw new ReplicaProblem('wrong_state');
      await tx.wipe();
    });
    this.isMarked = false;
    await setMark(this.slug, false);
    this.channel.post({ t: 'reload' });
    this.refresh(true, []);
  }

  async exportUnsent(): Promise<string> {
    return this.store.read(async (tx) => {
      const { identity } = await tx.state();
      const plain = ({ name, args, wall, n, lane, code }: MutationRecord) => ({
        name, args: JSON.parse(args), wall, n, lane, ...(code && { code }),
      });
      const made = {
        v: 1, slug: this.slug, cid: identity?.cid, at: Date.now(),
        pending: (await tx.mutationsIn('queued')).map(plain),
        attention: (await tx.openAttention()).map(plain),
      };
      return JSON.stringify(made, null, 2);
    });
  }

  async storage(): Promise<{ used: number; quota: number; persisted: boolean }> {
    const storage = globalThis.navigator?.storage;
    const estimate = await storage?.estimate?.();
    const persisted = (await storage?.persisted?.()) ?? false;
    return { used: estimate?.usage ?? 0, quota: estimate?.quota ?? 0, persisted };
  }

  async close(): Promise<void> {
    for (const undo of this.undo) undo();
    await this.home.close();
    this.channel.close();
    this.store.close();
  }

  /** The first status, before anybody draws. */
  async ready(): Promise<void> {
    await this.readStatus();
  }
}

type Wrote<T> = (result: T) => { what: 'work' | 'slip' | 'seen'; tables: string[] };
const work: Wrote<MutationRecord> = ({ name }) => {
  return { what: 'work', tables: tablesOf(EFFECTS, name) };
};
const slip: Wrote<void> = () => ({ what: 'slip', tables: [] });

async function openStore(slug: string): Promise<Store> {
  try {
    return await IdbStore.open(slug);
  } catch {
    // A private window or an old web view: the status says that nothing is kept.
    return new MemoryStore();
  }
}

/** The replica of community `slug`; never rejects for want of a server. Errors: io. */
export async function openReplica(slug: string, options: OpenOptions = {}): Promise<Replica> {
  if (!/^[a-z0-9-]{1,64}$/.test(slug)) throw new ReplicaProblem('invalid_argument', 'slug');
  const base = options.base ?? new URL(`/c/${slug}/`, location.href);
  const store = options.store ?? (await openStore(slug));
  const facts = await store.read(readFacts);
  const isEmpty = !facts.state.identity && !facts.slip;
  const wasWiped = isEmpty && (await isMarked(slug));
  const tab = newRound();
  const replica = new PageReplica({ slug, store, base, tab, wasWiped });
  const onChanged = () => void replica.ready();
  replica.home = openHome({ store, slug, base, tab, onChanged });
  await replica.ready();
  return replica;
}

