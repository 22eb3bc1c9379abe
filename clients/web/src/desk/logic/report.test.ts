// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Reach, ReachTimes, Report } from '../../api/types';
import { csvOf, linesOf } from './report';

const report: Report = {
  id: 'n', title: '暴雨', sent_at: 0,
  warned: { knocks: 5, told: 3, answered: 1, refused: 0, no_answer: 1 },
  moved: { moved: 2, arrived: 2, returned: 0 },
  missed: { second: 1, handed_on: 1, open: 1 },
  cared: { calls: 1, calls_open: 0, longest_ms: 300_000, care: 1 },
  back: { visits: 0 },
};
const reach = { total: { audience: 40, ok: 22, in_person: 5, help: 2 } } as unknown as Reach;
const times: ReachTimes = {
  sent_at: 60_000, asked_at: 0, audience: 40, points: [], answered_by: { '50': 180_000 },
};

describe('report', () => {
  it('RAIN-16: has the figures in the order of the five knocks', () => {
    const lines = linesOf(report, reach, times);
    const valueOf = (what: RegExp) => lines.find((line) => what.test(line.what))?.value;
    expect(valueOf(/已回应（/)).toBe('29');
    expect(valueOf(/^50%/)).toBe('2 分');
    expect(valueOf(/^90%/)).toBe('—');
    expect(valueOf(/最久/)).toBe('5 分');
    expect([...new Set(lines.map(({ part }) => part))]).toEqual([
      '触达', '一、预警敲门', '二、转移敲门', '三、查漏敲门', '四、暖心敲门', '五、回访敲门',
    ]);
  });

  it('is a table that office programs open', () => {
    const csv = csvOf([{ part: 'a', what: 'b "c", d', value: '1' }]);
    expect(csv.startsWith('\uFEFF"步骤"')).toBe(true);
    expect(csv).toContain('"a","b ""c"", d","1"\r\n');
  });
});
