// SPDX-License-Identifier: Apache-2.0
// Somebody without a phone, registered at the door (ENR-8).
import type { Row } from '../replica/api';
import type { HouseholdCardRow, MeRow, Mobility } from '../replica/rows';

export type Household = Row<HouseholdCardRow>;
/** Doors that one search shows; who sees more types on. */
export const DOORS_MAX = 8;

export interface Written {
  name: string;
  born: string;
  landline: string;
  neighbour: string;
  keyholder: string;
  mobility: Mobility;
  isAlone: boolean;
}

/** A grid worker's phone holds the doors of the grid. */
export const isGridWorker = (me: MeRow | undefined): boolean =>
  me?.roles?.some(({ role }) => role === 'grid') ?? false;

/** Doors that contain every piece of what was typed, in the order of house numbers. */
export function doorsLike(households: readonly Household[], typed: string): Household[] {
  const narrow = (text: string) => text.normalize('NFKC').replace(/\s+/g, '');
  const pieces = typed.normalize('NFKC').split(/[\s,，-]+/).map(narrow).filter(Boolean);
  if (!pieces.length) return [];
  return households
    .filter(({ value }) => value.state === 'active')
    .filter(({ value }) => pieces.every((piece) => narrow(value.door).includes(piece)))
    .sort((a, b) => a.value.door.localeCompare(b.value.door, 'zh', { numeric: true }));
}

/** Four digits of a year that somebody alive may have; undefined where nothing was written. */
export function yearOf(typed: string, now: number): number | undefined | 'wrong' {
  const plain = typed.normalize('NFKC').trim();
  if (!plain) return undefined;
  const year = /^\d{4}$/.test(plain) ? Number(plain) : NaN;
  return year >= 1890 && year <= new Date(now).getFullYear() ? year : 'wrong';
}

/** Arguments of person.register. */
export function registerArgs(id: string, household: string, written: Written, now: number) {
  const year = yearOf(written.born, now);
  const texts = { landline: written.landline.normalize('NFKC').replace(/[\s-]/g, ''),
    neighbour: written.neighbour.trim(), keyholder: written.keyholder.trim() };
  const said = Object.fromEntries(Object.entries(texts).filter(([, text]) => text));
  return {
    id, household, name: written.name.trim(), no_phone: true, living_alone: written.isAlone,
    mobility: written.mobility, ...(typeof year === 'number' && { birth_year: year }), ...said,
  };
}
