// SPDX-License-Identifier: Apache-2.0
// A tiny server of docs/PROTOCOL.md for tests: one device, a few buckets, everything in memory. It
// keeps the order that the document promises and nothing more: lane s may lag behind lane u by any
// number of commits.
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { fromBase64Url, toBase64Url, toHex } from '../../protocol/bytes';
import { addHash, bucketSetHash, EMPTY_DIGEST, mutationHash, rowHash } from '../../protocol/digest';
import {
  LANES, SUBPROTOCOL, type Cursors, type Held, type Lane, type Part,
} from '../../protocol/frames';
import { helloMessage } from '../../protocol/sign';

type Json = Record<string, any>;

interface Entry {
  tbl: string;
  key: string;
  ver: number;
  /** Undefined = tombstone. */
  data?: string;
}
export interface ModelBucket {
  lane: Lane;
  gen: number;
  isMember: boolean;
  isSensitive?: boolean;
  entries: Map<string, Entry>;
}
interface Result {
  st: 'ok' | 'rejected';
  seq: number;
  lanes: Lane[];
  h: string;
  code?: string;
}
interface Connection {
  isSignedIn: boolean;
  nonce: Uint8Array;
  /** Frames that wait: control and lane u before lane s. */
  queue: { u: Json[]; s: Json[] };
  sent: Cursors;
  /** Held buckets, live or being filled by what is queued. */
  held: Set<number>;
  awaitsHave?: Held[];
}

const hexSum = (s: bigint) => s.toString(16).padStart(16, '0');
const SERVER_ID = new Uint8Array(16).fill(9);
/** Rows of one B of a fill: small, so that fills are cut often. */
const PART_ROWS = 3;

export class ModelServer {
  epoch = '1'.repeat(32);
  seq = 0;
  lastN = [0, 0, 0];
  readonly results: Map<number, Result>[] = [new Map(), new Map(), new Map()];
  readonly buckets = new Map<number, ModelBucket>();
  /** Arguments of every mutation that ran, in order. */
  readonly ran: string[] = [];
  handOver?: number;
  revoked = false;
  /** Everything that came, by frame name. */
  readonly got: Json[] = [];
  connection?: Connection;
  private seed = 1;

  constructor(
    readonly account: string,
    public pub: Uint8Array,
  ) {}

  // --- The community ----------------------------------------------------------------------------

  addBucket(b: number, lane: Lane, isSensitive = false): void {
    this.buckets.set(b, { lane, gen: ++this.seq, isMember: true, isSensitive, entries: new Map() });
  }

  /** One commit; rows with undefined data are deleted. */
  commit(rows: { b: number; key: string; data?: string }[], answer?: Json): number {
    const seq = ++this.seq;
    const touched = new Set<number>();
    for (const { b, key, data } of rows) {
      const entry = { tbl: 't', key, ver: seq, ...(data !== undefined && { data }) };
      this.buckets.get(b)!.entries.set(key, entry);
      touched.add(b);
    }
    const touchedLanes = [...touched].map((b) => this.buckets.get(b)!.lane);
    const lanes = LANES.filter((lane) => touchedLanes.includes(lane));
    if (answer) Object.assign(answer, { seq, lanes });
    if (!this.connection?.isSignedIn) return seq;
    if (answer) this.connection.queue.u.push({ t: 'R', ...answer });
    for (const lane of LANES) {
      this.queueCommit(lane, seq, touched, answer !== undefined && lanes.includes(lane));
    }
    return seq;
  }

  private queueCommit(lane: Lane, seq: number, touched: Set<number>, isOrigin: boolean): void {
    const { queue, held } = this.connection!;
    let isSent = isOrigin;
    for (const b of [...touched].sort((x, y) => x - y)) {
      const bucket = this.buckets.get(b)!;
      if (bucket.lane !== lane || !held.has(b)) continue;
      const ops = [...bucket.entries.values()].filter((entry) => entry.ver === seq).map(opOf);
      queue[lane].push({ t: 'B', b, to: seq, ops, d: this.digest(b) });
      isSent = true;
    }
    if (isSent) queue[lane].push({ t: 'C', lane, seq });
  }

  digest(b: number): [number, string] {
    let sum = EMPTY_DIGEST;
    for (const { tbl, key, ver, data } of this.buckets.get(b)!.entries.values()) {
      if (data !== undefined) sum = addHash(sum, rowHash(tbl, key, ver, data), 1);
    }
    return [sum.n, hexSum(sum.s)];
  }

  /** Takes the device out of a bucket, or lets it in again. */
  setMember(b: number, isMember: boolean): void {
    const bucket = this.buckets.get(b)!;
    if (bucket.isMember === isMember) return;
    bucket.isMember = isMember;
    const at = ++this.seq;
    if (isMember) bucket.gen = at;
    const to = this.connection;
    if (!to?.isSignedIn) return;
    for (const lane of LANES) to.queue[lane] = to.queue[lane].filter((f) => f.b !== b);
    if (isMember) {
      to.queue.u.push({ t: 'M', at, add: [this.grant(b)] });
      this.fill(b, 0);
    } else {
      to.queue.u.push({ t: 'M', at, drop: [b] });
      to.held.delete(b);
    }
  }

