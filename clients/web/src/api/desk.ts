// SPDX-License-Identifier: Apache-2.0
// The operations of the desk by name. Every write takes the Idempotency-Key of its Attempt.

import type { ApiClient } from './client';
import type * as T from './types';

type Empty = Record<string, never>;

/** Texts of a quote and whom it is for. */
export interface QuoteArgs {
  category?: string;
  severity?: T.Severity;
  title: string;
  action_line?: string;
  body?: string;
  audience?: T.Audience;
}

/** With `cost`, in the price unit of the quotes, when the audience was named. */
export interface Quotes {
  quotes: T.Quote[];
  audience?: T.AudienceCount;
  cost?: number;
}

/** An access entry opens a record for ten minutes; the last one is for clocks and lines. */
const ACCESS_MS = 9 * 60_000;

export class DeskApi {
  readonly client: ApiClient;
  private readonly accesses = new Map<string, { access: Promise<string>; at: number }>();

  constructor(client: ApiClient) {
    this.client = client;
  }

  // --- Oneself --------------------------------------------------------------------------------

  me = () => this.client.get<T.Me>('/me');

  elevate = (passphrase: string, totp: string) =>
    this.client.ask<{ token: string; expires_at: number; ends_at: number }>('/elevate', {
      passphrase,
      totp,
    });

  beginSetup = (code: string, passphrase: string) =>
    this.client.ask<{ ticket: string; totp_secret: string; totp_uri: string; expires_at: number }>(
      '/staff/setup',
      { code, passphrase },
    );

  confirmSetup = (ticket: string, totp: string) =>
    this.client.ask<unknown>('/staff/setup/confirm', { ticket, totp });

  // --- Notices --------------------------------------------------------------------------------

  notices = (query: { state?: string; category?: string; cursor?: string; limit?: number }) =>
    this.client.get<T.Page<T.NoticeLine>>('/notices', query);

  notice = (id: string) => this.client.get<T.Notice>(`/notices/${id}`);

  draft = (args: T.NoticeArgs & { id: string }, key: string) =>
    this.client.post<{ id: string; fingerprint: string }>('/notices', args, { key });

  edit = (id: string, args: T.NoticeArgs, key: string) =>
    this.client.patch<{ id: string; fingerprint: string }>(`/notices/${id}`, args, { key });

  submit = (id: string, key: string) =>
    this.client.post<{ id: string; fingerprint: string }>(`/notices/${id}/submit`, {}, { key });

  approve = (
    id: string,
    args: { fingerprint: string; persons: number; cost?: number },
    key: string,
  ) => this.client.post<{ id: string; state: string }>(`/notices/${id}/approve`, args, { key });

  reject = (id: string, reason: string, key: string) =>
    this.client.post<Empty>(`/notices/${id}/reject`, { reason }, { key });

  sendNow = (id: string, key: string) =>
    this.client.post<Empty>(`/notices/${id}/send`, {}, { key });

  correct = (
    id: string,
    args: Partial<Pick<T.Content, 'title' | 'action_line' | 'body' | 'severity' | 'valid_to'>> & {
      audience?: T.Audience;
      reason?: string;
    },
    key: string,
  ) => this.client.post<Empty>(`/notices/${id}/correct`, args, { key });

  stop = (id: string, reason: string, key: string) =>
    this.client.post<Empty>(`/notices/${id}/stop`, { reason }, { key });

  remind = (id: string, key: string) =>
    this.client.post<{ reminds: number }>(`/notices/${id}/remind`, {}, { key });

  withdraw = (id: string, reason: string, key: string) =>
    this.client.post<Empty>(`/notices/${id}/withdraw`, reason ? { reason } : {}, { key });

  audienceCount = (audience: T.Audience) =>
    this.client.ask<T.AudienceCount>('/notices/audience-count', { audience });

  quote = (args: QuoteArgs) => this.client.ask<Quotes>('/gateway/quote', args);

  /** Of a notice as it stands: its approval must then name the same cost. */
  quoteNotice = (notice: string) => this.client.ask<Quotes>('/gateway/quote', { notice });

  reachTimes = (id: string) => this.client.get<T.ReachTimes>(`/notices/${id}/reach-times`);
  report = (id: string) => this.client.get<T.Report>(`/notices/${id}/report`);

  shelters = (notice: string) =>
    this.client.get<{ shelters: T.Shelter[] }>('/shelters', { notice });
  openShelter = (args: T.NewShelter, key: string) =>
    this.client.post<{ id: string }>('/shelters', args, { key });

  reach = (id: string) => this.client.get<T.Reach>(`/notices/${id}/reach`);

  unreached = (id: string, query: { unit?: string; cursor?: string; limit?: number }) =>
    this.client.get<T.Page<T.Unreached> & { count: number }>(`/notices/${id}/unreached`, query);

  /** Who answered; `help` with what one needs at the door. */
  answers = (
    id: string,
    query: { choice?: T.Choice; unit?: string; cursor?: string; limit?: number },
  ) => this.client.get<T.Page<T.Answer>>(`/notices/${id}/answers`, query);

