// SPDX-License-Identifier: Apache-2.0
// Who sits at the desk: the device's identity, its roles, its elevation, and what every screen
// needs besides: the area tree and the names of colleagues.

import { ApiClient } from '../../api/client';
import { DeskApi } from '../../api/desk';
import { Elevation } from '../../api/elevation';
import { type ApiProblem, asProblem } from '../../api/problem';
import type { Me, Page } from '../../api/types';
import type { Replica, Status } from '../../replica/api';
import { AreaIndex } from '../logic/audience';
import { shortId } from '../logic/format';
import { dialogs } from './dialogs.svelte';

/** Roles whose replica holds the whole community's desk. */
const kOfficeRoles = ['window', 'editor', 'approver', 'supervisor'];

export class Session {
  status = $state.raw<Status | undefined>();
  me = $state.raw<Me | undefined>();
  problem = $state.raw<ApiProblem | undefined>();
  areas = $state.raw(new AreaIndex([]));
  areasProblem = $state.raw<ApiProblem | undefined>();
  /** Names by account, as far as this person may know them. */
  names = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** Those of them to whom a task can be given. */
  goers = $state.raw<ReadonlyMap<string, string>>(new Map());
  elevatedUntil = $state(0);
  /** Everything that screens lean on is here, or its problem is. */
  isReady = $state(false);

  readonly replica: Replica;
  readonly api: DeskApi;
  readonly elevation: Elevation;

  constructor(replica: Replica, base: string) {
    this.replica = replica;
    this.elevation = new Elevation(Date.now, () => (this.elevatedUntil = this.elevation.until));
    this.api = new DeskApi(
      new ApiClient({
        base,
        deviceToken: () => replica.token(),
        elevation: this.elevation,
        askElevation: () => dialogs.elevate(),
      }),
    );
    replica.status.subscribe((status) => (this.status = status));
  }

  get isEnrolled(): boolean {
    return this.status?.identity !== undefined && !this.status.isRevoked;
  }

  /** Unix ms of the server, as far as it is known. */
  now(): number {
    return Date.now() + (this.status?.clockOffset ?? 0);
  }

  has(...roles: string[]): boolean {
    return this.me?.roles.some((held) => roles.includes(held.role)) ?? false;
  }

  /** Whether the replica has what the whole desk shows, and has it up to now. */
  get hasLiveDesk(): boolean {
    return this.has(...kOfficeRoles) && (this.status?.isCaughtUp ?? false);
  }

  nameOf(account: string | undefined): string {
    if (!account) return '—';
    if (account === this.me?.account) return this.me.name;
    return this.names.get(account) ?? shortId(account);
  }

  /** Everything a screen leans on. Rejects never; what failed is in `problem`. */
  async load(): Promise<void> {
    this.problem = undefined;
    try {
      this.me = await this.api.me();
    } catch (thrown) {
      this.problem = asProblem(thrown);
      return;
    }
    await Promise.all([this.loadAreas(), this.loadNames()]);
    this.isReady = true;
  }

  async loadAreas(): Promise<void> {
    this.areasProblem = undefined;
    try {
      const areas = [];
      for (let cursor: string | undefined; ;) {
        const page = await this.api.areas(cursor);
        areas.push(...page.items.filter((area) => area.state === 'active'));
        if (!page.next) break;
        cursor = page.next;
      }
      this.areas = new AreaIndex(areas);
    } catch (thrown) {
      this.areasProblem = asProblem(thrown);
    }
  }

  private async loadNames(): Promise<void> {
    const { api } = this;
    const all = this.has('admin', 'approver', 'supervisor');
    const near = this.has('grid', 'lead', 'window', 'editor', 'approver');
    const [goers, everybody] = await Promise.all([
      near ? namesOf((cursor) => api.accountNames(cursor)) : undefined,
      all ? namesOf((cursor) => api.accounts(cursor)) : undefined,
    ]);
    this.goers = goers ?? new Map();
    this.names = new Map([...this.goers, ...(everybody ?? [])]);
  }
}

type Named = { id: string; name: string };

/** Undefined when it was refused: numbers are shown then; the accounts' own screen says why. */
async function namesOf(
  ask: (cursor?: string) => Promise<Page<Named>>,
): Promise<Map<string, string> | undefined> {
  const out = new Map<string, string>();
  try {
    for (let cursor: string | undefined; ;) {
      const page = await ask(cursor);
      for (const { id, name } of page.items) out.set(id, name);
      if (!page.next) return out;
      cursor = page.next;
    }
  } catch {
    return undefined;
  }
}

/** Set once by main.ts before anything is drawn. */
let current: Session;
export function setSession(session: Session): void {
  current = session;
}
export function session(): Session {
  return current;
}
