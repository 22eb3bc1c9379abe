// SPDX-License-Identifier: Apache-2.0
// Numbers and times as the desk writes them.

const two = (n: number) => String(n).padStart(2, '0');

/** 11-26 09:05, with the year when it is another one. */
export function when(ms: number | undefined, now = Date.now()): string {
  if (!ms) return '—';
  const at = new Date(ms);
  const day = `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  const isThisYear = at.getFullYear() === new Date(now).getFullYear();
  return `${isThisYear ? '' : `${at.getFullYear()}-`}${day} ${time}`;
}

/** 09:05, or 09:05:12. */
export function clock(ms: number, withSeconds = false): string {
  const at = new Date(ms);
  const text = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return withSeconds ? `${text}:${two(at.getSeconds())}` : text;
}

/** For <input type="datetime-local">. */
export function toInput(ms: number | undefined): string {
  if (!ms) return '';
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${clock(ms)}`;
}

/** Of <input type="datetime-local">; 0 = empty. */
export function fromInput(text: string): number {
  return text ? new Date(text).getTime() : 0;
}

/** 1/10000 yuan as yuan: 12.30 元 */
export function yuan(tenthousandths: number): string {
  return `¥${(tenthousandths / 10_000).toFixed(2)}`;
}

/** Rough length: 40 秒, 3 分, 2 小时 5 分. */
export function span(seconds: number, words: { s: string; m: string; h: string }): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} ${words.s}`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} ${words.m}`;
  return `${Math.floor(minutes / 60)} ${words.h} ${minutes % 60} ${words.m}`;
}

export function age(birthYear: number | undefined, now = Date.now()): string {
  return birthYear ? String(new Date(now).getFullYear() - birthYear) : '';
}

/** An account or device number where no name is known. */
export function shortId(id: string | undefined): string {
  return id ? `#${id.slice(-6)}` : '—';
}

/** Length of a sound: 0:07. */
export function seconds(ms: number | undefined): string {
  const whole = Math.round((ms ?? 0) / 1000);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
