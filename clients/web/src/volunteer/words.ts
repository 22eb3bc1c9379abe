// SPDX-License-Identifier: Apache-2.0
import type { HoursRow, ShiftRow } from '../replica/rows_service';
import { clockText } from '../resident/model/words';
import { t, tMaybe } from '../text/text.svelte';

/** 2 小时 5 分. */
export function minutesText(minutes: number): string {
  const whole = Math.max(0, Math.round(minutes));
  if (whole < 60) return t('vol.hoursMinutes', { m: whole });
  const h = Math.floor(whole / 60);
  return whole % 60 ? t('vol.hoursTime', { h, m: whole % 60 }) : t('vol.hoursWhole', { h });
}

/** 03-04. */
export function dayText(at: number): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** 03-04 09:00–11:00, or without the day where it is today. */
export function whenText({ from, to }: ShiftRow, now: number): string {
  const isToday = new Date(from).toDateString() === new Date(now).toDateString();
  const day = isToday ? '' : dayText(from);
  return t('vol.when', { day, from: clockText(from), to: clockText(to) }).trim();
}

export function hoursState({ state, until }: HoursRow): string {
  return t(`vol.state.${state}`, { until: until ? dayText(until) : '' });
}

/** A flag of a newer server shows as it is. */
export function flagText(flag: string): string {
  return tMaybe(`vol.flag.${flag}`, flag);
}
