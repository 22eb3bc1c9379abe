// SPDX-License-Identifier: Apache-2.0
// How the tabs of one community and the one of them that leads talk: to all others, in order, and
// nothing depends on a message that is lost. What counts is in the store.
import type { Problem } from './api';

/** How often a leader says that it is alive; another tab takes over after BEAT_LOST_MS. */
export const BEAT_MS = 3_000;
export const BEAT_LOST_MS = 10_000;

/** What only the leader knows. */
export interface LiveFacts {
  /** Tab that leads. */
  tab: string;
  isConnected: boolean;
  /** A socket is being opened, or signs in. */
  isTrying: boolean;
  isCaughtUp: boolean;
  clockOffset: number;
  trouble?: Problem;
}

export type ChannelMessage =
  /** Leader: what screens show has changed. */
  | { t: 'changed'; all: boolean; tables: string[]; facts: LiveFacts }
  | { t: 'beat'; facts: LiveFacts }
  /** A tab wrote into the store: pending mutations, the slip, opened notices. */
  | { t: 'wrote'; what: 'work' | 'slip' | 'seen'; tables: string[] }
  /** A tab came to the front, or somebody pressed 立即同步: then a refusal is asked again too. */
  | { t: 'dial'; isForced: boolean }
  /** A tab emptied the store. */
  | { t: 'reload' }
  /** A tab came: who leads? */
  | { t: 'who' };

export interface Channel {
  post(message: ChannelMessage): void;
  onMessage?: (message: ChannelMessage) => void;
  close(): void;
}

class Broadcast implements Channel {
  onMessage?: (message: ChannelMessage) => void;
  private readonly channel: BroadcastChannel;
  private isClosed = false;

  constructor(name: string) {
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = (event: MessageEvent) => this.onMessage?.(event.data);
    // Node keeps a process for it.
    (this.channel as { unref?: () => void }).unref?.();
  }
  post(message: ChannelMessage): void {
    if (!this.isClosed) this.channel.postMessage(message);
  }
  close(): void {
    this.isClosed = true;
    this.channel.close();
  }
}

const local = new Map<string, Set<Local>>();

/** Within one page, where there is no BroadcastChannel. */
class Local implements Channel {
  onMessage?: (message: ChannelMessage) => void;
  private readonly all: Set<Local>;

  constructor(name: string) {
    this.all = local.get(name) ?? new Set();
    local.set(name, this.all.add(this));
  }
  post(message: ChannelMessage): void {
    for (const other of this.all) {
      if (other !== this) queueMicrotask(() => this.all.has(other) && other.onMessage?.(message));
    }
  }
  close(): void {
    this.all.delete(this);
  }
}

export function openChannel(slug: string): Channel {
  const name = `linli:${slug}`;
  return typeof BroadcastChannel === 'undefined' ? new Local(name) : new Broadcast(name);
}
