// SPDX-License-Identifier: Apache-2.0
// Keeps the app's own files for offline starts and shows pushes. It never opens a socket and never
// touches the replica (decision M25). The build fills in FILES: every file of the resident shell
// with a hash of its content.
import { addressOf, notificationOf } from './notification';
import { fetchExactly } from './shell_file';

declare const self: ServiceWorkerGlobalScope;
declare const __LINLI_FILES__: [path: string, hash: string][];

const FILES = __LINLI_FILES__;
const SCOPE = new URL('./', self.location.href);
/** One store per community on the same origin; entries are named by their hash. */
const STORE = `linli-shell:${SCOPE.pathname}`;
const DOCUMENT = 'index.html';
/** For a file that the store has lost, until the server's answer begins. A worker with a request in
 *  flight holds up the version after it. */
const ANSWER_MS = 20_000;

function keyOf(hash: string): string {
  return new URL(`kept/${hash}`, SCOPE).href;
}

/** File of the shell that answers `url`; a start at the scope itself is the document. */
function fileOf(url: URL): [path: string, hash: string] | undefined {
  if (url.origin !== SCOPE.origin || !url.pathname.startsWith(SCOPE.pathname)) return undefined;
  const path = url.pathname.slice(SCOPE.pathname.length) || DOCUMENT;
  return FILES.find(([name]) => name === path);
}

/** Fetches what is new; what has the same hash is there already. When one file is not to be had,
 *  the browser drops this version and tries again at the next start of a page. */
async function keepShell(): Promise<void> {
  const store = await caches.open(STORE);
  await Promise.all(
    FILES.map(async ([path, hash]) => {
      if (await store.match(keyOf(hash))) return;
      await store.put(keyOf(hash), await fetchExactly(new URL(path, SCOPE), hash));
    }),
  );
}

async function dropOld(): Promise<void> {
  const store = await caches.open(STORE);
  const wanted = new Set(FILES.map(([, hash]) => keyOf(hash)));
  for (const request of await store.keys()) {
    if (!wanted.has(request.url)) await store.delete(request);
  }
}

async function answer(request: Request, hash: string): Promise<Response> {
  const kept = await (await caches.open(STORE)).match(keyOf(hash));
  if (kept) return kept;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ANSWER_MS);
  return fetch(request, { signal: stop.signal }).finally(() => clearTimeout(timer));
}

async function openNotice(data: unknown): Promise<void> {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const ours = windows.find(({ url }) => fileOf(new URL(url))?.[0] === DOCUMENT);
  if (!ours) return void (await self.clients.openWindow(new URL(addressOf(data), SCOPE).href));
  ours.postMessage({ open: (data as { id?: string } | null)?.id ?? '' });
  await ours.focus();
}

self.addEventListener('install', (event) => event.waitUntil(keepShell()));

self.addEventListener('activate', (event) => {
  event.waitUntil(dropOld().then(() => self.clients.claim()));
});

self.addEventListener('fetch', (event) => {
  if (event.request.method !== 'GET') return;
  const file = fileOf(new URL(event.request.url));
  if (file) event.respondWith(answer(event.request, file[1]));
});

self.addEventListener('message', (event) => {
  if ((event.data as { do?: string } | null)?.do === 'take_over') void self.skipWaiting();
});

self.addEventListener('push', (event) => {
  let payload: unknown;
  try {
    payload = event.data?.json();
  } catch {
    payload = undefined;
  }
  const { title, options } = notificationOf(payload);
  event.waitUntil(self.registration.showNotification(title, options));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(openNotice(event.notification.data));
});
