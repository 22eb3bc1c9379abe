// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from 'vitest';
import { MemoryBox } from './box';
import { MediaCache, MEMORY_BYTES_MAX } from './cache';
import { fetchMedia, MediaProblem } from './fetch';
import { ASK_BYTES, shaOf, type MediaRef } from './ref';

const base = new URL('http://hall.example/c/hn/');

function refTo(name: string, bytes = 10): MediaRef {
  return { sha: name.padEnd(64, '0'), bytes, type: 'image/webp' };
}

function cacheOf(load: (ref: MediaRef) => Promise<Blob>) {
  let at = 0;
  const box = new MemoryBox();
  const token = () => undefined;
  return { box, cache: new MediaCache({ box, base, token, load, now: () => ++at }) };
}

const bytesOf = async (ref: MediaRef) => new Blob([new Uint8Array(ref.bytes)]);

describe('media of a phone', () => {
  it('are fetched once and are there without a line', async () => {
    const load = vi.fn(bytesOf);
    const { cache } = cacheOf(load);
    await Promise.all([cache.get(refTo('a')), cache.get(refTo('a'))]);
    load.mockRejectedValue(new MediaProblem('offline'));
    expect((await cache.get(refTo('a'))).size).toBe(10);
    expect(load).toHaveBeenCalledTimes(1);
    expect((await cache.get(refTo('a'))).type).toBe('image/webp');
    await expect(cache.get(refTo('b'))).rejects.toMatchObject({ code: 'offline' });
    expect(await cache.usage()).toEqual({ count: 1, bytes: 10 });
  });

  it('stay below their bound: the oldest go', async () => {
    const { cache } = cacheOf(bytesOf);
    const big = Math.ceil(MEMORY_BYTES_MAX / 3);
    for (const name of ['a', 'b', 'c', 'd']) await cache.get(refTo(name, big));
    expect((await cache.usage()).bytes).toBeLessThanOrEqual(MEMORY_BYTES_MAX);
    expect(await cache.held(refTo('a', big))).toBeUndefined();
    expect(await cache.held(refTo('d', big))).toBeDefined();
  });

  it('NTC-4: go with their notice', async () => {
    const { cache } = cacheOf(bytesOf);
    await cache.get(refTo('a'));
    await cache.get(refTo('b'));
    await cache.keepOnly([refTo('b')]);
    expect(await cache.held(refTo('a'))).toBeUndefined();
    expect(await cache.held(refTo('b'))).toBeDefined();
  });

  it('come by themselves unless they are large, and stop with the line', async () => {
    const load = vi.fn(bytesOf);
    const { cache } = cacheOf(load);
    await cache.prefetch([refTo('a'), refTo('b', ASK_BYTES + 1), refTo('c')]);
    expect((await cache.usage()).count).toBe(2);
    load.mockRejectedValue(new MediaProblem('offline'));
    await cache.prefetch([refTo('d'), refTo('e')]);
    expect(load).toHaveBeenCalledTimes(3);
  });
});

describe('a download', () => {
  const answer = (body: string, status = 200) =>
    vi.fn<typeof fetch>(async () => new Response(body, { status }));

  it('is believed only with the sum of its name', async () => {
    const abc = new TextEncoder().encode('abc') as Uint8Array<ArrayBuffer>;
    const ref = { sha: await shaOf(abc), bytes: 3, type: 'audio/mp4' };
    const send = answer('abc');
    const got = await fetchMedia(ref, { base, fetch: send, token: async () => 't' });
    expect([await got.text(), got.type]).toEqual(['abc', 'audio/mp4']);
    const [url, init] = send.mock.calls[0]!;
    expect(String(url)).toBe(`http://hall.example/c/hn/blobs/${ref.sha}`);
    expect((init!.headers as Record<string, string>).Authorization).toBe('Bearer t');
    await expect(fetchMedia(ref, { base, fetch: answer('abd') })).rejects.toMatchObject({
      code: 'wrong_sum',
    });
  });

  it('tells what is gone from what cannot be reached', async () => {
    const failing = (send: typeof fetch) => fetchMedia(refTo('a'), { base, fetch: send });
    await expect(failing(answer('', 404))).rejects.toMatchObject({ code: 'not_found' });
    await expect(failing(async () => Promise.reject(new TypeError()))).rejects.toMatchObject({
      code: 'offline',
    });
  });
});
