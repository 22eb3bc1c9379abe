// SPDX-License-Identifier: Apache-2.0
// Usage: node vectors.mjs FOLDER: holds wire.mjs to the golden vectors of tests/protocol.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import {readFileSync} from 'node:fs';
import test from 'node:test';

import {
  DeviceKey,
  digestOf,
  encodings,
  helloMessage,
  mutationHash,
  rowHash,
  setHash,
  verbatim,
} from './wire.mjs';

const load = (name) => JSON.parse(readFileSync(`${process.argv[2]}/${name}`));
const hex = (text) => Buffer.from(text, 'hex');
const {json, cbor} = encodings;

test('row hashes and digests', () => {
  const live = [];
  for (const row of load('digest.json').rows) {
    const entry = {...row, data: Buffer.from(row.data)};
    live.push(entry);
    assert.equal(rowHash(row.tbl, row.key, row.ver, entry.data), BigInt(`0x${row.h}`), row.key);
    assert.deepEqual(digestOf(live), [row.digest[0], BigInt(`0x${row.digest[1]}`)], row.key);
  }
  assert.ok(live.length > 3);
});

test('mutation hashes and set hashes', () => {
  const {mutations, bucket_sets: sets} = load('digest.json');
  for (const m of mutations) assert.equal(mutationHash(m.name, m.args).toString('hex'), m.mhash);
  for (const s of sets) assert.equal(setHash(s.held).toString('hex'), s.set_hash);
});

test('every frame reads the same from both encodings, and what a phone writes reads back', () => {
  for (const {name, from, json: text, cbor: item} of load('frames.json')) {
    // The hello body is one frame-encoded map without the line feed of a message.
    const kind = from === 'hello body' || !text.endsWith('\n') ? 'body' : undefined;
    const read = (codec, bytes) =>
        codec === json ? json.decode(JSON.parse(bytes), kind) : cbor.read(bytes, true)[0];
    const value = read(json, text);
    assert.deepEqual(read(cbor, hex(item)), value, name);
    if (from === 'server') continue;
    const again = read(json, text);
    for (const mut of again.muts ?? []) mut.args = verbatim(mut.args);
    assert.deepEqual(read(json, json.one(again).toString()), value, `${name} in JSON`);
    assert.deepEqual(read(cbor, cbor.one(again)), value, `${name} in CBOR`);
  }
});

test('a signed hello', () => {
  for (const v of load('signing.json')) {
    const pkcs8 = Buffer.concat([hex('302e020100300506032b657004220420'), hex(v.seed)]);
    const privateKey = crypto.createPrivateKey({key: pkcs8, format: 'der', type: 'pkcs8'});
    const key = new DeviceKey({privateKey, publicKey: crypto.createPublicKey(privateKey)});
    assert.equal(key.pub.toString('hex'), v.pub);
    assert.equal(key.cid, v.cid);
    const message =
        helloMessage(v.origin, v.subprotocol, hex(v.server_id), hex(v.nonce), hex(v.body));
    assert.equal(message.toString('hex'), v.message);
    assert.equal(key.sign(message).toString('hex'), v.sig);
  }
});
