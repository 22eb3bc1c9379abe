// SPDX-License-Identifier: Apache-2.0
// The few HTTP calls of the replica: enrolment and tokens.
import { DeviceKey } from '../protocol/sign';
import { ReplicaProblem, sentenceOf } from './problem';
import { tokenBody, type Call, type Reply } from './slip';
import type { StoredIdentity } from './store';

const TIMEOUT_MS = 15_000;
/** Asked anew this long before a token ends. */
const TOKEN_MARGIN_MS = 60_000;

const object = (value: unknown): Record<string, unknown> =>
  value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};

function noAnswer(code: string): Reply {
  return { isOk: false, mayPass: true, problem: { code, message: sentenceOf(code) } };
}

/** `base`: scheme://host[:port]/c/<slug>/ of the community. Never rejects. */
export async function httpCall(base: URL, call: Call): Promise<Reply> {
  const url = new URL(base.pathname.replace(/\/$/, '') + call.path, base.origin);
  const headers: Record<string, string> = {};
  if (call.body) headers['content-type'] = 'application/json';
  if (call.bearer) headers.authorization = `Bearer ${call.bearer}`;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  try {
    const answer = await fetch(url, {
      method: call.method, headers, signal: abort.signal, cache: 'no-store', credentials: 'omit',
      ...(call.body && { body: JSON.stringify(call.body) }),
    });
    const body = object(await answer.json().catch(() => undefined));
    if (answer.ok) return { isOk: true, body };
    const code = typeof body.code === 'string' ? body.code : 'unavailable';
    const mayPass = answer.status >= 500 || answer.status === 429 || answer.status === 408;
    // A captive portal answers in its own way: only our server has `code`.
    const isForeign = typeof body.code !== 'string';
    const message = typeof body.detail === 'string' ? body.detail : sentenceOf(code);
    return { isOk: false, problem: { code, message }, mayPass: mayPass || isForeign };
  } catch {
    return noAnswer(abort.signal.aborted ? 'timed_out' : 'unavailable');
  } finally {
    clearTimeout(timer);
  }
}

/** Device tokens, made when asked for and reused until they end. */
export class TokenSource {
  private token = '';
  private cid = '';
  private expiresAt = 0;
  private asking?: Promise<string>;

  constructor(private readonly base: URL) {}

  /** Errors: unavailable, timed_out, what the server says. */
  async get(identity: StoredIdentity): Promise<string> {
    const isFresh = this.cid === identity.cid && Date.now() < this.expiresAt - TOKEN_MARGIN_MS;
    if (isFresh) return this.token;
    this.asking ??= this.ask(identity).finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async ask(identity: StoredIdentity): Promise<string> {
    const asked = await this.call('/api/v1/token/challenge', {});
    const challenge = { nonce: String(asked.nonce), serverId: String(asked.server_id) };
    const key = new DeviceKey(identity.seed);
    const body = { ...tokenBody(key, identity.origin, challenge), cert: identity.cert };
    const answer = await this.call('/api/v1/token', body);
    this.token = String(answer.token);
    this.cid = identity.cid;
    // The server's clock says when it ends; ours may be wrong, and ten minutes are promised.
    this.expiresAt = Date.now() + 10 * 60_000;
    return this.token;
  }

  private async call(path: string, body: object): Promise<Record<string, unknown>> {
    const reply = await httpCall(this.base, { method: 'POST', path, body });
    if (!reply.isOk) throw new ReplicaProblem(reply.problem.code, path, reply.problem.message);
    return reply.body;
  }
}
