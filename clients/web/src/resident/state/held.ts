// SPDX-License-Identifier: Apache-2.0
// What the community keeps of this phone's owner, as its own queries tell it.
import type { Identity, Replica } from '../../replica/api';
import { getJson } from './http';

export interface Held {
  /** GET persons/{id}. */
  person: Record<string, unknown>;
  endpoints: unknown[];
  proxies: unknown[];
  devices: { cid: string; label?: string; state: string; enrolled_at?: number }[];
}

/** Members that say something to their owner, in this order. */
const FIELDS = [
  'name', 'door', 'birth_year', 'sex', 'phone', 'landline', 'living_alone', 'mobility',
  'languages', 'neighbour', 'keyholder', 'tags', 'sensitive_tags',
];

export function fieldsOf(person: Record<string, unknown>): [string, unknown][] {
  return FIELDS.filter((name) => {
    const value = person[name];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== '';
  }).map((name) => [name, person[name]]);
}

/** Rejects with a Problem. */
export async function loadHeld(replica: Replica, { person, account }: Identity): Promise<Held> {
  const id = encodeURIComponent(person);
  const [record, { endpoints }, { proxies }, { devices }] = await Promise.all([
    getJson<Record<string, unknown>>(`api/v1/persons/${id}`, replica),
    getJson<Pick<Held, 'endpoints'>>(`api/v1/persons/${id}/endpoints`, replica),
    getJson<Pick<Held, 'proxies'>>(`api/v1/proxies?person=${id}`, replica),
    getJson<Pick<Held, 'devices'>>(`api/v1/devices?account=${account}`, replica),
  ]);
  return { person: record, endpoints, proxies, devices };
}
