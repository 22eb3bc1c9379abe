// SPDX-License-Identifier: Apache-2.0
// UX-1, UX-2: every page of the desk by WCAG 2.2 AA: contrast, names, targets of 24 px, a focus
// that is seen and never covered; and a notice written and handed in with the keyboard alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDesk } from './harness/desk.mjs';
import { axeFaults, contrastFaults, focusFaults, sizeFaults } from './harness/looks.mjs';
import { canRun, openWorld, pause, SLOW } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 400_000 * SLOW };
const TARGET_PX = 24;
/** Each person of the unreached list is a stop. */
const STOPS_MAX = 400;
let world;
let warning;
let home;
before(async () => {
  if (!canRun) return;
  world = await openWorld('web-looks-desk', { people: 120 });
  await world.as_staff('孙浩', 'POST', '/teams', {
    value: { id: 'looks', name: '样子队', area: 'hn' },
  });
  home = await world.household();
  const mother = await world.household();
  for (const keyholder of ['赵师傅', '居委会'])
    await world.as_staff('孙浩', 'POST', '/persons', { value: { id: home.person, keyholder } });
  await world.as_staff('孙浩', 'POST', '/proxies', {
    value: { proxy: mother.person, dependant: home.person },
  });
  warning = await world.send('暴雨红色预警', { severity: 'red', action_line: '今晚别出门' });
});
after(() => world?.close());

const pages = () => [
  '#/warnings',
  `#/warnings/${warning}`,
  `#/warnings/${warning}/report`,
  '#/notices',
  '#/notices/new',
  `#/notices/${warning}`,
  '#/people',
  '#/people/search',
  '#/people/import',
  '#/devices',
  '#/channels',
  '#/access',
  '#/volunteers',
  '#/volunteers/missing',
  '#/volunteers/teams',
  '#/volunteers/teams/looks',
  '#/volunteers/certificates',
  '#/volunteers/verify',
];

/** Where names and doors stand, for who may see them. */
const records = () => [
  `#/people/person/${home.person}`,
  `#/people/household/${home.household}`,
  `#/warnings/${warning}`,
];

for (const colorScheme of ['light', 'dark']) {
  test(`UX-1 every page of the desk keeps the rules: ${colorScheme}`, options, async (t) => {
    const { admin, approver, window } = await world.names();
    const faults = [];
    for (const who of [approver, admin, window]) {
      const desk = await openDesk(t, world, who, { colorScheme });
      for (const hash of who === window ? records() : pages()) {
        await desk.go(hash);
        await desk.page.locator('h1').first().waitFor();
        await desk.page.getByText('正在读取').first().waitFor({ state: 'hidden' });
        await pause(200);
        const { page } = desk;
        const found = [
          ...(await sizeFaults(page, { target: TARGET_PX, text: 0 })),
          ...(await contrastFaults(page)),
          ...(await axeFaults(page)),
          ...(await focusFaults(page, STOPS_MAX)),
        ];
        faults.push(...found.map((fault) => `${who} ${hash} ${fault}`));
      }
      await desk.browser.end();
    }
    for (const fault of faults) t.diagnostic(fault);
    assert.deepEqual(faults, []);
  });
}

/** Tabs on until what has the focus is called `name`. */
async function tabTo(page, name) {
  const called = () =>
    page.evaluate(() => {
      const one = document.activeElement;
      const label = one?.labels?.[0]?.textContent ?? one?.getAttribute('aria-label');
      return (label ?? one?.textContent ?? '').trim();
    });
  for (let stops = 0; !(await called()).startsWith(name); ++stops) {
    assert.ok(stops < STOPS_MAX, `${name} is reached`);
    await page.keyboard.press('Tab');
  }
}

test('UX-2 a notice is written and handed in with the keyboard alone', options, async (t) => {
  const { editor } = await world.names();
  const { page } = await openDesk(t, world, editor);
  await page.evaluate(() => (location.hash = '#/notices/new'));
  await page.getByLabel('标题').waitFor();
  const { keyboard } = page;
  await tabTo(page, '标题');
  await keyboard.type('明天停水');
  await tabTo(page, '正文');
  await keyboard.type('八点到十二点停水，请提前接水。');
  // The whole community is what is chosen first: one grid of it instead.
  await tabTo(page, '淮南社区');
  await keyboard.press('Space');
  await tabTo(page, '1网格');
  await keyboard.press('Space');
  await page.getByTestId('audience-count').waitFor();
  await tabTo(page, '提交审批');
  await keyboard.press('Enter');
  await page.getByText(/不能由您审批/).waitFor();
  assert.match(await page.locator('h1').first().innerText(), /明天停水/);
});
