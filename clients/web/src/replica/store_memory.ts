// SPDX-License-Identifier: Apache-2.0
// A store that forgets: for tests, and for web views that keep nothing.
import type { Lane } from '../protocol/frames';
import { ReplicaProblem } from './problem';
import {
  copyState, emptyState, NOT_LEADER, type Entry, type MutationRecord, type ReplicaState, type RowId,
  type StagedOps, type Store, type Tx,
} from './store';

interface Content {
  state: ReplicaState;
  entries: Map<string, Entry>;
  staged: Record<Lane, StagedOps[]>;
  mutations: Map<number, MutationRecord>;
  local: Map<string, unknown>;
  lastId: number;
  leader: number;
}

function emptyContent(): Content {
  return {
    state: emptyState(), entries: new Map(), staged: { u: [], s: [] }, mutations: new Map(),
    local: new Map(), lastId: 0, leader: 0,
  };
}

const idOf = (slot: number, tbl: string, key: string) => `${tbl}\0${key}\0${slot}`;

class MemoryTx implements Tx {
  constructor(private readonly to: Content) {}

  async state() {
    return copyState(this.to.state);
  }
  async table(tbl: string) {
    return [...this.to.entries.values()].filter((entry) => entry.tbl === tbl);
  }
  async row(tbl: string, key: string) {
    return [...this.to.entries.values()].filter((entry) => entry.tbl === tbl && entry.key === key);
  }
  async entries(slot: number, ids: readonly RowId[]) {
    return ids.map(({ tbl, key }) => this.to.entries.get(idOf(slot, tbl, key)));
  }
  async staged(lane: Lane) {
    return this.to.staged[lane];
  }
  async mutation(id: number) {
    return this.to.mutations.get(id);
  }
  async mutationsIn(state: MutationRecord['state']) {
    return this.sorted((mutation) => mutation.state === state);
  }
  async openAttention() {
    return this.sorted((mutation) => mutation.attention === 'open');
  }
  async countQueued() {
    return this.sorted((mutation) => mutation.state === 'queued').length;
  }
  async local<T>(key: string) {
    return this.to.local.get(key) as T | undefined;
  }
  async localKeys(prefix: string) {
    return [...this.to.local.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  putState(state: ReplicaState) {
    this.to.state = copyState(state);
  }
  putEntries(entries: readonly Entry[]) {
    for (const entry of entries) this.to.entries.set(idOf(entry.slot, entry.tbl, entry.key), entry);
  }
  async clearSlot(slot: number) {
    for (const [id, entry] of this.to.entries) if (entry.slot === slot) this.to.entries.delete(id);
  }
  stage(lane: Lane, ops: readonly StagedOps[]) {
    this.to.staged[lane] = [...this.to.staged[lane], ...ops];
  }
  async clearStaged(lane: Lane) {
    this.to.staged[lane] = [];
  }
  async addMutation(mutation: Omit<MutationRecord, 'id'>) {
    const id = ++this.to.lastId;
    this.to.mutations.set(id, { ...mutation, id });
    return id;
  }
  putMutation(mutation: MutationRecord) {
    this.to.mutations.set(mutation.id, mutation);
  }
  removeMutation(id: number) {
    this.to.mutations.delete(id);
  }
  putLocal(key: string, value: unknown) {
    this.to.local.set(key, structuredClone(value));
  }
  removeLocal(key: string) {
    this.to.local.delete(key);
  }
  async wipe() {
    const { lastId, leader } = this.to;
    Object.assign(this.to, emptyContent(), { lastId, leader: leader + 1 });
  }

  private sorted(fits: (mutation: MutationRecord) => boolean): MutationRecord[] {
    return [...this.to.mutations.values()].filter(fits).sort((a, b) => a.id - b.id);
  }
}

/** Shared by all stores that lead() made from one. */
class Memory {
  content = emptyContent();
  private turn: Promise<unknown> = Promise.resolve();
  /** Tests: called before each commit; what it throws fails the transaction. */
  onCommit?: () => void;

  run<T>(isWrite: boolean, body: (content: Content) => Promise<T>): Promise<T> {
    const done = this.turn.then(async () => {
      const copy: Content = {
        ...this.content, entries: new Map(this.content.entries), staged: { ...this.content.staged },
        mutations: new Map(this.content.mutations), local: new Map(this.content.local),
      };
      const result = await body(copy);
      if (isWrite) {
        this.onCommit?.();
        this.content = copy;
      }
      return result;
    });
    this.turn = done.catch(() => undefined);
    return done;
  }
}

export class MemoryStore implements Store {
  readonly isKept = false;
  onClosed?: () => void;

  constructor(
    private readonly memory = new Memory(),
    private readonly leader?: number,
  ) {}

  set onCommit(hook: (() => void) | undefined) {
    this.memory.onCommit = hook;
  }

  read<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    return this.memory.run(false, (content) => body(new MemoryTx(content)));
  }

  write<T>(_: unknown, body: (tx: Tx) => Promise<T>): Promise<T> {
    return this.memory.run(true, (content) => {
      if (this.leader !== undefined && content.leader !== this.leader) {
        throw new ReplicaProblem(NOT_LEADER);
      }
      return body(new MemoryTx(content));
    });
  }

  async lead(): Promise<MemoryStore> {
    const leader = await this.memory.run(true, async (content) => ++content.leader);
    return new MemoryStore(this.memory, leader);
  }

  close(): void {}
}
