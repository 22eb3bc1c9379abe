// SPDX-License-Identifier: Apache-2.0
// The service worker's newer version, taken only when the user says so and no form is half filled.
//
// After a tap the waiting worker takes over and this page loads anew. Chromium keeps an old worker
// that still has an event in flight for up to 5 minutes (kMaxLameDuckTime of
// service_worker_registration.cc), so a tap may come to nothing for a while: then we say so and
// offer again.

import { untrack } from 'svelte';
import { scriptUrl } from '../../replica/script_url';

/** From a tap until we say that it has not worked; a take-over is a matter of tenths of a second,
 *  of a few seconds on a slow phone. */
export const TAKE_OVER_MS = 10_000;

/** `none`: this page runs the newest that is known. `ready`: there is a newer one. `taking`: the
 *  person asked for it. `late`: it has not come within TAKE_OVER_MS. */
export type Newer = 'none' | 'ready' | 'taking' | 'late';

let stage = $state<Newer>('none');
let dirty = $state(0);
let registration: ServiceWorkerRegistration | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
/** A worker answered this page at some time: whichever comes next is a newer version. */
let wasControlled = false;

/** What to show of a newer version now; `none` as long as a form is half filled. */
export function newerVersion(): Newer {
  return dirty === 0 ? stage : 'none';
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

/** The person wants the newer version. Asks the registration and nothing remembered: what waited
 *  when we offered may have been replaced since, or taken by another window. */
export function reopen(): void {
  if (!registration?.waiting && !registration?.installing) return location.reload();
  stage = 'taking';
  registration.waiting?.postMessage({ do: 'take_over' });
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (stage === 'taking') stage = 'late';
  }, TAKE_OVER_MS);
}

function look(): void {
  const waiting = registration?.waiting;
  // Without a controller it is the first visit: nothing old is running.
  if (!waiting || !navigator.serviceWorker.controller) return;
  // A still newer one came between the tap and the take-over.
  if (stage === 'taking') waiting.postMessage({ do: 'take_over' });
  else stage = 'ready';
}

function onTakenOver(): void {
  clearTimeout(timer);
  if (stage === 'taking' && dirty === 0) return location.reload();
  // Another window took it, or it came late: this page still shows the former version.
  if (wasControlled) stage = 'ready';
  wasControlled = true;
}

function watch(worker: ServiceWorker | null): void {
  worker?.addEventListener('statechange', look);
}

/** Registers sw.js beside index.html. `open` is called with a notice that was tapped in a push. */
export async function startUpdates(open: (notice: string) => void): Promise<void> {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  wasControlled = Boolean(workers.controller);
  workers.addEventListener('controllerchange', onTakenOver);
  workers.addEventListener('message', (event: MessageEvent<{ open?: unknown }>) => {
    if (typeof event.data?.open === 'string') open(event.data.open);
  });
  const found = await workers.register(scriptUrl('sw.js'), {
    scope: './',
    updateViaCache: 'none',
  });
  registration = found;
  found.addEventListener('updatefound', () => watch(found.installing));
  // One may be on its way since before this page was there.
  watch(found.installing);
  look();
}
