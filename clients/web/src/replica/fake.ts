// SPDX-License-Identifier: Apache-2.0
// A Replica in memory for tests and for drawing screens: same interface, no server, no store.
import { entryId, entryText } from '../protocol/checkin';
import type {
  Identity, LeadCodeAsk, LocalMutation, Problem, Readable, RecordAsk, Recorded, Replica, Row,
  SlipStatus, Status,
} from './api';
import { FAKE_SEED } from './fake_service';
import { EFFECTS } from './effects.gen';
import { ACCOUNT, demoRows, PERSON } from './fake_rows';
import { encodeArgs } from './mutation';
import { Source } from './observable';
import { applyOverlay, tablesOf, type JsonObject, type MergedRow } from './overlay';
import { ReplicaProblem } from './problem';
import { emptyState, type Store } from './store';
import { MemoryStore } from './store_memory';

export { ACCOUNT, MOTHER, PERSON } from './fake_rows';

const IDENTITY: Identity = {
  slug: 'huainan', community: '淮南社区', cid: '56475aa75463474c0285df5dbf2bcab7',
  account: ACCOUNT, person: PERSON, name: '王秀英',
};

export interface FakeOptions {
  /** Unix ms; the demo rows lie around it. */
  now?: number;
  /** False: a phone before its slip, without rows. */
  isEnrolled?: boolean;
}

/** Every method that the interface does not have is a lever for tests. */
export class FakeReplica implements Replica {
  readonly slug = 'huainan';
  readonly status: Source<Status>;
  readonly pending = new Source<LocalMutation[]>([]);
  readonly attention = new Source<LocalMutation[]>([]);
  /** Ids given to `noteSeen`, in order. */
  readonly seen: string[] = [];
  /** What the screens asked for. */
  readonly calls: string[] = [];

  private readonly base = new Map<string, Map<string, JsonObject>>();
  private readonly tables = new Map<string, Source<Row[]>>();
  private readonly alerted = new Set<string>();
  private readonly now: number;
  private lastId = 0;
  private refusal?: ReplicaProblem;
  private chain?: Store;

  constructor({ now = Date.now(), isEnrolled = true }: FakeOptions = {}) {
    this.now = now;
    this.status = new Source<Status>({
      state: isEnrolled ? 'synced' : 'offline', isConnected: isEnrolled, isCaughtUp: isEnrolled,
      pending: 0, confirmed: 0, attention: 0, filling: 0, contactAt: isEnrolled ? now : 0,
      digestMismatches: 0, clockOffset: 0, isRevoked: false, wasWiped: false, isFollower: false,
      isVolatile: false,
      ...(isEnrolled ? { identity: IDENTITY } : {}),
    });
    if (isEnrolled) this.seed();
  }

  // --- Levers -----------------------------------------------------------------------------------

  /** Puts a row as if the server had sent it. */
  put(tbl: string, key: string, row: object): void {
    this.baseOf(tbl).set(key, row as JsonObject);
    this.show(tbl);
  }

  remove(tbl: string, key: string): void {
    this.baseOf(tbl).delete(key);
    this.show(tbl);
  }

  setStatus(some: Partial<Status>): void {
    this.status.set({ ...this.status.value, ...some });
  }

  setSlip(slip: SlipStatus | undefined): void {
    const { slip: _, ...rest } = this.status.value;
    this.status.set(slip ? { ...rest, slip } : rest);
  }

  /** The line is gone: work stays pending. */
  goOffline(): void {
    this.setStatus({ isConnected: false, isCaughtUp: false });
    this.count();
  }

  goOnline(): void {
    this.setStatus({ isConnected: true, isCaughtUp: true, contactAt: this.now });
    this.count();
  }

  /** The next write is refused with this code. */
  refuseNext(code: string): void {
    this.refusal = new ReplicaProblem(code);
  }

  /** The server takes pending work: what it showed stays as rows. */
  accept(id: number): void {
    const mutation = this.take(id);
    for (const tbl of tablesOf(EFFECTS, mutation.name)) {
      const merged = this.merge(tbl, [mutation]);
      this.base.set(tbl, new Map([...merged].map(([key, row]) => [key, row.value])));
      this.show(tbl);
    }
    this.count();
  }

