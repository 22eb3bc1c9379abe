// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Device } from '../../api/types';
import { inOrder, isSilent, kSilentMs, unsentOf } from './devices';

const device = (some: Partial<Device>): Device => ({
  cid: '', account: '', state: 'active', enrolled_at: 0, ...some,
});

describe('GEN-9 what a phone had not sent', () => {
  it('is not known before it was here, and never taken for nothing', () => {
    expect(unsentOf(device({}))).toEqual({ what: 'unknown' });
    expect(unsentOf(device({ unsent: 0 }))).toEqual({ what: 'none', n: 0 });
  });

  it('is lost with a lost phone and still comes from a replaced one', () => {
    const gone = { state: 'revoked', unsent: 3 };
    expect(unsentOf(device({ unsent: 3 })).what).toBe('waiting');
    expect(unsentOf(device({ ...gone, reason: 'lost' })).what).toBe('lost');
    expect(unsentOf(device({ ...gone, reason: 'replaced' })).what).toBe('replaced');
  });

  it('puts what was lost first, then those that were silent longest', () => {
    const sorted = inOrder([
      device({ cid: 'new', last_contact: 9 }),
      device({ cid: 'off', state: 'revoked', unsent: 0 }),
      device({ cid: 'never' }),
      device({ cid: 'lost', state: 'revoked', reason: 'lost', unsent: 2, last_contact: 8 }),
    ]);
    expect(sorted.map(({ cid }) => cid)).toEqual(['lost', 'never', 'new', 'off']);
  });

  it('calls a phone silent after three days, a stopped one never', () => {
    const now = 10 * kSilentMs;
    expect(isSilent(device({ last_contact: now - kSilentMs - 1 }), now)).toBe(true);
    expect(isSilent(device({ last_contact: now - 1000 }), now)).toBe(false);
    expect(isSilent(device({ state: 'revoked' }), now)).toBe(false);
  });
});
