// SPDX-License-Identifier: Apache-2.0
// The service worker's newer version, taken only when the user says so and no form is half filled.

import { untrack } from 'svelte';
import { scriptUrl } from '../../replica/script_url';

let waiting = $state.raw<ServiceWorker>();
let dirty = $state(0);
let isReloading = false;

/** True when a newer version may be offered now. */
export function canReopen(): boolean {
  return waiting !== undefined && dirty === 0;
}

/** Called by a form that holds something the user typed; the answer takes it back. */
export function holdUpdate(): () => void {
  // Called from effects, which must not run again because of it.
  untrack(() => (dirty += 1));
  let isHeld = true;
  return () => {
    if (isHeld) untrack(() => (dirty -= 1));
    isHeld = false;
  };
}

export function reopen(): void {
  isReloading = true;
  waiting?.postMessage({ do: 'take_over' });
}

/** Registers sw.js beside index.html. `open` is called with a notice that was tapped in a push. */
export async function startUpdates(open: (notice: string) => void): Promise<void> {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  workers.addEventListener('controllerchange', () => {
    if (isReloading) location.reload();
  });
  workers.addEventListener('message', (event: MessageEvent<{ open?: unknown }>) => {
    if (typeof event.data?.open === 'string') open(event.data.open);
  });
  const registration = await workers.register(scriptUrl('sw.js'), {
    scope: './',
    updateViaCache: 'none',
  });
  const look = () => {
    // Without a controller it is the first visit: nothing old is running.
    if (registration.waiting && workers.controller) waiting = registration.waiting;
  };
  look();
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', look);
  });
}