  reject(id: number, problem: Problem & { info?: unknown }): void {
    const mutation = this.take(id);
    const rejectedAt = this.now;
    const refused: LocalMutation = { ...mutation, state: 'rejected', problem, rejectedAt };
    this.attention.set([...this.attention.value, refused]);
    for (const tbl of tablesOf(EFFECTS, mutation.name)) this.show(tbl);
    this.count();
  }

  // --- Replica ----------------------------------------------------------------------------------

  rows<T>(tbl: string): Readable<Row<T>[]> {
    return this.table(tbl) as unknown as Readable<Row<T>[]>;
  }

  row<T>(tbl: string, key: string): Readable<Row<T> | undefined> {
    const all = this.rows<T>(tbl);
    return {
      subscribe: (run) => all.subscribe((rows) => run(rows.find((row) => row.key === key))),
    };
  }

  async mutate(name: string, args: Record<string, unknown>): Promise<LocalMutation> {
    this.mayWrite();
    return this.add(name, JSON.parse(encodeArgs(name, args)));
  }

  private add(name: string, args: Record<string, unknown>): LocalMutation {
    const mutation: LocalMutation = {
      id: ++this.lastId, name, args, wall: this.now, state: 'unsent',
    };
    this.pending.set([...this.pending.value, mutation]);
    for (const tbl of tablesOf(EFFECTS, name)) this.show(tbl);
    this.count();
    return mutation;
  }

  async edit(id: number, args: Record<string, unknown>): Promise<void> {
    const old = this.unsent(id);
    const next = { ...old, args: JSON.parse(encodeArgs(old.name, args)) };
    this.pending.set(this.pending.value.map((one) => (one.id === id ? next : one)));
    for (const tbl of tablesOf(EFFECTS, old.name)) this.show(tbl);
  }

  async withdraw(id: number): Promise<void> {
    const { name } = this.unsent(id);
    this.take(id);
    for (const tbl of tablesOf(EFFECTS, name)) this.show(tbl);
    this.count();
  }

  async dismiss(id: number): Promise<void> {
    this.refused(id);
    this.attention.set(this.attention.value.filter((one) => one.id !== id));
    this.count();
  }

  async mend(id: number, args: Record<string, unknown>): Promise<LocalMutation> {
    const { name } = this.refused(id);
    const mended = await this.mutate(name, args);
    await this.dismiss(id);
    return mended;
  }

  /** The same signing as in the real one, over a chain in memory. */
  async record(ask: RecordAsk): Promise<Recorded> {
    this.mayWrite();
    const { recordEntry } = await import('./checkin');
    const made = { now: this.now, nonce: new Uint8Array(8).fill(this.lastId + 1) };
    const chain = await this.openChain();
    const { entry, record } = await chain.write('strict', (tx) => recordEntry(tx, ask, made));
    const mutation = this.add(record.name, JSON.parse(record.args));
    return { mutation, text: entryText(entry), id: entryId(entry) };
  }

  async leadCode(ask: LeadCodeAsk): Promise<string> {
    return (await import('./checkin')).leadCode(FAKE_SEED, ask);
  }

  async noteSeen(notice: string): Promise<void> {
    this.seen.push(notice);
  }

  async firstAlert(incident: string, severity: string): Promise<boolean> {
    const isFirst = !this.alerted.has(`${incident}:${severity}`);
    this.alerted.add(`${incident}:${severity}`);
    return isFirst;
  }

  async readSlip(slip: Parameters<Replica['readSlip']>[0]): Promise<void> {
    this.mayWrite();
    this.calls.push(`readSlip ${slip.code} ${slip.door ?? ''}`.trim());
    this.setSlip({
      stage: 'choosing', household: '6号院2号楼1单元301',
      persons: [{ ref: '1', name: '王*英' }, { ref: '2', name: '李*兰' }],
    });
  }

  async choosePerson(ref: string): Promise<void> {
    if (this.status.value.slip?.stage !== 'choosing') throw new ReplicaProblem('wrong_state');
    this.calls.push(`choosePerson ${ref}`);
    this.setSlip(undefined);
    this.setStatus({ identity: IDENTITY });
    this.goOnline();
    this.seed();
  }

