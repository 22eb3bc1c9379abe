// SPDX-License-Identifier: Apache-2.0
import type { Readable } from './api';

type Run<T> = (value: T) => void;

/** A value that can be watched. */
export class Source<T> implements Readable<T> {
  private readonly watchers = new Set<{ run: Run<T> }>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    this.current = value;
    for (const watcher of [...this.watchers]) watcher.run(value);
  }

  subscribe(run: Run<T>): () => void {
    const watcher = { run };
    this.watchers.add(watcher);
    run(this.current);
    return () => this.watchers.delete(watcher);
  }
}

/**
 * A value that is read only while somebody watches it: `read` is called when the first watcher
 * comes and at each `refresh`. Until the first answer watchers see `initial`. `onWatched` tells
 * when the first watcher comes and when the last one goes: an unwatched query needs no refresh.
 */
export class LiveQuery<T> implements Readable<T> {
  private readonly watchers = new Set<{ run: Run<T> }>();
  private current: T;
  private isReading = false;
  private isStale = true;

  constructor(
    initial: T,
    private readonly read: () => Promise<T>,
    private readonly onError: (error: unknown) => void,
    private readonly onWatched: (query: LiveQuery<T>, isWatched: boolean) => void = () => undefined,
  ) {
    this.current = initial;
  }

  get isWatched(): boolean {
    return this.watchers.size > 0;
  }

  /** Reads again, now if somebody watches, else when somebody comes. */
  refresh(): void {
    this.isStale = true;
    if (this.isWatched) void this.pull();
  }

  subscribe(run: Run<T>): () => void {
    const watcher = { run };
    if (!this.isWatched) this.onWatched(this, true);
    this.watchers.add(watcher);
    run(this.current);
    if (this.isStale) void this.pull();
    return () => {
      if (!this.watchers.delete(watcher) || this.isWatched) return;
      this.isStale = true;
      this.onWatched(this, false);
    };
  }

  private async pull(): Promise<void> {
    if (this.isReading) return;
    this.isReading = true;
    try {
      while (this.isStale && this.isWatched) {
        this.isStale = false;
        this.current = await this.read();
        for (const watcher of [...this.watchers]) watcher.run(this.current);
      }
    } catch (error) {
      this.onError(error);
    } finally {
      this.isReading = false;
    }
  }
}
