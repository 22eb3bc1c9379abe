// SPDX-License-Identifier: Apache-2.0
// The one place that signs check-in with the device's key. A screen says what happened; the key,
// the chain and the mutation stay here, and move in one transaction (docs/PROTOCOL.md §10).
import { fromHex, toHex } from '../protocol/bytes';
import {
  entryHash, entryId, entryText, isIn, leadCodeText, makeLeadCode, parseEntry, signEntry, TYPES,
  type Entry,
} from '../protocol/checkin';
import { DeviceKey } from '../protocol/sign';
import type { LeadCodeAsk, RecordAsk } from './api';
import { encodeArgs } from './mutation';
import { append } from './pending';
import { ReplicaProblem } from './problem';
import type { MutationRecord, Tx } from './store';
import { RECORD } from './record_name';

/** DISK, `checkin:<cid>`: the last entry of this device. */
interface Chain {
  dseq: number;
  /** Its hash, 64 hex digits. */
  prev: string;
}

export interface Made {
  record: MutationRecord;
  entry: Entry;
}

/** Errors: unauthenticated, revoked, invalid_argument, corrupt, too_large; nothing stays behind. */
export async function recordEntry(
  tx: Tx, ask: RecordAsk, { now, nonce }: { now: number; nonce: Uint8Array },
): Promise<Made> {
  const { identity } = await tx.state();
  if (!identity) throw new ReplicaProblem('unauthenticated');
  const chainKey = `checkin:${identity.cid}`;
  const chain = await tx.local<Chain>(chainKey);
  const prev = chain ? fromHex(chain.prev) : new Uint8Array(32);
  if (!prev || prev.length !== 32) throw new ReplicaProblem('corrupt', 'chain of this device');
  const entry = signed(new DeviceKey(identity.seed), {
    ...ask.draft, dseq: (chain?.dseq ?? 0) + 1, prev, at: now, boot: 0, mono: 0, nonce,
  });
  const args = encodeArgs(RECORD, argsOf(entry, ask));
  const record = await append(tx, { name: RECORD, args, now });
  tx.putLocal(chainKey, { dseq: entry.dseq, prev: toHex(entryHash(entry)) } satisfies Chain);
  return { record, entry };
}

function signed(key: DeviceKey, entry: Omit<Entry, 'device' | 'sig'>): Entry {
  try {
    return signEntry(key, entry);
  } catch {
    throw new ReplicaProblem('invalid_argument', 'entry');
  }
}

/** A countersign goes up with the entry that it signs. */
function argsOf(entry: Entry, { receipt, qr, walkUp }: RecordAsk): Record<string, unknown> {
  const isCounter = entry.type === TYPES.countersign;
  if (isCounter !== (receipt !== undefined)) {
    throw new ReplicaProblem('invalid_argument', 'receipt');
  }
  const about = receipt === undefined ? entry : parseEntry(receipt);
  return {
    id: entryId(about), entry: entryText(about), shift: about.shift, person: about.person,
    kind: isIn(about.type) ? 'in' : 'out', ...(qr !== undefined && { qr }),
    ...(isCounter && { countersign: entryText(entry) }), ...(walkUp && { walk_up: walkUp }),
  };
}

/** Text of the code that this device shows in a window. */
export function leadCode(seed: Uint8Array, { shiftKey, ...what }: LeadCodeAsk): string {
  return leadCodeText(makeLeadCode(new DeviceKey(seed), what, shiftKey));
}
