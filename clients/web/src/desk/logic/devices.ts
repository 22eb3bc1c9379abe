// SPDX-License-Identifier: Apache-2.0
// What a phone last said of itself, as the office needs it (GEN-9).

import type { Device } from '../../api/types';

/** How its unsent work is to be read: what a lost phone had is gone, a replaced one still sends. */
export type Unsent =
  | { what: 'unknown' }
  | { what: 'none' | 'waiting' | 'lost' | 'replaced'; n: number };

export function unsentOf(device: Device): Unsent {
  if (device.unsent === undefined) return { what: 'unknown' };
  const n = device.unsent;
  if (n === 0) return { what: 'none', n };
  if (device.state !== 'revoked') return { what: 'waiting', n };
  return { what: device.reason === 'replaced' ? 'replaced' : 'lost', n };
}

/** Phones in use that were not here for so long are worth a call. */
export const kSilentMs = 3 * 86_400_000;

export function isSilent(device: Device, now: number): boolean {
  return device.state !== 'revoked' && now - (device.last_contact ?? 0) > kSilentMs;
}

/** What was lost first, then those in use by their last contact, oldest first, then the rest. */
export function inOrder<T extends Device>(devices: readonly T[]): T[] {
  const rank = (device: T) =>
    unsentOf(device).what === 'lost' ? 0 : device.state === 'revoked' ? 2 : 1;
  return [...devices].sort(
    (a, b) => rank(a) - rank(b) || (a.last_contact ?? 0) - (b.last_contact ?? 0),
  );
}
