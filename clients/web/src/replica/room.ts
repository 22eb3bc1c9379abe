// SPDX-License-Identifier: Apache-2.0
import { utf8Length } from '../protocol/bytes';
import type { PushedMutation, UpLane } from '../protocol/frames';
import type { MutationRecord } from './store';

/** What a push may hold: of one lane, beyond a number, so many mutations and bytes. */
export interface Room {
  lane: UpLane;
  afterN: number;
  count: number;
  bytes: number;
}

/** Of the queued ones what may go next, at least one if there is any room at all. */
export function chosen(
  queued: readonly MutationRecord[],
  { lane, afterN, count, bytes }: Room,
): MutationRecord[] {
  const out: MutationRecord[] = [];
  let left = bytes;
  for (const mutation of queued) {
    if (mutation.lane !== lane || (mutation.n > 0 && mutation.n <= afterN)) continue;
    left -= sizeOf(mutation);
    if (out.length >= count || (left < 0 && out.length > 0)) break;
    out.push(mutation);
  }
  return out;
}

export function sizeOf({ name, args }: { name: string; args: string }): number {
  return utf8Length(name) + utf8Length(args);
}

export function pushed({ n, name, args, wall, off, unc, fixes }: MutationRecord): PushedMutation {
  return { n, name, args, wall, off, unc, fixes };
}
