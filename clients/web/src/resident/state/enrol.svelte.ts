// SPDX-License-Identifier: Apache-2.0
// The secret of a slip's link, taken out of the address before anything else looks at it.
import { secretOfHash } from '../model/slip';

let secret = $state('');

/** Reads `#enrol=<secret>` and removes it: it must not stay in history, bookmarks, screenshots. */
export function takeSecret(): void {
  const found = secretOfHash(location.hash);
  if (!found) return;
  secret = found;
  history.replaceState(null, '', `${location.pathname}${location.search}#/enrol`);
}

export function slipSecret(): string {
  return secret;
}

export function setSlipSecret(next: string): void {
  secret = next;
}
