// SPDX-License-Identifier: Apache-2.0
// What a phone makes of its rows: order, what is over, what is unread, who has still to answer.
// Pure; times are unix ms of the server's clock.
import type { Row } from '../../replica/api';
import type { AckRow, Category, MuteRow, NoticeRow } from '../../replica/rows';

export type Notice = Row<NoticeRow>;
export type Ack = Row<AckRow>;
export type Choice = AckRow['choice'];
export interface Person {
  id: string;
  name: string;
}
/** Notice id to the `rev:ask` that was read. */
export type ReadMarks = Readonly<Record<string, string>>;

export const CATEGORIES: readonly Category[] = [
  'dangjian', 'events', 'latest', 'policy', 'weather', 'living', 'farming', 'urgent',
];
const RANK: Record<string, number> = { blue: 1, yellow: 2, orange: 3, red: 4 };

export function severityRank(severity: string | undefined): number {
  return RANK[severity ?? ''] ?? 0;
}

/** Without a connection nobody tells that its time is over, so the phone looks itself. */
export function isLive({ value }: Notice, now: number): boolean {
  const isOut = value.state === 'sent' || value.state === 'corrected';
  return isOut && !(value.valid_to && value.valid_to <= now);
}

/** A warning or urgent notice that holds: it stands above everything else. */
export function isWarning(notice: Notice, now: number): boolean {
  return notice.value.urgent === true && isLive(notice, now);
}

/** Warnings that hold first, worst first; then newest first; the key settles ties. */
export function sortNotices(rows: readonly Notice[], now: number): Notice[] {
  const rank = (row: Notice) => (isWarning(row, now) ? 1 + severityRank(row.value.severity) : 0);
  const at = (row: Notice) => row.value.sent_at ?? 0;
  return [...rows].sort(
    (a, b) => rank(b) - rank(a) || at(b) - at(a) || (a.key < b.key ? -1 : 1),
  );
}

export function mutedCategories(rows: readonly Row<MuteRow>[]): ReadonlySet<string> {
  return new Set(rows.filter((row) => row.value.muted === true).map((row) => row.value.category));
}

/** A warning is never muted, whatever its category (NTC-1). */
export function isMuted({ value }: Notice, muted: ReadonlySet<string>): boolean {
  return value.urgent !== true && muted.has(value.category);
}

export function readMark({ value }: Notice): string {
  return `${value.rev ?? 0}:${value.ask ?? 0}`;
}

/** A correction makes it unread again. What is over or withdrawn asks for nobody's attention. */
export function isUnread(notice: Notice, marks: ReadMarks, now: number): boolean {
  return isLive(notice, now) && marks[notice.key] !== readMark(notice);
}

/** What the badge counts: unread and not muted. */
export function countUnread(
  rows: readonly Notice[], marks: ReadMarks, muted: ReadonlySet<string>, now: number,
): number {
  return rows.filter((row) => isUnread(row, marks, now) && !isMuted(row, muted)).length;
}

/** The answer that counts: one given before the notice got worse is none, unless it is a call for
 *  help (PROTOCOL "ask"). A proxy's tap on a red warning counts as shown, not as the person's
 *  own. */
export function answerOf(notice: Notice, person: string, acks: readonly Ack[]): Ack | undefined {
  const ack = acks.find(({ value }) => value.notice === notice.key && value.person === person);
  if (!ack) return undefined;
  const isOld = (ack.value.ask ?? 0) < (notice.value.ask ?? 0);
  return isOld && ack.value.choice !== 'help' ? undefined : ack;
}

/** Whether the person answered an easier question before. */
export function gotWorse(notice: Notice, person: string, acks: readonly Ack[]): boolean {
  const before = acks.some(
    ({ value }) => value.notice === notice.key && value.person === person,
  );
  return before && !answerOf(notice, person, acks);
}

/** Asked for and live: warnings are asked for even when the author forgot to. */
export function asksForAnswer(notice: Notice, now: number): boolean {
  return isLive(notice, now) && (notice.value.needs_ack === true || notice.value.urgent === true);
}

export function openPersons(
  notice: Notice, persons: readonly Person[], acks: readonly Ack[],
): Person[] {
  return persons.filter(({ id }) => !answerOf(notice, id, acks));
}

/** Arguments of notice.acknowledge; `ask` says which question was on the screen. */
export function ackArgs(notice: Notice, person: string, choice: Choice): Record<string, unknown> {
  const { ask } = notice.value;
  return { notice: notice.key, person, choice, ...(ask === undefined ? {} : { ask }) };
}

/** The one line of what to do; an urgent notice without one says its title. */
export function actionLine({ value }: Notice): string {
  return value.action_line?.trim() || (value.urgent ? value.title : '');
}

function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** Each word of `query` has to stand somewhere in title, line, text or the column's name. */
export function search(
  rows: readonly Notice[], query: string, label: (category: Category) => string,
): Notice[] {
  const words = folded(query).split(/\s+/).filter(Boolean);
  if (!words.length) return [...rows];
  return rows.filter(({ value }) => {
    const parts = [value.title, value.action_line, value.body, value.event, label(value.category)];
    const hay = folded(parts.filter(Boolean).join('\n'));
    return words.every((word) => hay.includes(word));
  });
}

/** 亲情版, 关爱版 and 关怀版 are what other apps call the 长辈版 (T/TAF 114-2022). */
export function asksForElderMode(query: string): boolean {
  return /长辈|亲情版|关爱版|关怀版|老人版|大字/.test(query);
}
