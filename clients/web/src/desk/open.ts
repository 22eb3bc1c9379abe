// SPDX-License-Identifier: Apache-2.0
// Where the desk stands: which community its address names, and the replica of this browser.

import { openReplica } from '../replica/client';
import { Session } from './state/session.svelte';

/** `/c/huainan/desk` -> `huainan`. */
export function slugOf(path: string): string {
  return /\/c\/([^/]+)\//.exec(path)?.[1] ?? '';
}

/** Takes the secret of `#enrol=...` out of the address, so that it is in no history entry. */
export function takeSecret(): string {
  const secret = /^#enrol=([A-Za-z0-9_-]+)$/.exec(location.hash)?.[1] ?? '';
  if (secret) history.replaceState(null, '', location.pathname + location.search);
  return secret;
}

export async function openSession(): Promise<{ session: Session; secret: string }> {
  const secret = takeSecret();
  const base = new URL('api/v1', document.baseURI).pathname;
  return { session: new Session(await openReplica(slugOf(location.pathname)), base), secret };
}
