// SPDX-License-Identifier: Apache-2.0
// VOL: a whole shift between two phones in two browsers with the server down, then brought.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { giveCamera, lookAt } from './harness/camera.mjs';
import { openDesk } from './harness/desk.mjs';
import { openPhone } from './harness/phone.mjs';
import { canRun, openWorld, SLOW, waitFor } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 280_000 * SLOW };
const WINDOW = '孙浩';
const MINUTE = 60_000;
/** The shift lasts so long on both phones' clocks. */
const SERVED = 90;
let world;
before(async () => canRun && (world = await openWorld('web-shift', { people: 36 })));
after(() => world?.close());

const newId = () =>
  [...crypto.getRandomValues(new Uint8Array(12))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
const asDesk = (path, value) => world.as_staff(WINDOW, 'POST', path, { value });

/** A phone with a camera, whose clock can be set back: what it does then lies in the past. */
async function enrolled(t) {
  const phone = await openPhone(t, world);
  await giveCamera(phone);
  await phone.page.addInitScript(() => {
    const real = Date.now;
    Date.now = () => real() - Number(sessionStorage.getItem('back') ?? 0);
  });
  const { person, name, household } = await phone.enrol(await world.household());
  return Object.assign(phone, {
    person,
    household,
    name,
    setBack: (ms) => phone.page.evaluate((back) => sessionStorage.setItem('back', back), ms),
  });
}

async function beginShift(t, teamName) {
  const lead = await enrolled(t);
  const volunteer = await enrolled(t);
  const team = newId();
  await asDesk('/teams', { id: team, name: teamName, area: 'hn' });
  for (const { person } of [lead, volunteer]) await asDesk(`/teams/${team}/members`, { person });
  await asDesk(`/teams/${team}/members/${lead.person}/role`, { role: 'lead' });
  const shift = newId();
  const [from, to] = [Date.now() - 2 * 60 * MINUTE, Date.now() + 60 * MINUTE];
  await asDesk('/shifts', { id: shift, team, title: '清扫楼道', from, to, need: 2 });
  for (const phone of [lead, volunteer]) {
    await phone.go('#/volunteer');
    await phone.page
      .getByText('清扫楼道')
      .first()
      .waitFor({ timeout: 60_000 * SLOW });
  }
  await lead.go(`#/volunteer/lead/${shift}`);
  await lead.page.locator('main canvas').waitFor();
  return { lead, volunteer, team, shift };
}

/** Volunteer scans the lead, the lead scans the receipt back. */
async function sign({ lead, volunteer, shift }, act) {
  // Opened anew: a screen that is open shows the code of before the clock was set.
  await lead.go('#/volunteer');
  await lead.go(`#/volunteer/lead/${shift}`);
  await lookAt(volunteer, lead);
  await volunteer.go('#/volunteer');
  await volunteer.page.getByRole('link', { name: act }).click();
  await volunteer.button('扫队长手机上的码').click();
  await volunteer.page.getByRole('heading', { name: '回执' }).waitFor();
  await lookAt(lead, volunteer);
  await lead.button('扫志愿者的回执').click();
  await lead.sees(`${volunteer.name}：双方确认了`);
}

const phones = ({ lead, volunteer }) => [lead, volunteer];
async function setBack(both, ms) {
  for (const phone of phones(both)) await phone.setBack(ms);
}

async function hoursOf(shift, person) {
  return (await world.rows('hours'))[`${shift}:${person}`];
}

for (const order of ['volunteer', 'lead']) {
  test(`VOL-2 a shift with the server down is grade A, ${order} first`, options, async (t) => {
    const both = await beginShift(t, `${order}先到队`);
    const { shift, volunteer, lead } = both;
    for (const phone of phones(both)) await phone.offline();
    await world.kill_server();
    // Both were closed meanwhile: the app comes from the phone itself.
    for (const phone of phones(both)) await phone.page.reload();
    await setBack(both, SERVED * MINUTE);
    await sign(both, '签到');
    await setBack(both, 0);
    await sign(both, '签退');
    await world.start_server();
    assert.equal(await hoursOf(shift, volunteer.person), undefined, 'nothing was sent');

    const first = order === 'lead' ? lead : volunteer;
    const second = order === 'lead' ? volunteer : lead;
    for (const phone of [first, second]) {
      await phone.online();
      await phone.waitState(/已同步/, 60);
    }
    const row = await hoursOf(shift, volunteer.person);
    assert.equal(row.grade, 'A');
    assert.ok(Math.abs(row.minutes - SERVED) <= 1, `${row.minutes} minutes`);
    assert.equal(row.state, 'pending');
    const all = Object.values(await world.rows('attendance'));
    const entries = all.filter((one) => one.shift === shift);
    assert.deepEqual(
      entries
        .filter(({ dseq }) => dseq)
        .map(({ dseq, kind }) => `${dseq} ${kind}`)
        .sort(),
      ['1 countersign', '1 in', '2 countersign', '2 out'],
    );
    assert.deepEqual(
      entries.filter(({ refused }) => refused),
      [],
    );

    await volunteer.go('#/volunteer/hours');
    await volunteer.sees(/等级 A/);
    await volunteer.button('核对我的记录').click();
    await volunteer.sees('这部手机的 2 条记录都对得上');
    let verdict = await asDesk('/attendance/verify', {});
    while (verdict.walk) {
      verdict = await asDesk('/attendance/verify', { walk: verdict.walk });
    }
    assert.deepEqual([verdict.findings, verdict.flagged], [[], []]);
  });
}

test("VOL-3 VOL-4 VOL-5 old codes, digits, lead's entries", options, async (t) => {
  const both = await beginShift(t, '没有网的队');
  const { shift, lead, volunteer } = both;
  for (const phone of phones(both)) await phone.offline();
  await lead.setBack(5 * MINUTE);
  await lead.go('#/volunteer');
  await lead.go(`#/volunteer/lead/${shift}`);
  await lookAt(volunteer, lead);
  await volunteer.go(`#/volunteer/checkin/${shift}`);
  await volunteer.button('扫队长手机上的码').click();
  await volunteer.sees('这个码是两分钟以前的，等级会降低。请让队长亮屏再扫一次。');
  await volunteer.page.getByRole('dialog').getByRole('button', { name: '重新扫' }).click();

  await lead.setBack(0);
  // The page looks at its clock twice a second.
  const old = await lead.page.locator('.digits').innerText();
  await waitFor(async () => (await lead.page.locator('.digits').innerText()) !== old, 'new digits');
  const digits = await lead.page.locator('.digits').innerText();
  await volunteer.page
    .getByLabel('队长屏幕上的 6 位数字')
    .fill(` ${digits.slice(0, 3)} ${digits.slice(3)}`);
  await volunteer.button('用数字签到').click();
  await volunteer.sees('这样签的不用回扫，等级是 C。');

  await lead.go(`#/volunteer/enter/${shift}`);
  await lead.page.getByLabel('姓名').fill('老张');
  await lead.page.getByLabel('手机号后四位').fill('1234');
  await lead.button('代为登记').click();
  await lead.sees('请填原因');
  await lead.page.getByLabel('原因').fill('没有手机');
  await lead.button('代为登记').click();
  await lead.sees('老张 已登记');

  for (const phone of phones(both)) {
    await phone.online();
    await phone.waitState(/已同步/, 60);
  }
  assert.equal((await hoursOf(shift, volunteer.person)).grade, 'C');
  const walkUp = Object.values(await world.rows('hours')).find((row) => row.name === '老张');
  assert.equal(walkUp.grade, 'D');
});

/** Walk-ups of whom the lead enters a whole hour each. */
async function enterWalkUps(lead, shift, people) {
  for (const [name, last4] of people) {
    for (const [act, ago] of [
      ['签到', '60'],
      ['签退', '0'],
    ]) {
      await lead.go('#/volunteer');
      await lead.go(`#/volunteer/enter/${shift}`);
      await lead.page.getByLabel('姓名').fill(name);
      await lead.page.getByLabel('手机号后四位').fill(last4);
      await lead.page.getByRole('radio', { name: act }).check();
      await lead.page.getByLabel('什么时候').selectOption(ago);
      await lead.page.getByLabel('原因').fill('没有手机');
      await lead.button('代为登记').click();
      await lead.sees(`${name} 已登记`);
    }
  }
  await lead.waitState(/已同步/, 60);
}

test('VOL-5 hours of a walk-up are claimed by phone, lead and desk', options, async (t) => {
  const { shift, team, lead, volunteer } = await beginShift(t, '认领队');
  const { person: id, household, name } = volunteer;
  await asDesk('/persons', { id, household, name, phone: '13900004321' });
  await enterWalkUps(lead, shift, [
    [name, '4321'],
    ['老张', '1234'],
    ['小李', '5678'],
  ]);
  const rowOf = async (who, isWalkUp) =>
    Object.values(await world.rows('hours')).find(
      (row) => row.shift === shift && row.name === who && row.person.startsWith('w-') === isWalkUp,
    );
  assert.equal((await rowOf(name, true)).state, 'pending');

  // The person, first with digits that nobody noted, and without a net.
  await volunteer.offline();
  await volunteer.go('#/volunteer/hours');
  await volunteer.page.getByRole('link', { name: '认领以前的时长' }).click();
  const claim = async (digits) => {
    await volunteer.page.getByLabel('哪一次').selectOption(shift);
    await volunteer.page.getByLabel('手机号后四位').fill(digits);
    await volunteer.button('认领').click();
    await volunteer.sees('已记下。联网后会查');
  };
  await volunteer.button('认领').click();
  await volunteer.sees('请选一次');
  await claim('9999');
  await claim('4321');
  await volunteer.online();
  await waitFor(async () => (await rowOf(name, true)).state === 'void', 'the claim', 60);
  assert.equal((await rowOf(name, false)).minutes, 60);
  await volunteer.go('#/mine/queue');
  await volunteer.sees('那一次没有这样的登记。');
  await volunteer.go('#/volunteer/hours');
  await volunteer.sees('队长代为登记');

  // The lead, for a member of the team.
  await lead.go(`#/volunteer/team/${team}`);
  const item = lead.page.getByRole('listitem').filter({ hasText: '老张' });
  await item.getByRole('button', { name: '记到谁名下' }).click();
  const dialog = lead.page.getByRole('dialog');
  await dialog.getByLabel('老张 就是').selectOption(volunteer.person);
  await dialog.getByRole('button', { name: '记到他名下' }).click();
  await item.waitFor({ state: 'detached' });
  assert.equal((await rowOf('老张', true)).state, 'void');

  // The desk, for somebody in no team, found by the door.
  const other = await world.household('hn');
  const desk = await openDesk(t, world, WINDOW);
  await desk.go('#/volunteers');
  const line = desk.page.getByRole('row').filter({ hasText: '小李' });
  await line.getByRole('button', { name: '认领' }).click();
  await line.getByLabel('小李 就是').selectOption({ label: '不在队里，按门牌找' });
  await line.getByLabel('选择楼栋或门栋').selectOption('hn');
  await line.getByLabel('门牌', { exact: true }).selectOption({ label: other.door });
  await line.getByLabel('姓名').selectOption({ label: other.name });
  await line.getByRole('button', { name: '记到他名下' }).click();
  await line.waitFor({ state: 'detached' });
  await desk.page.getByRole('row').filter({ hasText: other.name }).waitFor();
  assert.equal((await rowOf(other.name, false)).minutes, 60);
});

test(
  'VOL-14 VOL-13 a call-out is answered without a net; leaving keeps hours',
  options,
  async (t) => {
    const volunteer = await enrolled(t);
    const team = newId();
    const shift = newId();
    await asDesk('/teams', { id: team, name: '急用队', area: 'hn' });
    await asDesk(`/teams/${team}/members`, { person: volunteer.person });
    const [from, to] = [Date.now() + 60 * MINUTE, Date.now() + 120 * MINUTE];
    await asDesk('/shifts', {
      id: shift,
      team,
      title: '装沙袋',
      from,
      to,
      need: 1,
      is_callout: true,
    });
    await volunteer.go('#/volunteer');
    await volunteer.page.getByText('装沙袋').waitFor({ timeout: 60_000 * SLOW });
    await volunteer.offline();
    await volunteer.page.getByRole('button', { name: '来', exact: true }).click();
    await volunteer.go(`#/volunteer/team/${team}`);
    await volunteer.sees('您说：来');
    await volunteer.sees('已记下，联网后才知道人够不够。');
    await volunteer.online();
    await volunteer.waitState(/已同步/, 60);
    assert.equal((await world.rows('shift'))[shift].state, 'full');
    await volunteer.button('退出这支队').click();
    await volunteer.sees('已经有的时长都还在，一分钟也不会少。');
  },
);
