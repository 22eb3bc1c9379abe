// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { adviceFor, kAllText, t } from './text';

describe('the texts of the desk', () => {
  it('have both languages with the same values', () => {
    const names = (text: string) =>
      [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort();
    for (const [key, [zh, en]] of Object.entries(kAllText)) {
      expect(zh, key).not.toBe('');
      expect(en, key).not.toBe('');
      for (const name of names(en)) expect(names(zh), key).toContain(name);
    }
  });

  it('fill in values and show an unknown word as it is', () => {
    expect(t('count.persons', { n: 7 })).toBe('7 人');
    expect(t('state.something_new' as never)).toBe('something_new');
    expect(adviceFor('something_new')).toBe('');
    expect(t('why.daily cap')).toBe('当天条数到上限');
    expect(t('why.http 503 isv.X' as never)).toBe('http 503 isv.X');
  });
});
