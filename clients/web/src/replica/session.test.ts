// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { toBase64Url } from '../protocol/bytes';
import { DeviceKey } from '../protocol/sign';
import { ReplicaProblem } from './problem';
import { reconnectDelay } from './session';
import { ModelServer } from './testing/model_server';
import { ACCOUNT, FakeClock, SeededRng, SimPhone } from './testing/sim_phone';

const HOUR = 3_600_000;
/** Hash of nobody's mutation. */
const OTHER = toBase64Url(new Uint8Array(16));

async function world(seed = 1) {
  const clock = new FakeClock();
  const phone = await SimPhone.enrolled(clock, new SeededRng(seed));
  const server = new ModelServer(ACCOUNT, phone.key.pub);
  server.addBucket(1, 'u');
  server.addBucket(2, 's');
  server.commit([{ b: 1, key: 'a', data: '{"v":1}' }, { b: 2, key: 'b', data: '{"v":1}' }]);
  return { clock, phone, server };
}
type World = Awaited<ReturnType<typeof world>>;

async function synced(seed?: number): Promise<World> {
  const made = await world(seed);
  await made.phone.settle(made.server);
  return made;
}

const line = (...frames: object[]) => frames.map((f) => `${JSON.stringify(f)}\n`).join('');
const keys = async ({ phone }: World) => (await phone.rows()).map((row) => row.key);
const values = async ({ phone }: World) =>
  Object.fromEntries((await phone.rows()).map(({ key, value }) => [key, value.v]));
const sentOf = ({ phone }: World, t: string) => phone.sent.filter((frame) => frame.t === t);
const set = (key: string, v: number, b = 2) => ({
  key, v, rows: [{ b, key, data: JSON.stringify({ v }) }],
});

// --- Rows ----------------------------------------------------------------------------------------

test('nothing shows before its C, and the lanes are revealed one by one', async () => {
  const w = await synced();
  const data = '{"v":2}';
  const ver = w.server.commit([{ b: 1, key: 'c', data }, { b: 2, key: 'd', data }]);
  const frames = [w.server.next(1)!, w.server.next(1)!, w.server.next(1)!, w.server.next(1)!];
  expect(frames.map((f) => JSON.parse(f).t)).toEqual(['B', 'C', 'B', 'C']);
  await w.phone.hear(frames[0]!);
  expect(await keys(w)).toEqual(['a', 'b']);
  await w.phone.hear(frames[1]!);
  expect(await keys(w)).toEqual(['a', 'b', 'c']);
  await w.phone.hear(frames[2]!);
  expect(await keys(w)).toEqual(['a', 'b', 'c']);
  await w.phone.hear(frames[3]!);
  expect(await keys(w)).toEqual(['a', 'b', 'c', 'd']);
  expect(w.phone.replica.state.cur).toEqual({ u: ver, s: ver });
});

test('an op older than what is stored changes nothing, tombstones included', async () => {
  const w = await synced();
  const ver = w.server.commit([{ b: 2, key: 'b' }, { b: 2, key: 'n', data: '{"v":9}' }]);
  await w.phone.settle(w.server);
  const old = ver - 1;
  const ops = [[1, 't', 'b', old, '{"v":7}'], [1, 't', 'n', old, '{"v":7}'], [0, 't', 'n', old]];
  const seq = ver + 5;
  const b = { t: 'B', b: 2, to: seq, ops, d: w.server.digest(2) };
  await w.phone.hear(line(b, { t: 'C', lane: 's', seq }));
  expect(await values(w)).toEqual({ a: 1, n: 9 });
  expect(w.phone.replica.state.digestMismatches).toBe(0);
});

test('a pong moves a cursor only where nothing is staged', async () => {
  const w = await synced();
  w.server.commit([{ b: 2, key: 'x', data: '{"v":2}' }]);
  await w.phone.hear(w.server.next(1)!);
  const { s } = w.phone.replica.state.cur;
  await w.phone.hear(line({ t: 'pong', t0: 0, t1: 0, u: 90, s: 90 }));
  expect(w.phone.replica.state.cur).toEqual({ u: 90, s });
});

