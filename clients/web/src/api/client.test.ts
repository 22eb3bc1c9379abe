// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Attempt } from './attempt';
import { ApiClient } from './client';
import { Elevation, kElevatedIdleMs } from './elevation';
import { ApiProblem, asProblem } from './problem';

type Answer = { status?: number; body?: unknown; headers?: Record<string, string> } | 'down';

/** A server that gives its answers in order and remembers what it was asked. */
function rig(...answers: Answer[]) {
  const asked: { url: string; method: string; headers: Record<string, string>; body: unknown }[] =
    [];
  const waits: number[] = [];
  let now = 1_000_000;
  const elevation = new Elevation(() => now);
  let asks = 0;
  let grants = true;
  const client = new ApiClient({
    base: '/c/x/api/v1',
    deviceToken: () => Promise.resolve('device'),
    elevation,
    askElevation: () => {
      asks += 1;
      if (grants) elevation.take({ token: 'elevated', expires_at: now + 9e5, ends_at: now + 9e6 });
      return Promise.resolve(grants);
    },
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
    fetch: ((url: string, init: RequestInit) => {
      asked.push({
        url,
        method: init.method!,
        headers: init.headers as Record<string, string>,
        body: init.body,
      });
      const answer = answers.shift();
      if (answer === undefined) throw new Error('the test has no more answers');
      if (answer === 'down') return Promise.reject(new TypeError('Failed to fetch'));
      const isError = (answer.status ?? 200) >= 400;
      const type = isError ? 'application/problem+json' : 'application/json';
      return Promise.resolve(
        new Response(JSON.stringify(answer.body ?? {}), {
          status: answer.status ?? 200,
          headers: { 'Content-Type': type, ...answer.headers },
        }),
      );
    }) as never,
  });
  return {
    client,
    asked,
    waits,
    elevation,
    asks: () => asks,
    refuse: () => (grants = false),
    pass: (ms: number) => (now += ms),
  };
}

const problem = (status: number, code: string, retryable = false): Answer => ({
  status,
  body: { code, detail: `sentence of ${code}`, reason: 'why', request_id: 'r1', retryable },
});

describe('ApiClient', () => {
  it('sends the device token and leaves unset query members out', async () => {
    const { client, asked } = rig({ body: { items: [] } });
    await client.get('/notices', { state: 'sent', cursor: undefined, limit: 5 });
    expect(asked[0].url).toBe('/c/x/api/v1/notices?state=sent&limit=5');
    expect(asked[0].headers.Authorization).toBe('Bearer device');
  });

  it('tries a GET three times, then tells that nobody answered', async () => {
    const { client, asked, waits } = rig('down', 'down', 'down');
    const thrown = await client.get('/me').catch(asProblem);
    expect((thrown as ApiProblem).code).toBe('offline');
    expect((thrown as ApiProblem).isUnanswered).toBe(true);
    expect(asked.length).toBe(3);
    expect(waits.length).toBe(2);
  });

  it('waits as long as the server asks before it tries again', async () => {
    const busy = problem(503, 'unavailable', true) as { headers?: Record<string, string> };
    busy.headers = { 'Retry-After': '2' };
    const { client, waits } = rig(busy, { body: { name: 'a' } });
    expect(await client.get('/me')).toEqual({ name: 'a' });
    expect(waits[0]).toBeGreaterThanOrEqual(2000);
  });

  it('does not try a refused GET again', async () => {
    const { client, asked } = rig(problem(403, 'forbidden'));
    await expect(client.get('/persons')).rejects.toMatchObject({
      code: 'forbidden',
      message: 'sentence of forbidden',
      reason: 'why',
      requestId: 'r1',
    });
    expect(asked.length).toBe(1);
  });

  it('never repeats a write by itself', async () => {
    const { client, asked } = rig('down');
    await client.post('/notices', { a: 1 }, { key: 'k' }).catch(() => {});
    expect(asked.length).toBe(1);
    expect(asked[0].headers['Idempotency-Key']).toBe('k');
  });

  it('asks for elevation and repeats the write with the same key', async () => {
    const { client, asked } = rig(problem(401, 'elevation_required'), { body: { id: 'n' } });
    expect(await client.post('/notices/n/approve', {}, { key: 'k' })).toEqual({ id: 'n' });
    expect(asked.map((one) => one.headers['Idempotency-Key'])).toEqual(['k', 'k']);
    expect(asked[1].headers.Authorization).toBe('Bearer elevated');
  });

  it('gives up when the person does not elevate', async () => {
    const { client, asked, refuse } = rig(problem(401, 'elevation_required'));
    refuse();
    await expect(client.post('/x', {}, { key: 'k' })).rejects.toMatchObject({
      code: 'elevation_required',
    });
    expect(asked.length).toBe(1);
  });

  it('keeps the elevated token alive by writes and not by reads', async () => {
    const { client, asked, elevation, pass } = rig(
      { headers: { 'Linli-Token': 'fresh' } },
      { body: {} },
    );
    elevation.take({ token: 'elevated', expires_at: 1_000_000 + 9e5, ends_at: 1_000_000 + 9e6 });
    pass(8e5);
    await client.post('/x', {}, { key: 'k' });
    expect(elevation.token).toBe('fresh');
    expect(elevation.until).toBe(1_000_000 + 8e5 + kElevatedIdleMs);
    await client.get('/notices');
    expect(asked[1].headers.Authorization).toBe('Bearer device');
  });

  it('falls back to the device token when the elevated one has run out', async () => {
    const { client, asked, elevation, pass } = rig({ body: {} });
    elevation.take({ token: 'elevated', expires_at: 1_000_000 + 10, ends_at: 9e9 });
    pass(11);
    await client.post('/x', {}, { key: 'k' });
    expect(asked[0].headers.Authorization).toBe('Bearer device');
  });

  it('asks for a new token once when the server says that it has expired', async () => {
    const { client, asked } = rig(problem(401, 'expired'), { body: { ok: 1 } });
    expect(await client.get('/me')).toEqual({ ok: 1 });
    expect(asked.length).toBe(2);
  });

  it('says so when an answer is not JSON', async () => {
    const { client } = rig({ status: 502, headers: { 'Content-Type': 'text/html' } });
    await expect(client.post('/x', {}, { key: 'k' })).rejects.toMatchObject({
      code: 'bad_answer',
      status: 502,
    });
  });
});

describe('Attempt', () => {
  const keys = () => {
    let n = 0;
    return () => `k${(n += 1)}`;
  };

  it('keeps its key while nobody answered and takes another for another body', () => {
    const attempt = new Attempt(undefined, keys());
    expect(attempt.keyFor({ a: 1 })).toBe('k1');
    attempt.failed(new ApiProblem({ code: 'offline', sentence: '' }));
    expect(attempt.keyFor({ a: 1 })).toBe('k1');
    expect(attempt.keyFor({ a: 2 })).toBe('k2');
  });

  it('ends its key with a refusal and with success', () => {
    const attempt = new Attempt(undefined, keys());
    attempt.keyFor(1);
    attempt.failed(new ApiProblem({ code: 'conflict', sentence: '', status: 409 }));
    expect(attempt.keyFor(1)).toBe('k2');
    attempt.succeeded();
    expect(attempt.keyFor(1)).toBe('k3');
  });

  it('goes on with the key of an earlier visit', () => {
    const first = new Attempt(undefined, keys());
    first.keyFor({ title: '停水' });
    const later = new Attempt(structuredClone(first.open), keys());
    expect(later.keyFor({ title: '停水' })).toBe('k1');
  });
});
