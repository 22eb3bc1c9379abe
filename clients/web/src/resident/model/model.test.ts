// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { installWay, pushWay, type Features } from './install';
import { parentOf, parseRoute, tabOf } from './route';
import { DEFAULTS, effectiveSize, parseSettings, withMode } from './settings';
import { digitsOf, isCode, secretOfHash, secretOfScan } from './slip';

describe('addresses', () => {
  it.each([
    ['', 'home', ''], ['#/', 'home', ''], ['#/notices', 'notices', ''],
    ['#/notices/demo-1', 'notice', 'demo-1'], ['#/notices/%E4%B8%80', 'notice', '一'],
    ['#/mine/queue', 'queue', ''], ['#/mine/nothing', 'unknown', ''], ['#/x/y', 'unknown', ''],
    ['#/notices/%', 'notice', '%'], ['#enrol=abc', 'unknown', ''],
  ])('%s is %s', (hash, page, id) => expect(parseRoute(hash)).toEqual({ page, id }));

  it('lead back to where they belong', () => {
    expect(parentOf(parseRoute('#/notices/1'))).toBe('#/notices');
    expect(parentOf(parseRoute('#/mine/device'))).toBe('#/mine');
    expect(tabOf(parseRoute('#/mine/device'))).toBe('mine');
    expect(tabOf(parseRoute('#/enrol'))).toBeUndefined();
  });
});

describe('ENR-2: what a slip says', () => {
  it.each(['12345678', '1234 5678', '１２３４５６７８', '１２３４－５６７８', '12 34 56 78 '])(
    '%s is the same code', (typed) => {
      expect(isCode(typed)).toBe(true);
      expect(digitsOf(typed)).toBe('12345678');
    },
  );

  it.each(['1234567', '123456789', '1234567a', '', '一二三四五六七八'])('%s is none', (typed) => {
    expect(isCode(typed)).toBe(false);
  });

  const SECRET = 'Abc_-0123456789ABCDEF';
  const here = new URL('https://li.example/c/huainan/?x=1#/enrol');

  it('takes the secret from the fragment only', () => {
    expect(secretOfHash(`#enrol=${SECRET}`)).toBe(SECRET);
    expect(secretOfHash('#enrol=')).toBeUndefined();
    expect(secretOfHash(`#/enrol=${SECRET}`)).toBeUndefined();
    expect(secretOfHash(`#enrol=${SECRET}<script>`)).toBeUndefined();
  });

  it('takes scanned links of this community only', () => {
    const of = (text: string) => secretOfScan(text, here);
    expect(of(`https://li.example/c/huainan/#enrol=${SECRET}`)).toBe(SECRET);
    expect(of(`https://evil.example/c/huainan/#enrol=${SECRET}`)).toBeUndefined();
    expect(of(`https://li.example/c/other/#enrol=${SECRET}`)).toBeUndefined();
    expect(of('weixin://pay')).toBeUndefined();
    expect(of('12345678')).toBeUndefined();
  });
});

describe('settings', () => {
  it.each([null, '', '{', 'null', '[]', '{"size":17,"mode":"x","lang":3}'])(
    '%s gives the defaults', (stored) => expect(parseSettings(stored)).toEqual(DEFAULTS),
  );

  it('the 长辈版 is never below 18 px, and starts at 22', () => {
    const elder = withMode(DEFAULTS, 'elder');
    expect(elder.size).toBe(22);
    expect(effectiveSize({ ...elder, size: 16 })).toBe(18);
    expect(effectiveSize({ ...DEFAULTS, size: 16 })).toBe(16);
  });

  it('back from the 长辈版 a size that was chosen stays', () => {
    expect(withMode(withMode(DEFAULTS, 'elder'), 'normal')).toEqual(DEFAULTS);
    expect(withMode({ ...DEFAULTS, mode: 'elder', size: 30 }, 'normal').size).toBe(30);
  });
});

describe('what the browser can do', () => {
  const all: Features = {
    hasServiceWorker: true, hasPush: true, permission: 'default', isStandalone: false,
    hasShareInstall: false, canPrompt: false,
  };

  it('ENR-11: without a service worker nothing claims to work offline or to remind', () => {
    const webView = { ...all, hasServiceWorker: false };
    expect(installWay(webView)).toBe('online_only');
    expect(pushWay(webView)).toBe('none');
  });

  it('where apps are added by sharing, reminders need the home screen first', () => {
    const safari = { ...all, hasShareInstall: true, hasPush: false };
    expect(installWay(safari)).toBe('share');
    expect(pushWay(safari)).toBe('home_screen_first');
    const added = { ...safari, isStandalone: true, hasPush: true };
    expect([installWay(added), pushWay(added)]).toEqual(['done', 'ready']);
  });

  it('offers what there is', () => {
    expect(installWay({ ...all, canPrompt: true })).toBe('prompt');
    expect(installWay(all)).toBe('menu');
    expect(pushWay({ ...all, permission: 'denied' })).toBe('denied');
    expect(pushWay({ ...all, hasPush: false })).toBe('none');
  });
});
