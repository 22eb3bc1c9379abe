// SPDX-License-Identifier: Apache-2.0
// Usage: node run.mjs ORIGIN SLUG SLIP_JSON SLIP_CBOR, each slip as JSON: {"code": ...} [, "door"].
// One phone per encoding goes through the whole of docs/PROTOCOL.md §2-§4 and §7.
import assert from 'node:assert/strict';
import test from 'node:test';

import {enrol, Phone, post} from './phone.mjs';
import {b64, encodings, setHash, unb64} from './wire.mjs';

const [origin, slug, ...slips] = process.argv.slice(2);

const opFrames = (session) => session.log.filter((f) => f.t === 'B' && f.ops.length);
const order = (session) => session.log.map((f) => f.t);

async function token(identity) {
  const base = `${origin}/c/${slug}/api/v1/token`;
  const {nonce, server_id: server} = await post(`${base}/challenge`, {});
  const sig = identity.key.sign('linli.token.1', [0], origin, [0], unb64(server), unb64(nonce));
  return post(base, {cid: identity.key.cid, nonce, origin, sig: b64(sig)});
}

for (const [index, encoding] of Object.keys(encodings).entries()) {
  test(`a phone that speaks ${encoding}`, async (t) => {
    const slip = JSON.parse(slips[index]);
    let identity, phone;

    await t.test('enrols with a slip and learns masked names first', async () => {
      identity = await enrol(origin, slug, slip, {label: `independent ${encoding}`});
      assert.match(identity.masked, /\*/, 'check shows masked names');
      assert.doesNotMatch(identity.name, /\*/, 'confirm shows the name');
      await assert.rejects(
          enrol(origin, slug, slip), (e) => ['already_used', 'wrong_code'].includes(e.body.code),
          'a slip works once');
    });

    await t.test('is refused with a signature over another origin', async () => {
      const session =
          new Phone(
              {
                ...identity,
                key: {...identity.key, cid: identity.key.cid, sign: () => Buffer.alloc(64, 7)}
              },
              encoding)
              .connect();
      await assert.rejects(session, /closed with 4401 .*bad_signature/);
    });

    await t.test('fills every bucket and finds every digest right', async () => {
      phone = new Phone(identity, encoding);
      const session = await phone.connect();
      assert.ok(session.welcome.buckets.length > 0);
      await session.synced();
      assert.equal(phone.digestsChecked >= phone.buckets.size, true);
      assert.ok(phone.rows('notice').length > 0, 'the demo community has notices');
      await session.bye();
    });

    await t.test('gets no row again when it comes back', async () => {
      const session = await phone.connect();
      assert.equal(session.welcome.buckets, undefined, 'the set hash says all is held');
      await session.synced();
      assert.deepEqual(opFrames(session), []);
      session.cut();
    });

    await t.test('fetches one bucket anew on refill and shows the same', async () => {
      const session = await phone.connect();
      await session.synced();
      const {b, entries} = [...phone.buckets.values()].find((one) => one.entries.size > 0);
      const before = [...entries.values()].filter((e) => e.data !== null).length;
      session.log.length = 0;
      session.send({t: 'refill', b: [b]});
      await session.until(() => session.log.some((f) => f.t === 'C' && f.b === b), 'refill');
      const {live, entries: after} = phone.buckets.get(b);
      assert.equal(live, true);
      assert.equal([...after.values()].filter((e) => e.data !== null).length, before);
      const ours = session.log.filter((f) => f.b === b || f.add?.some((grant) => grant[0] === b));
      assert.deepEqual(ours.slice(0, 2).map((f) => f.t), ['M', 'B'], 'M parts old from new');
      await session.bye();
    });

    await t.test('sends a mutation, sees R and then its C', async () => {
      const session = await phone.connect();
      await session.synced();
      const open = phone.rows('notice').find((row) => row.needs_ack);
      const args = {notice: open.key, person: identity.person, choice: 'ok'};
      session.log.length = 0;
      const n = session.push(0, 'notice.acknowledge', args);
      const result =
          await session.until(() => phone.results.find((r) => r.lane === 0 && r.n === n), 'R');
      assert.equal(result.st, 'ok', JSON.stringify(result));
      await session.until(
          () => result.lanes.every((l) => phone.cur[l] >= result.seq), 'C of the commit');
      assert.ok(order(session).indexOf('R') < order(session).indexOf('C'), 'R precedes its C');
      // The same number again: the stored answer, not a second run.
      --phone.lastN[0];
      session.push(0, 'notice.acknowledge', args);
      await session.until(() => phone.results.length === 2, 'the stored R');
      assert.deepEqual(phone.results[1], result);
      await session.bye();
    });

    await t.test('is told of a gap and holds nothing of it', async () => {
      const session = await phone.connect();
      await session.synced();
      const want = phone.lastN[2] + 1;
      ++phone.lastN[2];
      session.push(2, 'notice.seen', {ids: ['x']});
      const gap = await session.until(() => session.log.find((f) => f.t === 'err'), 'err gap');
      assert.deepEqual([gap.code, gap.lane, gap.want, gap.fatal], ['gap', 2, want, false]);
      phone.lastN[2] = want - 1;
      await session.bye();
    });

    await t.test('resumes a fill where the line was cut', async () => {
      const fresh = new Phone(identity, encoding);
      Object.assign(fresh, {resN: [...phone.resN], lastN: [...phone.lastN]});
      const first = await fresh.connect();
      await first.until(() => first.log.some((f) => f.t === 'B'), 'a first B');
      first.cut();
      const second = await fresh.connect();
      await second.synced();
      assert.deepEqual(setHash(fresh.held()), setHash(phone.held()));
      assert.deepEqual(
          fresh.rows('notice').map((r) => r.key).sort(),
          phone.rows('notice').map((r) => r.key).sort());
      second.send({t: 'ping', t0: 5});
      assert.equal(
          (await second.until(() => second.log.find((f) => f.t === 'pong'), 'pong')).t0, 5);
      await second.bye();
    });

    await t.test('gets a token for the HTTP interface with the same key', async () => {
      const {token: bearer, expires_at: until} = await token(identity);
      assert.equal(typeof bearer, 'string');
      assert.ok(until > Date.now());
    });
  });
}
