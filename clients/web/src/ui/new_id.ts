// SPDX-License-Identifier: Apache-2.0

/** 24 hex digits: an id that the server takes as it is, so that a thing has its name
 *  without a net. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
