// SPDX-License-Identifier: Apache-2.0
// Reads messages of the server: whole or not at all.
import { fromBase64Url, utf8Length, type Bytes } from './bytes';
import { malformed, ProtocolError } from './errors';
import type {
  Cursors, Digest, FrameErr, FrameK, FrameR, FrameWelcome, Grant, Lane, Op, PerUpLane, ServerFrame,
  UpLane,
} from './frames';
import { readJson, WireMap, type WireValue } from './json';

export const MESSAGE_BYTES_MAX = 512 * 1024;
export const MESSAGE_FRAMES_MAX = 1024;
export const ROW_BYTES_MAX = 128 * 1024;
const TEXT_MAX = 65536;

const HEX32 = /^[0-9a-f]{32}$/;
const TBL = /^[a-z][a-z0-9_]{0,31}$/;
const KEY = /^[A-Za-z0-9_.:-]{1,64}$/;
const NAME = /^[^]{1,32}$/u;
const U32_MAX = 0xffffffff;

function asInt(value: WireValue | undefined, max = Number.MAX_SAFE_INTEGER, min = 0): number {
  if (typeof value !== 'number' || value < min || value > max) malformed('an integer');
  return value;
}

function asText(value: WireValue | undefined, pattern?: RegExp): string {
  if (typeof value !== 'string' || (pattern && !pattern.test(value))) malformed('a text');
  return value;
}

function asArray(value: WireValue | undefined, length?: number): WireValue[] {
  if (!Array.isArray(value)) malformed('an array');
  if (length !== undefined && value.length !== length) malformed('length of an array');
  return value;
}

function asLane(value: WireValue | undefined): Lane {
  if (value !== 'u' && value !== 's') malformed('a lane');
  return value;
}

function asDigest(value: WireValue | undefined): Digest {
  const [n, s] = asArray(value, 2);
  return { n: asInt(n), s: BigInt(`0x${asText(s, /^[0-9a-f]{16}$/)}`) };
}

/** The known members of one map. */
class Fields {
  constructor(private readonly map: WireMap) {}

  /** Undefined when it is absent. */
  get(name: string): WireValue | undefined {
    if (this.map.repeated?.has(name)) malformed(`'${name}' comes twice`);
    return this.map.members.get(name);
  }
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }
  int(name: string, max?: number): number {
    return asInt(this.get(name), max);
  }
  time(name: string): number {
    return asInt(this.get(name), Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER);
  }
  optionalInt(name: string): number {
    return this.has(name) ? this.int(name) : 0;
  }
  text(name: string, pattern?: RegExp): string {
    const value = asText(this.get(name), pattern);
    if (value.length > TEXT_MAX) malformed(`'${name}' is too long`);
    return value;
  }
  optionalText(name: string): string {
    return this.has(name) ? this.text(name) : '';
  }
  bytes(name: string, length: number): Bytes {
    const value = fromBase64Url(this.text(name));
    if (value?.length !== length) return malformed(`'${name}' has not ${length} bytes`);
    return value;
  }
  cursors(name: string): Cursors {
    const value = this.get(name);
    if (!(value instanceof WireMap)) return malformed(`'${name}' is no map`);
    const fields = new Fields(value);
    return { u: fields.int('u'), s: fields.int('s') };
  }
  perUpLane(name: string): PerUpLane {
    return asArray(this.get(name), 3).map((n) => asInt(n)) as PerUpLane;
  }
  list<T>(name: string, read: (value: WireValue) => T): T[] {
    return asArray(this.get(name)).map(read);
  }
}

function grant(value: WireValue): Grant {
  const [b, gen, lane, pri, cls] = asArray(value, 5);
  return {
    b: asInt(b, U32_MAX), gen: asInt(gen), lane: asLane(lane), pri: asInt(pri, 9),
    isSensitive: asInt(cls, 1) === 1,
  };
}

function op(value: WireValue): Op {
  const all = asArray(value);
  const kind = asInt(all[0], 1);
  if (all.length !== (kind === 1 ? 5 : 4)) malformed('length of an op');
  const ver = asInt(all[3], Number.MAX_SAFE_INTEGER, 1);
  const out: Op = { tbl: asText(all[1], TBL), key: asText(all[2], KEY), ver };
  if (kind === 0) return out;
  const data = asText(all[4]);
  if (data.length > ROW_BYTES_MAX || utf8Length(data) > ROW_BYTES_MAX) malformed('size of a row');
  return { ...out, data };
}

