// SPDX-License-Identifier: Apache-2.0
// What changed between two versions, for the person who approves or corrects.

export interface Piece {
  kind: 'same' | 'added' | 'removed';
  text: string;
}

/** Texts are compared by word; longer ones than this only as a whole, to bound the work. */
const kWordsMax = 2000;

/** Chinese by character, anything else by word, blanks by themselves. */
function words(text: string): string[] {
  return text.match(/[A-Za-z0-9]+|\s+|./gsu) ?? [];
}

/** Longest common subsequence; `before` and `after` are rebuilt by the pieces. */
export function textDiff(before: string, after: string): Piece[] {
  if (before === after) return before ? [{ kind: 'same', text: before }] : [];
  const a = words(before);
  const b = words(after);
  if (a.length > kWordsMax || b.length > kWordsMax) {
    return [
      { kind: 'removed' as const, text: before },
      { kind: 'added' as const, text: after },
    ].filter((piece) => piece.text);
  }
  const common = lengths(a, b);
  const out: Piece[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      push(out, 'same', a[i]);
      i += 1;
      j += 1;
    } else if (i < a.length && (j >= b.length || common[i + 1][j] >= common[i][j + 1])) {
      push(out, 'removed', a[i]);
      i += 1;
    } else {
      push(out, 'added', b[j]);
      j += 1;
    }
  }
  return out;
}

/** [i][j] = length of the longest common subsequence of a[i..] and b[j..]. */
function lengths(a: string[], b: string[]): Uint16Array[] {
  const out = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      out[i][j] = a[i] === b[j] ? out[i + 1][j + 1] + 1 : Math.max(out[i + 1][j], out[i][j + 1]);
  return out;
}

function push(out: Piece[], kind: Piece['kind'], text: string): void {
  const last = out.at(-1);
  if (last?.kind === kind) last.text += text;
  else out.push({ kind, text });
}

export interface Change {
  field: string;
  before: string;
  after: string;
}

/** Fields whose shown text differs, in the order of `after`, then what is gone. */
export function changesOf(before: Record<string, string>, after: Record<string, string>): Change[] {
  const fields = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  return fields
    .map((field) => ({ field, before: before[field] ?? '', after: after[field] ?? '' }))
    .filter((change) => change.before !== change.after);
}
