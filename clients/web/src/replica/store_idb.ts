// SPDX-License-Identifier: Apache-2.0
// The store in IndexedDB. Every method of a transaction is one or more IndexedDB requests and
// nothing else, so that the transaction stays open (decision M25).
import { openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction } from 'idb';
import type { Lane } from '../protocol/frames';
import { ReplicaProblem } from './problem';
import {
  emptyState, NOT_LEADER, type Durability, type Entry, type MutationRecord, type ReplicaState,
  type RowId, type StagedOps, type Store, type Tx,
} from './store';

/** DISK. A higher number makes older tabs close their store (`onversionchange`). */
const VERSION = 1;
const STORES = ['meta', 'entries', 'staging', 'mutations', 'local'] as const;
type StoreName = (typeof STORES)[number];

interface Schema extends DBSchema {
  /** 'state', and 'leader': the number of the tab that may write as leader. */
  meta: { key: string; value: ReplicaState | number };
  entries: { key: [string, string, number]; value: Entry; indexes: { slot: number } };
  staging: { key: number; value: { lane: Lane; ops: StagedOps }; indexes: { lane: Lane } };
  mutations: {
    key: number;
    value: MutationRecord;
    indexes: { state: string; attention: string };
  };
  local: { key: string; value: unknown };
}
type Db = IDBPDatabase<Schema>;
type Writing = IDBPTransaction<Schema, StoreName[], 'readwrite'>;
type Reading = IDBPTransaction<Schema, StoreName[], 'readonly' | 'readwrite'>;

/** All keys [tbl, ...] or [tbl, key, ...]. */
function below(...prefix: string[]): IDBKeyRange {
  return IDBKeyRange.bound(prefix, [...prefix, []]);
}

class IdbTx implements Tx {
  constructor(private readonly reading: Reading) {}

  private get writing(): Writing {
    return this.reading as Writing;
  }

  async state() {
    return ((await this.reading.objectStore('meta').get('state')) as ReplicaState) ?? emptyState();
  }
  table(tbl: string) {
    return this.reading.objectStore('entries').getAll(below(tbl));
  }
  row(tbl: string, key: string) {
    return this.reading.objectStore('entries').getAll(below(tbl, key));
  }
  entries(slot: number, ids: readonly RowId[]) {
    const store = this.reading.objectStore('entries');
    return Promise.all(ids.map(({ tbl, key }) => store.get([tbl, key, slot])));
  }
  async staged(lane: Lane) {
    const all = await this.reading.objectStore('staging').index('lane').getAll(lane);
    return all.map(({ ops }) => ops);
  }
  mutation(id: number) {
    return this.reading.objectStore('mutations').get(id);
  }
  mutationsIn(state: MutationRecord['state']) {
    return this.reading.objectStore('mutations').index('state').getAll(state);
  }
  openAttention() {
    return this.reading.objectStore('mutations').index('attention').getAll('open');
  }
  countQueued() {
    return this.reading.objectStore('mutations').index('state').count('queued');
  }
  async local<T>(key: string) {
    return (await this.reading.objectStore('local').get(key)) as T | undefined;
  }
  localKeys(prefix: string) {
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    return this.reading.objectStore('local').getAllKeys(range);
  }

  putState(state: ReplicaState) {
    this.queue(this.writing.objectStore('meta').put(state, 'state'));
  }
  putEntries(entries: readonly Entry[]) {
    const store = this.writing.objectStore('entries');
    for (const entry of entries) this.queue(store.put(entry));
  }
  async clearSlot(slot: number) {
    const store = this.writing.objectStore('entries');
    for (const key of await store.index('slot').getAllKeys(slot)) this.queue(store.delete(key));
  }
  stage(lane: Lane, all: readonly StagedOps[]) {
    const store = this.writing.objectStore('staging');
    for (const ops of all) this.queue(store.add({ lane, ops }));
  }
  async clearStaged(lane: Lane) {
    const store = this.writing.objectStore('staging');
    for (const key of await store.index('lane').getAllKeys(lane)) this.queue(store.delete(key));
  }
  addMutation(mutation: Omit<MutationRecord, 'id'>) {
    return this.writing.objectStore('mutations').add(mutation as MutationRecord);
  }
  putMutation(mutation: MutationRecord) {
    this.queue(this.writing.objectStore('mutations').put(mutation));
  }
  removeMutation(id: number) {
    this.queue(this.writing.objectStore('mutations').delete(id));
  }
  putLocal(key: string, value: unknown) {
    this.queue(this.writing.objectStore('local').put(value, key));
  }
  removeLocal(key: string) {
    this.queue(this.writing.objectStore('local').delete(key));
  }
  async wipe() {
    const meta = this.writing.objectStore('meta');
    const leader = ((await meta.get('leader')) as number | undefined) ?? 0;
    for (const name of STORES) this.queue(this.writing.objectStore(name).clear());
    this.queue(meta.put(leader + 1, 'leader'));
  }

