// SPDX-License-Identifier: Apache-2.0
// Heads of shelters from the rows of the phone, so that they are counted without a net (RAIN-15).
import type { Row } from '../replica/api';
import type { NoticeRow, ShelterRow, TransferRow } from '../replica/rows';

export type Shelter = Row<ShelterRow>;
export type Transfer = Row<TransferRow>;

export interface Heads {
  /** Undefined: brought somewhere that is no shelter. */
  shelter?: Shelter;
  moved: Transfer[];
  arrived: Transfer[];
  returned: Transfer[];
}

/** Shelters by name, and last who was brought elsewhere; people by door. */
export function headsOf(shelters: readonly Shelter[], transfers: readonly Transfer[]): Heads[] {
  const known = new Set(shelters.map(({ key }) => key));
  const byDoor = [...transfers].sort((a, b) =>
    (a.value.door ?? '').localeCompare(b.value.door ?? '', 'zh', { numeric: true }));
  const heads = (inside: Transfer[], shelter?: Shelter): Heads => ({
    shelter,
    moved: inside.filter(({ value }) => value.state === 'moved'),
    arrived: inside.filter(({ value }) => value.state === 'arrived'),
    returned: inside.filter(({ value }) => value.state === 'returned'),
  });
  const out = [...shelters]
    .sort((a, b) => a.value.name.localeCompare(b.value.name, 'zh'))
    .map((one) => heads(byDoor.filter(({ value }) => value.shelter === one.key), one));
  const elsewhere = byDoor.filter(({ value }) => !known.has(value.shelter ?? ''));
  return elsewhere.length > 0 ? [...out, heads(elsewhere)] : out;
}

/** The warning was called off; its end by the clock is no all-clear. The server says the same. */
export function isAllClear(notices: readonly Row<NoticeRow>[], notice: string): boolean {
  return notices.find(({ key }) => key === notice)?.value.state === 'withdrawn';
}

/** What `transfer.record` is told; `where` is a shelter when it is the name of one. */
export function transferArgs(
  task: { notice: string; person: string }, shelters: readonly Shelter[],
  said: { where: string; by: string; care: string },
): Record<string, string> {
  const where = said.where.trim();
  const shelter = shelters.find(
    ({ value }) => value.notice === task.notice && value.name === where,
  );
  return {
    notice: task.notice,
    person: task.person,
    ...(shelter ? { shelter: shelter.key } : { place: where }),
    organiser: [...said.by.trim()].slice(0, 40).join(''),
    ...(said.care.trim() && { care: said.care.trim() }),
  };
}
