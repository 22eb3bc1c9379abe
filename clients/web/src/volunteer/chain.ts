// SPDX-License-Identifier: Apache-2.0
// 核对 on the phone: the entries of one device as the server gave them back, held against their
// signatures and against each other.
import { isEqual } from '../protocol/bytes';
import { entryHash, entryId, parseEntry, type Entry } from '../protocol/checkin';
import type { Mark } from './shifts';

export interface ChainReport {
  /** Entries looked at. */
  count: number;
  /** `altered`: signature or number does not fit. `moved`: does not follow the one before. */
  bad?: { what: 'altered' | 'moved'; at: number; key: string };
  /** Numbers that are not on this phone, e.g. countersigns of a team one has left. */
  missing: number;
}

/** Of the device `cid` only: the others' entries are on others' phones. */
export function checkChain(marks: readonly Mark[], cid: string): ChainReport {
  const own = marks.filter(({ value }) => value.cid === cid && value.entry);
  const entries: Entry[] = [];
  for (const { key, value } of own) {
    const entry = genuine(key, value.entry!);
    const at = value.device_at ?? 0;
    if (!entry) return { count: own.length, bad: { what: 'altered', at, key }, missing: 0 };
    entries.push(entry);
  }
  entries.sort((a, b) => a.dseq - b.dseq);
  let missing = (entries[0]?.dseq ?? 1) - 1;
  for (let i = 1; i < entries.length; ++i) {
    const [before, here] = [entries[i - 1]!, entries[i]!];
    const follows = here.dseq === before.dseq + 1;
    if (!follows) missing += Math.max(0, here.dseq - before.dseq - 1);
    const isBad = here.dseq === before.dseq || (follows && !isEqual(here.prev, entryHash(before)));
    if (!isBad) continue;
    const bad = { what: 'moved' as const, at: here.at, key: entryId(here) };
    return { count: own.length, bad, missing };
  }
  return { count: own.length, missing };
}

function genuine(key: string, text: string): Entry | undefined {
  try {
    const entry = parseEntry(text);
    return entryId(entry) === key ? entry : undefined;
  } catch {
    return undefined;
  }
}