  async forgetSlip(): Promise<void> {
    this.setSlip(undefined);
  }

  syncNow(): void {
    this.calls.push('syncNow');
  }

  async token(): Promise<string> {
    if (!this.status.value.isConnected) throw new ReplicaProblem('unavailable');
    return 'fake-token';
  }

  async signOut(): Promise<void> {
    if (this.pending.value.length) throw new ReplicaProblem('wrong_state');
    const { identity: _, ...rest } = this.status.value;
    this.base.clear();
    for (const tbl of this.tables.keys()) this.show(tbl);
    this.attention.set([]);
    this.status.set({ ...rest, state: 'offline', isConnected: false, isCaughtUp: false });
  }

  async exportUnsent(): Promise<string> {
    const kept = { pending: this.pending.value, attention: this.attention.value };
    return JSON.stringify(kept, null, 2);
  }

  async storage(): Promise<{ used: number; quota: number; persisted: boolean }> {
    return { used: 3_400_000, quota: 2_000_000_000, persisted: true };
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  // --- Inside -----------------------------------------------------------------------------------

  private async openChain(): Promise<Store> {
    if (this.chain) return this.chain;
    this.chain = new MemoryStore();
    const identity = { ...IDENTITY, origin: '', serverPub: '', cert: '', seed: FAKE_SEED };
    await this.chain.write('strict', async (tx) => tx.putState({ ...emptyState(), identity }));
    return this.chain;
  }

  private seed(): void {
    for (const [tbl, rows] of Object.entries(demoRows(this.now))) {
      for (const [key, row] of Object.entries(rows)) this.put(tbl, key, row);
    }
  }

  private baseOf(tbl: string): Map<string, JsonObject> {
    let rows = this.base.get(tbl);
    if (!rows) this.base.set(tbl, (rows = new Map()));
    return rows;
  }

  private merge(tbl: string, pending: LocalMutation[]): Map<string, MergedRow> {
    const merged = new Map<string, MergedRow>();
    for (const [key, value] of this.baseOf(tbl)) merged.set(key, { value, isPending: false });
    const work = pending.map((one) => ({ ...one, args: JSON.stringify(one.args) }));
    applyOverlay({ effects: EFFECTS, actor: ACCOUNT, pending: work, tbl }, merged);
    return merged;
  }

  private table(tbl: string): Source<Row[]> {
    let source = this.tables.get(tbl);
    if (!source) this.tables.set(tbl, (source = new Source<Row[]>(this.read(tbl))));
    return source;
  }

  private read(tbl: string): Row[] {
    return [...this.merge(tbl, this.pending.value)]
      .map(([key, row]) => ({ key, ...row }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  private show(tbl: string): void {
    this.tables.get(tbl)?.set(this.read(tbl));
  }

  private mayWrite(): void {
    const refusal = this.refusal;
    this.refusal = undefined;
    if (refusal) throw refusal;
  }

  private take(id: number): LocalMutation {
    const found = this.pending.value.find((one) => one.id === id);
    if (!found) throw new ReplicaProblem('not_found');
    this.pending.set(this.pending.value.filter((one) => one.id !== id));
    return found;
  }

  private unsent(id: number): LocalMutation {
    const found = this.pending.value.find((one) => one.id === id);
    if (!found) throw new ReplicaProblem('not_found');
    if (found.state !== 'unsent') throw new ReplicaProblem('wrong_state');
    return found;
  }

  private refused(id: number): LocalMutation {
    const found = this.attention.value.find((one) => one.id === id);
    if (!found) throw new ReplicaProblem('not_found');
    return found;
  }

  private count(): void {
    const { isConnected, trouble, isRevoked } = this.status.value;
    const pending = this.pending.value.length;
    const attention = this.attention.value.length;
    let state: Status['state'] = isConnected ? 'synced' : 'offline';
    if (pending) state = 'pending';
    if (attention || trouble || isRevoked) state = 'trouble';
    this.setStatus({ pending, attention, state });
  }
}
