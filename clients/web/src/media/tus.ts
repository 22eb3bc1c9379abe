// SPDX-License-Identifier: Apache-2.0
// Sends one attachment so that a bad line costs a piece and never the whole (docs/PROTOCOL.md §10,
// tus 1.0.0). Pieces of 64 KiB; after any failure the server is asked how far it is.
import { shaOf, type MediaRef } from './ref';

/** A piece that is cut off is lost as a whole. */
export const PIECE_BYTES = 64 * 1024;
/** For one piece: 1 KiB a second still passes. */
const DEADLINE_MS = 70_000;
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** Failures in a row without a byte more on the server; then the person is asked. */
export const FAILURES_MAX = 8;
/** Uploads begun anew because the server knew the old one no longer. */
const BEGINNINGS_MAX = 3;

export class UploadProblem extends Error {
  /** `code` as in base/errc.h, or `offline`, `wrong_sum`, `stopped`. */
  constructor(
    readonly code: string,
    message = '',
  ) {
    super(message || code);
    this.name = 'UploadProblem';
  }
}

export interface UploadOptions {
  /** scheme://host[:port]/c/<slug>/ */
  base: URL;
  bytes: Uint8Array<ArrayBuffer>;
  /** For `Authorization: Bearer`; asked before every request. */
  token: () => Promise<string>;
  /** Where an earlier visit had got to. */
  place?: string;
  /** Address of the upload, to go on there after a reload. */
  onPlace?: (place: string) => void;
  /** Bytes that the server has. */
  onProgress?: (sent: number) => void;
  signal?: AbortSignal;
  fetch?: typeof fetch;
  sleep?: (ms: number) => Promise<void>;
  random?: () => number;
}

/** An answer that another try will not change. */
class Refusal extends UploadProblem {}
/** The server does not know this upload any more. */
class Gone extends Error {}

class Upload {
  private place: string;
  private offset = 0;
  private failures = 0;
  private beginnings = 0;
  private mustAsk: boolean;
  private readonly send: typeof fetch;
  private readonly sleep: (ms: number) => Promise<void>;

  constructor(
    private readonly options: UploadOptions,
    private readonly sum: string,
  ) {
    this.place = options.place ?? '';
    this.mustAsk = this.place !== '';
    this.send = options.fetch ?? ((input, init) => fetch(input, init));
    this.sleep = options.sleep ?? ((ms) => new Promise((done) => setTimeout(done, ms)));
  }

  async run(): Promise<MediaRef> {
    for (;;) {
      if (this.options.signal?.aborted) throw new UploadProblem('stopped');
      try {
        const stored = await this.step();
        if (stored) return this.checked(stored);
      } catch (thrown) {
        await this.afterFailure(thrown);
      }
    }
  }

  /** One request; the attachment once it is there. */
  private async step(): Promise<MediaRef | undefined> {
    if (!this.place) return this.begin();
    if (this.mustAsk) return this.ask();
    return this.append();
  }

  private async begin(): Promise<undefined> {
    if (this.beginnings >= BEGINNINGS_MAX) throw new Refusal('not_found', 'begun too often');
    const answer = await this.request('POST', new URL('blobs', this.options.base), {
      'Upload-Length': String(this.options.bytes.length),
      'Upload-Metadata': `sha256 ${btoa(this.sum)}`,
    });
    const place = answer.headers.get('Location');
    if (!place) throw new Error('no Location');
    // Our own server only: a portal in between may lead anywhere.
    const url = new URL(place, this.options.base);
    if (url.origin !== this.options.base.origin) throw new Error('Location elsewhere');
    this.place = url.pathname;
    this.beginnings += 1;
    this.options.onPlace?.(this.place);
  }

  private async ask(): Promise<MediaRef | undefined> {
    const answer = await this.request('HEAD', this.address());
    this.mustAsk = false;
    return this.noted(answer);
  }

  private async append(): Promise<MediaRef | undefined> {
    const { bytes } = this.options;
    const piece = bytes.subarray(this.offset, this.offset + PIECE_BYTES);
    this.mustAsk = true;
    const headers = {
      'Upload-Offset': String(this.offset),
      'Content-Type': 'application/offset+octet-stream',
    };
    const answer = await this.request('PATCH', this.address(), headers, piece);
    this.mustAsk = false;
    return this.noted(answer);
  }

