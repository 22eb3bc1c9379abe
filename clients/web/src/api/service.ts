// SPDX-License-Identifier: Apache-2.0
// Teams, shifts, hours and certificates as the desk asks for them. Every write takes the
// Idempotency-Key of its Attempt.

import type {
  CertificateRow, HoursRow, HoursState, ShiftRow, TeamMemberRow, TeamMinorRow, TeamRow,
} from '../replica/rows_service';
import type { ApiClient } from './client';
import type { Page } from './types';

export type TeamLine = TeamRow & { id: string };
export type MemberLine = Omit<TeamMemberRow, 'keys'> &
  Pick<TeamMinorRow, 'consent'> & { id: string; is_minor: boolean };
export type ShiftLine = ShiftRow & { id: string };
export type HoursLine = HoursRow & { id: string };
export type Certificate = CertificateRow & { number: string };

export interface Finding {
  what: string;
  /** Place in the community's log; 0 = none. */
  pos: number;
  id: string;
  detail: string;
}
export interface Verdict {
  records: number;
  heads_checked: boolean;
  /** What was altered, removed, inserted or reordered, first one first. */
  findings: Finding[];
  /** Honest but odd: gaps, copied phones, refused codes. */
  flagged: Finding[];
}

/** A walk along the chains that is not over. */
interface Walk {
  walk: string;
  walked: number;
  records: number;
}

export interface NewShift {
  id: string;
  team: string;
  title: string;
  from: number;
  to: number;
  need: number;
  is_callout: boolean;
  has_travel: boolean;
  place?: string;
  place_name?: string;
}

/** Of one hours.confirm and hours.finalise. */
export const kIdsMax = 30;

const of = (id: string) => encodeURIComponent(id);

export class ServiceApi {
  constructor(readonly client: ApiClient) {}

  teams = (cursor?: string) => this.client.get<Page<TeamLine>>('/teams', { cursor, limit: 500 });

  createTeam = (
    args: { id: string; name: string; area: string; kind: string; what?: string }, key: string,
  ) =>
    this.client.post<{ id: string }>('/teams', args, { key });

  closeTeam = (id: string, key: string) =>
    this.client.post<unknown>(`/teams/${of(id)}/close`, {}, { key });

  renewCode = (id: string, key: string) =>
    this.client.post<unknown>(`/teams/${of(id)}/renew-code`, {}, { key });

  stationCode = (id: string) =>
    this.client.get<{ id: string; code: string }>(`/teams/${of(id)}/station-code`);

  members = async (team: string): Promise<Page<MemberLine>> => {
    const found = await this.client.get<{ members: MemberLine[] }>(`/teams/${of(team)}/members`);
    return { items: found.members };
  };

  takeIn = (team: string, person: string, key: string) =>
    this.client.post<unknown>(`/teams/${of(team)}/members`, { person }, { key });

  setRole = (team: string, person: string, role: 'member' | 'lead', key: string) =>
    this.client.post<unknown>(`/teams/${of(team)}/members/${of(person)}/role`, { role }, { key });

  consent = (team: string, person: string, witness: string, key: string) =>
    this.client.post<unknown>(
      `/teams/${of(team)}/members/${of(person)}/consent`, { how: 'paper', witness }, { key },
    );

  shifts = (team: string, cursor?: string) =>
    this.client.get<Page<ShiftLine>>(`/teams/${of(team)}/shifts`, { cursor, limit: 50 });

  createShift = (args: NewShift, key: string) =>
    this.client.post<{ id: string }>('/shifts', args, { key });

  cancelShift = (id: string, reason: string, key: string) =>
    this.client.post<unknown>(`/shifts/${of(id)}/cancel`, { reason }, { key });

  hours = (query: { state?: HoursState; team?: string; cursor?: string }) =>
    this.client.get<Page<HoursLine>>('/hours', { ...query, limit: 200 });

  missing = async (day?: string): Promise<Page<HoursLine>> => {
    const found = await this.client.get<{ hours: HoursLine[] }>('/hours/missing', { day });
    return { items: found.hours };
  };

  confirm = (ids: string[], key: string) =>
    this.client.post<{ confirmed: string[] }>('/hours/confirm', { ids }, { key });

  finalise = (ids: string[], key: string) =>
    this.client.post<{ final: string[] }>('/hours/finalise', { ids }, { key });

  resolve = (id: string, outcome: 'keep' | 'void', reason: string, key: string) =>
    this.client.post<unknown>(`/hours/${of(id)}/resolve`, { outcome, reason }, { key });

  correct = (id: string, minutes: number, reason: string, key: string) =>
    this.client.post<unknown>(`/hours/${of(id)}/correct`, { minutes, reason }, { key });

  approve = (id: string, correction: string, key: string) =>
    this.client.post<unknown>(`/hours/${of(id)}/approve`, { correction }, { key });

  claimWalkUp = (walkUp: string, person: string, key: string) =>
    this.client.post<{ id: string }>(`/walk-ups/${of(walkUp)}/claim`, { person }, { key });

  /** Answer by answer to the end of the walk; `walked` of `records` are done. */
  verify = async (progress?: (walked: number, records: number) => void): Promise<Verdict> => {
    let said = await this.client.ask<Verdict | Walk>('/attendance/verify', {});
    while ('walk' in said) {
      progress?.(said.walked, said.records);
      said = await this.client.ask<Verdict | Walk>('/attendance/verify', { walk: said.walk });
    }
    return said;
  };

  issue = (person: string, key: string) =>
    this.client.post<{ number: string; code: string; minutes: number }>(
      '/certificates', { person }, { key },
    );

  certificate = (number: string) => this.client.get<Certificate>(`/certificates/${of(number)}`);

  certificatePdf = (number: string) =>
    this.client.file(`/certificates/${of(number)}/sheet.pdf`);

  revoke = (number: string, reason: string, key: string) =>
    this.client.post<unknown>(`/certificates/${of(number)}/revoke`, { reason }, { key });

  exportJson = (team: string, corrected: boolean, cursor?: string) =>
    this.client.get<Page<Record<string, unknown>> & { mapping: string }>(
      `/teams/${of(team)}/hours-export`, { corrected, cursor },
    );

  /** One page of 500 as text; the page after it is asked for by `cursor`. */
  exportCsv = (team: string, corrected: boolean, cursor?: string) =>
    this.client.get<string>(`/teams/${of(team)}/hours.csv`, { corrected, cursor });
}
