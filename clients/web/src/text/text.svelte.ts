// SPDX-License-Identifier: Apache-2.0
import { zh, type Key } from './zh';

export type { Key } from './zh';
export type Lang = 'zh' | 'en';

let words = $state.raw<Record<Key, string>>(zh);
let current = $state<Lang>('zh');

/** The sentence `key` with `{name}` filled from `values`; follows the language by itself. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return words[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The sentence `prefix.name` where a newer server may say a name nobody knows yet. */
export function tMaybe(key: string, otherwise: string): string {
  return (words as Record<string, string>)[key] ?? otherwise;
}

export function lang(): Lang {
  return current;
}

/** Stays with the old words when the new ones cannot be fetched. */
export async function setLang(next: Lang): Promise<void> {
  words = next === 'zh' ? zh : (await import('./en')).en;
  current = next;
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en';
}
