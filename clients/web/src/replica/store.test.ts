// SPDX-License-Identifier: Apache-2.0
// Both stores keep the same promises; what only IndexedDB does stands below.
import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { expect, test } from 'vitest';
import { ReplicaProblem } from './problem';
import { emptyState, type MutationRecord, type Store } from './store';
import { IdbStore } from './store_idb';
import { MemoryStore } from './store_memory';

let made = 0;
const stores: [string, () => Promise<Store>][] = [
  ['memory', async () => new MemoryStore()],
  ['IndexedDB', () => IdbStore.open(`test-${++made}`)],
];
const entry = (key: string, slot: number) => ({ tbl: 't', key, slot, ver: 1, data: '{}', h: 5n });
const mutation = (some: Partial<MutationRecord>): Omit<MutationRecord, 'id'> => ({
  lane: 1, n: 0, name: 'm', args: '{}', wall: 1, off: 0, unc: 0, fixes: 0, state: 'queued',
  attention: 'none', seq: 0, lanes: [], code: '', msg: '', info: '', answeredAt: 0, ...some,
});

for (const [name, open] of stores) {
  test(`${name}: a transaction is there whole or not at all`, async () => {
    const store = await open();
    const fail = store.write('strict', async (tx) => {
      tx.putEntries([entry('a', 1)]);
      tx.putState({ ...emptyState(), nextSlot: 7 });
      await tx.addMutation(mutation({}));
      throw new ReplicaProblem('too_large');
    });
    await expect(fail).rejects.toMatchObject({ code: 'too_large' });
    const left = store.read(async (tx) => [await tx.table('t'), await tx.countQueued()]);
    expect(await left).toEqual([[], 0]);
    expect((await store.read((tx) => tx.state())).nextSlot).toBe(1);
    store.close();
  });

  test(`${name}: entries by slot, table, row and id`, async () => {
    const store = await open();
    await store.write('relaxed', async (tx) => {
      tx.putEntries([entry('a', 1), entry('a', 2), entry('b', 1), { ...entry('a', 1), tbl: 't2' }]);
    });
    await store.write('relaxed', async (tx) => {
      expect((await tx.table('t')).length).toBe(3);
      expect((await tx.row('t', 'a')).map(({ slot }) => slot).sort()).toEqual([1, 2]);
      const found = await tx.entries(1, [{ tbl: 't', key: 'b' }, { tbl: 't', key: 'none' }]);
      expect(found.map((one) => one?.h)).toEqual([5n, undefined]);
      await tx.clearSlot(1);
    });
    expect(await store.read((tx) => tx.table('t'))).toEqual([entry('a', 2)]);
    expect(await store.read((tx) => tx.table('t2'))).toEqual([]);
    store.close();
  });

  test(`${name}: mutations keep their order and are found by state`, async () => {
    const store = await open();
    await store.write('strict', async (tx) => {
      for (const state of ['queued', 'settled', 'queued', 'confirmed'] as const) {
        await tx.addMutation(mutation({ state, attention: state === 'settled' ? 'open' : 'none' }));
      }
    });
    await store.read(async (tx) => {
      expect((await tx.mutationsIn('queued')).map(({ id }) => id)).toEqual([1, 3]);
      expect((await tx.openAttention()).map(({ id }) => id)).toEqual([2]);
      expect(await tx.countQueued()).toBe(2);
      expect((await tx.mutation(4))!.state).toBe('confirmed');
    });
    await store.write('strict', async (tx) => tx.removeMutation(1));
    expect(await store.read((tx) => tx.countQueued())).toBe(1);
    store.close();
  });

  test(`${name}: staging of a lane comes back in order and goes`, async () => {
    const store = await open();
    const ops = (b: number) => ({ b, ops: [{ tbl: 't', key: 'a', ver: b, h: 0n }] });
    await store.write('relaxed', async (tx) => tx.stage('u', [ops(3), ops(1)]));
    await store.write('relaxed', async (tx) => tx.stage('u', [ops(2)]));
    await store.write('relaxed', async (tx) => tx.stage('s', [ops(9)]));
    expect((await store.read((tx) => tx.staged('u'))).map(({ b }) => b)).toEqual([3, 1, 2]);
    await store.write('relaxed', (tx) => tx.clearStaged('u'));
    expect(await store.read((tx) => tx.staged('u'))).toEqual([]);
    expect((await store.read((tx) => tx.staged('s'))).length).toBe(1);
    store.close();
  });

  test(`${name}: whoever leads next fences the leader before, and so does a wipe`, async () => {
    const store = await open();
    const first = await store.lead();
    await first.write('relaxed', async (tx) => tx.putLocal('a', 1));
    const second = await store.lead();
    const late = first.write('relaxed', async (tx) => tx.putLocal('a', 2));
    await expect(late).rejects.toMatchObject({ code: 'not_leader' });
    await second.write('relaxed', async (tx) => tx.putLocal('b', 3));
    expect(await store.read((tx) => tx.localKeys(''))).toEqual(['a', 'b']);
    await store.write('strict', (tx) => tx.wipe());
    expect(await store.read((tx) => tx.localKeys(''))).toEqual([]);
    const after = second.write('relaxed', async (tx) => tx.putLocal('b', 4));
    await expect(after).rejects.toMatchObject({ code: 'not_leader' });
    store.close();
  });
}

