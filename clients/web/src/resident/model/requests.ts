// SPDX-License-Identifier: Apache-2.0
// 请社区办的事: what somebody here asked of the office, and how it stands.
import type { LocalMutation, Row } from '../../replica/api';
import type { RequestRow } from '../../replica/rows';
import { t, tMaybe, type Key } from '../../text/text.svelte';

export type Request = Row<RequestRow>;

export const isOpen = ({ value }: Request): boolean => value.state !== 'done';

/** Open ones first, then the newest. */
export function sortRequests(rows: readonly Request[]): Request[] {
  return [...rows].sort(
    (a, b) => Number(isOpen(b)) - Number(isOpen(a)) || b.value.asked_at - a.value.asked_at,
  );
}

/** Sentences that say what comes next. */
export function stateText({ value }: Request): string {
  const { kind, state, result } = value;
  const said = state === 'done' ? (result ?? 'done') : state;
  return tMaybe(`requests.${kind}.${said}`, t('requests.erasure.taken'));
}

export const kindText = (kind: RequestRow['kind']): string =>
  tMaybe(`requests.kind.${kind}`, '');

export interface UnsentRequest {
  id: number;
  kind: RequestRow['kind'];
  person: string;
  notice?: string;
  wall: number;
}

/** Asked for on this phone and not with the office yet. */
export function unsentRequests(pending: readonly LocalMutation[]): UnsentRequest[] {
  const out: UnsentRequest[] = [];
  for (const { id, name, args, wall, state } of pending) {
    const isHelp = name === 'notice.acknowledge' && args.choice === 'help';
    if ((!isHelp && name !== 'erasure.request') || state === 'accepted') continue;
    const kind = isHelp ? 'help' : 'erasure';
    const notice = isHelp ? String(args.notice) : undefined;
    out.push({ id, kind, person: String(args.person ?? ''), notice, wall });
  }
  return out;
}

export const unsentText = (kind: RequestRow['kind']): string =>
  t(`requests.${kind}.unsent` as Key);
