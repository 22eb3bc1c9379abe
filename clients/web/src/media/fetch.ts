// SPDX-License-Identifier: Apache-2.0
import { shaOf, type MediaRef } from './ref';

/** For a whole attachment: 2 MiB at 20 KB a second. */
const DEADLINE_MS = 120_000;

export class MediaProblem extends Error {
  /** `offline`, `wrong_sum`, `not_found` or another word of the server. */
  constructor(readonly code: string) {
    super(code);
    this.name = 'MediaProblem';
  }
}

export interface FetchOptions {
  /** scheme://host[:port]/c/<slug>/ */
  base: URL;
  /** Absent: as anybody. */
  token?: () => Promise<string>;
  fetch?: typeof fetch;
}

/** The bytes that `ref` names, and no others. Rejects with MediaProblem. */
export async function fetchMedia(ref: MediaRef, options: FetchOptions): Promise<Blob> {
  const bytes = await download(ref, options);
  if ((await shaOf(bytes)) !== ref.sha) throw new MediaProblem('wrong_sum');
  return new Blob([bytes], { type: ref.type });
}

async function download(ref: MediaRef, options: FetchOptions): Promise<Uint8Array<ArrayBuffer>> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), DEADLINE_MS);
  try {
    const token = await options.token?.();
    const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
    const send = options.fetch ?? ((input, init) => fetch(input, init));
    const answer = await send(new URL(`blobs/${ref.sha}`, options.base), {
      headers, signal: abort.signal, credentials: 'omit',
    });
    if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
    throw new MediaProblem(answer.status === 404 ? 'not_found' : `http_${answer.status}`);
  } catch (thrown) {
    throw thrown instanceof MediaProblem ? thrown : new MediaProblem('offline');
  } finally {
    clearTimeout(timer);
  }
}
