// SPDX-License-Identifier: Apache-2.0
// Hashes, signatures and the two encodings of docs/PROTOCOL.md §1-§4, written from that page alone.
import crypto from 'node:crypto';
import {createRequire} from 'node:module';

const require = createRequire(new URL('../../tools/package.json', import.meta.url));
export const {Encoder} = require('cbor-x');
export const {WebSocket} = require('ws');

export const sha256 = (...parts) => {
  const hash = crypto.createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const be = (value, bytes) => {
  const out = Buffer.alloc(bytes);
  let rest = BigInt(value);
  for (let i = bytes - 1; i >= 0; --i, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
};
const ZERO = Buffer.from([0]);
export const b64 = (bytes) => Buffer.from(bytes).toString('base64url');
export const unb64 = (text) => Buffer.from(text, 'base64url');

// --- §1: rows, digests, names -----------------------------------------------------------------

export function rowHash(tbl, key, ver, data) {
  const t = Buffer.from(tbl), k = Buffer.from(key);
  return sha256('linli.row.1', be(t.length, 1), t, be(k.length, 2), k, be(ver, 8), data)
      .readBigUInt64BE(0);
}

/** [n, s] over live entries {tbl, key, ver, data}; data null = tombstone. */
export function digestOf(entries) {
  let n = 0, s = 0n;
  for (const {tbl, key, ver, data} of entries) {
    if (data === null) continue;
    ++n;
    s = BigInt.asUintN(64, s + rowHash(tbl, key, ver, data));
  }
  return [n, s];
}

/** held: [[b, gen], ...] in any order. */
export function setHash(held) {
  const sorted = [...held].sort((x, y) => x[0] - y[0]);
  return sha256(...sorted.flatMap(([b, gen]) => [be(b, 4), be(gen, 8)]));
}

export const mutationHash = (name, args) => sha256(name, ZERO, args).subarray(0, 16);

// --- Keys -------------------------------------------------------------------------------------

export class DeviceKey {
  constructor(pair = crypto.generateKeyPairSync('ed25519')) {
    this.privateKey = pair.privateKey;
    this.pub = unb64(pair.publicKey.export({format: 'jwk'}).x);
    this.cid = sha256(this.pub).subarray(0, 16).toString('hex');
  }
  sign(...parts) {
    return crypto.sign(null, Buffer.concat(parts.map((p) => Buffer.from(p))), this.privateKey);
  }
}

export const helloMessage = (origin, subprotocol, serverId, nonce, body) => Buffer.concat([
  'linli.hello.1', ZERO, origin, ZERO, subprotocol, ZERO, serverId, nonce, sha256(body)
].map((p) => Buffer.from(p)));

// --- Encodings: frames as objects whose bytes are Buffers and whose data and args are Buffers ----

/** args of a mutation and data of a row: CBOR bytes, but in JSON a string holding the text. */
class Verbatim {
  constructor(bytes) { this.bytes = Buffer.from(bytes); }
}
export const verbatim = (text) => new Verbatim(text);

const map = (value, leaf) => {
  if (value instanceof Verbatim || Buffer.isBuffer(value)) return leaf(value);
  if (Array.isArray(value)) return value.map((item) => map(item, leaf));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
        Object.entries(value).filter(([, v]) => v !== undefined).map(([k,
                                                                       v]) => [k, map(v, leaf)]));
  }
  return leaf(value);
};

// Members that are bytes, by frame; everything else is what JSON says it is.
const BYTES = {
  K: ['nonce', 'server_id'],
  hello: ['body', 'sig'],
  rekey: ['pub', 'sig'],
  body: ['set_hash'],
};

function textMember(frame, readText, readDigest) {
  if (frame.t === 'B') {
    frame.ops = frame.ops.map((op) => op[0] === 1 ? [1, op[1], op[2], op[3], readText(op[4])] : op);
  }
  if (frame.t === 'push')
    for (const mut of frame.muts) mut.args = readText(mut.args);
  if (frame.d) frame.d = [frame.d[0], readDigest(frame.d[1])];
  return frame;
}

const json = {
  subprotocol: 'linli.v1.json',
  one: (value) => Buffer.from(JSON.stringify(
      map(value,
          (v) => v instanceof Verbatim ? v.bytes.toString() :
              Buffer.isBuffer(v)       ? b64(v) :
                                         v))),
  message: (frames) => frames.map((f) => `${json.one(f)}\n`).join(''),
  read(payload, isBinary) {
    if (isBinary) throw new Error('a binary message on a JSON socket');
    const text = payload.toString();
    if (!text.endsWith('\n')) throw new Error('a JSON message must end with a line feed');
    return text.slice(0, -1).split('\n').map((line) => json.decode(JSON.parse(line)));
  },
  decode(frame, kind = frame.t) {
    for (const name of BYTES[kind] ?? []) {
      if (frame[name] !== undefined) frame[name] = unb64(frame[name]);
    }
    return textMember(frame, (v) => Buffer.from(v), (s) => {
      if (!/^[0-9a-f]{16}$/.test(s)) throw new Error(`digest sum ${s}`);
      return BigInt(`0x${s}`);
    });
  },
};

const cborCodec = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  tagUint8Array: false,
  int64AsNumber: true,
  variableMapSize: true
});
const cbor = {
  subprotocol: 'linli.v1.cbor',
  // cbor-x writes a number above 2^32 as a float unless it is a BigInt; the protocol has no floats.
  one: (value) => Buffer.from(cborCodec.encode(
      map(value,
          (v) => v instanceof Verbatim                                     ? v.bytes :
              typeof v === 'number' && (v > 0xffffffff || v < -0x80000000) ? BigInt(v) :
                                                                             v))),
  message: (frames) => Buffer.concat(frames.map((f) => cbor.one(f))),
  read(payload, isBinary) {
    if (!isBinary) throw new Error('a text message on a CBOR socket');
    const frames = [];
    cborCodec.decodeMultiple(payload, (frame) => {
      frames.push(cbor.decode(frame));
    });
    return frames;
  },
  decode: (frame) => textMember(
      frame,
      (v) => {
        if (!Buffer.isBuffer(v) && !(v instanceof Uint8Array))
          throw new Error('text where bytes belong');
        return Buffer.from(v);
      },
      (s) => {
        if (s.length !== 8) throw new Error('digest sum is not 8 bytes');
        return Buffer.from(s).readBigUInt64BE(0);
      }),
};

export const encodings = {
  json,
  cbor
};