test('a wrong bucket shows on and is fetched at once, then 1 min doubling to 1 h', async () => {
  const w = await synced();
  const wrong = [1, '0'.repeat(16)];
  const seq = ++w.server.seq;
  const b = { t: 'B', b: 2, to: seq, ops: [], d: wrong };
  await w.phone.hear(line(b, { t: 'C', lane: 's', seq }));
  expect(await keys(w)).toEqual(['a', 'b']);
  expect(sentOf(w, 'refill')).toEqual([{ t: 'refill', b: [2] }]);
  let at = w.clock.now;
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    w.phone.up = [];
    const before = sentOf(w, 'refill').length;
    await w.phone.hear(line({ t: 'C', b: 2, seq, d: wrong }));
    while (sentOf(w, 'refill').length === before) {
      await w.phone.hear(line({ t: 'pong', t0: 0, t1: 0, u: 0, s: 0 }));
      await w.phone.tick();
    }
    expect((w.clock.now - at) / 60_000).toBeCloseTo(minutes, 1);
    at = w.clock.now;
  }
  await w.phone.drop(w.server);
  await w.phone.settle(w.server);
  expect(await values(w)).toEqual({ a: 1, b: 1 });
  expect(w.phone.replica.state.digestMismatches).toBe(9);
});

test('frames of before a refill do not spoil it', async () => {
  const w = await synced();
  const seq = ++w.server.seq;
  const wrong = { t: 'B', b: 2, to: seq, ops: [], d: [1, '0'.repeat(16)] };
  await w.phone.hear(line(wrong, { t: 'C', lane: 's', seq }));
  expect(sentOf(w, 'refill')).toHaveLength(1);
  w.server.commit([{ b: 2, key: 'gone', data: '{"v":2}' }]);
  await w.phone.hear(w.server.next(2)!);
  // No fill says that the server forgot the row.
  w.server.buckets.get(2)!.entries.delete('gone');
  w.server.receive(w.phone.up.pop()!);
  await w.phone.settle(w.server);
  expect(await values(w)).toEqual({ a: 1, b: 1 });
  expect(w.phone.replica.state.digestMismatches).toBe(1);
  expect(sentOf(w, 'refill')).toHaveLength(1);
});

test('an answered refill that is wrong again is still repeated without haste', async () => {
  const w = await synced();
  const seq = ++w.server.seq;
  const wrong = [1, '0'.repeat(16)];
  const b = { t: 'B', b: 2, to: seq, ops: [], d: wrong };
  await w.phone.hear(line(b, { t: 'C', lane: 's', seq }));
  const again = { t: 'M', at: seq, add: [[2, w.server.buckets.get(2)!.gen, 's', 5, 0]] };
  await w.phone.hear(line(again, { t: 'C', b: 2, seq, d: wrong }));
  expect(w.phone.replica.state.digestMismatches).toBe(2);
  expect(sentOf(w, 'refill')).toHaveLength(1);
});

test('a wrong first fill is shown all the same, a wrong later one is not', async () => {
  const w = await world();
  await w.phone.connect(w.server);
  w.server.receive(w.phone.up.shift()!);
  await w.phone.hear(w.server.next(1)!);
  const fill = (data: string) => line(
    { t: 'B', b: 1, to: 9, ops: [[1, 't', 'a', 3, data]] },
    { t: 'C', b: 1, seq: 9, d: [7, '0'.repeat(16)] },
  );
  await w.phone.hear(fill('{"v":5}'));
  expect(await values(w)).toEqual({ a: 5 });
  await w.phone.hear(fill('{"v":6}'));
  expect(await values(w)).toEqual({ a: 5 });
});

test('staging above 1 MiB leaves memory and is all there at the C', async () => {
  const w = await synced();
  const text = JSON.stringify({ v: 1, text: 'x'.repeat(100_000) });
  const rows = Array.from({ length: 15 }, (_, i) => ({ b: 2, key: `big${i}`, data: text }));
  w.server.commit(rows);
  const [b, c] = [JSON.parse(w.server.next(1)!), w.server.next(1)!];
  for (const op of b.ops) await w.phone.hear(line({ ...b, ops: [op] }));
  expect((await w.phone.store.read((tx) => tx.staged('s'))).length).toBeGreaterThan(5);
  expect(await keys(w)).toEqual(['a', 'b']);
  await w.phone.hear(c);
  expect((await keys(w)).length).toBe(17);
  expect(await w.phone.store.read((tx) => tx.staged('s'))).toEqual([]);
  expect(w.phone.replica.state.digestMismatches).toBe(0);
});

