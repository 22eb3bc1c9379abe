// SPDX-License-Identifier: Apache-2.0
// What a slip says: a link with a secret in its fragment, or a door and eight digits.

export const CODE_DIGITS = 8;
/** Of consent: changes with the text of enrol.keep* in the catalogue. */
export const PURPOSES = ['photos', 'callout'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** Full-width and blank-filled digits as people type them (ENR-2). */
export function digitsOf(typed: string): string {
  return typed.normalize('NFKC').replace(/[\s\-–—_.]/g, '');
}

export function isCode(typed: string): boolean {
  return new RegExp(`^[0-9]{${CODE_DIGITS}}$`).test(digitsOf(typed));
}

/** The secret in `#enrol=<secret>`, as found in the page's own address. */
export function secretOfHash(hash: string): string | undefined {
  const found = /^#enrol=([A-Za-z0-9_-]{16,64})$/.exec(hash);
  return found?.[1];
}

/** The secret of a scanned link, if it is a slip of this community: same origin and path. */
export function secretOfScan(scanned: string, here: URL): string | undefined {
  let url: URL;
  try {
    url = new URL(scanned);
  } catch {
    return undefined;
  }
  const folder = (path: string) => path.slice(0, path.lastIndexOf('/') + 1);
  const isOurs = url.origin === here.origin && folder(url.pathname) === folder(here.pathname);
  return isOurs ? secretOfHash(url.hash) : undefined;
}
