// SPDX-License-Identifier: Apache-2.0
// Shapes of the HTTP interface as the desk reads them; times are unix ms. openapi.json is the law.

export interface Device {
  cid: string;
  account: string;
  label?: string;
  state: string;
  /** `lost`, `replaced`, `wrong_household`… once it is revoked. */
  reason?: string;
  enrolled_at: number;
  revoked_at?: number;
  /** What it said of itself; absent until it was here once. */
  last_contact?: number;
  unsent?: number;
  /** Version of its program. */
  app?: string;
}

/** With whose it is, for those who look after the place. */
export interface Phone extends Device {
  person?: string;
  name?: string;
  door?: string;
  area?: string;
  unit?: string;
}

export interface Refused {
  account: string;
  who: string;
  cid: string;
  name: string;
  args: unknown;
  code: string;
  at: number;
}

export interface Account {
  id: string;
  name: string;
  roles: { role: string; scope: string }[];
  state: 'active' | 'suspended';
  can_elevate: boolean;
}

export interface Me {
  account: string;
  name: string;
  community: string;
  person?: string;
  roles: { role: string; scope: string }[];
}

export interface ApiKey {
  id: string;
  label: string;
  scopes: string[];
  state: string;
  created_at: number;
  revoked_at?: number;
}

export interface AccessEntry {
  id: string;
  by: string;
  at: number;
  /** A search, or the person whose record was read. */
  q?: string;
  person?: string;
  name?: string;
  reason?: string;
}

export interface GatewayLook {
  channels: {
    name: string;
    medium: string;
    state: 'idle' | 'up' | 'degraded' | 'down';
    text: string;
    open: boolean;
    in_flight: number;
    rate: number;
    handed: number;
    failed: number;
    /** Ready or owed over its medium, by lane: red, orange, personal, bulk. */
    queued: number[];
    /** How long the oldest of these waits; absent when none does. */
    oldest_s?: number;
    paused?: string;
    balance?: number;
  }[];
  notices: { id: string; state: string; waiting: number; cost: number; expanding: boolean }[];
  /** Why channels stand still, by name; `*` = all of them. */
  paused: Record<string, string>;
  rows_behind: number;
  facts_behind: number;
}

export interface Delivery {
  id: string;
  notice: string;
  person: string;
  purpose: string;
  medium: string;
  to: string;
  state: string;
  channel: string;
  attempts: number;
  parts: number;
  reason: string;
  handed_at?: number;
}

export interface Order {
  what: string;
  by: string;
  at: number;
  channel?: string;
  delivery?: string;
  why?: string;
}
