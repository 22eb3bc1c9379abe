// SPDX-License-Identifier: Apache-2.0
// Shapes of the HTTP interface as the desk reads them; times are unix ms. openapi.json is the law.
// Who was reached, who answered, who goes there.

import type { Content, ReachState, Severity } from './types';

export interface Unreached {
  person: string;
  state: ReachState;
  name: string;
  door: string;
  floor?: number;
  area: string;
  unit: string;
  living_alone?: boolean;
  mobility?: string;
  phone?: string;
  landline?: string;
  neighbour?: string;
  keyholder?: string;
  birth_year?: number;
  first: boolean;
  /** What the last try came to, where every one failed. */
  why?: 'expired' | 'gave_up' | 'refused';
}

export type Choice = 'ok' | 'help' | 'away';

/** One person's answer; the last group only with a call for help. */
export interface Answer {
  person: string;
  name: string;
  door: string;
  unit: string;
  choice: Choice;
  state?: string;
  via?: string;
  at: number;
  /** When it was tapped, by the phone's clock. */
  captured_at?: number;
  /** False: it answers an earlier question. */
  current: boolean;

  area?: string;
  floor?: number;
  phone?: string;
  landline?: string;
  living_alone?: boolean;
  mobility?: string;
  neighbour?: string;
  keyholder?: string;
}

/** Text of an earlier version; whom it was for is not kept. */
export interface Version {
  notice: string;
  rev: number;
  what: 'submitted' | 'sent' | 'corrected';
  at: number;
  by: string;
  content: Partial<Content>;
}

export interface Task {
  id: string;
  /** A door to knock at, a sheet to post, somebody's wish to have their data deleted. */
  kind: 'knock' | 'post' | 'erasure';
  notice?: string;
  person?: string;
  state: 'open' | 'no_answer' | 'handed_on' | 'done';
  owner: 'grid' | 'assignee' | 'lead' | 'desk';
  assignee?: string;
  /** `help`: somebody called for it. */
  why?: 'ladder' | 'parallel' | 'by_hand' | 'help';
  called_at?: number;
  /** After the call the same person answered something else. */
  recalled_at?: number;
  reason?: string;
  tries: number;
  next_at?: number;
  /** Date by which it has to be done. */
  due_at?: number;
  opened_at: number;
  done_at?: number;
  result?: string;
  /** Where the sheet hangs. */
  place?: string;
  name: string;
  door: string;
  floor?: number;
  area?: string;
  unit: string;
  living_alone?: boolean;
  mobility?: string;
  neighbour?: string;
  keyholder?: string;
  severity?: Severity;
  title?: string;
  outcomes: { at: number; by: string; outcome: string; note?: string; place?: string }[];
}

/** Tasks with names that the caller may see, at most 500; counts also for who sees no names. */
export interface TaskList {
  tasks: Task[];
  counts: { unit: string; name: string; open: number }[];
  more: boolean;
}

export type NewTask = { notice?: string; reason: string } & (
  | { kind: 'knock'; person: string }
  | { kind: 'post'; area: string }
);

/** How many had it and had answered it, over time; times are unix ms. */
export interface ReachTimes {
  sent_at: number;
  /** When the question that stands now was asked; 0 = with the sending. */
  asked_at: number;
  audience: number;
  points: { at: number; arrived: number; answered: number }[];
  /** When 50, 90 and 100 % had answered, as far as they have. */
  answered_by: Partial<Record<'50' | '90' | '100', number>>;
}

/** What came of a warning, in the order of the five knocks. */
export interface Report {
  id: string;
  title: string;
  sent_at: number;
  withdrawn_at?: number;
  drill?: boolean;
  warned: Record<string, number>;
  moved: Record<string, number>;
  missed: Record<string, number>;
  cared: Record<string, number>;
  back: Record<string, number>;
  /** Who knew last; name and door for roles at that door. */
  last?: {
    at: number;
    unit: string;
    person?: string;
    name?: string;
    door?: string;
    trail: ReportStep[];
  };
}
export interface ReportStep {
  at: number;
  what: 'sent' | 'channel' | 'seen' | 'task' | 'called' | 'visit' | 'answered';
  state?: string;
  medium?: string;
  outcome?: string;
  by?: string;
  via?: string;
}

/** Heads of a place where people are brought; id "" = elsewhere. */
export interface Shelter {
  id: string;
  name: string;
  capacity: number;
  moved: number;
  arrived: number;
  returned: number;
}
export interface NewShelter {
  id: string;
  notice: string;
  name: string;
  area: string;
  capacity: number;
}
