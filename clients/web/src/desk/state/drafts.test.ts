// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { emptyAudience } from '../logic/audience';
import { DraftBox, isSaved, kDraftsMax, type Draft, type TextStore } from './drafts';

class Memory implements TextStore {
  readonly held = new Map<string, string>();
  isFull = false;
  getItem = (key: string) => this.held.get(key) ?? null;
  removeItem = (key: string) => void this.held.delete(key);
  setItem(key: string, value: string): void {
    if (this.isFull) throw new Error('QuotaExceededError');
    this.held.set(key, value);
  }
}

function draft(id: string, changedAt = 1): Draft {
  return {
    id,
    changedAt,
    isOnServer: false,
    taken: '',
    attempts: {},
    form: {
      category: 'latest',
      severity: 'none',
      title: `标题 ${id}`,
      actionLine: '',
      body: '',
      needsAck: false,
      isDrill: false,
      validFrom: '',
      validTo: '',
      sendAt: '',
      costCap: '',
      audience: emptyAudience(['hn']),
    },
  };
}

describe('DraftBox', () => {
  it('keeps what is written with its keys over a reload', () => {
    const memory = new Memory();
    const one = draft('a');
    one.attempts.save = { key: 'k1', body: '{}' };
    expect(new DraftBox(memory, 'hn', 'me').keep(one)).toBe(true);
    expect(new DraftBox(memory, 'hn', 'me').find('a')).toEqual(one);
    expect(new DraftBox(memory, 'hn', 'somebody else').list()).toEqual([]);
  });

  it('says so when there is no room, and keeps what was there', () => {
    const memory = new Memory();
    const box = new DraftBox(memory, 'hn', 'me');
    box.keep(draft('a'));
    memory.isFull = true;
    expect(box.keep(draft('b'))).toBe(false);
    expect(box.list().map((one) => one.id)).toEqual(['a']);
  });

  it('gives up a draft that the server has before one that it has not', () => {
    const box = new DraftBox(new Memory(), 'hn', 'me');
    const saved = draft('saved', 5);
    saved.isOnServer = true;
    saved.taken = JSON.stringify(saved.form);
    expect(isSaved(saved)).toBe(true);
    box.keep(draft('oldest', 1));
    box.keep(saved);
    for (let n = 2; n < kDraftsMax; n += 1) box.keep(draft(`d${n}`, 10 + n));
    box.keep(draft('last', 999));
    const ids = box.list().map((one) => one.id);
    expect(ids.length).toBe(kDraftsMax);
    expect(ids).toContain('oldest');
    expect(ids).not.toContain('saved');
  });

  it('sets an unreadable box aside instead of losing it', () => {
    const memory = new Memory();
    memory.held.set('linli.desk.hn.me.drafts', '{broken');
    expect(new DraftBox(memory, 'hn', 'me').list()).toEqual([]);
    expect(memory.held.get('linli.desk.hn.me.drafts.unreadable')).toBe('{broken');
  });
});