test('a fill that was cut goes on where it was, a dropped bucket is purged at once', async () => {
  const w = await synced();
  w.server.commit(Array.from({ length: 9 }, (_, i) => ({ b: 2, key: `k${i}`, data: '{"v":1}' })));
  await w.phone.settle(w.server);
  w.server.setMember(2, false);
  await w.phone.hear(w.server.next(1)!);
  expect(await keys(w)).toEqual(['a']);
  for (let i = 0; i < 9; ++i) w.server.commit([{ b: 2, key: `k${i}`, data: '{"v":2}' }]);
  w.server.setMember(2, true);
  await w.phone.hear(w.server.next(3)!);
  const { clock } = w;
  clock.now += 11_000;
  await w.phone.tick();
  await w.phone.drop(w.server);
  const { fillCursor } = w.phone.replica.state.buckets.get(2)!;
  expect(fillCursor).toBeGreaterThan(0);
  await w.phone.settle(w.server);
  const part = w.server.got.filter((f) => f.t === 'hello_body').at(-1)!.part;
  expect(part).toEqual([[2, w.server.buckets.get(2)!.gen, fillCursor]]);
  expect((await values(w)).k8).toBe(2);
  expect(w.phone.replica.state.digestMismatches).toBe(0);
});

test('acks: one at each C, and whenever 8 KiB more have come', async () => {
  const w = await synced();
  const acks = () => sentOf(w, 'ack').length;
  const before = acks();
  const b = (text: string) => line({ t: 'B', b: 2, to: 90, ops: [[1, 't', 'z', 90, text]] });
  await w.phone.hear(b('x'.repeat(4000)));
  expect(acks()).toBe(before);
  await w.phone.hear(b('x'.repeat(4200)));
  expect(acks()).toBe(before + 1);
  await w.phone.hear(line({ t: 'C', lane: 's', seq: 90 }));
  expect(sentOf(w, 'ack').at(-1)).toMatchObject({ s: 90, res: [0, 0, 0] });
  const rx = sentOf(w, 'ack').map((frame) => frame.rx as number);
  expect(rx).toEqual([...rx].sort((x, y) => x - y));
});

test('a store that fails closes the socket, acknowledges nothing, and loses nothing', async () => {
  const w = await synced();
  w.server.commit([{ b: 2, key: 'x', data: '{"v":2}' }]);
  w.phone.store.onCommit = () => {
    throw new ReplicaProblem('disk_full');
  };
  const acks = sentOf(w, 'ack').length;
  await w.phone.hear(w.server.next(9)!, w.server);
  expect(w.phone.isOpen).toBe(false);
  expect(w.phone.session.trouble?.code).toBe('disk_full');
  expect(sentOf(w, 'ack').length).toBe(acks);
  w.phone.store.onCommit = undefined;
  await w.phone.settle(w.server);
  expect(await values(w)).toEqual({ a: 1, b: 1, x: 2 });
  expect(w.phone.session.trouble).toBeUndefined();
});

// --- Line ----------------------------------------------------------------------------------------

test('it pings after 45 s, and gives up 20 s after a ping without a byte', async () => {
  const w = await synced();
  await w.phone.hear(line({ t: 'pong', t0: 0, t1: 0, u: 0, s: 0 }));
  const start = w.clock.now;
  const pings = sentOf(w, 'ping').length;
  await w.phone.tick();
  expect(sentOf(w, 'ping').length).toBe(pings + 1);
  expect(w.clock.now - start).toBe(45_000);
  await w.phone.tick();
  expect(w.clock.now - start).toBe(65_000);
  expect(w.phone.closes).toEqual([4408]);
});

test('it waits 1 s doubling to 60 s, times [0.5, 1), and from the start after a C', async () => {
  const rng = new SeededRng(3);
  for (let attempts = 0; attempts < 12; ++attempts) {
    const step = Math.min(1000 * 2 ** attempts, 60_000);
    for (let i = 0; i < 50; ++i) {
      const delay = reconnectDelay(attempts, rng);
      expect(delay).toBeGreaterThanOrEqual(step / 2);
      expect(delay).toBeLessThan(step);
    }
  }
  const w = await synced();
  for (let i = 0; i < 5; ++i) await w.phone.drop(w.server);
  expect(w.phone.dialAt! - w.clock.now).toBeGreaterThanOrEqual(8_000);
  await w.phone.settle(w.server);
  await w.phone.hear(line({ t: 'drain', after: 30_000 }));
  await w.phone.drop(w.server, 1001);
  const wait = w.phone.dialAt! - w.clock.now;
  expect(wait).toBeGreaterThanOrEqual(30_500);
  expect(wait).toBeLessThan(31_000);
});

