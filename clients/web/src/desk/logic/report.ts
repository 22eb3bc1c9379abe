// SPDX-License-Identifier: Apache-2.0
// The report after a warning as lines of a table, the same on paper and in the file.

import type { Reach, ReachTimes, Report } from '../../api/types';
import { t, type Key } from '../text';

export interface Line {
  part: string;
  what: string;
  value: string;
}

const kMinute = 60_000;
const kParts = [
  ['warned', ['knocks', 'told', 'answered', 'refused', 'no_answer']],
  ['moved', ['moved', 'arrived', 'returned']],
  ['missed', ['second', 'handed_on', 'open']],
  ['cared', ['calls', 'calls_open', 'longest_ms', 'care']],
  ['back', ['visits']],
] as const;

export const minutes = (ms: number): number => Math.max(0, Math.round(ms / kMinute));
const minutesText = (ms: number) => t('report.minutes', { n: minutes(ms) });

/** Persons who know: answered themselves, told at the door, or called for help. */
export function answeredOf(reach: Reach): number {
  const { ok, help, away, in_person } = reach.total;
  return [ok, help, away, in_person].reduce<number>((sum, n) => sum + (n ?? 0), 0);
}

export function linesOf(report: Report, reach: Reach, times: ReachTimes): Line[] {
  const reached = (what: string, value: string): Line => ({
    part: t('report.reached'), what, value,
  });
  const lines = [
    reached(t('report.reached.audience'), String(reach.total.audience)),
    reached(t('report.reached.answered'), String(answeredOf(reach))),
  ];
  const asked = times.asked_at || times.sent_at;
  for (const percent of ['50', '90', '100'] as const) {
    const at = times.answered_by[percent];
    const value = at ? minutesText(at - asked) : '—';
    lines.push(reached(t('report.reached.minutes', { percent }), value));
  }
  for (const [part, names] of kParts) {
    for (const name of names) {
      const n = (report[part] as Record<string, number>)[name] ?? 0;
      const value = name.endsWith('_ms') ? (n ? minutesText(n) : '—') : String(n);
      const what = t(`report.${part}.${name}` as Key);
      lines.push({ part: t(`report.${part}` as Key), what, value });
    }
  }
  return lines;
}

/** Lines by step, in their order. */
export function partsOf(lines: readonly Line[]): [string, Line[]][] {
  const parts = new Map<string, Line[]>();
  for (const line of lines) parts.set(line.part, [...(parts.get(line.part) ?? []), line]);
  return [...parts];
}

/** RFC 4180, with the mark that office programs want before UTF-8. */
export function csvOf(lines: readonly Line[]): string {
  const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const head = [t('report.part'), t('report.what'), t('report.value')];
  const rows = [head, ...lines.map(({ part, what, value }) => [part, what, value])];
  return `\uFEFF${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}
