// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { NoticeRow, ShelterRow, TransferRow } from '../replica/rows';
import { headsOf, isAllClear, transferArgs, type Shelter, type Transfer } from './shelters';

const shelter = (key: string, name: string): Shelter => ({
  key, isPending: false, value: { notice: 'n', name, capacity: 60 } as ShelterRow,
});
const at = (key: string, some: Partial<TransferRow>): Transfer => ({
  key, isPending: true, value: { notice: 'n', person: key, ...some } as TransferRow,
});

describe('shelters', () => {
  it('RAIN-15: heads are counted from what the phone holds, each person once', () => {
    const heads = headsOf([shelter('b', '小学'), shelter('a', '服务中心')], [
      at('p1', { shelter: 'a', state: 'moved', door: '10号楼101' }),
      at('p2', { shelter: 'a', state: 'moved', door: '2号楼101' }),
      at('p3', { shelter: 'a', state: 'arrived' }), at('p4', { shelter: 'b', state: 'returned' }),
      at('p5', { place: '女儿家', state: 'moved' }), at('p6', { shelter: 'gone', state: 'moved' }),
    ]);
    const shown = heads.map(({ shelter: one, moved, arrived, returned }) =>
      [one?.key, moved.map(({ key }) => key), arrived.length, returned.length]);
    expect(shown.slice(1)).toContainEqual(['b', [], 0, 1]);
    expect(shown).toContainEqual(['a', ['p2', 'p1'], 1, 0]);
    expect(shown.at(-1)).toEqual([undefined, ['p5', 'p6'], 0, 0]);
  });

  it('RAIN-15: only a withdrawn warning is an all-clear', () => {
    const notice = (state: string) => [{
      key: 'n', isPending: false, value: { state } as unknown as NoticeRow,
    }];
    expect(isAllClear(notice('withdrawn'), 'n')).toBe(true);
    for (const state of ['sent', 'corrected', 'expired']) {
      expect(isAllClear(notice(state), 'n')).toBe(false);
    }
    expect(isAllClear([], 'n')).toBe(false);
  });

  it('takes the name of a shelter for that shelter and anything else for a place', () => {
    const task = { notice: 'n', person: 'p' };
    const said = { where: ' 服务中心 ', by: '周倩', care: '' };
    expect(transferArgs(task, [shelter('a', '服务中心')], said)).toEqual({
      notice: 'n', person: 'p', shelter: 'a', organiser: '周倩',
    });
    const home = { where: '女儿家', by: '女儿', care: '女儿' };
    expect(transferArgs(task, [shelter('a', '服务中心')], home)).toEqual({
      notice: 'n', person: 'p', place: '女儿家', organiser: '女儿', care: '女儿',
    });
  });
});
