// SPDX-License-Identifier: Apache-2.0
// Two tabs (frames) of one browser, told to the test as JSON: enrol in one, write in the other,
// close the one that leads. `#<secret of a slip>` in the address.
import type { Readable, Replica, Status } from '../src/replica/api';
import { openReplica } from '../src/replica/client';

type Tab = HTMLIFrameElement & { contentWindow: Window & { replica?: Replica } };

const WAIT_MS = 60_000;
const SLUG = 'huainan';

function report(step: string, more: object = {}): Promise<unknown> {
  return fetch('/report', { method: 'POST', body: JSON.stringify({ step, ...more }) });
}

function now<T>(of: Readable<T>): T {
  let value!: T;
  of.subscribe((next) => (value = next))();
  return value;
}

async function until(isTrue: () => unknown, what: string): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`it never came: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

async function openTab(): Promise<[Tab, Replica, () => Status]> {
  const tab = document.createElement('iframe') as Tab;
  tab.src = `${location.pathname}?tab`;
  document.body.append(tab);
  await until(() => tab.contentWindow?.replica, 'a tab');
  const replica = tab.contentWindow.replica!;
  return [tab, replica, () => now(replica.status)];
}

async function play(code: string): Promise<void> {
  const [first, a, statusA] = await openTab();
  await a.readSlip({ code, label: 'browser', purposes: ['notices'] });
  await until(() => statusA().slip?.stage === 'choosing', 'the check');
  await a.choosePerson(statusA().slip!.persons[0]!.ref);
  await until(() => statusA().state === 'synced', 'enrolled and synced');
  await report('enrolled', { status: statusA() });

  const [, b, statusB] = await openTab();
  await until(() => statusB().isConnected, 'the second tab to hear of the first');
  await report('second', { isFollower: [statusA().isFollower, statusB().isFollower] });

  const mutes = b.rows('mute');
  mutes.subscribe(() => undefined);
  await b.mutate('notice.mute', { category: 'events', muted: true });
  const isThere = () => now(mutes).length === 1 && !now(mutes)[0]!.isPending;
  await until(() => isThere() && statusB().state === 'synced', 'the follower\'s work');
  await report('follower wrote');

  const start = performance.now();
  first.remove();
  await until(() => !statusB().isFollower && statusB().state === 'synced', 'the lead');
  const token = (await b.token()).length > 20;
  await report('took over', { ms: performance.now() - start, token, storage: await b.storage() });
  await b.signOut();
  await until(() => !statusB().identity && now(mutes).length === 0, 'an empty store');
  await report('done', { status: statusB() });
}

if (location.search === '?tab') {
  const base = new URL(`/c/${SLUG}/`, location.origin);
  Object.assign(window, { replica: await openReplica(SLUG, { base }) });
} else {
  play(location.hash.slice(1)).catch((error) => report('failed', { why: String(error) }));
}
