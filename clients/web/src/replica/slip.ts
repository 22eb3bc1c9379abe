// SPDX-License-Identifier: Apache-2.0
// Enrolment with a slip as steps without I/O (docs/PROTOCOL.md §7, ENR-3). The record is kept after
// each step, so it can be killed anywhere and goes on with the same key: a lost answer costs neither
// the slip nor a second device.
//
//   checking --> choosing --choose()--> confirming --answer--> enrolled
//      ^                                    | the offer is too old, or the slip is used:
//      '------- key unknown -- recovering <-' was it taken, and the answer lost?
//   refused: the server will say the same again; the code is forgotten.
import { fromBase64Url, toBase64Url } from '../protocol/bytes';
import { DeviceKey, enrolMessage, tokenMessage } from '../protocol/sign';
import type { Problem, SlipStatus } from './api';
import { sentenceOf } from './problem';
import type { StoredIdentity } from './store';

export const SLIP_KEY = 'slip';
/** Of the text that people agree to. */
export const CONSENT_VERSION = '1';
/** A server that offers and refuses in turn is not asked for ever. */
const ROUNDS_MAX = 3;

export interface Person {
  ref: string;
  /** Masked: 王*英. */
  name: string;
}

/** DISK: local state 'slip'. Holds the code until it was used, and the key's seed. */
export interface SlipRecord {
  v: 1;
  /** Changes when it is another slip or was decided upon: an answer to the old one is void. */
  round: string;
  code: string;
  door: string;
  label: string;
  purposes: string[];
  seed: Uint8Array;
  stage: 'checking' | 'choosing' | 'confirming' | 'recovering' | 'refused';
  chosen?: Person;
  nonce: string;
  household: string;
  persons: Person[];
  /** Confirmations that led back to a check. */
  tries: number;
  /** A confirmation may have reached the server. */
  isSent: boolean;
  /** What a check said while the server may know the key already. */
  refusal?: Problem;
  challenge?: { nonce: string; serverId: string };
  token?: string;
  problem?: Problem;
}

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

export interface SlipInput {
  /** The link's secret, or 8 digits with the door. */
  code: string;
  door?: string;
  label: string;
  purposes: string[];
}

export function newSlip(input: SlipInput, seed: Uint8Array, round: string): SlipRecord {
  return {
    v: 1, round, code: input.code.trim(), door: input.door?.trim() ?? '',
    label: input.label || 'linli', purposes: input.purposes, seed, stage: 'checking', nonce: '',
    household: '', persons: [], tries: 0, isSent: false,
  };
}

/** The same slip read again goes on with the key that the server may know already. */
export function goOnFrom(fresh: SlipRecord, earlier: SlipRecord | undefined): SlipRecord {
  if (earlier?.code !== fresh.code || earlier.door !== fresh.door) return fresh;
  return { ...fresh, seed: earlier.seed, isSent: earlier.isSent };
}

/** Undefined unless somebody is to be chosen and `ref` is one of them. */
export function choose(slip: SlipRecord, ref: string, round: string): SlipRecord | undefined {
  const chosen = slip.persons.find((person) => person.ref === ref);
  if (slip.stage !== 'choosing' || !chosen) return undefined;
  return { ...slip, round, chosen, stage: 'confirming', isSent: true };
}

export function slipStatus(slip: SlipRecord): SlipStatus {
  const stage = slip.stage === 'recovering' ? 'confirming' : slip.stage;
  const persons = stage === 'choosing' ? slip.persons : [];
  return {
    stage, household: slip.household, persons, ...(slip.problem && { problem: slip.problem }),
  };
}

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
  return { step: 'refused', slip: { ...rest, stage: 'refused', code: '', nonce: '', problem: why } };
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
  if (!nonce || !persons.length) return { step: 'wait', slip: { ...slip, problem: problem('malformed') } };
  const next = { ...slip, nonce, persons, household: text(reply.body.household) };
  const still = persons.find(({ ref, name }) => ref === slip.chosen?.ref && name === slip.chosen.name);
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