  /** What was submitted, sent and corrected, newest first. */
  versions = (id: string) => this.client.get<T.Page<T.Version>>(`/notices/${id}/versions`);

  warnings = (query: { cursor?: string }) => this.client.get<T.Page<T.Warning>>('/warnings', query);

  // --- Tasks and alarms -----------------------------------------------------------------------

  tasks = (unit?: string) => this.client.get<T.TaskList>('/tasks', { unit });

  openTask = (args: T.NewTask, key: string) =>
    this.client.post<{ id: string; known?: boolean }>('/tasks', args, { key });

  assign = (id: string, account: string, key: string) =>
    this.client.post<Empty>(`/tasks/${id}/assign`, { account }, { key });

  visit = (id: string, args: { outcome: string; note?: string; place?: string }, key: string) =>
    this.client.post<{ state: string }>(`/tasks/${id}/visit`, args, { key });

  answerErasure = (task: string, args: { outcome: string; note: string }, key: string) =>
    this.client.post<Empty>(`/erasures/${task}/answer`, args, { key });

  alarms = (query: { cursor?: string }) => this.client.get<T.Page<T.Alarm>>('/desk-alarms', query);

  // --- People and places ----------------------------------------------------------------------

  areas = (cursor?: string) => this.client.get<T.Page<T.Area>>('/areas', { cursor });

  createArea = (args: { kind: string; parent: string; name: string }, key: string) =>
    this.client.post<{ id: string }>('/areas', args, { key });

  renameArea = (id: string, name: string, key: string) =>
    this.client.post<Empty>(`/areas/${id}/rename`, { name }, { key });

  closeArea = (id: string, key: string) =>
    this.client.post<Empty>(`/areas/${id}/close`, {}, { key });

  counts = (area?: string) => this.client.get<Record<string, number>>('/person-counts', { area });

  logSearch = (q: string, reason: string, key: string) =>
    this.client.post<{ access: string }>('/person-searches', { q, reason }, { key });

  persons = (query: { access?: string; q?: string; cursor?: string }) =>
    this.client.get<T.Page<T.PersonLine>>('/persons', query);

  /** Who reads whose record is logged first; one entry serves a card and its reloads. */
  private accessTo(person: string): Promise<string> {
    const now = Date.now();
    for (const [other, { at }] of this.accesses)
      if (now - at >= ACCESS_MS) this.accesses.delete(other);
    const known = this.accesses.get(person);
    if (known) return known.access;
    const access = this.client
      .post<{ access: string }>('/person-reads', { person }, { key: crypto.randomUUID() })
      .then((made) => made.access);
    this.accesses.set(person, { access, at: now });
    access.catch(() => this.accesses.delete(person));
    return access;
  }

  person = async (id: string) =>
    this.client.get<T.Person>(`/persons/${id}`, { access: await this.accessTo(id) });

  putPerson = (args: Record<string, unknown>, key: string) =>
    this.client.post<{ id: string }>('/persons', args, { key });

  movePerson = (id: string, household: string, key: string) =>
    this.client.post<{ undo: string }>(`/persons/${id}/move`, { household }, { key });

  endPerson = (id: string, reason: string, key: string) =>
    this.client.post<{ undo: string }>(`/persons/${id}/end`, { reason }, { key });

  mergePerson = (id: string, duplicate: string, key: string) =>
    this.client.post<{ undo: string }>(`/persons/${id}/merge`, { duplicate }, { key });

  undo = (undo: string, key: string) => this.client.post<Empty>(`/undo/${undo}`, {}, { key });

  edits = async (person: string) =>
    this.client.get<{ lost: T.LostValue[] }>(
      `/persons/${person}/edits`, { access: await this.accessTo(person) });

  proxies = (person: string) => this.client.get<{ proxies: T.Proxy[] }>('/proxies', { person });

  requestProxy = (args: { proxy: string; dependant: string; kind: string }, key: string) =>
    this.client.post<{ id: string }>('/proxies', args, { key });

  confirmProxy = (id: string, evidence: T.Evidence, key: string) =>
    this.client.post<{ id: string }>(`/proxies/${id}/confirm`, { evidence }, { key });

  endProxy = (id: string, key: string) =>
    this.client.post<{ id: string }>(`/proxies/${id}/end`, {}, { key });

  addresses = async (person: string) =>
    this.client.get<{ endpoints: T.AddressOf[] }>(
      `/persons/${person}/endpoints`, { access: await this.accessTo(person) });

  putAddress = (person: string, args: { medium: string; address: string }, key: string) =>
    this.client.post<Empty>(`/persons/${person}/endpoints`, args, { key });

  removeAddress = (person: string, address: string, key: string) =>
    this.client.post<Empty>(`/persons/${person}/endpoints/remove`, { address }, { key });

  households = (query: { area: string; cursor?: string; limit?: number }) =>
    this.client.get<T.Page<{ id: string; door: string; state: string }>>('/households', query);

