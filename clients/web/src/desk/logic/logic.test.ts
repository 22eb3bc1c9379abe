// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { kReachStates, type Area } from '../../api/types';
import { AreaIndex, audienceOf, emptyAudience, formOf, wordsOf } from './audience';
import { changesOf, textDiff } from './diff';
import { span, yuan } from './format';
import {
  emptyCounts,
  funnelOf,
  kParts,
  outAlready,
  percent,
  sumCounts,
  withSample,
} from './funnel';
import { smsEstimate } from './parts';
import { groupedCode, qrsOf, sheetsOf } from './slips';

describe('RAIN-13 the funnel', () => {
  it('puts every state into exactly one part', () => {
    const states = kParts.flatMap((part) => part.states);
    expect([...states].sort()).toEqual([...kReachStates].sort());
  });

  it('sums: parts make the audience, steps never grow', () => {
    const counts = emptyCounts();
    kReachStates.forEach((state, at) => (counts[state] = at + 1));
    counts.audience = (kReachStates.length * (kReachStates.length + 1)) / 2;
    const funnel = funnelOf(counts);
    expect(funnel.missing).toBe(0);
    expect(funnel.parts.reduce((sum, part) => sum + part.persons, 0)).toBe(counts.audience);
    const steps = funnel.steps.map((step) => step.persons);
    expect(steps).toEqual([...steps].sort((a, b) => b - a));
    expect(funnel.steps.at(-1)!.persons).toBe(1 + 2 + 3 + 4);
  });

  it('tells how many persons are missing when the server counts wrong', () => {
    expect(funnelOf({ ...emptyCounts(), audience: 5, ok: 3 }).missing).toBe(2);
  });

  it('adds grids up', () => {
    const total = sumCounts([
      { audience: 3, ok: 1, app: 2 },
      { audience: 2, no_channel: 2 },
    ]);
    expect(total.audience).toBe(5);
    expect(total.no_channel).toBe(2);
    expect(funnelOf(total).missing).toBe(0);
  });

  it('counts as out what a stop cannot bring back', () => {
    expect(
      outAlready({ ...emptyCounts(), audience: 9, handed: 2, seen: 1, app: 4, failed: 2 }),
    ).toBe(3);
  });

  it('says 100 % only when everybody is in', () => {
    expect(percent(999, 1000)).toBe(99);
    expect(percent(1000, 1000)).toBe(100);
    expect(percent(0, 0)).toBe(0);
  });

  it('keeps a sample only when something changed, and not too many', () => {
    const at = (n: number) => ({ at: n, answered: n, arrived: n, audience: 900 });
    let samples = withSample([], at(1));
    samples = withSample(samples, { ...at(1), at: 2 });
    expect(samples.length).toBe(1);
    for (let n = 2; n < 900; n += 1) samples = withSample(samples, at(n));
    expect(samples.length).toBeLessThanOrEqual(400);
    expect(samples.at(-1)!.answered).toBe(899);
    expect(samples[0].answered).toBe(1);
  });
});

describe('parts of an SMS', () => {
  it('counts 70 and 67 with Chinese, 160 and 153 without', () => {
    expect(smsEstimate('停'.repeat(70)).parts).toBe(1);
    expect(smsEstimate('停'.repeat(71)).parts).toBe(2);
    expect(smsEstimate('停'.repeat(135)).parts).toBe(3);
    expect(smsEstimate('a'.repeat(160)).parts).toBe(1);
    expect(smsEstimate('a'.repeat(161)).parts).toBe(2);
    expect(smsEstimate('').parts).toBe(0);
  });

  it('counts brackets twice and emoji as two units', () => {
    expect(smsEstimate('[]').units).toBe(4);
    expect(smsEstimate('好😀').units).toBe(3);
  });
});