test('IndexedDB: what is written is there for another tab and after a reopening', async () => {
  const store = await IdbStore.open('kept');
  const other = await IdbStore.open('kept');
  const state = { ...emptyState(), nextSlot: 3, resN: [1, 2, 3] as [number, number, number] };
  await store.write('strict', async (tx) => tx.putState(state));
  expect(await other.read((tx) => tx.state())).toEqual(state);
  store.close();
  other.close();
  const again = await IdbStore.open('kept');
  expect(await again.read((tx) => tx.state())).toEqual(state);
  again.close();
});

test('IndexedDB: a newer tab closes an older one, which says so', async () => {
  const old = await IdbStore.open('upgraded');
  let isTold = false;
  old.onClosed = () => (isTold = true);
  const newer = await openDB('linli:upgraded', 99, { upgrade: () => undefined });
  expect(isTold).toBe(true);
  await expect(old.read((tx) => tx.state())).rejects.toMatchObject({ code: 'io' });
  newer.close();
});

test('IndexedDB: no space is disk_full, and nothing of the transaction stays', async () => {
  const store = await IdbStore.open('full');
  const { put } = IDBObjectStore.prototype;
  await store.write('strict', async (tx) => tx.putLocal('before', 1));
  IDBObjectStore.prototype.put = function (...args: Parameters<typeof put>) {
    if (args[1] === 'refused') throw new DOMException('no space', 'QuotaExceededError');
    return put.apply(this, args);
  };
  try {
    const write = store.write('strict', async (tx) => {
      tx.putLocal('after', 1);
      tx.putLocal('refused', 1);
    });
    await expect(write).rejects.toMatchObject({ code: 'disk_full' });
  } finally {
    IDBObjectStore.prototype.put = put;
  }
  expect(await store.read((tx) => tx.localKeys(''))).toEqual(['before']);
  store.close();
});

test('IndexedDB: outbox writes are strict, reveals without results are not (M25)', async () => {
  const store = await IdbStore.open('durable');
  const asked: (string | undefined)[] = [];
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (names, mode, options) {
    if (mode === 'readwrite') asked.push(options?.durability);
    return transaction.call(this, names as string[], mode, options);
  };
  try {
    await store.write('strict', async (tx) => tx.putLocal('a', 1));
    await store.write('relaxed', async (tx) => tx.putLocal('a', 2));
    await store.lead();
  } finally {
    IDBDatabase.prototype.transaction = transaction;
  }
  expect(asked).toEqual(['strict', 'relaxed', 'strict']);
  store.close();
});
