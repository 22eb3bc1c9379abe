// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { addressOf, notificationOf } from './notification';

const PAYLOAD = {
  v: 1, id: 'n-1', rev: 2, kind: 'notice', sev: 'red', tag: 'n-1', title: '暴雨红色预警',
  line: '上二楼', silent: false,
};

describe('a push', () => {
  it('shows the text it brings under the notice as tag', () => {
    const { title, options } = notificationOf(PAYLOAD);
    expect(title).toBe('暴雨红色预警');
    expect(options).toMatchObject({
      body: '上二楼', tag: 'n-1', silent: false, requireInteraction: true, data: { id: 'n-1' },
    });
  });

  it('RAIN-4: an all-clear makes no sound and does not stay', () => {
    const { options } = notificationOf({ ...PAYLOAD, kind: 'all_clear', silent: true });
    expect(options).toMatchObject({ silent: true, renotify: false, requireInteraction: false });
  });

  it('a second copy is quiet, a reminder is not', () => {
    expect(notificationOf(PAYLOAD).options.renotify).toBe(false);
    expect(notificationOf({ ...PAYLOAD, kind: 'reminder' }).options.renotify).toBe(true);
  });

  it.each([undefined, null, 'text', 5, [], {}, { title: 7, tag: {} }])(
    'shows something for %j', (payload) => {
      const { title, options } = notificationOf(payload);
      expect(title).toBe('邻里');
      expect(options.body).not.toBe('');
      expect(options.tag).not.toBe('');
    },
  );

  it('a tap opens the notice, and nothing but a notice', () => {
    expect(addressOf({ id: 'n-1' })).toBe('./#/notices/n-1');
    expect(addressOf({ id: 'shift-00' })).toBe('./#/volunteer');
    expect(addressOf({ id: '//evil.example' })).toBe('./#/notices/%2F%2Fevil.example');
    expect(addressOf(undefined)).toBe('./#/');
  });
});
