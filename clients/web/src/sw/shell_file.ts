// SPDX-License-Identifier: Apache-2.0
// One file of the shell, taken only when it is the very one that the list names.

/** First `chars` hex digits of the SHA-256 of `body`, as build_shell.ts writes them. */
export async function hashOf(body: BufferSource, chars: number): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.slice(0, chars);
}

/**
 * The answer for `url` whose body has `hash`.
 *
 * Rejects when the server has another version of it: one that is being replaced file by file, or a
 * cache in between. Kept under the wrong name it would be shown for ever.
 */
export async function fetchExactly(url: URL, hash: string): Promise<Response> {
  const response = await fetch(url, { cache: 'reload' });
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status}`);
  const found = await hashOf(await response.clone().arrayBuffer(), hash.length);
  if (found !== hash) throw new Error(`${url.pathname}: ${found} in place of ${hash}`);
  return response;
}
