// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { AckRow, NoticeRow } from '../../replica/rows';
import {
  ackArgs, actionLine, answerOf, asksForAnswer, asksForElderMode, countUnread, gotWorse, isLive,
  isMuted, isUnread, isWarning, mutedCategories, openPersons, readMark, search, sortNotices,
  type Ack, type Notice,
} from './notices';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

function notice(key: string, some: Partial<NoticeRow> = {}): Notice {
  const value: NoticeRow = {
    state: 'sent', category: 'latest', title: key, severity: 'none', needs_ack: false,
    sent_at: NOW - HOUR, corrected: false, rev: 1, urgent: false, alert: false, ...some,
  };
  return { key, value, isPending: false };
}

function ack(some: Partial<AckRow>): Ack {
  const value: AckRow = {
    notice: 'n', person: 'p', choice: 'ok', by: 'a', captured_at: NOW, ...some,
  };
  return { key: `${value.notice}:${value.person}`, value, isPending: false };
}

const keys = (rows: readonly Notice[]) => rows.map(({ key }) => key);

describe('order', () => {
  it('has warnings that hold first, the worst first, then the newest', () => {
    const rows = [
      notice('old', { sent_at: NOW - 3 * HOUR }),
      notice('new', { sent_at: NOW - 1 }),
      notice('blue', { urgent: true, severity: 'blue' }),
      notice('red', { urgent: true, severity: 'red', sent_at: NOW - 9 * HOUR }),
      notice('past', { urgent: true, severity: 'red', valid_to: NOW, sent_at: NOW - 2 * HOUR }),
    ];
    expect(keys(sortNotices(rows, NOW))).toEqual(['red', 'blue', 'new', 'past', 'old']);
  });

  it('is the same whatever came first', () => {
    expect(keys(sortNotices([notice('b'), notice('a')], NOW))).toEqual(['a', 'b']);
  });
});

describe('RAIN-4: what is over', () => {
  it('ends by the phone\'s own look at valid_to', () => {
    expect(isLive(notice('n', { valid_to: NOW }), NOW)).toBe(false);
    expect(isLive(notice('n', { valid_to: NOW + 1 }), NOW)).toBe(true);
    expect(isLive(notice('n', { valid_to: 0 }), NOW)).toBe(true);
  });

  it.each(['withdrawn', 'expired'] as const)('%s warns nobody and asks nobody', (state) => {
    const over = notice('n', { state, urgent: true, severity: 'red', needs_ack: true });
    expect(isWarning(over, NOW)).toBe(false);
    expect(asksForAnswer(over, NOW)).toBe(false);
    expect(isUnread(over, {}, NOW)).toBe(false);
  });
});

describe('unread', () => {
  it('comes back with a correction and with a worse question', () => {
    const first = notice('n');
    const marks = { n: readMark(first) };
    expect(isUnread(first, marks, NOW)).toBe(false);
    expect(isUnread(notice('n', { rev: 2 }), marks, NOW)).toBe(true);
    expect(isUnread(notice('n', { ask: 1 }), marks, NOW)).toBe(true);
  });

  it('NTC-1: counts no muted column, but every warning', () => {
    const muted = mutedCategories([
      { key: 'a:farming', value: { category: 'farming', muted: true, at: 1 }, isPending: false },
      { key: 'a:events', value: { category: 'events', muted: false, at: 1 }, isPending: true },
    ]);
    const rows = [
      notice('quiet', { category: 'farming' }),
      notice('event', { category: 'events' }),
      notice('storm', { category: 'farming', urgent: true, severity: 'orange' }),
    ];
    expect(rows.map((row) => isMuted(row, muted))).toEqual([true, false, false]);
    expect(countUnread(rows, {}, muted, NOW)).toBe(2);
  });
});

describe('answers', () => {
  const worse = notice('n', { urgent: true, severity: 'red', needs_ack: true, ask: 1 });

  it('an answer to the easier question no longer counts', () => {
    const before = [ack({ choice: 'ok' })];
    expect(answerOf(worse, 'p', before)).toBeUndefined();
    expect(gotWorse(worse, 'p', before)).toBe(true);
    expect(answerOf(worse, 'p', [ack({ ask: 1 })])).toBeDefined();
  });

  it('a call for help counts whatever was asked', () => {
    expect(answerOf(worse, 'p', [ack({ choice: 'help' })])?.value.choice).toBe('help');
  });

  it('F3: two people on one phone are asked one by one', () => {
    const persons = [{ id: 'p', name: '王' }, { id: 'q', name: '李' }];
    expect(openPersons(worse, persons, [ack({ ask: 1 })])).toEqual([{ id: 'q', name: '李' }]);
  });

  it('says which question was on the screen, and nothing where there was none', () => {
    expect(ackArgs(worse, 'p', 'away')).toEqual(
      { notice: 'n', person: 'p', choice: 'away', ask: 1 },
    );
    expect(ackArgs(notice('n'), 'p', 'ok')).toEqual({ notice: 'n', person: 'p', choice: 'ok' });
  });

  it('a warning asks even when its author forgot to', () => {
    expect(asksForAnswer(notice('n', { urgent: true }), NOW)).toBe(true);
    expect(asksForAnswer(notice('n'), NOW)).toBe(false);
  });
});

describe('RAIN-6: the action line', () => {
  it('is what the author wrote, else the title of an urgent notice', () => {
    expect(actionLine(notice('n', { action_line: ' 上二楼 ' }))).toBe('上二楼');
    expect(actionLine(notice('标题', { urgent: true }))).toBe('标题');
    expect(actionLine(notice('标题'))).toBe('');
  });
});

describe('search', () => {
  const label = (category: string) => (category === 'policy' ? '惠民政策' : '最新通知');
  const rows = [
    notice('停水通知', { body: '明天8点到12点' }),
    notice('免费体检', { category: 'policy', body: '抽血、Ｂ超' }),
  ];

  it('finds every word in title, text or column, in whatever width', () => {
    expect(keys(search(rows, '停水', label))).toEqual(['停水通知']);
    expect(keys(search(rows, 'b超 惠民', label))).toEqual(['免费体检']);
    expect(keys(search(rows, '１２点', label))).toEqual(['停水通知']);
    expect(keys(search(rows, '停水 体检', label))).toEqual([]);
  });

  it('shows all for blanks', () => {
    expect(search(rows, '  ', label)).toHaveLength(2);
  });

  it.each(['亲情版', '关爱版', '关怀版', '长辈版'])('%s leads to the 长辈版', (name) => {
    expect(asksForElderMode(name)).toBe(true);
  });
});
