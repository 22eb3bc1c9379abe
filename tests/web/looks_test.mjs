// SPDX-License-Identifier: Apache-2.0
// UX-1, UX-2: every screen of the resident app at 360 px, held to community.md §3.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPhone } from './harness/phone.mjs';
import { axeFaults, contrastFaults, focusFaults, sizeFaults } from './harness/looks.mjs';
import { canRun, openWorld, SLOW } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 400_000 * SLOW };
let world;
let warning;
let notice;
before(async () => {
  if (!canRun) return;
  world = await openWorld('web-looks');
  warning = await world.send('暴雨红色预警', { severity: 'red', action_line: '今晚别出门，去二楼' });
  notice = await world.send('六十五岁以上免费体检', { body: '周四起发号。'.repeat(30), needs_ack: true });
});
after(() => world?.close());

const screens = () => [
  '#/', '#/notices', `#/notices/${warning}`, `#/notices/${notice}`, '#/events', '#/services',
  '#/mine', '#/mine/family', '#/mine/queue', '#/mine/device', '#/mine/privacy', '#/mine/settings',
  '#/nowhere',
];

const looks = [
  { name: 'normal 100 %', mode: 'normal', size: 18 },
  { name: 'normal 200 % zoom', mode: 'normal', size: 18, zoom: 2 },
  { name: 'normal 30 px', mode: 'normal', size: 30 },
  { name: '长辈版', mode: 'elder', size: 22 },
  { name: '长辈版 30 px', mode: 'elder', size: 30 },
  { name: 'dark', mode: 'normal', size: 18, theme: 'dark' },
];

async function wear(phone, { mode, size, theme = 'light', zoom = 1 }) {
  const settings = JSON.stringify({ mode, size, theme, lang: 'zh' });
  await phone.page.evaluate((text) => localStorage.setItem('linli.settings', text), settings);
  // Twice the zoom is half the width for the same screen; 720 device pixels at 200 % are 360.
  await phone.page.setViewportSize({ width: 360, height: zoom === 2 ? 370 : 740 });
  if (zoom !== 1) {
    await phone.page.addInitScript(() => {
      const grow = () => (document.documentElement.style.fontSize = '200%');
      if (document.documentElement) grow();
      else document.addEventListener('readystatechange', grow, { once: true });
    });
  }
  await phone.page.reload();
  await phone.page.locator('main h1').first().waitFor();
}

async function faultsOf(phone, { mode }) {
  const rules = mode === 'elder' ? { target: 60, text: 18 } : { target: 44, text: 0 };
  const { page } = phone;
  return [
    ...(await sizeFaults(page, rules)), ...(await contrastFaults(page)),
    ...(await axeFaults(page)), ...(await focusFaults(page)),
  ];
}

async function walk(t, phone, look, hashes) {
  const faults = [];
  for (const hash of hashes) {
    await phone.go(hash);
    const found = await faultsOf(phone, look);
    faults.push(...found.map((fault) => `${hash} ${fault}`));
  }
  for (const fault of faults) t.diagnostic(fault);
  return faults;
}

for (const look of looks) {
  test(`UX-1 every screen keeps the rules: ${look.name}`, options, async (t) => {
    const phone = await openPhone(t, world);
    await phone.enrol(await world.household());
    await wear(phone, look);
    assert.deepEqual(await walk(t, phone, look, screens()), []);
  });
}
