// SPDX-License-Identifier: Apache-2.0
// Knock tasks as a person with tired legs wants them: building by building, floor by floor.
import type { Row } from '../replica/api';
import type { Severity, TaskRow, VisitOutcome } from '../replica/rows';

export type Task = Row<TaskRow>;
/** Of one staircase, lowest floor first: water comes from below. */
export interface Staircase {
  area: string;
  tasks: Task[];
}
export const OUTCOMES: readonly VisitOutcome[] = [
  'told', 'no_answer', 'moved', 'refused', 'rescue',
];
/** Of task.visit. */
export const NOTE_MAX = 200;
const RANK: Record<Severity, number> = { none: 0, blue: 1, yellow: 2, orange: 3, red: 4 };

/** Still to be knocked at; nobody opened is not done. */
export function isOpen({ value }: Task): boolean {
  if (value.kind !== 'knock' || value.state === 'done') return false;
  return value.result === undefined || value.result === 'no_answer';
}

/** Knocked at from this phone, waiting to be sent. */
export function isWaiting(task: Task): boolean {
  return task.isPending && task.value.result !== undefined;
}

export function knocksBefore({ value, isPending }: Task): number {
  return (value.tries ?? 0) + (isPending && value.result === 'no_answer' ? 1 : 0);
}

/** Whoever calls for help comes before every colour. */
const HELP_RANK = 9;
const rankOf = ({ value }: Task) =>
  value.why === 'help' ? HELP_RANK : (RANK[value.severity] ?? 0);

/** Who calls for help, worst warning, then staircases by name, then floors (RAIN-11). */
export function staircases(tasks: readonly Task[]): Staircase[] {
  const byArea = new Map<string, Task[]>();
  for (const task of tasks.filter(isOpen)) {
    const area = task.value.area ?? '';
    byArea.set(area, [...(byArea.get(area) ?? []), task]);
  }
  const worst = ({ tasks: all }: Staircase) => Math.max(...all.map(rankOf));
  return [...byArea]
    .map(([area, all]) => ({ area, tasks: all.sort(byFloor) }))
    .sort((a, b) => worst(b) - worst(a) || doorOf(a).localeCompare(doorOf(b), 'zh', NUMERIC));
}

const NUMERIC = { numeric: true } as const;
const doorOf = ({ tasks }: Staircase) => tasks[0]?.value.door ?? '';

function byFloor(a: Task, b: Task): number {
  const calls = (task: Task) => Number(task.value.why === 'help');
  if (calls(a) !== calls(b)) return calls(b) - calls(a);
  const floor = (task: Task) => task.value.floor ?? 99;
  return floor(a) - floor(b) || a.value.door.localeCompare(b.value.door, 'zh', NUMERIC);
}

/** What has to be written with an outcome (RAIN-11, RAIN-15): names of fields, `note.<name>`. */
export function fieldsOf(outcome: VisitOutcome): { name: NoteField; isRequired: boolean }[] {
  if (outcome === 'refused') return [{ name: 'reason', isRequired: true }];
  if (outcome === 'moved') {
    return [
      { name: 'where', isRequired: true }, { name: 'by', isRequired: true },
      { name: 'care', isRequired: false },
    ];
  }
  return [{ name: 'more', isRequired: false }];
}
export type NoteField = 'reason' | 'where' | 'by' | 'care' | 'more';

/** One text of all fields; `label` gives the word in front of each. At most NOTE_MAX characters. */
export function noteOf(
  outcome: VisitOutcome, texts: Partial<Record<NoteField, string>>,
  label: (field: NoteField) => string,
): string {
  const said = fieldsOf(outcome)
    .map(({ name }) => [name, (texts[name] ?? '').trim()] as const)
    .filter(([, text]) => text !== '');
  const isOne = fieldsOf(outcome).length === 1;
  const parts = said.map(([name, text]) => (isOne ? text : `${label(name)} ${text}`));
  return [...parts.join('; ')].slice(0, NOTE_MAX).join('');
}
