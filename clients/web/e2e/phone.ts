// SPDX-License-Identifier: Apache-2.0
// The web client's replica under Node, driven by JSON lines: {"do":...} in, one answer each out.
// IndexedDB is fake-indexeddb: it lives as long as this process, so `crash` and `open` again are a
// phone that is killed and started.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import 'fake-indexeddb/auto';
import { openReplica } from '../src/replica/client';
import type { Readable, Replica } from '../src/replica/api';

const require = createRequire(new URL('../../../tests/tools/package.json', import.meta.url));
globalThis.WebSocket ??= require('ws').WebSocket;

let replica: Replica;

/** The first value that was read, not the empty one before it. */
function now<T>(of: Readable<T>): Promise<T> {
  return new Promise((resolve) => {
    let value: T;
    const stop = of.subscribe((next) => (value = next));
    setTimeout(() => {
      stop();
      resolve(value);
    }, 50);
  });
}

interface Command {
  do: string;
  slug: string;
  base: string;
  [argument: string]: never | string;
}

const commands: Record<string, (c: any) => Promise<unknown>> = {
  async open({ slug, base }: Command) {
    replica = await openReplica(slug, { base: new URL(base) });
  },
  readSlip: (c) => replica.readSlip({ label: 'web', purposes: ['notices'], ...c.slip }),
  choose: (c) => replica.choosePerson(c.ref),
  status: () => now(replica.status),
  rows: (c) => now(replica.rows(c.tbl)),
  pending: () => now(replica.pending),
  attention: () => now(replica.attention),
  mutate: (c) => replica.mutate(c.name, c.args),
  seen: (c) => replica.noteSeen(c.notice),
  firstAlert: (c) => replica.firstAlert(c.incident, c.severity),
  dial: async () => replica.syncNow(),
  token: () => replica.token(),
  signOut: () => replica.signOut(),
  export: () => replica.exportUnsent(),
  close: () => replica.close(),
  /** Killed without a goodbye: whatever was not in the store is gone. */
  async crash() {
    const { home, channel, undo } = replica as any;
    const leader = await home.leader;
    leader.yield();
    leader.channel.close();
    channel.close();
    for (const each of undo) each();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  try {
    const value = await commands[command.do]!(command);
    console.log(JSON.stringify({ ok: value ?? null }));
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    console.log(JSON.stringify({ error: code ?? 'bug', message }));
  }
}
process.exit(0);
