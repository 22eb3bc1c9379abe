// SPDX-License-Identifier: Apache-2.0
// Web Push of this phone: the browser subscribes, the community gets it as an endpoint of the
// person (notify/channels/webpush). The key: GET /c/<slug>/api/v1/push-key -> {key}.
import type { Replica } from '../../replica/api';
import { getJson } from './http';

const PUSH_KEY = 'api/v1/push-key';

export type PushState = 'on' | 'off';

export async function pushState(): Promise<PushState> {
  const subscription = await current();
  return subscription ? 'on' : 'off';
}

/** Rejects with a Problem: `denied`, `no_key`, `push_service`, or that of the replica. */
export async function startPush(replica: Replica, person: string): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') throw { code: 'denied', message: '' };
  const key = await pushKey();
  const registration = await navigator.serviceWorker.ready;
  let subscription: PushSubscription;
  try {
    subscription = await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: key,
    });
  } catch {
    throw { code: 'push_service', message: '' };
  }
  await tell(replica, person, subscription);
}

/** The browser may have changed the address since the last start; twice the same is harmless. */
export async function renewPush(replica: Replica, person: string): Promise<void> {
  const subscription = await current();
  if (!subscription || subscription.endpoint === told(replica.slug)) return;
  await tell(replica, person, subscription);
}

export async function stopPush(replica: Replica, person: string): Promise<void> {
  const subscription = await current();
  if (!subscription) return;
  await subscription.unsubscribe();
  await replica.mutate('endpoint.remove', { person, address: subscription.endpoint });
  remember(replica.slug, '');
}

/** Before 换人使用: the next person must not get the former one's warnings. */
export async function dropPush(slug: string): Promise<void> {
  await (await current())?.unsubscribe();
  remember(slug, '');
}

async function current(): Promise<PushSubscription | undefined> {
  const registration = await navigator.serviceWorker?.getRegistration();
  return (await registration?.pushManager?.getSubscription()) ?? undefined;
}

async function pushKey(): Promise<BufferSource> {
  const { key } = await getJson<{ key?: string }>(PUSH_KEY).catch((problem) => {
    throw problem.code === 'offline' ? problem : { code: 'no_key', message: '' };
  });
  if (!key) throw { code: 'no_key', message: '' };
  const text = atob(key.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

async function tell(replica: Replica, person: string, made: PushSubscription): Promise<void> {
  const { endpoint, keys } = made.toJSON();
  const params = { p256dh: keys?.p256dh ?? '', auth: keys?.auth ?? '' };
  await replica.mutate('endpoint.put', { person, medium: 'webpush', address: endpoint, params });
  remember(replica.slug, made.endpoint);
}

function told(slug: string): string | null {
  try {
    return localStorage.getItem(`linli.${slug}.push`);
  } catch {
    return null;
  }
}

function remember(slug: string, endpoint: string): void {
  try {
    if (endpoint) localStorage.setItem(`linli.${slug}.push`, endpoint);
    else localStorage.removeItem(`linli.${slug}.push`);
  } catch {
    // Then it is told again at the next start.
  }
}
