// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { fieldsOf, inOrder, type Consent } from './held';

const consent = (id: string, at: number, state: Consent['state'] = 'given'): Consent => ({
  id, at, state, purpose: 'photos',
});

describe('ENR-12 what is held', () => {
  it('shows what says something, false included, and nothing empty', () => {
    const record = { phone: '138***01', tags: [], name: '王', living_alone: false, sex: '' };
    expect(fieldsOf(record)).toEqual([
      ['name', '王'], ['phone', '138***01'], ['living_alone', false],
    ]);
  });

  it('puts what still holds before what was taken back, newest first', () => {
    const all = [consent('old', 1), consent('gone', 9, 'withdrawn'), consent('new', 5)];
    expect(inOrder(all).map(({ id }) => id)).toEqual(['new', 'old', 'gone']);
  });
});
