// SPDX-License-Identifier: Apache-2.0
// The states of reach as the desk shows them (RAIN-13): every person is in exactly one part, and
// the parts sum to the audience or the page says that they do not.

import type { ReachTimes } from '../../api/types_reach';
import { kReachStates, type ReachCounts, type ReachState } from '../../api/types';

export type PartName =
  | 'answered'
  | 'in_person'
  | 'proxied'
  | 'seen'
  | 'delivered'
  | 'underway'
  | 'failed'
  | 'no_app'
  | 'no_channel'
  | 'excluded';

/** From reached to not reachable; the order of the funnel and of its colours. */
export const kParts: readonly { name: PartName; states: readonly ReachState[] }[] = [
  { name: 'answered', states: ['ok', 'help', 'away'] },
  { name: 'in_person', states: ['in_person'] },
  { name: 'proxied', states: ['proxied'] },
  { name: 'seen', states: ['seen'] },
  { name: 'delivered', states: ['delivered'] },
  { name: 'underway', states: ['handed', 'app'] },
  { name: 'no_app', states: ['no_app'] },
  { name: 'failed', states: ['failed'] },
  { name: 'no_channel', states: ['no_channel'] },
  { name: 'excluded', states: ['excluded'] },
];

export interface Part {
  name: PartName;
  persons: number;
}

export interface Funnel {
  audience: number;
  parts: Part[];
  /** Audience minus the sum of the parts; anything but 0 is a fault that is shown. */
  missing: number;
  /** Nested: whoever is in a step is in every step before it. */
  steps: { name: 'audience' | 'reachable' | 'arrived' | 'noticed' | 'answered'; persons: number }[];
  help: number;
}

const kAnswered: readonly PartName[] = ['answered', 'in_person'];
const kNoticed: readonly PartName[] = [...kAnswered, 'proxied', 'seen'];
const kArrived: readonly PartName[] = [...kNoticed, 'delivered'];
const kReachable: readonly PartName[] = [...kArrived, 'underway', 'no_app', 'failed'];

export function emptyCounts(): ReachCounts {
  const out = { audience: 0 } as ReachCounts;
  for (const state of kReachStates) out[state] = 0;
  return out;
}

export function sumCounts(units: readonly Partial<ReachCounts>[]): ReachCounts {
  const out = emptyCounts();
  for (const unit of units) {
    out.audience += unit.audience ?? 0;
    for (const state of kReachStates) out[state] += unit[state] ?? 0;
  }
  return out;
}

export function funnelOf(counts: ReachCounts): Funnel {
  const parts = kParts.map(({ name, states }) => ({
    name,
    persons: states.reduce((sum, state) => sum + (counts[state] ?? 0), 0),
  }));
  const of = (names: readonly PartName[]) =>
    parts.filter((part) => names.includes(part.name)).reduce((sum, part) => sum + part.persons, 0);
  const sum = parts.reduce((all, part) => all + part.persons, 0);
  return {
    audience: counts.audience,
    parts,
    missing: counts.audience - sum,
    steps: [
      { name: 'audience', persons: counts.audience },
      { name: 'reachable', persons: of(kReachable) },
      { name: 'arrived', persons: of(kArrived) },
      { name: 'noticed', persons: of(kNoticed) },
      { name: 'answered', persons: of(kAnswered) },
    ],
    help: counts.help ?? 0,
  };
}

/** Persons that a channel has taken or told, whatever came of it: what a stop cannot bring back. */
export function outAlready(counts: ReachCounts): number {
  const states: ReachState[] = ['ok', 'help', 'away', 'in_person', 'proxied'];
  states.push('seen', 'delivered', 'handed');
  return states.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}

/** 0..100 without decimals; 100 only when everybody is in. */
export function percent(part: number, whole: number): number {
  if (whole <= 0) return 0;
  return part >= whole ? 100 : Math.min(99, Math.floor((part / whole) * 100));
}

export interface Sample {
  /** Unix ms. */
  at: number;
  answered: number;
  arrived: number;
  audience: number;
}

/** The curve so far, from when the question that stands now was asked. */
export function samplesOf({ asked_at, sent_at, audience, points }: ReachTimes): Sample[] {
  const at = asked_at || sent_at;
  return [{ at, answered: 0, arrived: 0 }, ...points].map((point) => ({ ...point, audience }));
}

/** Samples kept of one notice; at one a change, an evening fits. */
export const kSamplesMax = 400;

/** Adds a sample when something changed; thins the older half out when there are too many. */
export function withSample(samples: readonly Sample[], next: Sample): Sample[] {
  const last = samples.at(-1);
  const isSame =
    last &&
    last.answered === next.answered &&
    last.arrived === next.arrived &&
    last.audience === next.audience;
  if (isSame) return [...samples];
  const out = [...samples, next];
  if (out.length <= kSamplesMax) return out;
  const half = Math.floor(out.length / 2);
  return [...out.slice(0, half).filter((_, at) => at % 2 === 0), ...out.slice(half)];
}
