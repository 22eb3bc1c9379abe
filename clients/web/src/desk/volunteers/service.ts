// SPDX-License-Identifier: Apache-2.0
import { type HoursLine, kIdsMax, ServiceApi } from '../../api/service';
import { clock } from '../logic/format';
import { session } from '../state/session.svelte';

export function serviceApi(): ServiceApi {
  return new ServiceApi(session().api.client);
}

export const kHoursStates = [
  'pending', 'publicised', 'disputed', 'final', 'corrected', 'open', 'void',
] as const;

/** 09:00 – 11:00; a missing time as a dash. */
export function fromTo({ in_at, out_at }: Pick<HoursLine, 'in_at' | 'out_at'>): string {
  const one = (at: number) => (at ? clock(at) : '—');
  return `${one(in_at)} – ${one(out_at)}`;
}

/** Hours as certificates say them: whole tenths, rounded down. */
export function tenths(minutes: number): string {
  return (Math.floor(minutes / 6) / 10).toFixed(1);
}

/** Public time is over; who confirmed is refused by the server. */
export function isDue({ state, until }: HoursLine, now: number): boolean {
  return state === 'publicised' && (until ?? 0) <= now;
}

/** Of somebody without an account, and still nobody's. */
export function isUnclaimed({ flags, state }: HoursLine): boolean {
  return state !== 'void' && (flags ?? []).includes('walk_up');
}

/** In parts that one mutation takes. */
export function partsOf<T>(ids: readonly T[], max = kIdsMax): T[][] {
  const out: T[][] = [];
  for (let at = 0; at < ids.length; at += max) out.push(ids.slice(at, at + max));
  return out;
}
