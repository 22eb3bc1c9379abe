// SPDX-License-Identifier: Apache-2.0
// Addresses inside the app: `#/notices/ID`. The server only ever sees /c/<slug>/.

export interface Route {
  /** home, notices, notice, events, services, mine, help, enrol, or a page below 我的. */
  page: string;
  id: string;
}

export const TABS = ['home', 'notices', 'events', 'services', 'mine'] as const;
export type Tab = (typeof TABS)[number];
const MINE = ['family', 'requests', 'queue', 'device', 'privacy', 'settings'];
const PLAIN = ['notices', 'events', 'services', 'mine', 'enrol', 'help', 'certificate'];

export function parseRoute(hash: string): Route {
  const parts = hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decoded);
  const [first, second] = parts;
  if (!first) return { page: 'home', id: '' };
  if (first === 'notices' && second) return { page: 'notice', id: second };
  if (first === 'mine' && second && MINE.includes(second)) return { page: second, id: '' };
  // Below it the volunteer's pages part `id` themselves: `checkin/SHIFT`.
  if (first === 'volunteer') return { page: 'volunteer', id: parts.slice(1).join('/') };
  if (PLAIN.includes(first) && !second) return { page: first, id: '' };
  return { page: 'unknown', id: '' };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function tabOf({ page }: Route): Tab | undefined {
  if (page === 'notice') return 'notices';
  if (MINE.includes(page) || page === 'volunteer') return 'mine';
  return TABS.find((tab) => tab === page);
}

/** Where 返回 leads. */
export function parentOf({ page, id }: Route): string {
  if (page === 'volunteer') return id ? '#/volunteer' : '#/mine';
  if (page === 'notice') return '#/notices';
  return MINE.includes(page) ? '#/mine' : '#/';
}
