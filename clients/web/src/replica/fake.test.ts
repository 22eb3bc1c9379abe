// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Readable } from './api';
import { EFFECTS } from './effects.gen';
import { FakeReplica, PERSON } from './fake';
import { applyOverlay, type MergedRow } from './overlay';
import type { AckRow, NoticeRow } from './rows';

function now<T>(of: Readable<T>): T {
  let value!: T;
  of.subscribe((next) => (value = next))();
  return value;
}

test('the generated effects are those of schema/mutators.json', () => {
  const path = new URL('../../../../schema/mutators.json', import.meta.url);
  const { mutators } = JSON.parse(readFileSync(path, 'utf8'));
  const expected = Object.fromEntries(
    Object.entries<{ lane: number; effects: unknown[] }>(mutators).map(
      ([name, { lane, effects }]) => [name, effects.length ? { lane, effects } : { lane }],
    ),
  );
  expect(EFFECTS).toEqual(expected);
});

test('an acknowledgement shows at once as pending and stays when it is accepted', async () => {
  const replica = new FakeReplica({ now: 1_790_000_000_000 });
  expect(now(replica.rows<NoticeRow>('notice')).length).toBeGreaterThan(5);
  const ack = replica.row<AckRow>('ack', `n-rain:${PERSON}`);
  expect(now(ack)).toBeUndefined();
  const args = { notice: 'n-rain', person: PERSON, choice: 'help' };
  const { id } = await replica.mutate('notice.acknowledge', args);
  expect(now(ack)).toMatchObject({ isPending: true, value: { choice: 'help' } });
  expect(now(replica.status)).toMatchObject({ state: 'pending', pending: 1 });
  replica.accept(id);
  expect(now(ack)).toMatchObject({ isPending: false, value: { choice: 'help' } });
  expect(now(replica.status).state).toBe('synced');
});

test('sign-out is refused while work is unsent (GEN-8); refused work is shown', async () => {
  const replica = new FakeReplica();
  const { id } = await replica.mutate('notice.mute', { category: 'events', muted: true });
  await expect(replica.signOut()).rejects.toMatchObject({ code: 'wrong_state' });
  replica.reject(id, { code: 'forbidden', message: '不行' });
  const refused = { id, state: 'rejected', problem: { code: 'forbidden' } };
  expect(now(replica.attention)[0]).toMatchObject(refused);
  await replica.dismiss(id);
  await replica.signOut();
  expect(now(replica.rows('notice'))).toEqual([]);
});

test('inc adds to integers of a row that exists, patch makes one, delete removes', () => {
  const table = new Map<string, MergedRow>([['a', { value: { n: 2, s: 'x' }, isPending: false }]]);
  const effects = {
    m: {
      lane: 1,
      effects: [
        { op: 'inc', tbl: 't', key: 'a', row: { n: '{by}' as never } },
        { op: 'inc', tbl: 't', key: 'gone', row: { n: 1 } },
        { op: 'patch', tbl: 't', key: '{k}', row: { by: '{actor}', at: '{now}', miss: '{none}' } },
        { op: 'delete', tbl: 't', key: '{none}' },
      ],
    },
  } as const;
  const pending = [{ name: 'm', args: '{"by":3,"k":"b"}', wall: 7 }];
  applyOverlay({ effects: effects as never, actor: 'me', pending, tbl: 't' }, table);
  expect([...table]).toEqual([
    ['a', { value: { n: 5, s: 'x' }, isPending: true }],
    ['b', { value: { by: 'me', at: 7 }, isPending: true }],
  ]);
});

test('an accepted increment is not counted twice while one of its lanes is still to come', () => {
  const base = () => new Map<string, MergedRow>([['a', { value: { n: 3 }, isPending: false }]]);
  const effects = { m: { lane: 1, effects: [{ op: 'inc', tbl: 't', key: 'a', row: { n: 1 } }] } };
  const pending = [{ name: 'm', args: '{}', wall: 7, seq: 9 }];
  const overlay = { effects: effects as never, actor: 'me', pending, tbl: 't' };
  for (const [ver, n] of [[8, 4], [9, 3], [10, 3]] as const) {
    const table = base();
    applyOverlay({ ...overlay, verOf: () => ver }, table);
    expect(table.get('a')!.value.n, `base of ver ${ver}`).toBe(n);
  }
});
