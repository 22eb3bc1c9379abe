// SPDX-License-Identifier: Apache-2.0
// Bytes kept under a name in this browser: Cache API, or memory where there is none (plain http, a
// private window). What fails to be kept is only not there later.

export interface BoxEntry {
  name: string;
  bytes: number;
  /** Unix ms when it was put. */
  at: number;
}

const BYTES = 'linli-bytes';
const AT = 'linli-at';

export interface Box {
  /** Survives a reload. */
  readonly isKept: boolean;
  get(name: string): Promise<Blob | undefined>;
  /** False when there is no room. */
  put(name: string, blob: Blob, at?: number): Promise<boolean>;
  drop(name: string): Promise<void>;
  list(): Promise<BoxEntry[]>;
}

export class MemoryBox implements Box {
  readonly isKept = false;
  private readonly held = new Map<string, { blob: Blob; at: number }>();

  async get(name: string) {
    return this.held.get(name)?.blob;
  }
  async put(name: string, blob: Blob, at = Date.now()) {
    this.held.set(name, { blob, at });
    return true;
  }
  async drop(name: string) {
    this.held.delete(name);
  }
  async list() {
    return [...this.held].map(([name, { blob, at }]) => ({ name, bytes: blob.size, at }));
  }
}

class CacheBox implements Box {
  readonly isKept = true;

  constructor(
    private readonly storage: CacheStorage,
    private readonly store: string,
  ) {}

  async get(name: string) {
    const found = await (await this.open()).match(keyOf(name));
    return found?.blob();
  }
  async put(name: string, blob: Blob, at = Date.now()) {
    const headers = {
      'Content-Type': blob.type, [BYTES]: String(blob.size), [AT]: String(at),
    };
    try {
      await (await this.open()).put(keyOf(name), new Response(blob, { headers }));
      return true;
    } catch {
      return false;
    }
  }
  async drop(name: string) {
    await (await this.open()).delete(keyOf(name));
  }
  async list() {
    const store = await this.open();
    const entries = await Promise.all(
      (await store.keys()).map(async (request) => {
        const { headers } = (await store.match(request)) ?? new Response();
        const name = decodeURIComponent(new URL(request.url).pathname.split('/').pop()!);
        return { name, bytes: Number(headers.get(BYTES)), at: Number(headers.get(AT)) };
      }),
    );
    return entries;
  }

  private open(): Promise<Cache> {
    return this.storage.open(this.store);
  }
}

/** Never asked of the network: only the name within this store. */
function keyOf(name: string): string {
  return new URL(`/kept/${encodeURIComponent(name)}`, location.origin).href;
}

/** `store` names it among all stores of this origin. */
export function openBox(store: string): Box {
  return typeof caches === 'undefined' ? new MemoryBox() : new CacheBox(caches, store);
}
