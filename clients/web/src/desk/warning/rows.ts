// SPDX-License-Identifier: Apache-2.0
// Rows of the replica as the warning desk reads them, and the same things over HTTP.

import type { Alarm, Answer, NoticeLine, ReachCounts, Task, Warning } from '../../api/types';
import { Live } from '../state/live.svelte';
import { everyPage } from '../state/pages';
import { session } from '../state/session.svelte';

type Fields = Record<string, unknown>;

/** Notices that are out, urgent and newest first. */
export function liveNotices(): Live<NoticeLine> {
  const isOut = (state: unknown) => state === 'sent' || state === 'corrected';
  return new Live<NoticeLine>({
    tbl: 'notice_desk',
    read: (key, value) =>
      isOut(value.state) ? ({ ...value, id: key } as unknown as NoticeLine) : undefined,
    fetch: async () => {
      const { api } = session();
      const pages = await Promise.all([
        api.notices({ state: 'sent', limit: 50 }),
        api.notices({ state: 'corrected', limit: 50 }),
      ]);
      return pages.flatMap((page) => page.items);
    },
    everyMs: 10_000,
  });
}

export function warnings(): Live<Warning> {
  return new Live<Warning>({
    tbl: 'warning',
    read: (key, value) => ({ ...value, incident: key }) as unknown as Warning,
    fetch: async () => (await session().api.warnings({})).items,
    everyMs: 10_000,
  });
}

export function alarms(): Live<Alarm> {
  return new Live<Alarm>({
    tbl: 'desk_alarm',
    read: (key, value) => ({ ...value, key }) as unknown as Alarm,
    fetch: async () => (await session().api.alarms({})).items,
    everyMs: 15_000,
  });
}

export type UnitCounts = ReachCounts & { unit: string; name: string };

export function unitCounts(notice: string): Live<UnitCounts> {
  return new Live<UnitCounts>({
    tbl: 'reach_count',
    read: (_key, value) => {
      if (value.notice !== notice) return undefined;
      const unit = String(value.unit);
      return { ...(value as Fields), unit, name: session().areas.name(unit) } as UnitCounts;
    },
    fetch: async () => (await session().api.reach(notice)).units,
  });
}

/** Open tasks, of one notice or of all. */
export function openTasks(notice?: string): Live<Task> {
  const isWanted = (task: { notice?: unknown; state?: unknown }) =>
    task.state !== 'done' && (!notice || task.notice === notice);
  return new Live<Task>({
    tbl: 'task',
    read: (key, value) =>
      isWanted(value) ? ({ ...value, id: key } as unknown as Task) : undefined,
    fetch: async () => (await session().api.tasks()).tasks.filter(isWanted),
  });
}

/** Tasks without a notice: knocks by hand, wishes for erasure. */
export function otherTasks(all: readonly Task[]): Task[] {
  return all.filter((task) => !task.notice);
}

export type Help = Answer & { captured_at: number };

/** What a task says of the call that opened it. */
export function callOf(task: Task): Help {
  const at = task.called_at ?? task.opened_at;
  const { person = '', name, door, unit } = task;
  return { person, name, door, unit, choice: 'help', at, captured_at: at, current: true };
}

/** Calls for help that one list shows. */
const kHelpMax = 1000;

/** With what one needs at the door. */
export async function helpCalls(notice: string): Promise<Help[]> {
  const { api } = session();
  const ask = (cursor?: string) => api.answers(notice, { choice: 'help', cursor, limit: 500 });
  const found = await everyPage(ask, kHelpMax);
  return found.map((one) => ({ ...one, captured_at: one.captured_at ?? one.at }));
}

/** Who pressed 我需要帮助. */
export function helps(notice: string): Live<Help> {
  return new Live<Help>({
    tbl: 'ack',
    read: (_key, value) =>
      value.notice === notice && value.choice === 'help'
        ? (value as unknown as Help)
        : undefined,
    fetch: () =>
      session().has('grid', 'window', 'approver', 'supervisor')
        ? helpCalls(notice)
        : Promise.resolve([]),
  });
}
