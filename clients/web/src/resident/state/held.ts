// SPDX-License-Identifier: Apache-2.0
// What the community keeps of this phone's owner, as its own queries tell it (ENR-12).
import type { Replica } from '../../replica/api';
import { getJson } from './http';

export interface Consent {
  id: string;
  purpose: string;
  how?: string;
  at: number;
  state: 'given' | 'withdrawn';
  withdrawn_at?: number;
}

export interface Erasure {
  state: 'asked' | 'answered';
  asked_at: number;
  due_at: number;
  outcome?: 'erased' | 'refused';
  note?: string;
  answered_at?: number;
}

/** GET me/data; numbers come with their middle hidden. */
export interface Data {
  person: string;
  record: Record<string, unknown>;
  household: { id: string; door?: string; persons: number };
  endpoints: { id: string; medium: string; address: string; state: string }[];
  devices: { cid: string; label?: string; state: string; enrolled_at?: number }[];
  proxies: unknown[];
  teams: { team: string; state: string }[];
  service_records: number;
  erasure?: Erasure;
}

/** Who opened the person's record, or searched and found the person: a role, never a name. */
export interface Look {
  role: string;
  at: number;
  /** Of a search. */
  reason?: string;
}

export interface Held {
  data: Data;
  consents: Consent[];
  looks: Look[];
}

/** Members that say something to their owner, in this order. */
const FIELDS = [
  'name', 'door', 'birth_year', 'sex', 'phone', 'landline', 'living_alone', 'mobility',
  'languages', 'neighbour', 'keyholder', 'tags', 'sensitive_tags',
];
/** Entries of one list that are read; a screen of more helps nobody. */
const LIST_MAX = 1000;

export function fieldsOf(record: Record<string, unknown>): [string, unknown][] {
  return FIELDS.filter((name) => {
    const value = record[name];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== '';
  }).map((name) => [name, record[name]]);
}

/** Newest first, those that still hold before those taken back. */
export function inOrder(consents: readonly Consent[]): Consent[] {
  const rank = ({ state }: Consent) => (state === 'given' ? 0 : 1);
  return [...consents].sort((a, b) => rank(a) - rank(b) || b.at - a.at);
}

async function everyPage<T>(path: string, replica: Replica): Promise<T[]> {
  const out: T[] = [];
  let cursor: string | undefined;
  do {
    const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
    const page = await getJson<{ items: T[]; next?: string }>(
      `api/v1/me/${path}?limit=200${more}`, replica,
    );
    out.push(...page.items);
    cursor = page.next;
  } while (cursor && out.length < LIST_MAX);
  return out;
}

/** Rejects with a Problem. */
export async function loadHeld(replica: Replica): Promise<Held> {
  const [data, consents, looks] = await Promise.all([
    getJson<Data>('api/v1/me/data', replica),
    everyPage<Consent>('consents', replica),
    everyPage<Look>('access', replica),
  ]);
  return { data, consents, looks };
}

/** For the file only. Rejects with a Problem. */
export function loadAnswers(replica: Replica): Promise<unknown[]> {
  return everyPage<unknown>('answers', replica);
}
