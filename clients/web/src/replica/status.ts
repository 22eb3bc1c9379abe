// SPDX-License-Identifier: Apache-2.0
// The five states (GEN-6), from what is in the store and what the leader knows.
import type { HandOver, Identity, Status, SyncState } from './api';
import type { LiveFacts } from './channel';
import { sentenceOf } from './problem';
import { SLIP_KEY, slipStatus, type SlipRecord } from './slip_record';
import type { ReadTx, ReplicaState, StoredIdentity } from './store';

export interface StoreFacts {
  state: ReplicaState;
  queued: number;
  confirmed: number;
  attention: number;
  slip?: SlipRecord;
  handOver?: HandOver;
}

async function handOverOf(tx: ReadTx, since: number): Promise<HandOver> {
  const answered = [...(await tx.mutationsIn('confirmed')), ...(await tx.mutationsIn('settled'))];
  const here = answered.filter(({ answeredAt }) => answeredAt >= since);
  const refused = here.filter(({ code }) => code !== '').length;
  return { taken: here.length - refused, refused, waiting: await tx.countQueued() };
}

export async function readFacts(tx: ReadTx): Promise<StoreFacts> {
  const state = await tx.state();
  return {
    ...(state.handOverAt > 0 && { handOver: await handOverOf(tx, state.handOverAt) }),
    state, queued: await tx.countQueued(),
    confirmed: (await tx.mutationsIn('confirmed')).length,
    attention: (await tx.openAttention()).length, slip: await tx.local<SlipRecord>(SLIP_KEY),
  };
}

/** What screens may see of it: no keys. */
export function publicIdentity(identity: StoredIdentity): Identity {
  const { slug, community, cid, account, person, name } = identity;
  return { slug, community, cid, account, person, name };
}

export interface TabFacts {
  tab: string;
  isVolatile: boolean;
  wasWiped: boolean;
  /** This tab's own: its store does not answer. */
  trouble?: { code: string; message: string };
}

function stateOf(of: Omit<Status, 'state'>, live: LiveFacts | undefined): SyncState {
  if (of.trouble || of.attention > 0 || of.isRevoked) return 'trouble';
  if (of.isConnected) {
    return of.isCaughtUp && !of.pending && !of.confirmed ? 'synced' : 'syncing';
  }
  if (of.pending > 0) return 'pending';
  const isFirstTry = live?.isTrying === true && of.identity !== undefined && !of.contactAt;
  return isFirstTry ? 'syncing' : 'offline';
}

/** `live` undefined: no tab leads, or it has not spoken yet. */
export function statusOf(facts: StoreFacts, live: LiveFacts | undefined, tab: TabFacts): Status {
  const { state, slip, handOver } = facts;
  const isRevoked = state.isRevoked || state.handOverAt > 0;
  const refused = slip?.stage === 'refused' ? slip.problem : undefined;
  const revoked = isRevoked ? { code: 'revoked', message: sentenceOf('revoked') } : undefined;
  const trouble = tab.trouble ?? live?.trouble ?? revoked ?? refused;
  const rest: Omit<Status, 'state'> = {
    isConnected: live?.isConnected ?? false, isCaughtUp: live?.isCaughtUp ?? false,
    pending: facts.queued, confirmed: facts.confirmed, attention: facts.attention,
    filling: [...state.buckets.values()].filter((bucket) => !bucket.isLive).length,
    contactAt: state.contactAt, digestMismatches: state.digestMismatches,
    clockOffset: live?.isConnected ? live.clockOffset : state.clockOff, isRevoked,
    wasWiped: tab.wasWiped, isVolatile: tab.isVolatile,
    isFollower: live !== undefined && live.tab !== tab.tab,
    ...(state.identity && { identity: publicIdentity(state.identity) }),
    ...(handOver && { handOver }),
    ...(slip && { slip: slipStatus(slip) }),
    ...(trouble && { trouble }),
  };
  return { ...rest, state: stateOf(rest, live) };
}
