// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { LocalMutation, Status, SyncState } from '../../replica/api';
import {
  bytesText, chipText, clockText, describe as say, itemState, problemText, timeText,
} from './words';

const AT = new Date(2026, 5, 10, 9, 5).getTime();

function status(state: SyncState, some: Partial<Status> = {}): Status {
  return {
    state, isConnected: true, isCaughtUp: true, pending: 0, confirmed: 0, attention: 0, filling: 0,
    contactAt: AT, digestMismatches: 0, clockOffset: 0, isRevoked: false, wasWiped: false,
    isFollower: false, isVolatile: false, ...some,
  };
}

function mutation(name: string, args: Record<string, unknown>): LocalMutation {
  return { id: 1, name, args, wall: AT, state: 'unsent' };
}

describe('GEN-6: the chip', () => {
  it('has exactly five texts', () => {
    expect(chipText(status('synced'))).toBe('已同步');
    expect(chipText(status('pending', { pending: 3 }))).toBe('待上传 3');
    expect(chipText(status('syncing'))).toBe('同步中');
    expect(chipText(status('offline'))).toBe(`暂时连不上（上次 ${clockText(AT)}）`);
    expect(chipText(status('trouble', { attention: 2 }))).toBe('有问题 2');
  });

  it('never says 有问题 0', () => {
    const trouble = { code: 'revoked', message: '' };
    expect(chipText(status('trouble', { trouble }))).toBe('有问题 1');
    expect(chipText(status('trouble', { isRevoked: true }))).toBe('有问题 1');
  });

  it('invents no hour for a phone that was never connected', () => {
    expect(chipText(status('offline', { contactAt: 0 }))).toBe('暂时连不上（上次 还没有）');
  });
});

describe('times', () => {
  const now = AT + 2 * 3_600_000;
  it.each([
    [now - 1000, '刚刚'],
    [now - 5 * 60_000, '5 分钟前'],
    [AT, '今天 09:05'],
    [AT - 86_400_000, '昨天 09:05'],
    [AT - 5 * 86_400_000, '06-05 09:05'],
    [new Date(2025, 0, 2).getTime(), '2025-01-02'],
  ])('%s is %s', (at, text) => expect(timeText(at, now)).toBe(text));

  it('GEN-11: what lies ahead is a time, not an age', () => {
    expect(timeText(now + 3_600_000, now)).toBe('今天 12:05');
    expect(timeText(0, now)).toBe('');
  });
});

describe('what was handed in', () => {
  const names = { title: () => '停水', person: () => '王秀英' };
  it('says whom and what', () => {
    const args = { notice: 'n', person: 'p', choice: 'help' };
    expect(say(mutation('notice.acknowledge', args), names)).toBe('回应“停水”：王秀英 我需要帮助');
    expect(say(mutation('notice.mute', { category: 'farming', muted: false }), names)).toBe(
      '恢复提醒“农事资讯”',
    );
    expect(say(mutation('something.new', {}), names)).toBe('其他事项');
  });

  it.each([
    ['unsent', '待上传'], ['sent', '已上传'], ['accepted', '已被接收'], ['rejected', '有问题'],
  ] as const)('%s is %s', (state, text) => {
    expect(itemState({ ...mutation('x', {}), state })).toBe(text);
  });

  it('GEN-4: gives a plain reason, or what the server said', () => {
    expect(problemText({ code: 'conflict', message: '' })).toContain('请再看一遍后选一个');
    expect(problemText({ code: 'new_code', message: '名额已满' })).toContain('名额已满');
    expect(problemText(new Error('boom'))).toContain('boom');
  });
});

it('bytes are read at a glance', () => {
  expect([0, 999, 3_400_000, 2e9].map(bytesText)).toEqual(['0 B', '999 B', '3.4 MB', '2.0 GB']);
});
