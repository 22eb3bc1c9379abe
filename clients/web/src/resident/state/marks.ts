// SPDX-License-Identifier: Apache-2.0
// Which notices were read on this phone. Loss is harmless: they show as unread once more.
import type { ReadMarks } from '../model/notices';

function keyOf(slug: string): string {
  return `linli.${slug}.read`;
}

export function loadMarks(slug: string): ReadMarks {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(keyOf(slug)) ?? '{}');
    return typeof stored === 'object' && stored !== null ? (stored as ReadMarks) : {};
  } catch {
    return {};
  }
}

/** Keeps only what still has a notice, so that it cannot grow. */
export function saveMarks(slug: string, marks: ReadMarks, known: ReadonlySet<string>): void {
  const kept = Object.entries(marks).filter(([id]) => known.has(id));
  try {
    if (!kept.length) localStorage.removeItem(keyOf(slug));
    else localStorage.setItem(keyOf(slug), JSON.stringify(Object.fromEntries(kept)));
  } catch {
    // Storage is full or forbidden: the marks hold until the page closes.
  }
}
