// SPDX-License-Identifier: Apache-2.0
// A slip that was read and is not taken yet (待确认): what is kept of it, and what a person decides.
import { toHex } from '../protocol/bytes';
import type { Problem, SlipStatus } from './api';
import { systemRng, type Rng } from './clock';

export const SLIP_KEY = 'slip';

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

/** Names a round of a slip, or a tab. */
export function newRound(rng: Rng = systemRng): string {
  return toHex(rng.bytes(8));
}
