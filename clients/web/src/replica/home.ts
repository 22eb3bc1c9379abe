// SPDX-License-Identifier: Apache-2.0
// Where the engine runs: in a worker that shares the lead with other tabs, or, in a browser without
// workers, locks or a store, on the page itself.
import workerUrl from './worker?worker&url';
import type { Leader } from './leader';
import { scriptUrl } from './script_url';
import type { Store } from './store';
import type { FromWorker, ToWorker } from './worker';

/** A tab that is closed waits so long for its goodbye. */
const CLOSE_MS = 1_500;

export interface Home {
  /** The tab came to the front, or wants to be connected. */
  wake(): void;
  setVisible(isVisible: boolean): void;
  close(): Promise<void>;
}

export interface HomeOptions {
  store: Store;
  slug: string;
  base: URL;
  tab: string;
  /** The engine on the page lost the lead to another tab. */
  onChanged(): void;
}

/** Leads at once, and again whenever somebody looks at this tab. */
class PageHome implements Home {
  /** Not in the first load of a page whose worker does the work. */
  private readonly leader: Promise<Leader>;

  constructor(private readonly options: HomeOptions) {
    const { store, slug, base, tab, onChanged } = options;
    this.leader = import('./leader').then(
      ({ Leader: Made }) => new Made({ store, slug, base, tab, onLost: onChanged }),
    );
    this.wake();
  }
  wake(): void {
    this.leader.then((leader) => leader.lead()).catch(() => this.options.onChanged());
  }
  setVisible(isVisible: boolean): void {
    if (isVisible) this.wake();
  }
  async close(): Promise<void> {
    await (await this.leader).close();
  }
}

class WorkerHome implements Home {
  private fallback?: PageHome;
  private onAllSaid?: () => void;

  constructor(
    private readonly worker: Worker,
    options: HomeOptions,
  ) {
    const { slug, base, tab } = options;
    let isReady = false;
    const onFailed = () => {
      // An error of a worker that works is its own affair: two engines would throw each other out.
      if (isReady) return;
      worker.terminate();
      this.fallback ??= new PageHome(options);
    };
    worker.onerror = onFailed;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.t === 'failed') onFailed();
      if (data.t === 'ready') isReady = true;
      if (data.t === 'closed') this.onAllSaid?.();
    };
    const isVisible = document.visibilityState === 'visible';
    this.say({ t: 'open', slug, tab, base: base.href, isVisible });
  }
  wake(): void {
    this.fallback?.wake();
  }
  setVisible(isVisible: boolean): void {
    this.fallback?.setVisible(isVisible);
    this.say({ t: 'visible', isVisible });
  }
  async close(): Promise<void> {
    if (this.fallback) return this.fallback.close();
    this.say({ t: 'close' });
    await new Promise<void>((done) => {
      this.onAllSaid = done;
      setTimeout(done, CLOSE_MS);
    });
    this.worker.terminate();
  }
  private say(message: ToWorker): void {
    this.worker.postMessage(message);
  }
}

export function openHome(options: HomeOptions): Home {
  const hasAll =
    options.store.isKept && typeof Worker !== 'undefined' && typeof document !== 'undefined' &&
    typeof BroadcastChannel !== 'undefined' && navigator.locks !== undefined;
  if (!hasAll) return new PageHome(options);
  try {
    return new WorkerHome(new Worker(scriptUrl(workerUrl), { type: 'module' }), options);
  } catch {
    return new PageHome(options);
  }
}
