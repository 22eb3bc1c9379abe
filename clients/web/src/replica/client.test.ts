// SPDX-License-Identifier: Apache-2.0
// The page's replica without a server: what it keeps, shows, and refuses offline.
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LocalMutation, Readable, Replica, Row, Status } from './api';
import { fillingBucket } from './apply';
import { openReplica } from './client';
import { DeviceKey } from '../protocol/sign';
import { emptyState, type ReplicaState, type Store } from './store';
import { IdbStore } from './store_idb';
import { MemoryStore } from './store_memory';

/** A line that is dead. */
class DeadSocket {
  static OPEN = 1;
  static CONNECTING = 0;
  readyState = 3;
  onclose?: (event: { code: number }) => void;
  constructor() {
    setTimeout(() => this.onclose?.({ code: 1006 }));
  }
  close() {}
}

const ACCOUNT = 'b'.repeat(32);
let opened: Replica[] = [];
let made = 0;

beforeEach(() => {
  vi.stubGlobal('WebSocket', DeadSocket);
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')));
});
afterEach(async () => {
  for (const replica of opened) await replica.close();
  opened = [];
  vi.unstubAllGlobals();
});

async function open(slug: string, store?: Store): Promise<Replica> {
  const base = new URL(`http://127.0.0.1:9/c/${slug}/`);
  const replica = await openReplica(slug, { base, ...(store && { store }) });
  opened.push(replica);
  return replica;
}

/** A phone that was enrolled and holds one mute row. */
async function enrolled(some: Partial<ReplicaState> = {}) {
  const slug = `c${++made}`;
  const seed = new Uint8Array(32).fill(5);
  const { cid } = new DeviceKey(seed);
  const store = await IdbStore.open(slug);
  await store.write('strict', async (tx) => {
    const grant = { b: 1, gen: 1, lane: 's' as const, pri: 1, isSensitive: false };
    const digest = { n: 1, s: 5n };
    const bucket = { ...fillingBucket(grant), isLive: true, slot: 1, digest };
    const identity = {
      slug, origin: 'http://127.0.0.1:9', cid, seed, account: ACCOUNT, person: 'p', name: '王',
      community: '淮南社区', serverPub: '', cert: '',
    };
    const state = { identity, contactAt: Date.now(), leaseMs: 1e9, epoch: '1'.repeat(32) };
    tx.putState({ ...emptyState(), ...state, buckets: new Map([[1, bucket]]), ...some });
    const data = JSON.stringify({ category: 'farming', muted: true });
    tx.putEntries([{ tbl: 'mute', key: `${ACCOUNT}:farming`, slot: 1, ver: 3, data, h: 5n }]);
  });
  store.close();
  return { slug, replica: await open(slug) };
}

/** The first value that fits. */
function until<T>(of: Readable<T>, fits: (value: T) => boolean): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it never came')), 3_000);
    let stop: (() => void) | undefined;
    stop = of.subscribe((value) => {
      if (!fits(value)) return;
      clearTimeout(timer);
      resolve(value);
      queueMicrotask(() => stop?.());
    });
  });
}
/** Messages between tabs have arrived. */
async function delivered(): Promise<void> {
  for (let i = 0; i < 20; ++i) await new Promise((done) => setImmediate(done));
}
const mute = { category: 'events', muted: true };

test('work made offline shows, is kept, and may be edited and withdrawn (GEN-1)', async () => {
  const { slug, replica } = await enrolled();
  const rows = replica.rows<Record<string, unknown>>('mute');
  expect(await until(rows, (all) => all.length === 1)).toMatchObject([{ isPending: false }]);
  const { id, state } = await replica.mutate('notice.mute', mute);
  expect(state).toBe('unsent');
  await until(rows, (all: Row[]) => all.some((row) => row.isPending));
  expect(await until(replica.status, (s) => s.pending === 1)).toMatchObject({ state: 'pending' });

  const again = await open(slug);
  expect(await until(again.pending, (all) => all.length === 1)).toMatchObject([{ id, args: mute }]);
  await again.edit(id, { ...mute, muted: false });
  const row = replica.row<{ muted: boolean }>('mute', `${ACCOUNT}:events`);
  await until(row, (one) => one?.value.muted === false);
  await replica.withdraw(id);
  await until(again.pending, (all) => all.length === 0);
  await until(again.rows('mute'), (all) => all.length === 1);
  await expect(replica.edit(id, mute)).rejects.toMatchObject({ code: 'not_found' });
});

test('a query is read again only when its table is touched', async () => {
  const { replica } = await enrolled();
  const seen: Record<string, number> = { mute: 0, ack: 0 };
  for (const tbl of ['mute', 'ack']) replica.rows(tbl).subscribe(() => ++seen[tbl]!);
  await until(replica.rows('mute'), (all) => all.length === 1);
  await new Promise((done) => setTimeout(done, 300));
  const before = { ...seen };
  await replica.mutate('notice.mute', mute);
  await until(replica.rows('mute'), (all) => all.length === 2);
  await new Promise((done) => setTimeout(done, 100));
  expect(seen.mute).toBeGreaterThan(before.mute!);
  expect(seen.ack).toBe(before.ack);
});

