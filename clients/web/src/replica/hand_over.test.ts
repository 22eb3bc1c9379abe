// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { readFacts, statusOf } from './status';
import { emptyState, type MutationRecord } from './store';
import { MemoryStore } from './store_memory';

const TAB = { tab: 't', isVolatile: false, wasWiped: false };

function made(some: Partial<MutationRecord>): Omit<MutationRecord, 'id'> {
  return {
    name: 'a', args: '{}', fixes: 0, lane: 1, n: 1, wall: 1, off: 0, unc: 0, state: 'settled',
    attention: 'none', seq: 0, lanes: [], code: '', msg: '', info: '', answeredAt: 50, ...some,
  };
}

async function statusAfter(handOverAt: number) {
  const store = new MemoryStore();
  await store.write('strict', async (tx) => {
    tx.putState({ ...emptyState(), handOverAt });
    await tx.addMutation(made({ answeredAt: 9 }));
    await tx.addMutation(made({}));
    await tx.addMutation(made({ state: 'confirmed' }));
    await tx.addMutation(made({ code: 'revoked', attention: 'open' }));
    await tx.addMutation(made({ state: 'queued', answeredAt: 0 }));
  });
  return statusOf(await store.read(readFacts), undefined, TAB);
}

it('ENR-10: a replaced phone says what was taken, what not and what waits', async () => {
  const status = await statusAfter(10);
  expect(status.handOver).toEqual({ taken: 2, refused: 1, waiting: 1 });
  expect(status.isRevoked).toBe(true);
});

it('ENR-10: another phone says nothing of it', async () => {
  expect((await statusAfter(0)).handOver).toBeUndefined();
});
