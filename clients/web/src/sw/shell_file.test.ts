// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { afterEach, expect, it, vi } from 'vitest';
import { fetchExactly, hashOf } from './shell_file';

const URL_HERE = new URL('https://linli.example/c/hn/index.html');
const BODY = '<!doctype html><title>邻里</title>';
const HASH = createHash('sha256').update(BODY).digest('hex').slice(0, 16);

afterEach(() => vi.unstubAllGlobals());

it('the hash is the one that the build writes', async () => {
  expect(await hashOf(new TextEncoder().encode(BODY), 16)).toBe(HASH);
});

it('a file of the list is kept with its headers, asked past every cache', async () => {
  const send = vi.fn<typeof fetch>(
    async () =>
      new Response(BODY, { headers: { 'Content-Security-Policy': "default-src 'none'" } }),
  );
  vi.stubGlobal('fetch', send);
  const response = await fetchExactly(URL_HERE, HASH);
  expect(await response.text()).toBe(BODY);
  expect(response.headers.get('Content-Security-Policy')).toBe("default-src 'none'");
  expect(send.mock.calls[0]![1]).toEqual({ cache: 'reload' });
});

it('another version of the file, a part of it or a refusal is not kept', async () => {
  for (const [body, status] of [['<!doctype html>', 200], ['', 200], [BODY, 404]] as const) {
    vi.stubGlobal('fetch', async () => new Response(body, { status }));
    await expect(fetchExactly(URL_HERE, HASH)).rejects.toThrow('index.html');
  }
});
