// SPDX-License-Identifier: Apache-2.0
// Shapes of the HTTP interface as the desk reads them; times are unix ms. openapi.json is the law.

import type { MediaRef } from '../media/ref';

/** One page of a list; `next` is the cursor of the page after it. */
export interface Page<T> {
  items: T[];
  next?: string;
}

export * from './types_people';
export * from './types_reach';
export * from './types_system';

export const kCategories = [
  'dangjian',
  'events',
  'latest',
  'policy',
  'weather',
  'living',
  'farming',
  'urgent',
] as const;
export type Category = (typeof kCategories)[number];

export const kSeverities = ['none', 'blue', 'yellow', 'orange', 'red'] as const;
export type Severity = (typeof kSeverities)[number];

export type NoticeState =
  | 'draft'
  | 'in_review'
  | 'scheduled'
  | 'missed'
  | 'sent'
  | 'corrected'
  | 'withdrawn'
  | 'rejected'
  | 'expired'
  | 'archived';

export interface Audience {
  areas: string[];
  tags?: string[];
  sensitive_tags?: string[];
  age_min?: number;
  age_max?: number;
  exclude_areas?: string[];
  exclude_persons?: string[];
}

export interface Content {
  category: Category;
  title: string;
  action_line?: string;
  body?: string;
  severity: Severity;
  incident?: string;
  event?: string;
  valid_from?: number;
  valid_to?: number;
  needs_ack?: boolean;
  issuer?: string;
  drill?: boolean;
  images?: MediaRef[];
  voice?: MediaRef;
}

/** What POST and PATCH of a notice take. Prices are in 1/10000 yuan. */
export type NoticeArgs = Omit<Content, 'issuer' | 'severity'> & {
  severity?: Severity;
  audience: Audience;
  send_at?: number;
  cost_cap?: number;
};

export interface NoticeLine {
  id: string;
  state: NoticeState;
  category: Category;
  title: string;
  severity?: Severity;
  drill?: boolean;
  urgent?: boolean;
  incident?: string;
  created_at: number;
  submitted_at?: number;
  send_at?: number;
  sent_at?: number;
  corrected_at?: number;
  withdrawn_at?: number;
  valid_to?: number;
  persons?: number;
  author?: string;
  approved_by?: string;
  sending?: Sending;
}

export interface Sending {
  phase: string;
  n: number;
  m: number;
}

export interface Notice extends Omit<NoticeLine, 'category' | 'title' | 'severity'> {
  content: Content;
  /** Absent for those who may not see whom it is for. */
  audience?: Audience;
  authors?: string[];
  approved_at?: number;
  approved_persons?: number;
  cost_cap?: number;
  fingerprint: string;
  rev: number;
  ask?: number;
  stopped?: boolean;
  history?: { at: number; by: string; what: string; why?: string }[];
}

export const kReachStates = [
  'ok',
  'help',
  'away',
  'in_person',
  'proxied',
  'seen',
  'delivered',
  'handed',
  'failed',
  'app',
  'no_app',
  'no_channel',
  'excluded',
] as const;
export type ReachState = (typeof kReachStates)[number];
/** Persons by state; `audience` is their sum. */
export type ReachCounts = Record<ReachState, number> & { audience: number };

export interface Reach {
  id: string;
  state: NoticeState;
  total: ReachCounts;
  units: (ReachCounts & { unit: string; name: string })[];
  sending?: Sending;
}

export interface AudienceCount {
  persons: number;
  /** True with sensitive tags: `persons` is rounded up to fives and nothing else is told. */
  suppressed?: boolean;
  households?: number;
  no_phone?: number;
  app?: number;
  no_app?: number;
  no_channel?: number;
  direct?: boolean;
  units?: { unit: string; name: string; persons: number }[];
  by_medium?: Record<string, number>;
}

export interface Quote {
  channel: string;
  medium: string;
  /** Why this channel cannot carry the text; then nothing else is there. */
  refused?: string;
  text?: string;
  parts?: number;
  /** 1/10000 yuan, as `cost`. */
  part_price?: number;
  /** Parts a second. */
  rate?: number;
  persons?: number;
  cost?: number;
  seconds?: number;
}

export interface Warning {
  incident: string;
  state: 'open' | 'over';
  opened_at: number;
  at: number;
  kind: string;
  colour: Severity;
  event: string;
  headline?: string;
  source: string;
  sender?: string;
  signal_no?: number;
  drill?: boolean;
  expires_at?: number;
  doubts?: string[];
  notice?: string;
  proposal?: Partial<Content> & { what: string; at: number; audience?: Audience };
}

export interface Alarm {
  key: string;
  kind: string;
  subject?: string;
  text: string;
  since: number;
  until?: number;
  cleared_at?: number;
  count: number;
}
