// SPDX-License-Identifier: Apache-2.0
import { parseRoute, type Route } from '../model/route';
import { takeSecret } from './enrol.svelte';

/** A slip's link is an address too: its secret leaves it before anything else. */
function read(): Route {
  takeSecret();
  return parseRoute(location.hash);
}

let current = $state.raw<Route>(read());

addEventListener('hashchange', () => {
  current = read();
});

export function route(): Route {
  return current;
}

export function goTo(hash: string): void {
  location.hash = hash;
}
