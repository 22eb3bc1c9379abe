// SPDX-License-Identifier: Apache-2.0
// Shapes of the HTTP interface as the desk reads them; times are unix ms. openapi.json is the law.

export interface Area {
  id: string;
  kind: string;
  parent: string;
  name: string;
  geocode?: string;
  path: string[];
  unit: string;
  state: string;
}

export interface PersonLine {
  id: string;
  name: string;
  household: string;
  door?: string;
  birth_year?: number;
  tags?: string[];
  no_phone?: boolean;
  living_alone?: boolean;
  mobility?: string;
  phone?: string;
  landline?: string;
  state: string;
  unit?: string;
  app?: number;
}

export interface Person extends PersonLine {
  sex?: string;
  languages?: string[];
  neighbour?: string;
  keyholder?: string;
  sensitive_tags?: string[];
}

export interface Household {
  id: string;
  door: string;
  area: string;
  floor?: number;
  unit?: string;
  state: string;
  persons: { id: string; name: string; state: string; app: number }[];
}

export interface AddressOf {
  id: string;
  medium: string;
  address: string;
  state: 'ok' | 'invalid' | 'opted_out';
  at: number;
}

export interface ImportJob {
  job: string;
  state: 'running' | 'done' | 'paused' | 'refused' | 'undone' | 'failed';
  apply: boolean;
  rows?: number;
  households?: number;
  persons?: number;
  unknown_columns?: string[];
  done: number;
  total: number;
  new_households: number;
  added: number;
  changed: number;
  undone: number;
  errors_total: number;
  errors: { line: number; message: string }[];
}

export interface Slip {
  id: string;
  /** 8 digits. */
  code: string;
  secret: string;
  url?: string;
}

export interface Invite {
  id: string;
  door?: string;
  state: string;
  uses: number;
  max_uses: number;
  expires_at: number;
  created_at: number;
}

/** How a consent was given; by ear it names its witness. */
export interface Evidence {
  how: 'tap' | 'paper' | 'oral';
  witness?: string;
  version?: string;
}
/** Somebody who receives and answers for somebody else. */
export interface Proxy {
  id: string;
  proxy: string;
  dependant: string;
  proxy_name?: string;
  dependant_name?: string;
  kind: 'remote' | 'same_device';
  state: 'requested' | 'active' | 'ended';
  evidence?: Evidence;
  confirmed_at?: number;
  until?: number;
}

/** A value of a record that gave way to another one. */
export interface LostValue {
  member: string;
  value: unknown;
  at: number;
  by?: string;
  kept_at: number;
  kept_by?: string;
}
