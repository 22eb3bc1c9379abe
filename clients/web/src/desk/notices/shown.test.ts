// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Content, Version } from '../../api/types';
import { changesOf } from '../logic/diff';
import { contentFields, earlierOf } from './shown';

const version = (rev: number, some: Partial<Content> = {}): Version => ({
  notice: 'n', rev, what: 'submitted', at: rev, by: 'a', content: { title: '停水', ...some },
});

describe('NTC-4 what an approver compares with', () => {
  it('is the newest text before this one, whatever the order of the list', () => {
    const all = [version(3), version(1), version(2)];
    expect(earlierOf(all, 3)?.rev).toBe(2);
    expect(earlierOf(all, 4)?.rev).toBe(3);
    expect(earlierOf(all, 1)).toBeUndefined();
    expect(earlierOf([], 7)).toBeUndefined();
  });

  it('shows only fields that differ, with what was taken out', () => {
    const before = contentFields(version(1, { body: '明天停水', severity: 'none' }).content);
    const after = contentFields(version(2, { severity: 'none', drill: true }).content);
    expect(changesOf(before, after)).toEqual([
      { field: 'body', before: '明天停水', after: '' },
      { field: 'drill', before: '', after: '是' },
    ]);
  });
});
