// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { cleanText, FOLD_CHARS, foldedText } from './plain_text';

it('keeps markup as the text it is', () => {
  expect(cleanText('<img src=x onerror=alert(1)>')).toBe('<img src=x onerror=alert(1)>');
});

it('takes away what turns the direction of the line, and control characters', () => {
  expect(cleanText('a\u202eb\u2066c\u0000d\u200f\ufeffe')).toBe('abcde');
  expect(cleanText('一\r\n二\r三\t四')).toBe('一\n二\n三\t四');
});

it('shows nothing for what is no text', () => {
  expect([cleanText(undefined), cleanText(5), cleanText({})]).toEqual(['', '', '']);
});

it('folds a word of 100 kB and keeps a short text whole', () => {
  expect(foldedText('x'.repeat(100_000))).toHaveLength(FOLD_CHARS + 1);
  expect(foldedText('短')).toBe('短');
});

it('never cuts a character in two', () => {
  const text = foldedText(`${'x'.repeat(FOLD_CHARS - 1)}😀😀`);
  expect(text).toBe(`${'x'.repeat(FOLD_CHARS - 1)}…`);
});
