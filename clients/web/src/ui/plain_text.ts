// SPDX-License-Identifier: Apache-2.0
// Foreign text is shown as text. The browser escapes it; what is left is what text can do to a
// line.

/** Characters of a body that are shown before it is folded. */
export const FOLD_CHARS = 600;

/** Control characters, and those that turn the direction of what follows (UAX #9): text that reads
 *  differently from what was approved. Line feeds and tabs stay. */
const UNSEEN = new RegExp(
  '[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f' +
    '\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]',
  'g',
);

export function cleanText(text: unknown): string {
  if (typeof text !== 'string') return '';
  return text.replace(/\r\n?/g, '\n').replace(UNSEEN, '');
}

/** The beginning of a long text, never half a surrogate pair; the whole text when it is short. */
export function foldedText(text: string): string {
  if (text.length <= FOLD_CHARS) return text;
  const end = /[\ud800-\udbff]/.test(text[FOLD_CHARS - 1]!) ? FOLD_CHARS - 1 : FOLD_CHARS;
  return `${text.slice(0, end)}…`;
}
