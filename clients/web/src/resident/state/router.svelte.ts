// SPDX-License-Identifier: Apache-2.0
import { parseRoute, type Route } from '../model/route';

let current = $state.raw<Route>(parseRoute(location.hash));

addEventListener('hashchange', () => {
  current = parseRoute(location.hash);
});

export function route(): Route {
  return current;
}

export function goTo(hash: string): void {
  location.hash = hash;
}