test('what it must understand and does not closes with 4426, rubbish with 4400', async () => {
  for (const [text, code] of [['{"t":"x","must":true}\n', 4426], ['{"t":"C"}\n', 4400]] as const) {
    const w = await synced();
    await w.phone.hear(text, w.server);
    expect(w.phone.closes).toEqual([code]);
  }
});

test('revoked: rows go at once, work stays, it does not come back by itself (ENR-5)', async () => {
  const w = await synced();
  await w.phone.drop(w.server);
  await w.phone.mutate('model.set', set('mine', 4));
  w.server.revoked = true;
  await w.phone.settle(w.server);
  expect(w.phone.session.isHalted).toBe(true);
  expect(w.phone.replica.state).toMatchObject({ isRevoked: true, cur: { u: 0, s: 0 } });
  expect(await w.phone.store.read((tx) => tx.table('t'))).toEqual([]);
  expect(await w.phone.store.read((tx) => tx.countQueued())).toBe(1);
  expect(w.phone.dialAt).toBeUndefined();
});

test('past their lease rows are locked, sensitive ones go by both clocks (M19)', async () => {
  const w = await world();
  w.server.addBucket(3, 's', true);
  w.server.commit([{ b: 3, key: 'card', data: '{"v":1}' }]);
  await w.phone.settle(w.server);
  w.clock.now += 30_000;
  expect(await keys(w)).toEqual(['a', 'b', 'card']);
  await w.phone.drop(w.server);
  w.clock.wallOffset += 2 * HOUR;
  expect(await keys(w)).toEqual([]);
  // A wall clock that was set far ahead purges nothing: the phone did not run so long.
  w.clock.wallOffset += 300 * HOUR;
  w.clock.now += 600_000;
  await w.phone.tick();
  expect(w.phone.replica.state.buckets.get(3)!.slot).toBeGreaterThan(0);
  for (let i = 0; i < 13; ++i) {
    w.clock.now += 600_000;
    await w.phone.tick();
  }
  expect(w.phone.replica.state.buckets.get(3)).toMatchObject({ slot: 0, isLive: false });
  await w.phone.settle(w.server);
  expect(await keys(w)).toEqual(['a', 'b', 'card']);
});

// --- Work ----------------------------------------------------------------------------------------

test('work is numbered when it is first sent, and pushed once on one socket', async () => {
  const w = await synced();
  await w.phone.drop(w.server);
  for (let v = 1; v <= 250; ++v) await w.phone.mutate('model.set', set('k', v));
  expect(w.phone.replica.state.lastN).toEqual([0, 0, 0]);
  await w.phone.settle(w.server);
  const pushed = sentOf(w, 'push').flatMap((frame) => frame.muts.map((m: { n: number }) => m.n));
  expect(pushed).toEqual(Array.from({ length: 250 }, (_, i) => i + 1));
  expect(sentOf(w, 'push').every((frame) => frame.muts.length <= 100)).toBe(true);
  expect(w.server.ran.length).toBe(250);
  expect((await values(w)).k).toBe(250);
});

test('retry pauses the lane and sends again from that number', async () => {
  const w = await synced();
  await w.phone.mutate('model.set', set('k', 1));
  await w.phone.mutate('model.set', set('k', 2));
  w.phone.up = [];
  const start = w.clock.now;
  const retry = { t: 'R', lane: 1, n: 1, st: 'retry', code: 'rate_limited', after: 2_500 };
  await w.phone.hear(line(retry));
  while (!w.phone.up.some((text) => text.includes('push'))) await w.phone.tick();
  expect(w.clock.now - start).toBeGreaterThanOrEqual(2_500);
  await w.phone.settle(w.server);
  expect(w.server.ran.map((args) => JSON.parse(args).v)).toEqual([1, 2]);
});

test('a refused one goes to the attention list at once and its effect goes away', async () => {
  const w = await synced();
  await w.phone.mutate('model.set', set('k', 1, 99));
  expect((await values(w)).k).toBe(1);
  await w.phone.settle(w.server);
  expect((await values(w)).k).toBeUndefined();
  const [open] = await w.phone.store.read((tx) => tx.openAttention());
  expect(open).toMatchObject({ code: 'not_member', n: 1, attention: 'open' });
});

