// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Household } from './register';
import { doorsLike, registerArgs, yearOf } from './register';

const home = (door: string, state: 'active' | 'closed' = 'active'): Household => ({
  key: door, isPending: false, value: { door, area: 'e', grid: 'g', state },
});
const NOW = Date.UTC(2026, 6, 1);

describe('registering at the door', () => {
  it('finds a door by pieces of it, also in full-width digits, by house number', () => {
    const doors = [
      home('6号院10号楼501'), home('6号院2号楼501'), home('6号院2号楼502'), home('7号院1号楼501'),
      home('6号院3号楼501', 'closed'),
    ];
    const found = (typed: string) => doorsLike(doors, typed).map(({ key }) => key);
    expect(found('６号院 501')).toEqual(['6号院2号楼501', '6号院10号楼501']);
    expect(found('')).toEqual([]);
    expect(found('8号院')).toEqual([]);
  });

  it('takes a year that somebody may have', () => {
    expect([yearOf('１９４４', NOW), yearOf('', NOW), yearOf('44', NOW), yearOf('2030', NOW)])
      .toEqual([1944, undefined, 'wrong', 'wrong']);
  });

  it('ENR-8: sends what was written and nothing else', () => {
    const args = registerArgs('id', 'h', {
      name: ' 赵奶奶 ', born: '1940', landline: '0371 - 1200 0000', neighbour: '王桂芝',
      keyholder: '', mobility: 'stick', isAlone: true,
    }, NOW);
    expect(args).toEqual({
      id: 'id', household: 'h', name: '赵奶奶', no_phone: true, living_alone: true,
      mobility: 'stick', birth_year: 1940, landline: '037112000000', neighbour: '王桂芝',
    });
  });
});
