// SPDX-License-Identifier: Apache-2.0
// Enrolment with a slip as steps without I/O (docs/PROTOCOL.md §7, ENR-3). The record is kept after
// each step, so it can be killed anywhere and goes on with the same key: a lost answer costs
// neither the slip nor a second device.
//
//   checking --> choosing --choose()--> confirming --answer--> enrolled
//      ^                                    | the offer is too old, or the slip is used:
//      '------- key unknown -- recovering <-' was it taken, and the answer lost?
//   refused: the server will say the same again; the code is forgotten.
import { fromBase64Url, toBase64Url } from '../protocol/bytes';
import { DeviceKey, enrolMessage, tokenMessage } from '../protocol/sign';
import type { Problem } from './api';
import { sentenceOf } from './problem';
import type { SlipRecord } from './slip_record';
import type { StoredIdentity } from './store';

/** Of the text that people agree to. */
export const CONSENT_VERSION = '1';
/** A server that offers and refuses in turn is not asked for ever. */
const ROUNDS_MAX = 3;

export interface Call {
  method: 'GET' | 'POST';
  /** Below /c/<slug>. */
  path: string;
  body?: object;
  bearer?: string;
}

/** What came back: JSON of a 2xx, a problem of the server, or no answer at all. */
export type Reply =
  | { isOk: true; body: Record<string, unknown> }
  | { isOk: false; problem: Problem; mayPass: boolean };

// --- Requests -----------------------------------------------------------------------------------

export interface Where {
  origin: string;
  slug: string;
}

/** Undefined while a person has to act. */
export function nextCall(slip: SlipRecord, where: Where): Call | undefined {
  switch (slip.stage) {
    case 'checking': {
      const body = { code: slip.code, ...(slip.door && { door: slip.door }) };
      return { method: 'POST', path: '/enrol/check', body };
    }
    case 'confirming':
      return { method: 'POST', path: '/enrol/confirm', body: confirmation(slip, where) };
    case 'recovering':
      if (slip.token) return { method: 'GET', path: '/api/v1/enrolment', bearer: slip.token };
      if (slip.challenge) {
        const body = tokenBody(new DeviceKey(slip.seed), where.origin, slip.challenge);
        return { method: 'POST', path: '/api/v1/token', body };
      }
      return { method: 'POST', path: '/api/v1/token/challenge', body: {} };
    default:
      return undefined;
  }
}

function confirmation(slip: SlipRecord, { slug }: Where): object {
  const key = new DeviceKey(slip.seed);
  const nonce = fromBase64Url(slip.nonce) ?? new Uint8Array();
  return {
    nonce: slip.nonce, person: slip.chosen?.ref ?? '', pub: toBase64Url(key.pub),
    sig: toBase64Url(key.sign(enrolMessage(slug, nonce, key.pub))), label: slip.label,
    consent: { version: CONSENT_VERSION, purposes: slip.purposes },
  };
}

/** Body of POST token. */
export function tokenBody(
  key: DeviceKey,
  origin: string,
  challenge: { nonce: string; serverId: string },
): object {
  const nonce = fromBase64Url(challenge.nonce) ?? new Uint8Array();
  const server = fromBase64Url(challenge.serverId) ?? new Uint8Array();
  const sig = toBase64Url(key.sign(tokenMessage(origin, server, nonce)));
  return { cid: key.cid, nonce: challenge.nonce, origin, sig };
}

// --- Answers ------------------------------------------------------------------------------------

export type Outcome =
  | { step: 'again' | 'wait' | 'choose' | 'refused'; slip: SlipRecord }
  | { step: 'enrolled'; identity: StoredIdentity };

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const problem = (code: string): Problem => ({ code, message: sentenceOf(code) });

