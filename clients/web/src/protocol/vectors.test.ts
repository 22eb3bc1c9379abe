// SPDX-License-Identifier: Apache-2.0
// Holds this folder to tests/protocol/*.json: if it agrees with them, it agrees with the server.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fromBase64Url, fromHex, toBase64Url, toHex, utf8 } from './bytes';
import { decodeMessage } from './decode';
import { addHash, bucketSetHash, EMPTY_DIGEST, mutationHash, rowHash } from './digest';
import { encodeHelloBody, encodeMessage } from './encode';
import { ProtocolError } from './errors';
import type { ClientFrame, FrameR, Grant, PushedMutation, ServerFrame } from './frames';
import { DeviceKey, helloMessage } from './sign';

const load = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../../tests/protocol/${name}`, import.meta.url), 'utf8'));
const hex = (text: string) => fromHex(text)!;
const hexSum = (s: bigint) => s.toString(16).padStart(16, '0');

test('row hashes and digests, with a sum that wraps', () => {
  let digest = EMPTY_DIGEST;
  const rows = load('digest.json').rows;
  for (const row of rows) {
    const h = rowHash(row.tbl, row.key, row.ver, row.data);
    expect(hexSum(h), row.key).toBe(row.h);
    digest = addHash(digest, h, 1);
    expect([digest.n, hexSum(digest.s)]).toEqual(row.digest);
  }
  for (const row of [...rows].reverse()) digest = addHash(digest, BigInt(`0x${row.h}`), -1);
  expect(digest).toEqual(EMPTY_DIGEST);
  expect(rows.length).toBe(6);
});

test('mutation hashes and set hashes', () => {
  const { mutations, bucket_sets: sets } = load('digest.json');
  for (const m of mutations) expect(toHex(mutationHash(m.name, m.args))).toBe(m.mhash);
  for (const s of sets) expect(toHex(bucketSetHash([...s.held].reverse()))).toBe(s.set_hash);
});

/** Back to the JSON of the wire, so that nothing that was read is lost unseen. */
function rewrite(frame: ServerFrame): object {
  const d = 'd' in frame && frame.d ? { d: [frame.d.n, hexSum(frame.d.s)] } : {};
  const grants = (all: Grant[]) =>
    all.map((g) => [g.b, g.gen, g.lane, g.pri, g.isSensitive ? 1 : 0]);
  switch (frame.t) {
    case 'K': {
      const { nonce, serverId, ...rest } = frame;
      return { ...rest, nonce: toBase64Url(nonce), server_id: toBase64Url(serverId) };
    }
    case 'welcome': {
      const { lastN, leaseUntil, buckets, handOver, ...rest } = frame;
      return {
        ...rest, last_n: lastN, lease_until: leaseUntil,
        ...(buckets && { buckets: grants(buckets) }),
        ...(handOver !== undefined && { hand_over: handOver }),
      };
    }
    case 'B': {
      const ops = frame.ops.map((op) =>
        op.data === undefined ? [0, op.tbl, op.key, op.ver] : [1, op.tbl, op.key, op.ver, op.data],
      );
      return { t: 'B', b: frame.b, to: frame.to, ops, ...d };
    }
    case 'C': return { ...frame, ...d };
    case 'M': {
      const { at, drop, add } = frame;
      return { t: 'M', at, ...(drop.length && { drop }), ...(add.length && { add: grants(add) }) };
    }
    case 'R': return rewriteR(frame);
    case 'err': {
      const { want, after, ...rest } = frame;
      return { ...rest, ...(want && { want }), ...(after && { after }) };
    }
    default: return frame;
  }
}

function rewriteR({ h, seq, lanes, code, msg, info, after, ...rest }: FrameR): object {
  return {
    ...rest, ...(h && { h: toBase64Url(h) }), ...(seq && { seq }), ...(lanes.length && { lanes }),
    ...(code && { code }), ...(msg && { msg }), ...(info && { info }), ...(after && { after }),
  };
}

test('every frame of the server is read, whole', () => {
  let read = 0;
  for (const { name, from, json } of load('frames.json')) {
    if (from !== 'server') continue;
    const frames = decodeMessage(json);
    if (frames instanceof ProtocolError) throw new Error(`${name}: ${frames.message}`);
    if (name === 'an unknown frame') expect(frames).toEqual([]);
    else expect(rewrite(frames[0]!), name).toEqual(JSON.parse(json));
    ++read;
  }
  expect(read).toBe(21);
});

test('every frame of a client is written as the vectors have it', () => {
  let written = 0;
  for (const { name, from, json } of load('frames.json')) {
    const value = json.trim() && JSON.parse(json);
    if (from === 'hello_body') {
      const { set_hash: setHash, part, ...rest } = value;
      const hash = setHash && { setHash: fromBase64Url(setHash) };
      const body = { ...rest, part: part ?? [], ...hash };
      expect(JSON.parse(new TextDecoder().decode(encodeHelloBody(body))), name).toEqual(value);
    } else if (from === 'client' && value.t !== 'later') {
      for (const member of ['body', 'sig', 'pub']) {
        if (value[member]) value[member] = fromBase64Url(value[member]);
      }
      const absent = { off: 0, unc: 0, fixes: 0 };
      value.muts = value.muts?.map((m: Partial<PushedMutation>) => ({ ...absent, ...m }));
      const text = encodeMessage(value as ClientFrame);
      expect(text.endsWith('\n')).toBe(true);
      expect(JSON.parse(text), name).toEqual(JSON.parse(json));
    } else continue;
    ++written;
  }
  expect(written).toBe(12);
});

test('a signed hello', () => {
  for (const v of load('signing.json')) {
    const key = new DeviceKey(hex(v.seed));
    expect(toHex(key.pub)).toBe(v.pub);
    expect(key.cid).toBe(v.cid);
    const { origin, subprotocol } = v;
    const message = helloMessage({
      origin, subprotocol, serverId: hex(v.server_id), nonce: hex(v.nonce), body: hex(v.body),
    });
    expect(toHex(message)).toBe(v.message);
    expect(toHex(key.sign(message))).toBe(v.sig);
  }
});

test('what the document forbids is refused with a code, never thrown', () => {
  const deep = (n: number) => `{"t":"later","x":${'['.repeat(n)}${']'.repeat(n)}}\n`;
  const refused: [string, string][] = [
    ['', 'malformed'],
    ['{"t":"drain","after":1}', 'malformed'],
    ['{"t":"drain","after":1}\n\n', 'malformed'],
    ['[1]\n', 'malformed'],
    ['{"t":"drain","after":1.0}\n', 'malformed'],
    ['{"t":"drain","after":1e3}\n', 'malformed'],
    ['{"t":"drain","after":01}\n', 'malformed'],
    ['{"t":"drain","after":-1}\n', 'malformed'],
    ['{"t":"drain","after":9007199254740992}\n', 'malformed'],
    ['{"t":"drain","after":1,"after":1}\n', 'malformed'],
    ['{"t":"drain","after":null}\n', 'malformed'],
    ['{"t":"drain","after":1}{"t":"drain","after":1}\n', 'malformed'],
    ['{"t":"later","x":"\\ud800"}\n', 'malformed'],
    ['{"t":"later","x":"\\x"}\n', 'malformed'],
    ['{"t":"later","x":"abc}\n', 'malformed'],
    ['{"t":"later","must":true}\n', 'unsupported_version'],
    ['{"t":"","x":1}\n', 'malformed'],
    ['{"t":"B","b":4294967296,"to":1,"ops":[]}\n', 'malformed'],
    ['{"t":"B","b":1,"to":1,"ops":[[1,"t","k",1]]}\n', 'malformed'],
    ['{"t":"B","b":1,"to":1,"ops":[[1,"T","k",1,"{}"]]}\n', 'malformed'],
    ['{"t":"B","b":1,"to":1,"ops":[[0,"t","k",0]]}\n', 'malformed'],
    ['{"t":"C","b":1,"seq":1}\n', 'malformed'],
    ['{"t":"C","lane":"x","seq":1}\n', 'malformed'],
    ['{"t":"R","lane":3,"n":1,"st":"ok"}\n', 'malformed'],
    ['{"t":"welcome","buckets":[[1,1,"u",0]]}\n', 'malformed'],
    [deep(16), 'too_deep'],
    [`${'{"t":"later"}\n'.repeat(1025)}`, 'too_large'],
    [`{"t":"later","x":"${'邻'.repeat(180_000)}"}\n`, 'too_large'],
  ];
  for (const [message, code] of refused) {
    const error = decodeMessage(message);
    expect(error, message.slice(0, 60)).toBeInstanceOf(ProtocolError);
    expect((error as ProtocolError).code, message.slice(0, 60)).toBe(code);
  }
  expect(decodeMessage(deep(15))).toEqual([]);
  expect(decodeMessage('{"t":"later","x":1,"x":2}\n')).toEqual([]);
});

test('a message with one bad frame is refused whole, at every cut of a good one', () => {
  const good = load('frames.json').filter((f: { from: string }) => f.from === 'server');
  const message = good.map((f: { json: string }) => f.json).join('');
  expect(decodeMessage(message)).toHaveLength(20);
  for (let cut = 0; cut < message.length; ++cut) {
    const part = decodeMessage(message.slice(0, cut));
    const isWhole = message[cut - 1] === '\n';
    expect(part instanceof ProtocolError, String(cut)).toBe(!isWhole);
  }
});

test('base64url goes both ways and refuses what is none', () => {
  for (let length = 0; length < 40; ++length) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 97 + length) & 255);
    expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
    expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
  }
  for (const bad of ['A', 'AA==', 'AB', 'A+', 'AAAAA', '中文']) {
    expect(fromBase64Url(bad)).toBeUndefined();
  }
  expect(utf8('邻')).toEqual(Uint8Array.of(0xe9, 0x82, 0xbb));
});