  private address(): URL {
    return new URL(this.place, this.options.base);
  }

  private noted(answer: Response): MediaRef | undefined {
    const offset = Number(answer.headers.get('Upload-Offset') ?? 'x');
    const { bytes } = this.options;
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > bytes.length) {
      this.mustAsk = true;
      throw new Error('no Upload-Offset');
    }
    if (offset > this.offset) this.failures = 0;
    this.offset = offset;
    this.options.onProgress?.(offset);
    const sha = answer.headers.get('Linli-Blob');
    if (!sha) {
      // All is there, and what became of it is not said yet: ask again, with a pause.
      if (offset === bytes.length) throw new Error('no Linli-Blob');
      return undefined;
    }
    const type = answer.headers.get('Linli-Blob-Type') ?? '';
    return { sha, type, bytes: Number(answer.headers.get('Linli-Blob-Bytes')) };
  }

  /** A picture may lose what the camera wrote beside it; a sound is stored as it was sent. */
  private checked(stored: MediaRef): MediaRef {
    const isStripped =
      stored.type.startsWith('image/') && stored.bytes <= this.options.bytes.length;
    if (stored.sha !== this.sum && !isStripped) throw new UploadProblem('wrong_sum');
    return stored;
  }

  private async request(
    method: string,
    url: URL,
    headers: Record<string, string> = {},
    body?: Uint8Array<ArrayBuffer>,
  ): Promise<Response> {
    const { signal } = this.options;
    const abort = new AbortController();
    const stop = () => abort.abort();
    signal?.addEventListener('abort', stop);
    const timer = setTimeout(stop, DEADLINE_MS);
    try {
      const bearer = { Authorization: `Bearer ${await this.options.token()}` };
      const answer = await this.send(url, {
        method,
        headers: { ...headers, ...bearer, 'Tus-Resumable': '1.0.0' },
        signal: abort.signal,
        cache: 'no-store',
        credentials: 'omit',
        ...(body && { body }),
      });
      if (!answer.ok) throw await this.refusal(method, answer);
      return answer;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  }

  private async refusal(method: string, answer: Response): Promise<Error> {
    const { status } = answer;
    if (method !== 'POST' && (status === 404 || status === 410)) return new Gone();
    const text = method === 'HEAD' ? '' : await answer.text().catch(() => '');
    let code = '';
    let detail = '';
    try {
      ({ code = '', detail = '' } = JSON.parse(text) as { code?: string; detail?: string });
    } catch {
      // Not our server's words.
    }
    const mayPass = status >= 500 || [401, 408, 409, 423, 429].includes(status);
    // A captive portal answers in its own way; only our server has `code`.
    if (mayPass || (!code && method !== 'HEAD'))
      return new UploadProblem(code || 'offline', detail);
    return new Refusal(code || `http_${status}`, detail);
  }

  private async afterFailure(thrown: unknown): Promise<void> {
    if (this.options.signal?.aborted) throw new UploadProblem('stopped');
    if (thrown instanceof Refusal) throw thrown;
    if (thrown instanceof UploadProblem && thrown.code === 'wrong_sum') throw thrown;
    if (thrown instanceof Gone) {
      Object.assign(this, { place: '', offset: 0, mustAsk: false });
      return;
    }
    if (++this.failures > FAILURES_MAX) {
      throw thrown instanceof UploadProblem ? thrown : new UploadProblem('offline');
    }
    const step = Math.min(BACKOFF_MIN_MS * 2 ** (this.failures - 1), BACKOFF_MAX_MS);
    await this.sleep(step * (0.5 + (this.options.random ?? Math.random)() / 2));
  }
}

/**
 * Resolves once the server has all bytes and says what they are. Rejects with UploadProblem when a
 * refusal is final, when FAILURES_MAX tries in a row brought nothing, or when it was stopped; with
 * `place` the next call goes on where this one was.
 */
export async function upload(options: UploadOptions): Promise<MediaRef> {
  return new Upload(options, await shaOf(options.bytes)).run();
}
