// SPDX-License-Identifier: Apache-2.0
// Teams, shifts and who is where, from the rows of a phone. Pure; times are unix ms of the server.
import { parseEntry } from '../protocol/checkin';
import type { Row } from '../replica/api';
import type {
  AttendanceRow, HoursRow, ShiftAnswerRow, ShiftRow, TeamMemberRow, TeamMinorRow,
} from '../replica/rows_service';

export type Shift = Row<ShiftRow>;
export type Member = Row<TeamMemberRow>;
export type Mark = Row<AttendanceRow>;

/** One may check in so long before a shift, and out so long after it. */
export const BEFORE_MS = 60 * 60_000;
export const AFTER_MS = 30 * 60_000;
const DAY_MS = 86_400_000;

export function isLead(members: readonly Member[], team: string, person: string): boolean {
  return members.some(({ value }) => value.team === team && value.person === person &&
    value.role === 'lead' && value.state === 'active');
}

export type MinorState = 'agreed' | 'waiting';

/** Of the member `team:person`; nothing for who is of age, or not for this phone to know. */
export function minorState(
  minors: readonly Row<TeamMinorRow>[], member: string,
): MinorState | undefined {
  const minor = minors.find(({ key }) => key === member);
  if (!minor) return undefined;
  return minor.value.consent ? 'agreed' : 'waiting';
}

/** Teams in which one of these persons serves. */
export function teamsOf(members: readonly Member[], persons: readonly string[]): Set<string> {
  const own = members.filter(({ value }) =>
    value.state === 'active' && persons.includes(value.person));
  return new Set(own.map(({ value }) => value.team));
}

const isOff = ({ value }: Shift) => value.state === 'cancelled';

/** Shifts of these teams that go on now, in the order of their start. */
export function shiftsNow(
  shifts: readonly Shift[], teams: ReadonlySet<string>, now: number,
): Shift[] {
  return byStart(shifts.filter((shift) =>
    teams.has(shift.value.team) && !isOff(shift) && shift.value.from - BEFORE_MS <= now &&
    now <= shift.value.to + AFTER_MS));
}

/** What is still to come, or goes on. */
export function shiftsAhead(
  shifts: readonly Shift[], teams: ReadonlySet<string>, now: number,
): Shift[] {
  return byStart(shifts.filter(({ value }) =>
    teams.has(value.team) && value.to >= now && value.state !== 'closed'));
}

/** Those that began, of these teams, the latest first. */
export function shiftsPast(
  shifts: readonly Shift[], teams: ReadonlySet<string>, now: number,
): Shift[] {
  const past = shifts.filter((shift) =>
    teams.has(shift.value.team) && !isOff(shift) && shift.value.from <= now);
  return byStart(past).reverse();
}

function byStart(shifts: Shift[]): Shift[] {
  return shifts.sort((a, b) => a.value.from - b.value.from || (a.key < b.key ? -1 : 1));
}

/** Call-outs that this person has not answered (VOL-14). */
export function openCalls(
  shifts: readonly Shift[], answers: readonly Row<ShiftAnswerRow>[], person: string,
): Shift[] {
  return shifts.filter(({ key, value }) =>
    value.is_callout === true && value.state === 'open' &&
    !answers.some((answer) => answer.key === `${key}:${person}`));
}

// --- Who is where -------------------------------------------------------------------------------

export interface Presence {
  person: string;
  /** Last check-in and check-out, phone's clock; 0 = none. */
  inAt: number;
  outAt: number;
  inId: string;
  outId: string;
  /** The lead scanned the last entry back, or entered it. */
  isCosigned: boolean;
  isPending: boolean;
}

const times = new Map<string, number>();

/** A row that only this phone has tells no time: its entry does. */
export function timeOf({ key, value }: Mark): number {
  if (value.device_at) return value.device_at;
  let at = times.get(key);
  if (at === undefined) times.set(key, (at = readTime(value.entry)));
  return at;
}

function readTime(text: string | undefined): number {
  try {
    return text ? parseEntry(text).at : 0;
  } catch {
    return 0;
  }
}

/** Everybody with an entry in this shift, by person. `cosigned`: entries whose countersign is not
 *  sent yet and shows in no row. */
export function presences(
  marks: readonly Mark[], shift: string, cosigned: ReadonlySet<string> = new Set(),
): Map<string, Presence> {
  const here = marks.filter(({ value }) => value.shift === shift && !value.refused);
  const signed = new Set(here.map(({ value }) => value.target).filter(Boolean));
  const out = new Map<string, Presence>();
  const entries = here.filter(({ value }) => value.kind === 'in' || value.kind === 'out');
  for (const mark of entries.sort((a, b) => timeOf(a) - timeOf(b))) {
    const { person, kind } = mark.value;
    const at = timeOf(mark);
    const old = out.get(person) ?? {
      person, inAt: 0, outAt: 0, inId: '', outId: '', isCosigned: false, isPending: false,
    };
    const isIn = kind === 'in';
    out.set(person, {
      ...old, ...(isIn ? { inAt: at, inId: mark.key } : { outAt: at, outId: mark.key }),
      isCosigned: signed.has(mark.key) || cosigned.has(mark.key),
      isPending: old.isPending || mark.isPending,
    });
  }
  return out;
}

/** What comes next for this person in a shift. */
export function nextAct(presence: Presence | undefined): 'in' | 'out' | 'done' {
  if (!presence?.inAt) return 'in';
  return presence.outAt >= presence.inAt ? 'done' : 'out';
}

/** Checked in and not out when the shift is over: the phone reminds (VOL-8). */
export function isForgotten(
  { value }: Shift, presence: Presence | undefined, now: number,
): boolean {
  return nextAct(presence) === 'out' && now > value.to && now < value.to + DAY_MS;
}

// --- Hours --------------------------------------------------------------------------------------

/** Minutes that are final, and those that are on the way. What is void or disputed is neither. */
export function totals(rows: readonly Row<HoursRow>[]): { settled: number; waiting: number } {
  let settled = 0;
  let waiting = 0;
  for (const { value } of rows) {
    if (value.state === 'final' || value.state === 'corrected') settled += value.counted ?? 0;
    if (value.state === 'pending' || value.state === 'publicised') waiting += value.counted ?? 0;
  }
  return { settled, waiting };
}

/** Of these persons, newest first. */
export function hoursOf(
  rows: readonly Row<HoursRow>[], persons: readonly string[],
): Row<HoursRow>[] {
  return rows
    .filter(({ value }) => persons.includes(value.person))
    .sort((a, b) => b.value.day.localeCompare(a.value.day) || (a.key < b.key ? -1 : 1));
}
