// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PublicNotices } from './public_notices.svelte';

const item = { id: 'n-1', state: 'sent', title: '停水', category: 'latest', sent_at: 5 };
let held: Map<string, string>;

beforeEach(() => {
  held = new Map();
  const store = {
    match: async (key: string) => (held.has(key) ? new Response(held.get(key)!) : undefined),
    put: async (key: string, answer: Response) => void held.set(key, await answer.text()),
  };
  vi.stubGlobal('caches', { open: async () => store });
  vi.stubGlobal('location', { pathname: '/c/hn/' });
});
afterEach(() => vi.unstubAllGlobals());

function serve(body: unknown, status = 200) {
  const send = vi.fn<typeof fetch>(async () => new Response(JSON.stringify(body), { status }));
  vi.stubGlobal('fetch', send);
  return send;
}
const cut = () => vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('offline')));

async function loaded(): Promise<PublicNotices> {
  const open = new PublicNotices();
  await open.load();
  return open;
}

it.each(['notices', 'items'])(
  'a guest reads what is out for everybody, as `%s`',
  async (member) => {
    const send = serve({ [member]: [item] });
    const open = await loaded();
    expect(open.rows.map(({ key, value }) => [key, value.title])).toEqual([['n-1', '停水']]);
    expect([open.isFresh, open.isAsking, open.isRefused]).toEqual([true, false, false]);
    const [path, init] = send.mock.calls[0]!;
    expect(path).toBe('api/v1/public/notices');
    expect(init!.headers).not.toHaveProperty('Authorization');
  },
);

it('the copy of the last time is there without a line, with its time', async () => {
  serve({ notices: [item] });
  const { at } = await loaded();
  cut();
  const open = await loaded();
  expect(open.rows.length).toBe(1);
  expect([open.at, open.isFresh, open.isRefused]).toEqual([at, false, false]);
});

it('a guest who never had a line sees an empty list and no error', async () => {
  cut();
  const open = await loaded();
  expect([open.rows.length, open.at, open.isRefused]).toEqual([0, 0, false]);
});

it('a refusal and an answer of something else lead to the page of the server', async () => {
  serve({ code: 'unauthenticated' }, 401);
  expect((await loaded()).isRefused).toBe(true);
  serve({ hello: 'portal' });
  const open = await loaded();
  expect([open.isRefused, open.isFresh, held.size]).toEqual([true, false, 0]);
});
