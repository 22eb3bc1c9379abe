// SPDX-License-Identifier: Apache-2.0
import { ed25519 } from '@noble/curves/ed25519.js';
import { expect, test } from 'vitest';
import { fromBase64Url, toBase64Url } from '../protocol/bytes';
import { DeviceKey, enrolMessage } from '../protocol/sign';
import { nextCall, onReply, type Outcome, type Reply } from './slip';
import { choose, goOnFrom, newSlip, slipStatus, type SlipRecord } from './slip_record';

const where = { origin: 'https://linli.example', slug: 'hn' };
const seed = new Uint8Array(32).fill(3);
const key = new DeviceKey(seed);
const input = { code: ' secret ', label: '', purposes: ['notices'] };
const fresh = () => newSlip(input, seed, 'r1');
const ok = (body: object): Reply => ({ isOk: true, body: body as Record<string, unknown> });
const no = (code: string, mayPass = false): Reply => ({
  isOk: false, mayPass, problem: { code, message: code },
});
const nonce = toBase64Url(new Uint8Array(16).fill(7));
const check = ok({ nonce, household: '301', persons: [{ ref: '1', name: '王*英' }] });
const answer = ok({ cid: key.cid, account: 'a'.repeat(32), person: 'p', name: '王秀英', cert: 'c' });

function slipOf(outcome: Outcome): SlipRecord {
  if (outcome.step === 'enrolled') throw new Error('enrolled');
  return outcome.slip;
}
const confirming = () => choose(slipOf(onReply(fresh(), check, where)), '1', 'r2')!;

test('even a single person is shown before it is confirmed (ENR-1)', () => {
  const outcome = onReply(fresh(), check, where);
  expect(outcome.step).toBe('choose');
  const slip = slipOf(outcome);
  expect(slipStatus(slip)).toEqual({
    stage: 'choosing', household: '301', persons: [{ ref: '1', name: '王*英' }],
  });
  expect(nextCall(slip, where)).toBeUndefined();
  expect(choose(slip, '2', 'r2')).toBeUndefined();
  const body = nextCall(choose(slip, '1', 'r2')!, where)!.body as Record<string, string>;
  const message = enrolMessage('hn', fromBase64Url(nonce)!, key.pub);
  expect(ed25519.verify(fromBase64Url(body.sig!)!, message, key.pub)).toBe(true);
  expect(body).toMatchObject({ person: '1', label: 'linli', consent: { version: '1' } });
  const done = onReply(confirming(), answer, where);
  expect(done).toMatchObject({ step: 'enrolled', identity: { cid: key.cid, seed, person: 'p' } });
});

test('without a connection the slip waits as it is, a wrong code is forgotten', () => {
  for (const slip of [fresh(), confirming()]) {
    const { problem, ...rest } = slipOf(onReply(slip, no('unavailable', true), where));
    expect(rest).toEqual(slip);
    expect(problem!.code).toBe('unavailable');
  }
  const refused = onReply(fresh(), no('wrong_code'), where);
  expect(refused).toMatchObject({ step: 'refused', slip: { code: '', stage: 'refused' } });
});

test('a lost answer is found again by the key, which stays the same (ENR-3)', () => {
  for (const code of ['expired', 'already_used', 'conflict', 'invalid_argument']) {
    let slip = slipOf(onReply(confirming(), no(code), where));
    expect(nextCall(slip, where)).toMatchObject({ path: '/api/v1/token/challenge' });
    slip = slipOf(onReply(slip, ok({ nonce, server_id: nonce }), where));
    expect(nextCall(slip, where)).toMatchObject({ path: '/api/v1/token', body: { cid: key.cid } });
    slip = slipOf(onReply(slip, ok({ token: 't' }), where));
    const call = { method: 'GET', path: '/api/v1/enrolment', bearer: 't' };
    expect(nextCall(slip, where)).toEqual(call);
    expect(onReply(slip, answer, where)).toMatchObject({ step: 'enrolled' });
  }
});

test('a key that the server never took begins anew, three times at most', () => {
  let slip = confirming();
  for (let round = 0; round < 3; ++round) {
    slip = slipOf(onReply(slip, no('expired'), where));
    slip = slipOf(onReply(slip, ok({ nonce, server_id: nonce }), where));
    slip = slipOf(onReply(slip, no('unauthenticated'), where));
    expect(slip.stage).toBe('checking');
    slip = slipOf(onReply(slip, check, where));
    expect(slip.stage, 'the same person is not asked for again').toBe('confirming');
    expect(slip.seed).toBe(seed);
  }
  expect(onReply(slip, no('expired'), where).step).toBe('refused');
});

test('the same slip read again keeps its key, another slip gets its own', () => {
  const again = goOnFrom(newSlip(input, new Uint8Array(32), 'r3'), confirming());
  expect(again).toMatchObject({ seed, isSent: true, stage: 'checking' });
  const other = newSlip({ ...input, code: 'other' }, new Uint8Array(32), 'r3');
  expect(goOnFrom(other, confirming())).toBe(other);
  // A used slip that we may have used ourselves is asked after, not refused.
  const slip = slipOf(onReply(again, no('already_used'), where));
  expect(slip.stage).toBe('recovering');
});
