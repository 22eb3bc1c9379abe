// SPDX-License-Identifier: Apache-2.0
// Rows of teams and shifts as runes, for the screens below #/volunteer.
import { getContext, setContext } from 'svelte';
import type { Replica, Row } from '../replica/api';
import { RECORD } from '../replica/record_name';
import type { AreaRow, NoticeRow, ShelterRow, TaskRow, TransferRow } from '../replica/rows';
import type {
  AttendanceRow, CertificateRow, HoursRow, PublicityRow, ShiftAnswerRow, ShiftKeyRow, ShiftRow,
  TeamMemberRow, TeamMinorRow, TeamRow, WalkUpRow,
} from '../replica/rows_service';
import type { Session } from '../resident/state/session.svelte';
import type { Held } from './checkin';
import {
  isLead, minorState, presences, teamsOf, type MinorState, type Presence,
} from './shifts';

export class Service {
  teams = $state.raw<Row<TeamRow>[]>([]);
  members = $state.raw<Row<TeamMemberRow>[]>([]);
  minors = $state.raw<Row<TeamMinorRow>[]>([]);
  shifts = $state.raw<Row<ShiftRow>[]>([]);
  keys = $state.raw<Row<ShiftKeyRow>[]>([]);
  answers = $state.raw<Row<ShiftAnswerRow>[]>([]);
  marks = $state.raw<Row<AttendanceRow>[]>([]);
  hours = $state.raw<Row<HoursRow>[]>([]);
  publicity = $state.raw<Row<PublicityRow>[]>([]);
  certificates = $state.raw<Row<CertificateRow>[]>([]);
  walkUps = $state.raw<Row<WalkUpRow>[]>([]);
  tasks = $state.raw<Row<TaskRow>[]>([]);
  shelters = $state.raw<Row<ShelterRow>[]>([]);
  transfers = $state.raw<Row<TransferRow>[]>([]);
  notices = $state.raw<Row<NoticeRow>[]>([]);
  areas = $state.raw<Row<AreaRow>[]>([]);
  private readonly stops: (() => void)[] = [];

  readonly replica: Replica;
  readonly persons = $derived.by(() => this.session.persons.map(({ id }) => id));
  readonly own = $derived.by(() => this.session.status.identity?.person ?? '');
  readonly mine = $derived(teamsOf(this.members, this.persons));

  /** Entries that this phone countersigned and has not sent yet. */
  readonly cosigned = $derived.by(() => new Set(
    this.session.pending
      .filter(({ name, args }) => name === RECORD && args.countersign !== undefined)
      .map(({ args }) => String(args.id)),
  ));

  constructor(readonly session: Session) {
    this.replica = session.replica;
    this.watch<TeamRow>('team', (rows) => (this.teams = rows));
    this.watch<TeamMemberRow>('team_member', (rows) => (this.members = rows));
    this.watch<TeamMinorRow>('team_minor', (rows) => (this.minors = rows));
    this.watch<ShiftRow>('shift', (rows) => (this.shifts = rows));
    this.watch<ShiftKeyRow>('shift_key', (rows) => (this.keys = rows));
    this.watch<ShiftAnswerRow>('shift_answer', (rows) => (this.answers = rows));
    this.watch<AttendanceRow>('attendance', (rows) => (this.marks = rows));
    this.watch<HoursRow>('hours', (rows) => (this.hours = rows));
    this.watch<PublicityRow>('publicity', (rows) => (this.publicity = rows));
    this.watch<CertificateRow>('certificate', (rows) => (this.certificates = rows));
    this.watch<WalkUpRow>('walkup', (rows) => (this.walkUps = rows));
    this.watch<TaskRow>('task', (rows) => (this.tasks = rows));
    this.watch<ShelterRow>('shelter', (rows) => (this.shelters = rows));
    this.watch<TransferRow>('transfer', (rows) => (this.transfers = rows));
    this.watch<NoticeRow>('notice', (rows) => (this.notices = rows));
    this.watch<AreaRow>('area', (rows) => (this.areas = rows));
  }

  get held(): Held {
    return { teams: this.teams, members: this.members, shifts: this.shifts };
  }

  shift(id: string): ShiftRow | undefined {
    return this.shifts.find(({ key }) => key === id)?.value;
  }

  team(id: string): TeamRow | undefined {
    return this.teams.find(({ key }) => key === id)?.value;
  }

  /** The phone's owner leads the team. */
  leads(team: string): boolean {
    return isLead(this.members, team, this.own);
  }

  /** Whether a member is under age and a guardian agreed, as far as this phone may know. */
  ageOf(member: string): MinorState | undefined {
    return minorState(this.minors, member);
  }

  presences(shift: string): Map<string, Presence> {
    return presences(this.marks, shift, this.cosigned);
  }

  /** Whom this phone may sign for in a team. */
  serving(team: string): string[] {
    return this.persons.filter((person) => teamsOf(
      this.members.filter(({ value }) => value.team === team), [person],
    ).has(team));
  }

  nameOf(person: string): string {
    const member = this.members.find(({ value }) => value.person === person && value.name);
    const walkUp = this.walkUps.find(({ key }) => key === person)?.value.name;
    return member?.value.name ?? walkUp ?? this.session.nameOf(person) ?? '';
  }

  stop(): void {
    for (const stop of this.stops) stop();
  }

  private watch<T>(tbl: string, run: (rows: Row<T>[]) => void): void {
    this.stops.push(this.replica.rows<T>(tbl).subscribe(run));
  }
}

const KEY = Symbol('service');

export function provideService(service: Service): Service {
  return setContext(KEY, service);
}

export function useService(): Service {
  return getContext<Service>(KEY);
}