export function onReply(slip: SlipRecord, reply: Reply, where: Where): Outcome {
  const { problem: _, ...clean } = slip;
  if (!reply.isOk && reply.mayPass) {
    const { token: _token, challenge: _challenge, ...rest } = clean;
    return { step: 'wait', slip: { ...rest, problem: reply.problem } };
  }
  switch (slip.stage) {
    case 'checking': return checked(clean, reply);
    case 'confirming': return confirmed(clean, reply, where);
    case 'recovering': return recovered(clean, reply, where);
    default: return { step: 'choose', slip };
  }
}

function refuse(slip: SlipRecord, why: Problem): Outcome {
  const { chosen: _, token: _t, challenge: _c, ...rest } = slip;
  const slipless = { ...rest, code: '', nonce: '', problem: why };
  return { step: 'refused', slip: { ...slipless, stage: 'refused' } };
}

function recover(slip: SlipRecord, refusal?: Problem): Outcome {
  return { step: 'again', slip: { ...slip, stage: 'recovering', ...(refusal && { refusal }) } };
}

function checked(slip: SlipRecord, reply: Reply): Outcome {
  if (!reply.isOk) {
    return slip.isSent ? recover(slip, reply.problem) : refuse(slip, reply.problem);
  }
  const listed = Array.isArray(reply.body.persons) ? reply.body.persons : [];
  const persons = listed.map((one) => ({ ref: text(one?.ref), name: text(one?.name) }));
  const nonce = text(reply.body.nonce);
  if (!nonce || !persons.length) {
    return { step: 'wait', slip: { ...slip, problem: problem('malformed') } };
  }
  const next = { ...slip, nonce, persons, household: text(reply.body.household) };
  const { chosen } = slip;
  const still = persons.find(({ ref, name }) => ref === chosen?.ref && name === chosen.name);
  // Even a single person is shown before it is confirmed (ENR-1).
  if (!still) return { step: 'choose', slip: { ...next, chosen: undefined, stage: 'choosing' } };
  return { step: 'again', slip: { ...next, stage: 'confirming', isSent: true } };
}

const MAY_BE_TAKEN = new Set(['expired', 'already_used', 'conflict', 'invalid_argument']);

function confirmed(slip: SlipRecord, reply: Reply, where: Where): Outcome {
  if (reply.isOk) return enrolled(slip, reply.body, where);
  const isLost = MAY_BE_TAKEN.has(reply.problem.code) && slip.tries < ROUNDS_MAX;
  return isLost ? recover({ ...slip, tries: slip.tries + 1 }) : refuse(slip, reply.problem);
}

function recovered(slip: SlipRecord, reply: Reply, where: Where): Outcome {
  if (slip.token) {
    return reply.isOk ? enrolled(slip, reply.body, where) : refuse(slip, reply.problem);
  }
  if (!slip.challenge) {
    if (!reply.isOk) return refuse(slip, reply.problem);
    const challenge = { nonce: text(reply.body.nonce), serverId: text(reply.body.server_id) };
    return { step: 'again', slip: { ...slip, challenge } };
  }
  const { challenge: _, ...rest } = slip;
  if (reply.isOk) return { step: 'again', slip: { ...rest, token: text(reply.body.token) } };
  if (reply.problem.code !== 'unauthenticated') return refuse(rest, reply.problem);
  // No answer was lost: the server never took this key.
  if (rest.refusal) return refuse(rest, rest.refusal);
  return { step: 'again', slip: { ...rest, stage: 'checking', nonce: '', persons: [] } };
}

function enrolled(slip: SlipRecord, body: Record<string, unknown>, where: Where): Outcome {
  const { cid } = new DeviceKey(slip.seed);
  const account = text(body.account);
  if (text(body.cid) !== cid || !/^[0-9a-f]{32}$/.test(account)) {
    return { step: 'wait', slip: { ...slip, problem: problem('malformed') } };
  }
  const identity: StoredIdentity = {
    slug: where.slug, origin: where.origin, cid, account, person: text(body.person),
    name: text(body.name), community: text(body.community), serverPub: text(body.server_pub),
    cert: text(body.cert), seed: slip.seed,
  };
  return { step: 'enrolled', identity };
}
