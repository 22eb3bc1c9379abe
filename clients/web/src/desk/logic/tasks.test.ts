// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Task } from '../../api/types';
import { outcomesOf } from './tasks';

const task = (kind: string) => ({ kind }) as unknown as Task;
const names = (kind: string) => outcomesOf(task(kind)).map(({ name }) => name);

describe('RAIN-11 what may come of a task', () => {
  it('a sheet is posted at a place that has to be said, and nothing else', () => {
    expect(outcomesOf(task('post'))).toEqual([
      { name: 'posted', field: 'place', isRequired: true, max: 60 },
    ]);
  });

  it('a door is never "posted" and a refusal says why', () => {
    expect(names('knock')).toEqual(['told', 'no_answer', 'moved', 'refused', 'rescue']);
    const refused = outcomesOf(task('knock')).find(({ name }) => name === 'refused');
    expect(refused?.isRequired).toBe(true);
  });

  it('a wish for erasure is answered with a reason', () => {
    expect(outcomesOf(task('erasure')).every(({ isRequired }) => isRequired)).toBe(true);
  });

  it('a kind of a newer server has no outcome here', () => {
    expect(names('something_new')).toEqual([]);
  });
});
