// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

class FakeWorker extends EventTarget {
  postMessage = vi.fn();
}

class FakeRegistration extends EventTarget {
  installing: FakeWorker | null = null;
  waiting: FakeWorker | null = null;

  /** The browser has fetched a newer version, and `installed` kept its files. */
  found(worker: FakeWorker): void {
    this.installing = worker;
    this.dispatchEvent(new Event('updatefound'));
  }
  installed(): void {
    this.waiting = this.installing;
    this.installing = null;
    this.waiting!.dispatchEvent(new Event('statechange'));
  }
}

const TAKE_OVER = { do: 'take_over' };
let registration: FakeRegistration;
let container: EventTarget & { controller: unknown };
let reload: ReturnType<typeof vi.fn>;
let update: typeof import('./update.svelte');

async function start(controller: unknown = {}): Promise<void> {
  container = Object.assign(new EventTarget(), {
    controller,
    register: async () => registration,
  });
  vi.stubGlobal('navigator', { serviceWorker: container });
  vi.stubGlobal('location', { reload: (reload = vi.fn()) });
  vi.resetModules();
  update = await import('./update.svelte');
  await update.startUpdates(() => {});
}
function takenOver(): void {
  container.controller = {};
  registration.waiting = null;
  container.dispatchEvent(new Event('controllerchange'));
}

beforeEach(() => {
  vi.useFakeTimers();
  registration = new FakeRegistration();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('one that was on its way before the page was there is offered, and taken at a tap', async () => {
  registration.installing = new FakeWorker();
  await start();
  expect(update.newerVersion()).toBe('none');
  registration.installed();
  expect(update.newerVersion()).toBe('ready');
  update.reopen();
  expect(registration.waiting!.postMessage).toHaveBeenCalledWith(TAKE_OVER);
  expect(reload).not.toHaveBeenCalled();
  takenOver();
  expect(reload).toHaveBeenCalledOnce();
});

it('a tap asks the one that waits now, not the one that was offered', async () => {
  await start();
  registration.found(new FakeWorker());
  registration.installed();
  const former = registration.waiting!;
  registration.waiting = new FakeWorker();
  update.reopen();
  expect(former.postMessage).not.toHaveBeenCalled();
  expect(registration.waiting.postMessage).toHaveBeenCalledWith(TAKE_OVER);
  // And one that comes between the tap and the take-over is asked as well.
  registration.found(new FakeWorker());
  registration.installed();
  expect(registration.waiting.postMessage).toHaveBeenCalledWith(TAKE_OVER);
});

it('after another window took it a tap loads anew at once', async () => {
  await start();
  registration.found(new FakeWorker());
  registration.installed();
  takenOver();
  expect(reload).not.toHaveBeenCalled();
  expect(update.newerVersion()).toBe('ready');
  update.reopen();
  expect(reload).toHaveBeenCalledOnce();
});

it('a take-over that does not come is said and offered again', async () => {
  await start();
  registration.found(new FakeWorker());
  registration.installed();
  update.reopen();
  vi.advanceTimersByTime(update.TAKE_OVER_MS - 1);
  expect(update.newerVersion()).toBe('taking');
  vi.advanceTimersByTime(1);
  expect(update.newerVersion()).toBe('late');
  update.reopen();
  expect(registration.waiting!.postMessage).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(update.TAKE_OVER_MS);
  // It comes after all: the person has gone on meanwhile and is asked, not overrun.
  takenOver();
  expect(reload).not.toHaveBeenCalled();
  expect(update.newerVersion()).toBe('ready');
});

it('nothing is offered or loaded anew while a form is half filled', async () => {
  await start();
  registration.found(new FakeWorker());
  registration.installed();
  const release = update.holdUpdate();
  expect(update.newerVersion()).toBe('none');
  release();
  update.reopen();
  const again = update.holdUpdate();
  takenOver();
  expect(reload).not.toHaveBeenCalled();
  again();
  expect(update.newerVersion()).toBe('ready');
});

it('the first visit offers nothing', async () => {
  await start(null);
  registration.found(new FakeWorker());
  registration.installed();
  takenOver();
  expect(update.newerVersion()).toBe('none');
  registration.found(new FakeWorker());
  registration.installed();
  expect(update.newerVersion()).toBe('ready');
});