test('a restored server gets what it forgot again, under its old number', async () => {
  const w = await synced();
  await w.phone.mutate('model.set', set('k', 1));
  await w.phone.settle(w.server);
  const lost = new ModelServer(ACCOUNT, w.phone.key.pub);
  lost.epoch = '2'.repeat(32);
  lost.addBucket(1, 'u');
  lost.addBucket(2, 's');
  await w.phone.drop(w.server);
  await w.phone.mutate('model.set', set('k', 2));
  await w.phone.settle(lost);
  expect(lost.ran.map((args) => JSON.parse(args).v)).toEqual([1, 2]);
  expect(lost.lastN).toEqual([0, 2, 0]);
  expect(await values(w)).toEqual({ k: 2 });
});

test('a foreign answer, a too large last_n and forked each end in a new key', async () => {
  const foreign = async (w: World) => {
    await w.phone.mutate('model.set', set('k', 1));
    w.phone.up = [];
    w.server.lastN[1] = 1;
    const h = toBase64Url(new Uint8Array(16).fill(1));
    w.server.results[1]!.set(1, { st: 'ok', seq: 2, lanes: [], h });
    await w.phone.hear(line({ t: 'R', lane: 1, n: 1, st: 'ok', seq: 2, h }), w.server);
  };
  const lastN = async (w: World) => {
    await w.phone.drop(w.server);
    await w.phone.mutate('model.set', set('k', 1));
    w.server.lastN[1] = 3;
    for (const n of [1, 2, 3]) {
      w.server.results[1]!.set(n, { st: 'rejected', seq: 0, lanes: [], h: OTHER });
    }
  };
  const forked = async (w: World) => {
    await w.phone.mutate('model.set', set('k', 1));
    w.phone.up = [];
    w.server.lastN[1] = 1;
    w.server.results[1]!.set(1, { st: 'ok', seq: 2, lanes: [], h: OTHER });
    await w.phone.hear(line({ t: 'err', code: 'forked', msg: '', fatal: true }), w.server);
  };
  for (const [i, spoil] of [foreign, lastN, forked].entries()) {
    const w = await synced(7 + i);
    await spoil(w);
    await w.phone.settle(w.server);
    const { identity } = w.phone.replica.state;
    expect(identity!.cid).not.toBe(w.phone.key.cid);
    expect(identity!.cid).toBe(new DeviceKey(identity!.seed).cid);
    expect(w.server.ran.map((args) => JSON.parse(args).v)).toEqual([1]);
    expect((await values(w)).k).toBe(1);
    expect(w.server.lastN).toEqual([0, 1, 0]);
  }
});

test('a replaced phone hands over what waits, says bye and stays away (ENR-10)', async () => {
  const w = await synced();
  await w.phone.drop(w.server);
  await w.phone.mutate('model.set', set('k', 1));
  w.server.handOver = 5;
  await w.phone.settle(w.server);
  expect(w.server.ran.length).toBe(1);
  expect(await keys(w)).toEqual([]);
  expect(w.phone.sent.at(-1)).toEqual({ t: 'bye' });
  expect(w.phone.session.isHalted).toBe(true);
  await expect(w.phone.mutate('model.set', set('k', 2))).rejects.toMatchObject({ code: 'revoked' });
});

test('thrown out by its clone again and again, one of them takes a new key', async () => {
  const w = await synced();
  for (let i = 0; i < 20 && !w.phone.replica.state.isRekeyWanted; ++i) {
    await w.phone.hear(line({ t: 'err', code: 'conflict', msg: '', fatal: true }), w.server);
    if (i < 2) expect(w.phone.replica.state.isRekeyWanted).toBe(false);
    if (!w.phone.replica.state.isRekeyWanted) await w.phone.settle(w.server);
  }
  await w.phone.settle(w.server);
  expect(w.phone.replica.state.identity!.cid).not.toBe(w.phone.key.cid);
});

test('a tab that was taken over cannot write any more', async () => {
  const w = await synced();
  await w.phone.store.lead();
  w.server.commit([{ b: 2, key: 'x', data: '{"v":2}' }]);
  await w.phone.hear(w.server.next(9)!, w.server);
  expect(w.phone.session.trouble?.code).toBe('not_leader');
  expect(await values(w)).toEqual({ a: 1, b: 1 });
});
