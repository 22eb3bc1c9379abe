// SPDX-License-Identifier: Apache-2.0
// A phone's own writes. Any tab makes them, each in one strict transaction; the leader sends them.
import type { UpLane } from '../protocol/frames';
import { EFFECTS } from './effects.gen';
import { PENDING_MAX } from './mutation';
import { laneOf } from './overlay';
import { ReplicaProblem } from './problem';
import { RECORD } from './record_name';
import type { MutationRecord, Tx } from './store';

export const SEEN_PREFIX = 'seen:';
/** Ids of one `notice.seen`. */
export const SEEN_MAX = 50;

export interface NewMutation {
  name: string;
  /** From encodeArgs(). */
  args: string;
  /** Unix ms of the phone. */
  now: number;
  fixes?: number;
}

/** Errors: unauthenticated before enrolment, revoked, too_large (PENDING_MAX are waiting). */
export async function append(tx: Tx, made: NewMutation): Promise<MutationRecord> {
  const { name, args, now, fixes = 0 } = made;
  const { identity, isRevoked, handOverAt, clockOff, clockUnc } = await tx.state();
  if (!identity) throw new ReplicaProblem('unauthenticated');
  if (isRevoked || handOverAt) throw new ReplicaProblem('revoked');
  if ((await tx.countQueued()) >= PENDING_MAX) throw new ReplicaProblem('too_large', 'pending');
  const record: Omit<MutationRecord, 'id'> = {
    name, args, fixes, lane: laneOf(EFFECTS, name) as UpLane, n: 0, wall: Math.round(now),
    off: clockOff, unc: clockUnc, state: 'queued', attention: 'none', seq: 0, lanes: [], code: '',
    msg: '', info: '', answeredAt: 0,
  };
  return { ...record, id: await tx.addMutation(record) };
}

/** Errors: not_found; wrong_state once it was given a number, or when it is a link of the chain. */
async function unsent(tx: Tx, id: number): Promise<MutationRecord> {
  const found = await tx.mutation(id);
  if (!found || (found.state === 'settled' && found.attention !== 'open')) {
    throw new ReplicaProblem('not_found');
  }
  const isLoose = found.state === 'queued' && found.n === 0 && found.name !== RECORD;
  if (!isLoose) throw new ReplicaProblem('wrong_state');
  return found;
}

/** `encode` makes the text of the arguments for the mutator's name. */
export async function edit(
  tx: Tx,
  id: number,
  encode: (name: string) => string,
): Promise<MutationRecord> {
  const found = await unsent(tx, id);
  const changed = { ...found, args: encode(found.name) };
  tx.putMutation(changed);
  return changed;
}

export async function withdraw(tx: Tx, id: number): Promise<MutationRecord> {
  const found = await unsent(tx, id);
  tx.removeMutation(id);
  return found;
}

async function refused(tx: Tx, id: number): Promise<MutationRecord> {
  const found = await tx.mutation(id);
  if (found?.attention !== 'open') throw new ReplicaProblem('not_found');
  return found;
}

export async function dismiss(tx: Tx, id: number): Promise<void> {
  tx.putMutation({ ...(await refused(tx, id)), attention: 'dismissed' });
}

/** The old one leaves the attention list in the transaction that makes the new one. */
export async function mend(
  tx: Tx,
  id: number,
  encode: (name: string) => string,
  now: number,
): Promise<MutationRecord> {
  const old = await refused(tx, id);
  // A signed entry may be sent again, but not be another one.
  if (old.name === RECORD && encode(old.name) !== old.args) throw new ReplicaProblem('wrong_state');
  const made = await append(tx, { name: old.name, args: encode(old.name), now, fixes: old.n });
  tx.putMutation({ ...old, attention: 'dismissed' });
  return made;
}

/** What was opened becomes one mutation. False when there is nothing. */
export async function flushSeen(tx: Tx, now: number): Promise<boolean> {
  const keys = (await tx.localKeys(SEEN_PREFIX)).slice(0, SEEN_MAX);
  if (!keys.length) return false;
  const ids = keys.map((key) => key.slice(SEEN_PREFIX.length));
  await append(tx, { name: 'notice.seen', args: JSON.stringify({ ids }), now });
  for (const key of keys) tx.removeLocal(key);
  return true;
}
