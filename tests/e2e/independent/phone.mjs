// SPDX-License-Identifier: Apache-2.0
// A phone written from docs/PROTOCOL.md alone: enrolment, one socket at a time, rows in memory.
import assert from 'node:assert/strict';

import {
  b64,
  DeviceKey,
  digestOf,
  encodings,
  helloMessage,
  setHash,
  unb64,
  verbatim,
  WebSocket,
} from './wire.mjs';

const SLOW = Number(process.env.LINLI_SLOW ?? 1);
const LANES = ['u', 's'];

export async function post(url, value) {
  const answer = await fetch(
      url,
      {method: 'POST', body: JSON.stringify(value), headers: {'content-type': 'application/json'}});
  const text = await answer.text();
  const body = text ? JSON.parse(text) : {};
  if (!answer.ok) {
    throw Object.assign(
        new Error(`${url}: ${answer.status} ${text}`), {status: answer.status, body});
  }
  return body;
}

/** §7. slip: {code} or {code, door}. Answers the identity that Phone wants. */
export async function enrol(origin, slug, slip, {pick = 0, label = 'independent'} = {}) {
  const check = await post(`${origin}/c/${slug}/enrol/check`, slip);
  assert.ok(check.persons.length > 0, 'the slip names nobody');
  const key = new DeviceKey();
  const sig = key.sign('linli.enrol.1', [0], slug, [0], unb64(check.nonce), key.pub);
  const answer = await post(`${origin}/c/${slug}/enrol/confirm`, {
    nonce: check.nonce,
    person: check.persons[pick].ref,
    pub: b64(key.pub),
    sig: b64(sig),
    label,
    consent: {version: '1', purposes: ['notices']},
  });
  assert.equal(answer.cid, key.cid, 'the server names the device by its key');
  return {
    origin,
    slug,
    key,
    account: answer.account,
    masked: check.persons[pick].name,
    name: answer.name,
    person: answer.person,
    cert: answer.cert
  };
}

class Bucket {
  constructor([b, gen, lane, pri, cls]) {
    Object.assign(this, {b, gen, lane, pri, cls, live: false, fillCur: 0});
    this.entries = new Map();
    this.filling = new Map();
  }
  static put(into, op) {
    const [kind, tbl, key, ver, data] = op;
    const id = `${tbl}/${key}`;
    const old = into.get(id);
    if (old && old.ver > ver) return;
    into.set(id, {tbl, key, ver, data: kind === 1 ? data : null});
  }
}

export class Phone {
  constructor(identity, encoding) {
    Object.assign(this, {identity, encoding, wire: encodings[encoding]});
    this.epoch = undefined;
    this.cur = {u: 0, s: 0};
    this.buckets = new Map();
    this.resN = [0, 0, 0];
    this.lastN = [0, 0, 0];
    this.results = [];
    this.digestsChecked = 0;
  }

  held() { return [...this.buckets.values()].map((x) => [x.b, x.gen]); }

  part() {
    return [...this.buckets.values()].filter((x) => !x.live).map((x) => [x.b, x.gen, x.fillCur]);
  }

  /** Rows that show: of several live entries the one with the highest ver (§3). */
  rows(tbl) {
    const best = new Map();
    for (const bucket of this.buckets.values()) {
      for (const [id, entry] of bucket.entries) {
        if (entry.tbl !== tbl || entry.data === null) continue;
        if (!best.has(id) || best.get(id).ver < entry.ver) best.set(id, entry);
      }
    }
    return [...best.values()].map((e) => ({key: e.key, ver: e.ver, ...JSON.parse(e.data)}));
  }

  /** Opens a socket and signs in; resolves once welcome was applied. */
  async connect() {
    const socket = new Session(this);
    await socket.opened;
    return socket;
  }
}

