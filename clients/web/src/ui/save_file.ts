// SPDX-License-Identifier: Apache-2.0

/** The browser has taken it by the next turn. */
const KEEP_MS = 10_000;

/** Hands `content` to the browser as a file; a text is of `type`, a blob has its own. */
export function saveFile(name: string, content: string | Blob, type = 'text/plain'): void {
  const blob = typeof content === 'string' ? new Blob([content], { type }) : content;
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}
