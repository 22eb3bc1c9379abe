// SPDX-License-Identifier: Apache-2.0
import { mount, unmount } from 'svelte';
import type { Problem, Replica } from '../replica/api';
import { openReplica } from '../replica/client';
import App from './App.svelte';
import { renewPush } from './state/push';
import { goTo } from './state/router.svelte';
import { startSettings } from './state/settings.svelte';
import { startUpdates } from './state/update.svelte';
import { brokenReplica } from './state/broken';

/** `/c/<slug>/` -> slug. */
function slugHere(): string {
  return /\/c\/([^/]+)\//.exec(location.pathname)?.[1] ?? 'local';
}

async function openHere(slug: string): Promise<Replica> {
  if (import.meta.env.DEV && new URLSearchParams(location.search).has('demo')) {
    return (await import('./demo')).demoReplica();
  }
  return openReplica(slug);
}

async function start(): Promise<void> {
  startSettings();
  const slug = slugHere();
  const target = document.getElementById('app')!;
  const replica = await openHere(slug).catch((problem: Problem) => brokenReplica(slug, problem));
  target.replaceChildren();
  const app = mount(App, { target, props: { replica } });
  if (import.meta.hot) import.meta.hot.dispose(() => void unmount(app));

  const stop = replica.status.subscribe(({ identity, isConnected }) => {
    if (!identity?.person || !isConnected) return;
    queueMicrotask(() => stop());
    renewPush(replica, identity.person).catch(() => {
      // 本机状态 shows whether reminders are on; the next start tries again.
    });
  });
  if (import.meta.env.PROD) {
    await startUpdates((notice) => goTo(`#/notices/${encodeURIComponent(notice)}`));
  }
}

void start();
