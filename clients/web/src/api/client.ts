// SPDX-License-Identifier: Apache-2.0
// HTTP as the desk uses it: every call has a deadline, GETs are tried again, writes carry their
// Idempotency-Key, tokens are renewed, and each failure is an ApiProblem.

import type { Elevation } from './elevation';
import { ApiProblem, asProblem, problemOf } from './problem';

export const kReadDeadlineMs = 15_000;
export const kWriteDeadlineMs = 30_000;
/** Tries of a GET; waits grow from kRetryFirstMs and are jittered. */
export const kReadTries = 3;
export const kRetryFirstMs = 400;
/** A server that asks for a longer wait gets its answer shown instead. */
const kRetryLongestMs = 5_000;

export type Query = Record<string, string | number | boolean | undefined>;

export interface WriteOptions {
  /** Idempotency-Key; 1..64 printable characters. */
  key: string;
  query?: Query;
  deadlineMs?: number;
  /** Sent as it is instead of JSON. */
  raw?: { bytes: BodyInit; type: string };
}

export interface ClientParts {
  /** Ends with `/api/v1`. */
  base: string;
  /** A device token (replica.token()). */
  deviceToken: () => Promise<string>;
  elevation: Elevation;
  /** Asks the person for passphrase and code; false = given up. */
  askElevation: () => Promise<boolean>;
  fetch?: typeof fetch;
  sleep?: (ms: number) => Promise<void>;
}

interface Sent {
  method: string;
  path: string;
  query?: Query;
  headers: Record<string, string>;
  body?: BodyInit;
  deadlineMs: number;
  /** The answer is bytes. */
  isFile?: boolean;
  /** Reads never use the elevated token: a poll must not keep it alive. */
  mayElevate: boolean;
}

const offline = () =>
  new ApiProblem({ code: 'offline', sentence: '连不上服务器。', isRetryable: true });
const tooSlow = () =>
  new ApiProblem({ code: 'deadline', sentence: '服务器没有及时回答。', isRetryable: true });

export class ApiClient {
  private readonly parts: ClientParts;
  private readonly send: typeof fetch;
  private readonly sleep: (ms: number) => Promise<void>;

  constructor(parts: ClientParts) {
    this.parts = parts;
    this.send = parts.fetch ?? ((input, init) => fetch(input, init));
    this.sleep = parts.sleep ?? ((ms) => new Promise((done) => setTimeout(done, ms)));
  }

  async get<T>(path: string, query?: Query): Promise<T> {
    const sent = this.request('GET', path, query, kReadDeadlineMs);
    for (let tried = 1; ; tried += 1) {
      try {
        return (await this.authorised(sent)) as T;
      } catch (thrown) {
        if (!this.isWorthAnother(thrown, tried)) throw thrown;
        const asked = (thrown as ApiProblem).retryAfterMs;
        const backoff = kRetryFirstMs * 2 ** (tried - 1) * (0.5 + Math.random());
        await this.sleep(Math.max(asked, backoff));
      }
    }
  }

  /** A file that is made while one waits, in one try. */
  async file(path: string): Promise<Blob> {
    const sent = this.request('GET', path, undefined, kWriteDeadlineMs);
    sent.isFile = true;
    return (await this.authorised(sent)) as Blob;
  }

  /** A question that is a POST because it is too long for an address: no effect, no key. */
  async ask<T>(path: string, body: unknown): Promise<T> {
    const sent = this.request('POST', path, undefined, kReadDeadlineMs);
    sent.headers['Content-Type'] = 'application/json';
    sent.body = JSON.stringify(body);
    return (await this.authorised(sent)) as T;
  }

  async post<T>(path: string, body: unknown, options: WriteOptions): Promise<T> {
    return this.write('POST', path, body, options) as Promise<T>;
  }

  async patch<T>(path: string, body: unknown, options: WriteOptions): Promise<T> {
    return this.write('PATCH', path, body, options) as Promise<T>;
  }

  private request(
    method: string,
    path: string,
    query: Query | undefined,
    deadlineMs: number,
  ): Sent {
    return { method, path, query, headers: {}, deadlineMs, mayElevate: false };
  }

  private async write(
    method: string,
    path: string,
    body: unknown,
    options: WriteOptions,
  ): Promise<unknown> {
    const sent = this.request(method, path, options.query, options.deadlineMs ?? kWriteDeadlineMs);
    sent.mayElevate = true;
    sent.headers['Idempotency-Key'] = options.key;
    sent.headers['Content-Type'] = options.raw?.type ?? 'application/json';
    sent.body = options.raw?.bytes ?? JSON.stringify(body ?? {});
    try {
      return await this.authorised(sent);
    } catch (thrown) {
      if (!(thrown instanceof ApiProblem) || thrown.code !== 'elevation_required') throw thrown;
      this.parts.elevation.drop();
      if (!(await this.parts.askElevation())) throw thrown;
      return this.authorised(sent);
    }
  }

  /** With a token; an expired one is replaced once. */
  private async authorised(sent: Sent): Promise<unknown> {
    const elevated = sent.mayElevate ? this.parts.elevation.token : undefined;
    try {
      return await this.once(sent, elevated ?? (await this.deviceToken()));
    } catch (thrown) {
      const code = thrown instanceof ApiProblem && thrown.status === 401 ? thrown.code : '';
      if (code !== 'expired' && code !== 'unauthenticated') throw thrown;
      if (elevated) this.parts.elevation.drop();
      return this.once(sent, await this.deviceToken());
    }
  }

  private async deviceToken(): Promise<string> {
    try {
      return await this.parts.deviceToken();
    } catch (thrown) {
      throw asProblem(thrown);
    }
  }

  private async once(sent: Sent, token: string): Promise<unknown> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), sent.deadlineMs);
    try {
      const answer = await this.send(this.parts.base + sent.path + queryText(sent.query), {
        method: sent.method,
        headers: { ...sent.headers, Authorization: `Bearer ${token}` },
        body: sent.body,
        cache: 'no-store',
        credentials: 'omit',
        signal: abort.signal,
      });
      return sent.isFile && answer.ok ? await answer.blob() : await this.read(answer);
    } catch (thrown) {
      if (thrown instanceof ApiProblem) throw thrown;
      throw abort.signal.aborted ? tooSlow() : offline();
    } finally {
      clearTimeout(timer);
    }
  }

  private async read(answer: Response): Promise<unknown> {
    const fresh = answer.headers.get('Linli-Token');
    if (fresh) this.parts.elevation.renew(fresh);
    const type = answer.headers.get('Content-Type') ?? '';
    const text = await answer.text();
    if (!type.includes('json')) {
      if (answer.ok) return text;
      throw problemOf(answer.status, undefined, answer.headers.get('Retry-After'));
    }
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      throw problemOf(answer.status, undefined, null);
    }
    if (!answer.ok) throw problemOf(answer.status, body, answer.headers.get('Retry-After'));
    return body;
  }

  private isWorthAnother(thrown: unknown, tried: number): boolean {
    if (!(thrown instanceof ApiProblem) || tried >= kReadTries) return false;
    return thrown.isRetryable && thrown.retryAfterMs <= kRetryLongestMs;
  }
}

export function queryText(query: Query | undefined): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return '';
  return '?' + new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
}
