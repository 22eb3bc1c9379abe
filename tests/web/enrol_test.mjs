// SPDX-License-Identifier: Apache-2.0
// ENR and GEN on a resident's phone in a real browser, against the real server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPhone } from './harness/phone.mjs';
import { canRun, openWorld, waitFor } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 240_000 };
let world;
before(async () => canRun && (world = await openWorld('web-enrol')));
after(() => world?.close());

/** Counts the screens that a person meets: a new heading or step is a new screen. */
function screensOf(page) {
  const seen = [];
  return async (wanted) => {
    await page.getByText(wanted).first().waitFor();
    seen.push(wanted);
    return seen.length;
  };
}

test(
  'ENR-1 a slip link leads through at most four screens without a password',
  options,
  async (t) => {
    const slip = await world.household();
    const phone = await openPhone(t, world);
    const screen = screensOf(phone.page);
    await phone.open(`#enrol=${slip.secret}`);
    await screen('登记前，请您知道');
    assert.ok(!phone.page.url().includes(slip.secret), 'the secret is in no history');
    assert.equal(await phone.page.locator('input[type=password]').count(), 0);
    await phone.button('知道了，继续').click();
    await screen('您是哪一位？');
    await phone.page.getByRole('button', { name: /^我是/ }).click();
    assert.ok((await screen('登记好了')) <= 4);
    await phone.sees(`${slip.name}，您好`);
    await phone.page.getByRole('link', { name: '去首页' }).click();
    await phone.waitState(/已同步/);
    const persons = await world.rows('person');
    assert.ok(persons[slip.person]);
  },
);

test(
  'ENR-2 door and eight digits, spaced or full-width, enrol the same person',
  options,
  async (t) => {
    const slip = await world.household();
    const phone = await openPhone(t, world);
    await phone.open('#/enrol');
    await phone.page.getByLabel('门牌').fill(` ${slip.door} `);
    await phone.page.getByLabel('8 位数字').fill('12 34');
    await phone.button('下一步').click();
    await phone.sees('要 8 位数字，现在是 4 位');
    const wide = [...slip.code].map((digit) => String.fromCharCode(0xff10 + Number(digit)));
    await phone.page
      .getByLabel('8 位数字')
      .fill(`${wide.slice(0, 4).join('')} ${wide.slice(4).join('')}`);
    await phone.button('下一步').click();
    await phone.finishEnrolment(slip.name);
    assert.equal((await phone.identity()).person, slip.person);
  },
);

test(
  'ENR-3 a slip that is read offline completes by itself, even after a kill',
  options,
  async (t) => {
    const slip = await world.household();
    const phone = await openPhone(t, world);
    await phone.open();
    await phone.shellKept();
    await phone.offline();
    await phone.open(`#enrol=${slip.secret}`);
    await phone.button('知道了，继续').click();
    await phone.sees('待确认');
    await phone.restart();
    await phone.open();
    await phone.sees('待确认');
    await phone.online();
    await phone.page.getByRole('button', { name: /^我是/ }).click({ timeout: 60_000 });
    await phone.sees(`${slip.name}，您好`);
  },
);

test('ENR-2 a wrong code is refused in plain words and can be typed again', options, async (t) => {
  const slip = await world.household();
  const phone = await openPhone(t, world);
  await phone.open('#/enrol');
  const wrong = slip.code.replace(/^./, (digit) => String((Number(digit) + 1) % 10));
  await phone.page.getByLabel('门牌').fill(slip.door);
  await phone.page.getByLabel('8 位数字').fill(wrong);
  await phone.button('下一步').click();
  await phone.button('知道了，继续').click();
  await phone.sees('没有登记成');
  await phone.page.getByRole('link', { name: '再试一次' }).click();
  await phone.page.getByLabel('门牌').fill(slip.door);
  await phone.page.getByLabel('8 位数字').fill(slip.code);
  await phone.button('下一步').click();
  await phone.finishEnrolment(slip.name);
});

test(
  'GEN-1 GEN-13 read and acknowledged offline, killed on both sides, it counts once',
  options,
  async (t) => {
    const phone = await openPhone(t, world);
    const slip = await phone.enrol(await world.household());
    const notice = await world.send('明早停水，请存水', {
      body: '八点到十二点停水。',
      needs_ack: true,
    });
    await phone.sees('明早停水，请存水');
    const { cid, account } = await phone.identity();

    await phone.offline();
    await world.kill_server();
    await phone.page.reload();
    await phone.page.getByRole('link', { name: '明早停水，请存水' }).first().click();
    await phone.sees('八点到十二点停水。');
    await phone.button('我知道了').click();
    await phone.sees('已记在手机上，联网后自动上传。');
    await phone.waitState(/待上传 1/);
    await phone.go('#/mine/settings');
    await phone.page.getByText('农事资讯').click();
    await phone.waitState(/待上传 2/);

    await phone.restart();
    await phone.open('#/mine/queue');
    await phone.sees(/回应“明早停水，请存水”/);
    await phone.waitState(/待上传 2/);
    const muting = phone.page.locator('main section').filter({ hasText: '不再提醒“农事资讯”' });
    await muting.getByRole('button', { name: '不交了' }).click();
    await phone.page.getByRole('dialog').getByRole('button', { name: '不交了' }).click();
    await phone.waitState(/待上传 1/);
    await phone.go(`#/notices/${notice}`);
    await phone.sees('已记在手机上，联网后自动上传。');
    assert.deepEqual(phone.browser.troubles(), []);

    await world.start_server();
    assert.equal(await world.acks(notice), 0);
    await phone.online();
    await phone.waitState(/已同步/, 60);
    await phone.sees('社区已收到。');
    assert.equal(await world.acks(notice), 1);
    assert.equal((await world.ack_row(notice, slip.person)).state, 'ok');
    const alerts = (await world.results(cid)).filter(([lane]) => lane === 0);
    assert.deepEqual(alerts, [[0, 1]], 'one number was used, once');
    const mutes = Object.keys(await world.rows('mute')).filter((key) => key.includes(account));
    assert.deepEqual(mutes, [], 'what was taken back was never sent');
  },
);

test(
  'GEN-2 the answer to an acknowledgement is lost with a server that is killed',
  options,
  async (t) => {
    const phone = await openPhone(t, world);
    await phone.enrol(await world.household());
    const notice = await world.send('楼道清理', { needs_ack: true });
    await phone.sees('楼道清理');
    await phone.go(`#/notices/${notice}`);
    await phone.line.spoil({ drop_down: true });
    await phone.button('我知道了').click();
    await waitFor(async () => (await world.acks(notice)) === 1, 'the acknowledgement to arrive');
    assert.match(await phone.state(), /同步中|待上传/);
    await world.kill_server();
    await phone.restart();
    await phone.line.spoil({ drop_down: false });
    await world.start_server();
    await phone.open(`#/notices/${notice}`);
    await phone.waitState(/已同步/, 60);
    await phone.sees('社区已收到。');
    assert.equal(await world.acks(notice), 1);
    const { cid } = await phone.identity();
    assert.deepEqual(
      (await world.results(cid)).filter(([lane]) => lane === 0),
      [[0, 1]],
    );
  },
);