  household = (id: string) => this.client.get<T.Household>(`/households/${id}`);

  putHousehold = (args: { door: string; area: string; floor?: number }, key: string) =>
    this.client.post<{ id: string }>('/households', args, { key });

  startImport = (file: Blob, apply: boolean, key: string) =>
    this.client.post<T.ImportJob>('/imports', undefined, {
      key,
      query: { apply },
      raw: { bytes: file, type: 'text/csv' },
      deadlineMs: 120_000,
    });

  importJob = (job: string) => this.client.get<T.ImportJob>(`/imports/${job}`);

  undoImport = (job: string, key: string) =>
    this.client.post<T.ImportJob>(`/imports/${job}/undo-all`, {}, { key });

  // --- Slips and devices ----------------------------------------------------------------------

  invites = (household: string) =>
    this.client.get<{ invites: T.Invite[] }>('/invites', { household });

  makeSlip = (
    args: { household?: string; account?: string; replaces?: string; max_uses?: number },
    key: string,
  ) => this.client.post<T.Slip>('/invites', args, { key });

  revokeSlip = (id: string, key: string) =>
    this.client.post<Empty>(`/invites/${id}/revoke`, {}, { key });

  /** HTML text of the printable page. */
  sheet = (slips: { title: string; code: string; secret: string }[]) =>
    this.client.ask<string>('/invites/sheet', { slips });

  devices = (whose: { account: string } | { person: string }) =>
    this.client.get<{ devices: T.Device[] }>('/devices', whose);

  /** Every device of those one looks after, as each last said. */
  deviceSync = (query: { unit?: string; cursor?: string }) =>
    this.client.get<T.Page<T.Phone>>('/device-sync', { ...query, limit: 500 });

  recovered = (query: { cursor?: string }) =>
    this.client.get<T.Page<{ cid: string; account: string }>>('/recovered-devices', query);

  quarantine = () => this.client.get<T.Page<T.Refused>>('/quarantine', { limit: 200 });

  revokeDevice = (cid: string, reason: string, key: string) =>
    this.client.post<Empty>(`/devices/${cid}/revoke`, { reason }, { key });

  detachDevice = (cid: string, key: string) =>
    this.client.post<Empty>(`/devices/${cid}/detach`, {}, { key });

  // --- Gateway --------------------------------------------------------------------------------

  gateway = () => this.client.get<T.GatewayLook>('/gateway');

  orders = () => this.client.get<{ orders: T.Order[] }>('/gateway/orders');

  deliveries = (query: { notice?: string; person?: string; state?: string; cursor?: string }) =>
    this.client.get<{ deliveries: T.Delivery[]; next?: string }>('/gateway/deliveries', query);

  pause = (channel: string, why: string, key: string) =>
    this.client.post<Empty>('/gateway/pause', { channel, why }, { key });

  resume = (channel: string, key: string) =>
    this.client.post<Empty>('/gateway/resume', { channel }, { key });

  replay = (delivery: string, key: string) =>
    this.client.post<Empty>('/gateway/replay', { delivery }, { key });

  test = (args: { channel: string; address: string; text: string }, key: string) =>
    this.client.post<Empty>('/gateway/test', args, { key });

  // --- Accounts -------------------------------------------------------------------------------

  accounts = (cursor?: string) => this.client.get<T.Page<T.Account>>('/accounts', { cursor });

  /** Whom a task can be given to; for those who hand out work. */
  accountNames = (cursor?: string) =>
    this.client.get<T.Page<{ id: string; name: string }>>('/accounts/names', { cursor });

  createAccount = (args: { name: string; roles: { role: string; scope: string }[] }, key: string) =>
    this.client.post<{ id: string }>('/accounts', args, { key });

  grant = (id: string, role: string, scope: string, key: string) =>
    this.client.post<Empty>(`/accounts/${id}/roles`, { role, scope }, { key });

  revokeRole = (id: string, role: string, scope: string, key: string) =>
    this.client.post<Empty>(`/accounts/${id}/roles/revoke`, { role, scope }, { key });

  setAccountState = (id: string, state: 'active' | 'suspended', key: string) =>
    this.client.post<Empty>(`/accounts/${id}/state`, { state }, { key });

  resetStaff = (account: string, key: string) =>
    this.client.post<{ setup_code: string; expires_at: number }>(
      `/staff/${account}/reset`,
      {},
      { key },
    );

  apiKeys = () => this.client.get<{ keys: T.ApiKey[] }>('/api-keys');

  createApiKey = (label: string, scopes: string[], key: string) =>
    this.client.post<{ id: string; key: string }>('/api-keys', { label, scopes }, { key });

  revokeApiKey = (id: string, key: string) =>
    this.client.post<Empty>(`/api-keys/${id}/revoke`, {}, { key });

  accessLog = (cursor?: string) =>
    this.client.get<T.Page<T.AccessEntry>>('/access-log', { cursor });
}