/** One socket. `log` holds every frame that came, in order. */
export class Session {
  constructor(phone) {
    this.phone = phone;
    this.log = [];
    this.rx = 0;
    this.acked = 0;
    this.caughtUp = new Set();
    this.staged = {u: [], s: []};
    this.waiters = [];
    const {origin, slug} = phone.identity;
    this.ws = new WebSocket(
        `${origin.replace(/^http/, 'ws')}/c/${slug}/sync`, phone.wire.subprotocol,
        {perMessageDeflate: false, maxPayload: 512 * 1024});
    this.ws.on(
        'message', (payload, isBinary) => this.#guard(() => this.#message(payload, isBinary)));
    this.ws.on('error', (error) => {
      this.failure ??= error;
      this.#wake();
    });
    this.ws.on('close', (code) => {
      this.closed = code;
      this.#wake();
    });
    this.opened = this.until(() => this.welcome, 'welcome');
  }

  send(...frames) { this.ws.send(this.phone.wire.message(frames)); }

  /** Waits until `ready()`; a closed socket or a failed check ends it with a sentence. */
  until(ready, what, ms = 15000 * SLOW) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
          () => finish(new Error(
              `no ${what} within ${ms} ms; came: ` + JSON.stringify(this.log.map((f) => f.t)))),
          ms);
      const finish = (error) => {
        clearTimeout(timer);
        this.waiters = this.waiters.filter((w) => w !== look);
        error ? reject(error) : resolve(ready());
      };
      const look = () => {
        if (this.failure)
          finish(this.failure);
        else if (ready())
          finish();
        else if (this.closed !== undefined) {
          const err = this.log.findLast((f) => f.t === 'err');
          finish(new Error(`closed with ${this.closed} before ${what} (${JSON.stringify(err)})`));
        }
      };
      this.waiters.push(look);
      look();
    });
  }

  /** Everything listed is live and both lanes have caught up. */
  synced() {
    return this.until(
        () => this.caughtUp.size === 2 && [...this.phone.buckets.values()].every((x) => x.live),
        'end of the catch-up');
  }

  async bye() {
    this.#ack();
    this.send({t: 'bye'});
    this.ws.close(1000);
    await this.until(() => this.closed !== undefined, 'close');
  }

  /** Line goes dead without a goodbye. */
  cut() { this.ws.terminate(); }

  push(lane, name, args) {
    const n = ++this.phone.lastN[lane];
    this.send({
      t: 'push',
      lane,
      muts: [{n, name, args: verbatim(JSON.stringify(args)), wall: Date.now()}]
    });
    return n;
  }

  #guard(step) {
    try {
      step();
    } catch (error) {
      this.failure ??= error;
      this.ws.terminate();
    }
    this.#wake();
  }
  #wake() {
    for (const look of [...this.waiters]) look();
  }

  #message(payload, isBinary) {
    const frames = this.phone.wire.read(payload, isBinary);
    this.rx += payload.length;
    for (const frame of frames) {
      this.log.push(frame);
      const handler = this[`on_${frame.t}`];
      if (handler)
        handler.call(this, frame);
      else
        assert.ok(!frame.must, `unknown frame ${frame.t} that must be understood`);
    }
    if (this.welcome && (frames.some((f) => f.t === 'C') || this.rx - this.acked >= 8192))
      this.#ack();
  }

  #ack() {
    this.acked = this.rx;
    this.send(
        {t: 'ack', rx: this.rx, u: this.phone.cur.u, s: this.phone.cur.s, res: this.phone.resN});
  }

  on_K(frame) {
    assert.equal(this.log.length, 1, 'K comes first');
    assert.equal(frame.nonce.length, 32);
    assert.equal(frame.server_id.length, 16);
    const {identity, wire} = this.phone;
    const held = this.phone.held();
    const body = wire.one({
      cid: identity.key.cid,
      origin: identity.origin,
      proto: [1, 1],
      app: 'independent 1.0',
      epoch: this.phone.epoch,
      cur: this.phone.cur,
      set_hash: held.length ? setHash(held) : undefined,
      part: this.phone.part(),
      up: this.phone.resN.map((res, i) => [res, this.phone.lastN[i]]),
      pending: 0,
      t0: Date.now(),
    });
    const sig = identity.key.sign(
        helloMessage(identity.origin, wire.subprotocol, frame.server_id, frame.nonce, body));
    this.helloHadBuckets = held.length > 0;
    this.send({t: 'hello', body, sig});
  }

  on_welcome(frame) {
    const {phone} = this;
    assert.equal(frame.account, phone.identity.account);
    if (phone.epoch !== frame.epoch) {
      phone.epoch = frame.epoch;
      phone.buckets.clear();
      phone.cur = {...frame.head};
      assert.ok(frame.buckets, 'another epoch lists the buckets');
    }
    if (frame.buckets) {
      const listed = new Map(frame.buckets.map((g) => [g[0], g]));
      for (const bucket of [...phone.buckets.values()]) {
        if (listed.get(bucket.b)?.[1] !== bucket.gen) phone.buckets.delete(bucket.b);
      }
      for (const grant of frame.buckets) {
        if (!phone.buckets.has(grant[0])) phone.buckets.set(grant[0], new Bucket(grant));
      }
      if (this.helloHadBuckets) {
        const live = [...phone.buckets.values()].filter((x) => x.live).map((x) => [x.b, x.gen]);
        this.send({t: 'have', live, part: phone.part().filter(([, , cur]) => cur > 0)});
      }
    }
    this.welcome = frame;
  }

  on_B(frame) {
    const bucket = this.phone.buckets.get(frame.b);
    assert.ok(bucket, `B of bucket ${frame.b}, which this phone does not hold`);
    if (bucket.live) {
      this.staged[bucket.lane].push(frame);
      return;
    }
    for (const op of frame.ops) Bucket.put(bucket.filling, op);
    bucket.fillCur = frame.to;
  }

  on_C(frame) {
    if (frame.b === undefined) return this.#revealLane(frame);
    const bucket = this.phone.buckets.get(frame.b);
    assert.ok(bucket && !bucket.live, `C of bucket ${frame.b}, which is not filling`);
    bucket.entries = bucket.filling;
    bucket.filling = new Map();
    bucket.live = true;
    bucket.fillCur = 0;
    this.#check(bucket, frame.d);
  }

  #revealLane({lane, seq}) {
    assert.ok(seq >= this.phone.cur[lane], 'a cursor never goes back');
    const last = new Map();
    for (const frame of this.staged[lane]) {
      const bucket = this.phone.buckets.get(frame.b);
      if (!bucket?.live) continue;  // dropped by an M in between
      for (const op of frame.ops) Bucket.put(bucket.entries, op);
      last.set(frame.b, frame.d);
    }
    this.staged[lane] = [];
    this.phone.cur[lane] = seq;
    this.caughtUp.add(lane);
    for (const [b, digest] of last)
      if (digest) this.#check(this.phone.buckets.get(b), digest);
  }

  #check(bucket, expected) {
    assert.deepEqual(digestOf(bucket.entries.values()), expected, `digest of bucket ${bucket.b}`);
    ++this.phone.digestsChecked;
  }

  #forget(b) {
    for (const lane of LANES) this.staged[lane] = this.staged[lane].filter((f) => f.b !== b);
  }

  on_M(frame) {
    for (const b of frame.drop ?? []) {
      this.phone.buckets.delete(b);
      this.#forget(b);
    }
    for (const grant of frame.add ?? []) {
      this.#forget(grant[0]);
      const fresh = new Bucket(grant);
      fresh.entries = this.phone.buckets.get(grant[0])?.entries ?? fresh.entries;
      this.phone.buckets.set(grant[0], fresh);
    }
  }

  on_R(frame) {
    if (frame.st !== 'retry')
      this.phone.resN[frame.lane] = Math.max(this.phone.resN[frame.lane], frame.n);
    this.phone.results.push(frame);
  }

  on_pong(frame) {
    for (const lane of LANES) {
      if (!this.staged[lane].length)
        this.phone.cur[lane] = Math.max(this.phone.cur[lane], frame[lane]);
    }
  }
}