  private grant(b: number): [number, number, Lane, number, number] {
    const { gen, lane, isSensitive } = this.buckets.get(b)!;
    return [b, gen, lane, 5, isSensitive ? 1 : 0];
  }

  /** Rows above `cur` in parts, then the reveal; lives from here on. */
  private fill(b: number, cur: number): void {
    const { queue, held } = this.connection!;
    const { lane, entries } = this.buckets.get(b)!;
    const rows = [...entries.values()].filter((e) => e.ver > cur).sort((x, y) => x.ver - y.ver);
    for (let i = 0; i < rows.length; i += PART_ROWS) {
      const part = rows.slice(i, i + PART_ROWS);
      // Rows of one seq may be cut in two: complete is only what lies before.
      const next = rows[i + PART_ROWS];
      const to = next ? Math.min(part.at(-1)!.ver, next.ver - 1) : this.seq;
      queue[lane].push({ t: 'B', b, to, ops: part.map(opOf) });
    }
    queue[lane].push({ t: 'C', b, seq: this.seq, d: this.digest(b) });
    held.add(b);
  }

  // --- The line ---------------------------------------------------------------------------------

  /** First message of a new socket. */
  open(): string {
    const nonce = new Uint8Array(32).fill(this.seed++ & 255);
    const queue = { u: [], s: [] };
    const sent = { u: 0, s: 0 };
    this.connection = { isSignedIn: false, nonce, queue, sent, held: new Set() };
    return line({
      t: 'K', nonce: toBase64Url(nonce), server_id: toBase64Url(SERVER_ID), epoch: this.epoch,
      now: 0, proto: [1, 1],
    });
  }

  cut(): void {
    this.connection = undefined;
  }

  /** Next message to the phone: up to `count` frames, lane u first; undefined = nothing waits. */
  next(count: number): string | undefined {
    const { queue, sent } = this.connection!;
    const out: Json[] = [];
    while (out.length < count) {
      const frame = queue.u.shift() ?? queue.s.shift();
      if (!frame) break;
      if (frame.t === 'C' && frame.lane) sent[frame.lane as Lane] = frame.seq;
      out.push(frame);
    }
    return out.length ? out.map(line).join('') : undefined;
  }

  get hasQueued(): boolean {
    const { queue } = this.connection ?? { queue: { u: [], s: [] } };
    return queue.u.length > 0 || queue.s.length > 0;
  }

  receive(message: string): void {
    for (const text of message.trimEnd().split('\n')) {
      const frame = JSON.parse(text) as Json;
      this.got.push(frame);
      if (!this.connection) return;
      if (frame.t === 'hello') this.onHello(frame);
      if (frame.t === 'have') this.onHave(frame.live, frame.part);
      if (frame.t === 'push') for (const m of frame.muts) this.onMutation(frame.lane, m);
      if (frame.t === 'ping') this.onPing(frame.t0);
      if (frame.t === 'rekey') this.onRekey(frame);
      if (frame.t === 'refill') for (const b of frame.b) this.refill(b);
    }
  }

  private refill(b: number): void {
    const to = this.connection!;
    if (!to.held.has(b)) return;
    for (const lane of LANES) to.queue[lane] = to.queue[lane].filter((f) => f.b !== b);
    to.queue.u.push({ t: 'M', at: this.seq, add: [this.grant(b)] });
    this.fill(b, 0);
  }

  private onPing(t0: number): void {
    const { queue, sent, isSignedIn, awaitsHave } = this.connection!;
    if (!isSignedIn) return;
    const isIdle = !queue.u.length && !queue.s.length && !awaitsHave;
    const at = isIdle ? { u: this.seq, s: this.seq } : sent;
    queue.u.push({ t: 'pong', t0, t1: t0, ...at });
  }

