// SPDX-License-Identifier: Apache-2.0
// Sentences made of rows and states. They read the catalogue through t(), so a screen that shows
// them follows the language.
import type { LocalMutation, Status } from '../../replica/api';
import type { Severity } from '../../replica/rows';
import { t, tMaybe, type Key } from '../../text/text.svelte';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** hh:mm on the phone's own clock face. */
export function clockText(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

/** 刚刚, 5 分钟前, 今天 14:05, 昨天 09:00, 11-03 09:00, 2025-11-03. */
export function timeText(at: number | undefined, now: number): string {
  if (!at) return '';
  const age = now - at;
  if (age >= 0 && age < MINUTE_MS) return t('time.now');
  const minutes = Math.floor(age / MINUTE_MS);
  if (age >= 0 && minutes < 60) return t('time.minutes', { n: minutes });
  // Days by the calendar: a day of 23 or 25 hours still rounds to one.
  const days = Math.round((startOfDay(now) - startOfDay(at)) / DAY_MS);
  if (days === 0) return t('time.today', { time: clockText(at) });
  if (days === 1) return t('time.yesterday', { time: clockText(at) });
  const date = new Date(at);
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  return isThisYear ? `${day} ${clockText(at)}` : `${date.getFullYear()}-${day}`;
}

/** How many things want a look: refused work, and the trouble itself when there is nothing else. */
export function troubleCount({ attention, trouble, isRevoked }: Status): number {
  return Math.max(attention, trouble || isRevoked ? 1 : 0);
}

/** Exactly five (GEN-6). */
export function chipText(status: Status): string {
  switch (status.state) {
    case 'synced': return t('chip.synced');
    case 'pending': return t('chip.pending', { n: status.pending });
    case 'syncing': return t('chip.syncing');
    case 'trouble': return t('chip.trouble', { n: troubleCount(status) });
    case 'offline':
      if (!status.contactAt) return t('chip.offlineNever');
      return t('chip.offline', { time: clockText(status.contactAt) });
  }
}

/** 红色预警, or 紧急 where there is no colour. */
export function severityText(severity: Severity | undefined): string {
  if (!severity || severity === 'none') return t('severity.urgent');
  return t('severity.warning', { colour: tMaybe(`severity.${severity}`, severity) });
}

/** 待上传 / 已上传 / 已被接收 / 有问题. */
export function itemState({ state }: LocalMutation): string {
  return t(`queue.${state}` as Key);
}

/** Why something was refused, in plain words; the server's own sentence where we have none. */
export function problemText(problem: unknown): string {
  const { code, message } = problemOf(problem);
  const other = t('queue.why.other', { message: message || code });
  return code === 'other' ? other : tMaybe(`queue.why.${code}`, other);
}

/** Why a mutation was refused; some have words of their own. */
export function refusalText({ name, problem }: LocalMutation): string {
  const plain = problemText(problem);
  return tMaybe(`queue.why.${name}.${problem?.code}`, plain);
}

/** Whatever was thrown as {code, message}. */
export function problemOf(thrown: unknown): { code: string; message: string } {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  return {
    code: typeof code === 'string' ? code : 'other',
    message: typeof message === 'string' ? message : String(thrown),
  };
}

export interface Names {
  title(notice: string): string;
  person(id: string): string;
}

/** What a waiting or refused mutation was about. */
export function describe({ name, args }: LocalMutation, names: Names): string {
  const text = (member: string) => String(args[member] ?? '');
  switch (name) {
    case 'notice.acknowledge':
      return t('queue.what.ack', {
        title: names.title(text('notice')),
        name: names.person(text('person')),
        choice: tMaybe(`ack.${text('choice')}`, text('choice')),
      });
    case 'notice.mute':
      return t(args.muted ? 'queue.what.mute' : 'queue.what.unmute', {
        category: tMaybe(`category.${text('category')}`, text('category')),
      });
    case 'notice.seen': return t('queue.what.seen');
    case 'endpoint.put': return t('queue.what.push');
    case 'endpoint.remove': return t('queue.what.pushOff');
    case 'proxy.confirm': return t('queue.what.agree');
    case 'proxy.end': return t('queue.what.end');
    case 'consent.withdraw': return t('queue.what.consent');
    case 'erasure.request': return t('queue.what.erasure');
    case 'task.visit': return t('queue.what.visit');
    case 'attendance.record': return t('queue.what.attendance');
    case 'shift.answer': return t('queue.what.shiftAnswer');
    case 'shift.create': return t('queue.what.shiftNew');
    case 'team.join_request':
    case 'team.leave': return t('queue.what.team');
    case 'team.confirm': return t('queue.what.teamAccept');
    case 'team.guardian_consent': return t('queue.what.guardian');
    case 'hours.dispute': return t('queue.what.dispute');
    case 'person.register':
      return t('queue.what.register', { name: text('name') });
    case 'transfer.record': return t('queue.what.transfer');
    case 'attendance.claim': return t('queue.what.claim');
    default: return t('queue.what.other');
  }
}

/** 3.4 MB; the browser's own figures are rounded anyway. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let at = 0;
  let n = bytes;
  for (; n >= 1000 && at < units.length - 1; ++at) n /= 1000;
  return `${n < 10 && at > 0 ? n.toFixed(1) : Math.round(n)} ${units[at]}`;
}

/** Length of a sound: 0:24. */
export function lengthText(ms: number | undefined): string {
  const seconds = Math.round((ms ?? 0) / 1000);
  return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
}