  /** Its failure aborts the transaction, whose `done` then tells. */
  private queue(request: Promise<unknown>): void {
    request.catch(() => undefined);
  }
}

function problemOf(error: unknown): unknown {
  if (error instanceof ReplicaProblem) return error;
  const name = (error as { name?: string } | null)?.name ?? '';
  if (name === 'QuotaExceededError') return new ReplicaProblem('disk_full');
  const isStore = typeof DOMException !== 'undefined' && error instanceof DOMException;
  return isStore ? new ReplicaProblem('io', `${name}: ${String(error)}`) : error;
}

export class IdbStore implements Store {
  readonly isKept = true;
  onClosed?: () => void;

  private constructor(
    private readonly db: Db,
    private readonly leader?: number,
  ) {}

  /** Errors: io (no IndexedDB, a browser that refuses it). */
  static async open(slug: string): Promise<IdbStore> {
    try {
      let store: IdbStore | undefined;
      const closed = () => store?.onClosed?.();
      const db: Db = await openDB<Schema>(`linli:${slug}`, VERSION, {
        upgrade: create,
        blocking: (_current, _blocked, event) => {
          (event.target as IDBDatabase).close();
          closed();
        },
        terminated: closed,
      });
      return (store = new IdbStore(db));
    } catch (error) {
      throw problemOf(error);
    }
  }

  async read<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    try {
      return await body(new IdbTx(this.db.transaction([...STORES], 'readonly')));
    } catch (error) {
      throw problemOf(error);
    }
  }

  async write<T>(durability: Durability, body: (tx: Tx) => Promise<T>): Promise<T> {
    try {
      const writing = this.db.transaction([...STORES], 'readwrite', { durability });
      return await this.run(writing, body);
    } catch (error) {
      throw problemOf(error);
    }
  }

  private async run<T>(writing: Writing, body: (tx: Tx) => Promise<T>): Promise<T> {
    writing.done.catch(() => undefined);
    let result: T;
    try {
      if (this.leader !== undefined) {
        const leader = await writing.objectStore('meta').get('leader');
        if (leader !== this.leader) throw new ReplicaProblem(NOT_LEADER);
      }
      result = await body(new IdbTx(writing));
    } catch (error) {
      // The transaction's own reason (no space) says more than the request it took down.
      const isOpen = abort(writing);
      if (!isOpen && writing.error) throw writing.error;
      throw error;
    }
    await writing.done;
    return result;
  }

  async lead(): Promise<IdbStore> {
    return new IdbStore(this.db, await this.takeOver());
  }

  private async takeOver(): Promise<number> {
    try {
      const writing = this.db.transaction('meta', 'readwrite', { durability: 'strict' });
      const next = (((await writing.store.get('leader')) as number | undefined) ?? 0) + 1;
      await writing.store.put(next, 'leader');
      await writing.done;
      return next;
    } catch (error) {
      throw problemOf(error);
    }
  }

  close(): void {
    this.db.close();
  }
}

/** False when it had ended already. */
function abort(writing: Writing): boolean {
  try {
    writing.abort();
    return true;
  } catch {
    return false;
  }
}

function create(db: Db): void {
  db.createObjectStore('meta');
  db.createObjectStore('entries', { keyPath: ['tbl', 'key', 'slot'] }).createIndex('slot', 'slot');
  db.createObjectStore('staging', { autoIncrement: true }).createIndex('lane', 'lane');
  const mutations = db.createObjectStore('mutations', { keyPath: 'id', autoIncrement: true });
  mutations.createIndex('state', 'state');
  mutations.createIndex('attention', 'attention');
  db.createObjectStore('local');
}