  private onHello({ body, sig }: Json): void {
    const { nonce } = this.connection!;
    const bytes = fromBase64Url(body)!;
    const hello = JSON.parse(new TextDecoder().decode(bytes)) as Json;
    const message = helloMessage({
      origin: hello.origin, subprotocol: SUBPROTOCOL, serverId: SERVER_ID, nonce, body: bytes,
    });
    if (!ed25519.verify(fromBase64Url(sig)!, message, this.pub)) throw new Error('signature');
    this.got.push({ ...hello, t: 'hello_body' });
    const to = this.connection!;
    to.isSignedIn = true;
    if (this.revoked) {
      to.queue.u.push({ t: 'err', code: 'revoked', msg: '', fatal: true });
      return;
    }
    const mine = this.handOver ? [] : [...this.buckets].filter(([, bucket]) => bucket.isMember);
    const held = mine.map(([b, { gen }]): Held => [b, gen]);
    const isSame = hello.epoch === this.epoch && held.length > 0 &&
      hello.set_hash === toBase64Url(bucketSetHash(held));
    to.queue.u.push({
      t: 'welcome', proto: 1, epoch: this.epoch, account: this.account,
      head: { u: this.seq, s: this.seq }, last_n: [...this.lastN], window: 262144,
      lease_until: 3_600_000, t0: hello.t0, t1: 0,
      ...(!isSame && { buckets: mine.map(([b]) => this.grant(b)) }),
      ...(this.handOver && { hand_over: this.handOver }),
    });
    for (const lane of [0, 1, 2]) {
      for (const [n, result] of this.results[lane]!) {
        if (n > hello.up[lane][0]) to.queue.u.push({ t: 'R', lane, n, ...result });
      }
    }
    to.sent = { u: hello.cur.u, s: hello.cur.s };
    if (isSame) {
      const part = (hello.part ?? []) as [number, number, number][];
      const filling = new Set(part.map(([b]) => b));
      this.catchUp(held.filter(([b]) => !filling.has(b)), part, hello.cur);
    } else if (hello.set_hash) {
      to.awaitsHave = held;
      this.cursor = hello.epoch === this.epoch ? hello.cur : { u: this.seq, s: this.seq };
    } else {
      this.catchUp([], held.map(([b, gen]) => [b, gen, 0]), { u: this.seq, s: this.seq });
    }
  }

  private cursor: Cursors = { u: 0, s: 0 };

  private onHave(live: Held[], part: [number, number, number][]): void {
    const to = this.connection!;
    const held = to.awaitsHave!;
    delete to.awaitsHave;
    const isMine = ([b, gen]: readonly [number, number, ...number[]]) =>
      held.some(([x, y]) => x === b && y === gen);
    const kept = live.filter(isMine);
    const partly = part.filter(isMine);
    const named = new Set([...kept, ...partly].map(([b]) => b));
    const rest = held.filter(([b]) => !named.has(b)).map(([b, gen]): Part => [b, gen, 0]);
    this.catchUp(kept, [...partly, ...rest], this.cursor);
  }

  private catchUp(live: Held[], part: [number, number, number][], cur: Cursors): void {
    const { queue, held } = this.connection!;
    for (const [b] of live) {
      if (!this.buckets.get(b)!.isMember) continue;
      held.add(b);
      const { lane, entries } = this.buckets.get(b)!;
      const ops = [...entries.values()].filter((e) => e.ver > cur[lane]).map(opOf);
      if (ops.length) queue[lane].push({ t: 'B', b, to: this.seq, ops, d: this.digest(b) });
    }
    for (const [b, , from] of part) if (this.buckets.get(b)!.isMember) this.fill(b, from);
    for (const lane of LANES) queue[lane].push({ t: 'C', lane, seq: this.seq });
  }

  private onMutation(lane: number, m: Json): void {
    const to = this.connection!;
    const answer = { lane, n: m.n, h: toBase64Url(mutationHash(m.name, m.args)) };
    if (m.n <= this.lastN[lane]!) {
      const stored = this.results[lane]!.get(m.n)!;
      const forked = { t: 'err', code: 'forked', msg: '', fatal: true };
      if (stored.h !== answer.h) to.queue.u.push(forked);
      else to.queue.u.push({ t: 'R', lane, n: m.n, ...stored });
      return;
    }
    if (m.n > this.lastN[lane]! + 1) {
      const want = this.lastN[lane]! + 1;
      to.queue.u.push({ t: 'err', code: 'gap', msg: '', fatal: false, lane, want });
      return;
    }
    this.lastN[lane] = m.n;
    this.ran.push(m.args);
    const { rows } = JSON.parse(m.args) as { rows?: { b: number; key: string; data: string }[] };
    const isOk = rows !== undefined && rows.every(({ b }) => this.buckets.get(b)?.isMember);
    const verdict = isOk ? { st: 'ok' } : { st: 'rejected', code: 'not_member' };
    const result: Json = { ...answer, ...verdict };
    if (isOk) this.commit(rows, result);
    else to.queue.u.push({ t: 'R', ...result });
    const { st, seq = 0, lanes = [], h, code } = result;
    this.results[lane]!.set(m.n, { st, seq, lanes, h, ...(code && { code }) });
  }

  private onRekey({ pub }: Json): void {
    this.pub = fromBase64Url(pub)!;
    this.lastN = [0, 0, 0];
    for (const results of this.results) results.clear();
    const cid = toHex(sha256(this.pub).slice(0, 16));
    this.connection!.queue.u.push({ t: 'rekeyed', cid, cert: `cert of ${cid}` });
  }
}

function opOf({ tbl, key, ver, data }: Entry): unknown[] {
  return data === undefined ? [0, tbl, key, ver] : [1, tbl, key, ver, data];
}

function line(frame: Json): string {
  return `${JSON.stringify(frame)}\n`;
}
