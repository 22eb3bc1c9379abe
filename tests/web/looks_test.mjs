// SPDX-License-Identifier: Apache-2.0
// UX-1, UX-2: every screen of the resident app at 360 px, held to community.md §3.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPhone } from './harness/phone.mjs';
import { axeFaults, contrastFaults, focusFaults, sizeFaults } from './harness/looks.mjs';
import { faultsOf, looks, walk, wear } from './harness/looks_walk.mjs';
import { canRun, openWorld, SLOW } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 400_000 * SLOW };
let world;
let warning;
let notice;
before(async () => {
  if (!canRun) return;
  world = await openWorld('web-looks');
  warning = await world.send('暴雨红色预警', {
    severity: 'red',
    action_line: '今晚别出门，去二楼',
  });
  notice = await world.send('六十五岁以上免费体检', {
    body: '周四起发号。'.repeat(30),
    needs_ack: true,
  });
});
after(() => world?.close());

const screens = () => [
  '#/',
  '#/notices',
  `#/notices/${warning}`,
  `#/notices/${notice}`,
  '#/events',
  '#/services',
  '#/mine',
  '#/mine/family',
  '#/mine/requests',
  '#/mine/queue',
  '#/mine/device',
  '#/mine/privacy',
  '#/mine/settings',
  '#/nowhere',
];

for (const look of looks) {
  test(`UX-1 every screen keeps the rules: ${look.name}`, options, async (t) => {
    const phone = await openPhone(t, world);
    await phone.enrol(await world.household());
    await phone.go(`#/notices/${warning}`);
    await phone.button('我需要帮助').click();
    await phone.button('是，需要帮助').click();
    await phone.sees('社区已收到求助，正在安排人');
    await wear(phone, look);
    assert.deepEqual(await walk(t, phone, look, screens()), []);
  });
}

test('UX-1 the screens before and during enrolment, and the dialogs', options, async (t) => {
  for (const look of looks) {
    const phone = await openPhone(t, world);
    const slip = await world.household();
    await phone.open();
    await wear(phone, look);
    const found = await walk(t, phone, look, ['#/', '#/enrol', '#/mine', '#/mine/device']);
    await phone.go('#/enrol');
    await phone.button('下一步').click();
    await phone.sees('请先改好这几处：');
    found.push(...(await faultsOf(phone, look)));
    await phone.page.getByLabel('门牌').fill(slip.door);
    await phone.page.getByLabel('8 位数字').fill(slip.code);
    await phone.button('下一步').click();
    await phone.button('知道了，继续').waitFor();
    found.push(...(await faultsOf(phone, look)));
    await phone.button('知道了，继续').click();
    await phone.page.getByRole('button', { name: /^我是/ }).waitFor();
    found.push(...(await faultsOf(phone, look)));
    await phone.page.getByRole('button', { name: /^我是/ }).click();
    await phone.page.getByRole('heading', { name: '登记好了' }).waitFor();
    found.push(...(await faultsOf(phone, look)));
    await phone.go(`#/notices/${warning}`);
    await phone.button('我需要帮助').click();
    await phone.page.getByRole('dialog').waitFor();
    found.push(...(await faultsOf(phone, look)));
    await phone.page.keyboard.press('Escape');
    await phone.button('求助 581').click();
    await phone.page.getByRole('dialog').waitFor();
    found.push(...(await faultsOf(phone, look)));
    await phone.browser.end();
    assert.deepEqual(found, [], look.name);
  }
});

test('UX-2 a warning is answered with the keyboard alone', options, async (t) => {
  const phone = await openPhone(t, world);
  await phone.enrol(await world.household());
  const { page } = phone;
  await page.evaluate(() => document.activeElement?.blur());
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
  for (let stops = 0; (await focused()) !== '我知道了'; ++stops) {
    assert.ok(stops < 40, 'the button is reached');
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await page.getByText('社区已收到。').first().waitFor();
  assert.match(await focused(), /您点了：我知道了/, 'what became of it has the focus');
});

test('the rulers find what is wrong', options, async (t) => {
  const phone = await openPhone(t, world);
  await phone.open('#/mine');
  const { page } = phone;
  await page.evaluate(() => {
    const main = document.querySelector('main');
    const add = (tag, text, style) => {
      const one = main.appendChild(document.createElement(tag));
      one.textContent = text;
      Object.assign(one.style, style);
    };
    add('button', '小', { width: '20px', height: '20px', padding: '0', outline: 'none' });
    add('p', '看不清的字', { color: '#999', background: '#fff', fontSize: '12px' });
    add('p', '太宽', { width: '500px' });
    main.appendChild(document.createElement('img')).src = 'icons/icon-192.png';
  });
  const sizes = (await sizeFaults(page, { target: 44, text: 18 })).join('\n');
  for (const wanted of [/scrolls sideways/, /小: 20\.0 x 20\.0/, /看不清的字: text of 12/]) {
    assert.match(sizes, wanted);
  }
  assert.match((await contrastFaults(page)).join(), /看不清的字: contrast 2\.8/);
  assert.match((await axeFaults(page)).join(), /image-alt/);
  assert.match((await focusFaults(page)).join(), /小: the focus is not marked/);
});
