// SPDX-License-Identifier: Apache-2.0
// Every sentence of the desk, Chinese first. A key without both languages does not compile.

import { kAdvice } from './text/advice';
import { kMediaText } from './text/media';
import { kNoticeText } from './text/notices';
import { kPeopleText } from './text/people';
import { kReachText } from './text/reach';
import { kReasonText } from './text/reasons';
import { kReportText } from './text/report';
import { kSystemText } from './text/system';
import { kVolunteerText } from './text/volunteers';
import { kWords } from './text/words';

export type Language = 'zh' | 'en';
/** [Chinese, English] */
export type Pair = readonly [string, string];

const kAll = {
  ...kWords,
  ...kNoticeText,
  ...kMediaText,
  ...kReachText,
  ...kReasonText,
  ...kReportText,
  ...kPeopleText,
  ...kSystemText,
  ...kVolunteerText,
} as const satisfies Record<string, Pair>;
export type Key = keyof typeof kAll;

const kStoreKey = 'linli.desk.language';
let current: Language = stored();

function stored(): Language {
  try {
    return localStorage.getItem(kStoreKey) === 'en' ? 'en' : 'zh';
  } catch {
    return 'zh';
  }
}

export function language(): Language {
  return current;
}

export function setLanguage(next: Language): void {
  current = next;
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en';
  try {
    localStorage.setItem(kStoreKey, next);
  } catch {
    // It then lasts as long as the page.
  }
}

/** `{name}` is replaced by the value of that name. A word of a newer server is shown as it is. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const pair: Pair | undefined = kAll[key];
  if (!pair) return key.slice(key.indexOf('.') + 1);
  const text = pair[current === 'zh' ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** What to do about an error; `code` as in base/errc.h or of ApiProblem. */
export function adviceFor(code: string): string {
  const pair: Pair | undefined = kAdvice[code];
  return pair?.[current === 'zh' ? 0 : 1] ?? '';
}

/** For tests: every key with both languages. */
export const kAllText: Readonly<Record<string, Pair>> = kAll;