test('the second tab takes the lead, the first goes on as a follower', async () => {
  const { slug, replica } = await enrolled();
  await until(replica.status, (s) => !s.isFollower);
  const second = await open(slug);
  await until(replica.status, (s: Status) => s.isFollower);
  const { id } = await replica.mutate('notice.mute', mute);
  const all = await until(second.pending, (list: LocalMutation[]) => list.length === 1);
  expect(all[0]!.id).toBe(id);
});

test('sign-out is refused while work is unsent (GEN-8), then nothing is left', async () => {
  const { slug, replica } = await enrolled();
  const { id } = await replica.mutate('notice.mute', mute);
  await expect(replica.signOut()).rejects.toMatchObject({ code: 'wrong_state' });
  const { pending } = JSON.parse(await replica.exportUnsent());
  expect(pending).toMatchObject([{ name: 'notice.mute', args: mute }]);
  await replica.withdraw(id);
  await replica.signOut();
  const status = await until(replica.status, (s) => s.identity === undefined);
  expect(status).toMatchObject({ state: 'offline', pending: 0, wasWiped: false });
  await until(replica.rows('mute'), (all) => all.length === 0);
  const store = await IdbStore.open(slug);
  expect(await store.read((tx) => tx.table('mute'))).toEqual([]);
  expect((await store.read((tx) => tx.state())).identity).toBeUndefined();
  store.close();
  const late = replica.mutate('notice.mute', mute);
  await expect(late).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('a revoked phone may be signed out although its work can never be sent', async () => {
  const { replica } = await enrolled({ isRevoked: true });
  const status = await until(replica.status, (s) => s.isRevoked);
  expect(status).toMatchObject({ trouble: { code: 'revoked' } });
  await expect(replica.mutate('notice.mute', mute)).rejects.toMatchObject({ code: 'revoked' });
  await replica.signOut();
});

test('an alert sounds once per incident and colour, also in a second tab (E9)', async () => {
  const { slug, replica } = await enrolled();
  expect(await replica.firstAlert('w-1', 'orange')).toBe(true);
  expect(await replica.firstAlert('w-1', 'orange')).toBe(false);
  expect(await replica.firstAlert('w-1', 'red')).toBe(true);
  const second = await open(slug);
  expect(await second.firstAlert('w-1', 'red')).toBe(false);
});

test('opened notices are gathered for half a minute and become one mutation', async () => {
  const { replica } = await enrolled();
  await until(replica.status, (s) => s.contactAt > 0);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    for (const id of ['n1', 'n2', 'n1']) await replica.noteSeen(id);
    await delivered();
    await vi.advanceTimersByTimeAsync(29_000);
    expect(await replica.exportUnsent()).not.toContain('notice.seen');
    await vi.advanceTimersByTimeAsync(2_000);
  } finally {
    vi.useRealTimers();
  }
  const [one] = await until(replica.pending, (all) => all.length > 0);
  expect(one).toMatchObject({ name: 'notice.seen', args: { ids: ['n1', 'n2'] } });
});

test('a slip read offline is kept and shown as waiting (ENR-3)', async () => {
  const slug = `c${++made}`;
  const replica = await open(slug);
  await replica.readSlip({ code: 'secret', label: '手机', purposes: [] });
  await until(replica.status, (s) => s.slip?.stage === 'checking');
  await replica.close();
  opened = [];
  const again = await open(slug);
  await until(again.status, (s) => s.slip?.stage === 'checking');
  await expect(again.choosePerson('1')).rejects.toMatchObject({ code: 'wrong_state' });
  await again.forgetSlip();
  await until(again.status, (s) => s.slip === undefined);
});

test('a store that was lost under us is told, one that never was is not', async () => {
  const marks = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => marks.get(key) ?? null,
    setItem: (key: string, value: string) => marks.set(key, value),
    removeItem: (key: string) => marks.delete(key),
  });
  const { slug, replica } = await enrolled();
  await until(replica.status, (s) => s.identity !== undefined);
  expect(marks.size).toBe(1);
  await replica.close();
  opened = [];
  await new Promise((done) => (indexedDB.deleteDatabase(`linli:${slug}`).onsuccess = done));
  expect(await until((await open(slug)).status, () => true)).toMatchObject({ wasWiped: true });
  expect(await until((await open('never')).status, () => true)).toMatchObject({ wasWiped: false });
});

test('a browser that keeps nothing says so and works all the same', async () => {
  const replica = await open('volatile', new MemoryStore());
  const status = await until(replica.status, () => true);
  expect(status).toMatchObject({ isVolatile: true, state: 'offline' });
  await replica.readSlip({ code: 'secret', label: 'x', purposes: [] });
  await until(replica.status, (s) => s.slip?.stage === 'checking');
});

test('what is too large or no mutation is refused with a code', async () => {
  const { replica } = await enrolled();
  const large = replica.mutate('notice.mute', { x: 'y'.repeat(70_000) });
  await expect(large).rejects.toMatchObject({ code: 'too_large' });
  await expect(replica.mutate('no blanks', {})).rejects.toMatchObject({ code: 'invalid_argument' });
  const list = replica.mutate('m', [] as never);
  await expect(list).rejects.toMatchObject({ code: 'invalid_argument' });
  await expect(replica.token()).rejects.toMatchObject({ code: 'unavailable' });
});
