// SPDX-License-Identifier: Apache-2.0
// Which screen is shown: the fragment of the address, so that a link or the back button works.

/** `#/notices/n1?tab=reach` -> path ['notices','n1'], query {tab:'reach'}. */
export class Route {
  path = $state.raw<string[]>([]);
  query = $state.raw<Record<string, string>>({});

  constructor() {
    this.read();
    window.addEventListener('hashchange', () => this.read());
  }

  get section(): string {
    return this.path[0] ?? '';
  }

  private read(): void {
    const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
    this.path = path.split('/').filter(Boolean).map(decodeURIComponent);
    this.query = Object.fromEntries(new URLSearchParams(query));
  }
}

export const route = new Route();

export function href(path: string[], query: Record<string, string> = {}): string {
  const text = new URLSearchParams(query).toString();
  return '#/' + path.map(encodeURIComponent).join('/') + (text ? `?${text}` : '');
}

export function go(path: string[], query: Record<string, string> = {}): void {
  location.hash = href(path, query);
}
