// SPDX-License-Identifier: Apache-2.0

/** `9:30`, `９：３０` or `0930` on the day so many days after `now`, unix ms; undefined if no time. */
export function atTime(typed: string, days: number, now: number): number | undefined {
  const narrow = (c: string) => String.fromCharCode(c.charCodeAt(0) - 0xfee0);
  const plain = typed.trim().replace(/[０-９：]/g, narrow);
  const found = /^(\d{1,2}):?(\d{2})$/.exec(plain);
  const [hour, minute] = [Number(found?.[1]), Number(found?.[2])];
  if (!found || hour > 23 || minute > 59) return undefined;
  const at = new Date(now);
  at.setDate(at.getDate() + days);
  return at.setHours(hour, minute, 0, 0);
}
