// SPDX-License-Identifier: Apache-2.0
// The device's chain on the page's replica: durable with its mutation, never loose.
import 'fake-indexeddb/auto';
import { afterEach, expect, test, vi } from 'vitest';
import { toHex } from '../protocol/bytes';
import { entryHash, METHODS, parseEntry, parseLeadCode, TYPES } from '../protocol/checkin';
import { DeviceKey } from '../protocol/sign';
import type { LocalMutation, Readable, RecordAsk, Replica } from './api';
import { openReplica } from './client';
import { emptyState } from './store';
import { IdbStore } from './store_idb';

const SEED = new Uint8Array(32).fill(5);
const KEY = new DeviceKey(SEED);
const opened: Replica[] = [];
let made = 0;

afterEach(async () => {
  for (const replica of opened.splice(0)) await replica.close();
  vi.unstubAllGlobals();
});

async function open(slug: string): Promise<Replica> {
  vi.stubGlobal('WebSocket', class { static OPEN = 1; static CONNECTING = 0; close() {} });
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')));
  const replica = await openReplica(slug, { base: new URL(`http://127.0.0.1:9/c/${slug}/`) });
  opened.push(replica);
  return replica;
}

async function enrolled(): Promise<string> {
  const slug = `chain${++made}`;
  const store = await IdbStore.open(slug);
  const identity = {
    slug, origin: 'http://127.0.0.1:9', cid: KEY.cid, seed: SEED, account: 'a'.repeat(32),
    person: 'p', name: '王', community: '淮南社区', serverPub: '', cert: '',
  };
  await store.write('strict', async (tx) => tx.putState({ ...emptyState(), identity }));
  store.close();
  return slug;
}

function checkIn(some: Partial<RecordAsk['draft']> = {}): RecordAsk {
  const evidence = new TextEncoder().encode('012345');
  const draft = {
    type: TYPES.checkIn, shift: 's', person: 'p', method: METHODS.digits, evidence, note: '',
  };
  return { draft: { ...draft, ...some } };
}

function first<T>(of: Readable<T>, isIt: (value: T) => boolean): Promise<T> {
  return new Promise((done) => {
    const stop = of.subscribe((value) => {
      if (!isIt(value)) return;
      queueMicrotask(() => stop());
      done(value);
    });
  });
}

test('VOL-6: each entry names the one before, also after a restart', async () => {
  const slug = await enrolled();
  const replica = await open(slug);
  const one = await replica.record(checkIn());
  const two = await replica.record(checkIn({ type: TYPES.checkOut }));
  await replica.close();
  opened.pop();
  const three = await (await open(slug)).record(checkIn());
  const entries = [one, two, three].map(({ text }) => parseEntry(text));
  expect(entries.map(({ dseq }) => dseq)).toEqual([1, 2, 3]);
  expect(toHex(entries[1]!.prev)).toBe(toHex(entryHash(entries[0]!)));
  expect(toHex(entries[2]!.prev)).toBe(toHex(entryHash(entries[1]!)));
  expect(toHex(entries[0]!.device)).toBe(toHex(KEY.pub));
  expect(one.mutation.args).toEqual({
    id: one.id, entry: one.text, shift: 's', person: 'p', kind: 'in',
  });
});

test('VOL-6: what is refused leaves no gap in the chain', async () => {
  const replica = await open(await enrolled());
  const bad = checkIn({ person: '' });
  await expect(replica.record(bad)).rejects.toMatchObject({ code: 'invalid_argument' });
  await expect(replica.record({ ...checkIn(), receipt: 'LLE1.x' })).rejects.toBeTruthy();
  const { text } = await replica.record(checkIn());
  expect(parseEntry(text).dseq).toBe(1);
  const pending = await first(replica.pending, (all: LocalMutation[]) => all.length > 0);
  expect(pending).toHaveLength(1);
});

test('VOL-6: two tabs at once never give one place twice', async () => {
  const slug = await enrolled();
  const tabs = [await open(slug), await open(slug)];
  const all = await Promise.all([0, 1, 0, 1, 0, 1].map((tab) => tabs[tab]!.record(checkIn())));
  const places = all.map(({ text }) => parseEntry(text).dseq).sort();
  expect(places).toEqual([1, 2, 3, 4, 5, 6]);
});

test('VOL-6: a signed entry is not edited, not withdrawn, and not made by hand', async () => {
  const replica = await open(await enrolled());
  const { mutation } = await replica.record(checkIn());
  await expect(replica.withdraw(mutation.id)).rejects.toMatchObject({ code: 'wrong_state' });
  await expect(replica.edit(mutation.id, {})).rejects.toMatchObject({ code: 'wrong_state' });
  const forged = replica.mutate('attendance.record', mutation.args);
  await expect(forged).rejects.toMatchObject({ code: 'invalid_argument' });
});

test('VOL-2: a countersign goes up with the entry that it signs', async () => {
  const replica = await open(await enrolled());
  const receipt = await replica.record(checkIn());
  const evidence = entryHash(parseEntry(receipt.text));
  const draft = { ...checkIn().draft, type: TYPES.countersign, method: METHODS.none, evidence };
  const { mutation, text } = await replica.record({ draft, receipt: receipt.text, qr: 'LLQ1.x' });
  expect(mutation.args).toEqual({ ...receipt.mutation.args, qr: 'LLQ1.x', countersign: text });
});

test('VOL-1: the lead\'s code is signed by this device', async () => {
  const replica = await open(await enrolled());
  const ask = { team: 't', shift: 's', place: '', window: 7, shiftKey: new Uint8Array(32) };
  const code = parseLeadCode(await replica.leadCode(ask));
  expect([code.shift, code.window, toHex(code.lead)]).toEqual(['s', 7, toHex(KEY.pub)]);
});
