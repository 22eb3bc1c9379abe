// SPDX-License-Identifier: Apache-2.0
// Marks outside of the store that this browser was enrolled. A store that is empty although a mark
// is there was lost: site data wiped in part, or evicted. Where all is wiped nobody can tell.

const CACHE = 'linli-marks';
const keyOf = (slug: string) => `linli:${slug}:enrolled`;
const urlOf = (slug: string) => `https://marks.invalid/${slug}`;

export async function isMarked(slug: string): Promise<boolean> {
  try {
    if (localStorage.getItem(keyOf(slug)) !== null) return true;
  } catch {
    // No localStorage here.
  }
  try {
    return (await (await caches.open(CACHE)).match(urlOf(slug))) !== undefined;
  } catch {
    return false;
  }
}

export async function setMark(slug: string, isEnrolled: boolean): Promise<void> {
  try {
    if (isEnrolled) localStorage.setItem(keyOf(slug), '1');
    else localStorage.removeItem(keyOf(slug));
  } catch {
    // The other mark may do.
  }
  try {
    const cache = await caches.open(CACHE);
    if (isEnrolled) await cache.put(urlOf(slug), new Response('1'));
    else await cache.delete(urlOf(slug));
  } catch {
    // Marks only make a loss visible; nothing depends on them.
  }
}
