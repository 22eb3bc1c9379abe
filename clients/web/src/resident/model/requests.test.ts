// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { LocalMutation } from '../../replica/api';
import type { RequestRow } from '../../replica/rows';
import { sortRequests, stateText, unsentRequests } from './requests';

const row = (key: string, some: Partial<RequestRow>) => ({
  key,
  isPending: false,
  value: {
    person: 'p', kind: 'help', state: 'open', asked_at: 1, at: 1, ...some,
  } as RequestRow,
});
const made = (name: string, args: object, state: LocalMutation['state'] = 'unsent') =>
  ({ id: 1, name, args, wall: 5, state }) as LocalMutation;

describe('requests', () => {
  it('shows open ones first, then the newest', () => {
    const list = [
      row('old', { state: 'done', asked_at: 1 }), row('new', { state: 'done', asked_at: 9 }),
      row('open', { state: 'no_answer', asked_at: 3 }),
    ];
    expect(sortRequests(list).map(({ key }) => key)).toEqual(['open', 'new', 'old']);
  });

  it('says what comes next, and the answer where there is one', () => {
    expect(stateText(row('a', { state: 'taken' }))).toContain('已经派人');
    const refused = row('b', { kind: 'erasure', state: 'done', result: 'refused' });
    expect(stateText(refused)).toContain('有些依规定要留');
  });

  it('knows what has not left the phone', () => {
    const help = { notice: 'n', person: 'p', choice: 'help' };
    const pending = [
      made('notice.acknowledge', { ...help, choice: 'ok' }), made('notice.acknowledge', help),
      made('notice.acknowledge', help, 'accepted'), made('erasure.request', {}, 'sent'),
    ];
    expect(unsentRequests(pending).map(({ kind, notice }) => [kind, notice])).toEqual([
      ['help', 'n'], ['erasure', undefined],
    ]);
  });
});