function readK(from: Fields): FrameK {
  const [min, max] = asArray(from.get('proto'), 2);
  return {
    t: 'K', nonce: from.bytes('nonce', 32), serverId: from.bytes('server_id', 16),
    epoch: from.text('epoch', HEX32), now: from.time('now'), proto: [asInt(min), asInt(max)],
  };
}

function readWelcome(from: Fields): FrameWelcome {
  return {
    t: 'welcome', proto: from.int('proto'), epoch: from.text('epoch', HEX32),
    account: from.text('account', HEX32), head: from.cursors('head'),
    lastN: from.perUpLane('last_n'), window: from.int('window', U32_MAX),
    leaseUntil: from.time('lease_until'), t0: from.time('t0'), t1: from.time('t1'),
    ...(from.has('buckets') && { buckets: from.list('buckets', grant) }),
    ...(from.has('hand_over') && { handOver: from.time('hand_over') }),
  };
}

function readC(from: Fields): ServerFrame {
  const seq = from.int('seq');
  if (!from.has('b')) return { t: 'C', lane: asLane(from.get('lane')), seq };
  return { t: 'C', b: from.int('b', U32_MAX), seq, d: asDigest(from.get('d')) };
}

function readR(from: Fields): FrameR {
  const st = from.text('st');
  if (st !== 'ok' && st !== 'rejected' && st !== 'retry') return malformed('st');
  return {
    t: 'R', lane: from.int('lane', 2) as UpLane, n: from.int('n'), st,
    ...(from.has('h') && { h: from.bytes('h', 16) }),
    seq: from.optionalInt('seq'), lanes: from.has('lanes') ? from.list('lanes', asLane) : [],
    code: from.optionalText('code'), msg: from.optionalText('msg'),
    info: from.optionalText('info'), after: from.optionalInt('after'),
  };
}

function readErr(from: Fields): FrameErr {
  const fatal = from.get('fatal');
  if (typeof fatal !== 'boolean') return malformed('fatal');
  return {
    t: 'err', code: from.text('code'), msg: from.optionalText('msg'), fatal,
    ...(from.has('lane') && { lane: from.int('lane', 2) as UpLane }),
    want: from.optionalInt('want'), after: from.optionalInt('after'),
  };
}

const READERS: Record<string, (from: Fields) => ServerFrame> = {
  K: readK,
  welcome: readWelcome,
  B: (from) => ({
    t: 'B', b: from.int('b', U32_MAX), to: from.int('to'), ops: from.list('ops', op),
    ...(from.has('d') && { d: asDigest(from.get('d')) }),
  }),
  C: readC,
  M: (from) => ({
    t: 'M', at: from.int('at'),
    drop: from.has('drop') ? from.list('drop', (b) => asInt(b, U32_MAX)) : [],
    add: from.has('add') ? from.list('add', grant) : [],
  }),
  R: readR,
  pong: (from) => ({
    t: 'pong', t0: from.time('t0'), t1: from.time('t1'), u: from.int('u'), s: from.int('s'),
  }),
  err: readErr,
  drain: (from) => ({ t: 'drain', after: from.int('after') }),
  rekeyed: (from) => ({ t: 'rekeyed', cid: from.text('cid', HEX32), cert: from.text('cert') }),
};

/** Undefined: a frame that this version may ignore. */
function readFrame(line: string): ServerFrame | undefined {
  const value = readJson(line);
  if (!(value instanceof WireMap)) return malformed('a frame is no map');
  const from = new Fields(value);
  const name = from.text('t', NAME);
  if (Object.hasOwn(READERS, name)) return READERS[name]!(from);
  if (from.get('must') !== true) return undefined;
  throw new ProtocolError('unsupported_version', `frame '${name}' must be understood`);
}

function readAll(message: string): ServerFrame[] {
  if (message.length > MESSAGE_BYTES_MAX || utf8Length(message) > MESSAGE_BYTES_MAX) {
    throw new ProtocolError('too_large', 'message');
  }
  if (!message.endsWith('\n')) malformed('the last frame does not end');
  const lines = message.slice(0, -1).split('\n');
  if (lines.length > MESSAGE_FRAMES_MAX) throw new ProtocolError('too_large', 'frames');
  return lines.map(readFrame).filter((frame) => frame !== undefined);
}

/** Frames of one text message in order, without those that may be ignored; or what is wrong. */
export function decodeMessage(message: string): ServerFrame[] | ProtocolError {
  try {
    return readAll(message);
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    return new ProtocolError('malformed', String(error));
  }
}
