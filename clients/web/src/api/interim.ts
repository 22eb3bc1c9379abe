// SPDX-License-Identifier: Apache-2.0
// A device key of the desk's own, until the replica signs in: enrolment and tokens, no rows.
// The screens see the contract of src/replica only; this file goes when openReplica is there.

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type {
  Identity,
  LocalMutation,
  Readable,
  Replica,
  Row,
  SlipStatus,
  Status,
} from '../replica/api';
import { ApiProblem, asProblem, problemOf } from './problem';

const utf8 = new TextEncoder();
/** A token is asked for anew when less than this is left. */
const kTokenSpareMs = 60_000;

interface Kept {
  secret: string;
  cert: string;
  identity: Identity;
}

function b64(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function unb64(text: string): Uint8Array {
  const raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(raw, (char) => char.charCodeAt(0));
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function joined(...parts: (string | Uint8Array)[]): Uint8Array {
  const all = parts.map((part) => (typeof part === 'string' ? utf8.encode(part) : part));
  const out = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

class Cell<T> implements Readable<T> {
  private readonly listeners = new Set<(value: T) => void>();
  constructor(private held: T) {}
  get value(): T {
    return this.held;
  }
  set(value: T): void {
    this.held = value;
    for (const listener of [...this.listeners]) listener(value);
  }
  subscribe(run: (value: T) => void): () => void {
    this.listeners.add(run);
    run(this.held);
    return () => this.listeners.delete(run);
  }
}

const kZero = new Uint8Array([0]);

export class InterimReplica implements Replica {
  readonly slug: string;
  readonly status: Cell<Status>;
  readonly pending = new Cell<LocalMutation[]>([]);
  readonly attention = new Cell<LocalMutation[]>([]);
  private kept: Kept | undefined;
  private offer:
    | { nonce: string; secret: Uint8Array; label: string; purposes: string[] }
    | undefined;
  private held: { token: string; until: number } | undefined;
  private asking: Promise<string> | undefined;

  constructor(slug: string) {
    this.slug = slug;
    const text = localStorage.getItem(this.storageKey);
    this.kept = text ? (JSON.parse(text) as Kept) : undefined;
    this.status = new Cell<Status>({
      state: 'offline',
      identity: this.kept?.identity,
      isConnected: false,
      isCaughtUp: false,
      pending: 0,
      confirmed: 0,
      attention: 0,
      filling: 0,
      contactAt: 0,
      digestMismatches: 0,
      clockOffset: 0,
      isRevoked: false,
      wasWiped: false,
      isFollower: false,
    });
  }

  private get storageKey(): string {
    return `linli.desk.${this.slug}.device`;
  }

  rows<T>(): Readable<Row<T>[]> {
    return new Cell<Row<T>[]>([]);
  }
  row<T>(): Readable<Row<T> | undefined> {
    return new Cell<Row<T> | undefined>(undefined);
  }
  mutate(): Promise<LocalMutation> {
    return Promise.reject(new ApiProblem({ code: 'unavailable', sentence: '本机还没有副本。' }));
  }
  edit = () => Promise.resolve();
  withdraw = () => Promise.resolve();
  dismiss = () => Promise.resolve();
  mend = () => this.mutate();
  noteSeen = () => Promise.resolve();
  firstAlert = () => Promise.resolve(false);
  syncNow(): void {}
  exportUnsent = () => Promise.resolve('[]');
  storage = () => Promise.resolve({ used: 0, quota: 0, persisted: false });
  close = () => Promise.resolve();

  signOut(): Promise<void> {
    localStorage.removeItem(this.storageKey);
    this.kept = this.held = undefined;
    this.status.set({ ...this.status.value, identity: undefined, slip: undefined });
    return Promise.resolve();
  }

  async readSlip(slip: {
    code: string;
    door?: string;
    label: string;
    purposes: string[];
  }): Promise<void> {
    this.setSlip({ stage: 'checking', household: '', persons: [] });
    try {
      const body = slip.door ? { code: slip.code, door: slip.door } : { code: slip.code };
      const found = (await this.post('enrol/check', body)) as {
        nonce: string;
        household: string;
        persons: { ref: string; name: string }[];
      };
      this.offer = {
        nonce: found.nonce,
        secret: ed25519.utils.randomSecretKey(),
        label: slip.label,
        purposes: slip.purposes,
      };
      this.setSlip({ stage: 'choosing', household: found.household, persons: found.persons });
    } catch (thrown) {
      this.refuseSlip(thrown);
    }
  }

  async choosePerson(ref: string): Promise<void> {
    const { offer } = this;
    if (!offer) return;
    const pub = ed25519.getPublicKey(offer.secret);
    const message = joined('linli.enrol.1', kZero, this.slug, kZero, unb64(offer.nonce), pub);
    this.setSlip({ ...this.status.value.slip!, stage: 'confirming' });
    try {
      const answer = (await this.post('enrol/confirm', {
        nonce: offer.nonce,
        person: ref,
        pub: b64(pub),
        sig: b64(ed25519.sign(message, offer.secret)),
        label: offer.label,
        consent: { version: '1', purposes: offer.purposes },
      })) as Omit<Identity, 'slug' | 'person'> & { cert: string; person?: string };
      const identity: Identity = {
        slug: this.slug,
        community: answer.community,
        cid: answer.cid,
        account: answer.account,
        person: answer.person ?? '',
        name: answer.name,
      };
      this.kept = { secret: hex(offer.secret), cert: answer.cert, identity };
      localStorage.setItem(this.storageKey, JSON.stringify(this.kept));
      this.offer = undefined;
      this.status.set({ ...this.status.value, identity, slip: undefined });
    } catch (thrown) {
      this.refuseSlip(thrown);
    }
  }

  forgetSlip(): Promise<void> {
    this.offer = undefined;
    this.setSlip(undefined);
    return Promise.resolve();
  }

  token(): Promise<string> {
    if (this.held && this.held.until - kTokenSpareMs > Date.now())
      return Promise.resolve(this.held.token);
    this.asking ??= this.askToken().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async askToken(): Promise<string> {
    if (!this.kept)
      throw new ApiProblem({ code: 'unauthenticated', sentence: '请先登记本机。' });
    const secret = Uint8Array.from(this.kept.secret.match(/../g)!, (two) => parseInt(two, 16));
    const challenge = (await this.post('api/v1/token/challenge', {})) as {
      nonce: string;
      server_id: string;
    };
    const origin = location.origin;
    const nonce = unb64(challenge.nonce);
    const message = joined(
      'linli.token.1',
      kZero,
      origin,
      kZero,
      unb64(challenge.server_id),
      nonce,
    );
    const cid = hex(sha256(ed25519.getPublicKey(secret)).slice(0, 16));
    const sig = b64(ed25519.sign(message, secret));
    const body = { cid, nonce: challenge.nonce, origin, sig, cert: this.kept.cert };
    const answer = (await this.post('api/v1/token', body)) as { token: string };
    // Ten minutes by the server's clock; ours may differ, so the length counts and not the time.
    this.held = { token: answer.token, until: Date.now() + 10 * 60_000 };
    return answer.token;
  }

  private async post(path: string, body: unknown): Promise<unknown> {
    let answer: Response;
    try {
      answer = await fetch(new URL(path, document.baseURI), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(15_000),
      });
    } catch {
      throw new ApiProblem({ code: 'offline', sentence: '连不上服务器。', isRetryable: true });
    }
    const value: unknown = await answer.json().catch(() => undefined);
    if (!answer.ok) throw problemOf(answer.status, value, answer.headers.get('Retry-After'));
    return value;
  }

  private setSlip(slip: SlipStatus | undefined): void {
    this.status.set({ ...this.status.value, slip });
  }

  private refuseSlip(thrown: unknown): void {
    const problem = asProblem(thrown);
    const held = this.status.value.slip ?? { household: '', persons: [] };
    this.setSlip({
      ...held,
      stage: 'refused',
      problem: { code: problem.code, message: problem.message },
    });
  }
}