describe('a diff', () => {
  const rebuilt = (kind: 'added' | 'removed', before: string, after: string) =>
    textDiff(before, after)
      .filter((piece) => piece.kind === 'same' || piece.kind === kind)
      .map((piece) => piece.text)
      .join('');

  it('rebuilds both versions', () => {
    const cases = [
      ['周四起发号', '周五上午9点起发号'],
      ['', '新'],
      ['删', ''],
      ['two words here', 'two other words here'],
    ];
    for (const [before, after] of cases) {
      expect(rebuilt('removed', before, after)).toBe(before);
      expect(rebuilt('added', before, after)).toBe(after);
    }
  });

  it('marks only what differs', () => {
    expect(textDiff('明天停水', '今天停水')[0]).toEqual({ kind: 'removed', text: '明' });
    expect(textDiff('一样', '一样')).toEqual([{ kind: 'same', text: '一样' }]);
  });

  it('lists changed fields, gone ones too', () => {
    expect(changesOf({ a: '1', b: '2' }, { a: '1', c: '3' })).toEqual([
      { field: 'c', before: '', after: '3' },
      { field: 'b', before: '2', after: '' },
    ]);
  });
});

describe('an audience', () => {
  const area = (id: string, kind: string, path: string[], name = id): Area => ({
    id,
    kind,
    parent: path.at(-1) ?? '',
    name,
    path: [...path, id],
    unit: 'g3',
    state: 'active',
  });
  const index = new AreaIndex([
    area('hn', 'community', []),
    area('g3', 'grid', ['hn'], '3网格'),
    area('b10', 'building', ['hn', 'g3'], '10号楼'),
    area('b2', 'building', ['hn', 'g3'], '2号楼'),
  ]);

  it('leaves out what says nothing', () => {
    expect(audienceOf(emptyAudience(['hn']))).toEqual({ areas: ['hn'] });
  });

  it('comes back from its form unchanged', () => {
    const audience = {
      areas: ['g3'],
      tags: ['党员', '志愿者'],
      age_min: 65,
      exclude_areas: ['b2'],
      exclude_persons: ['p1'],
    };
    expect(audienceOf(formOf(audience))).toEqual(audience);
  });

  it('reads tags as clerks write them and refuses an age that is none', () => {
    expect(wordsOf('党员，志愿者、党员 ')).toEqual(['党员', '志愿者']);
    expect(audienceOf({ ...emptyAudience(['hn']), ageMin: '六十' }).age_min).toBeUndefined();
  });

  it('sorts buildings by number, names them below the community, and knows what covers', () => {
    expect(index.children('g3').map((child) => child.name)).toEqual(['2号楼', '10号楼']);
    expect(index.longName('b2')).toBe('3网格 2号楼');
    expect(index.longName('hn')).toBe('hn');
    expect(index.isCovered('b2', ['g3'])).toBe(true);
    expect(index.isCovered('g3', ['g3'])).toBe(false);
    expect(index.above('b2', 'grid')?.id).toBe('g3');
    expect(index.subtree('g3').length).toBe(3);
  });
});

describe('slips', () => {
  it('takes the drawings of a sheet and nothing else', () => {
    const svg = (d: string) => `<svg viewBox="0 0 9 9" role="img"><rect/><path d="${d}"/></svg>`;
    const sheet = `<p>${svg('M4 4h1v1h-1z')}</p>${svg('M0 0" onload="x')}`;
    expect(qrsOf(sheet)).toEqual([
      { side: 9, path: 'M4 4h1v1h-1z' },
      { side: 9, path: 'M0 0' },
    ]);
  });

  it('puts eight on a sheet and groups the digits', () => {
    expect(sheetsOf(Array.from({ length: 17 }, (_, n) => n)).map((s) => s.length)).toEqual([
      8, 8, 1,
    ]);
    expect(groupedCode('12345678')).toBe('1234 5678');
  });
});

describe('numbers', () => {
  it('writes money and spans', () => {
    expect(yuan(4500)).toBe('¥0.45');
    const words = { s: '秒', m: '分', h: '小时' };
    expect(span(0.2, words)).toBe('1 秒');
    expect(span(600, words)).toBe('10 分');
    expect(span(7500, words)).toBe('2 小时 5 分');
  });
});
