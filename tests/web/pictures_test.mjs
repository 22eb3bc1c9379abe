// SPDX-License-Identifier: Apache-2.0
// Pictures of every main screen, for a person to look at: build/screenshots.
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { openDesk } from './harness/desk.mjs';
import { openPhone } from './harness/phone.mjs';
import { canRun, openWorld, pause, ROOT, SLOW } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 280_000 * SLOW };
const FOLDER = `${ROOT}build/screenshots`;
let world;
let warning;
before(async () => {
  if (!canRun) return;
  mkdirSync(FOLDER, { recursive: true });
  world = await openWorld('web-pictures', { people: 300 });
  await asDesk('/teams', { id: 'shots', name: '照片队', area: 'hn' });
  warning = await world.send('暴雨红色预警', {
    severity: 'red',
    action_line: '今晚别出门，住一楼和地下室的请到社区服务中心二楼',
    body: '预计今晚八点到明早六点有特大暴雨。\n需要帮助请按“我需要帮助”，或者打 581。',
  });
});
after(() => world?.close());

const asDesk = (path, value) => world.as_staff('孙浩', 'POST', path, { value });

async function shoot(page, name) {
  await pause(300);
  await page.screenshot({ path: `${FOLDER}/${name}.png` });
}

const RESIDENT = {
  home: '#/',
  notices: '#/notices',
  events: '#/events',
  services: '#/services',
  mine: '#/mine',
  family: '#/mine/family',
  requests: '#/mine/requests',
  queue: '#/mine/queue',
  device: '#/mine/device',
  privacy: '#/mine/privacy',
  settings: '#/mine/settings',
};

for (const mode of ['normal', 'elder']) {
  test(`a resident's phone, ${mode}`, options, async (t) => {
    const phone = await openPhone(t, world);
    await phone.open();
    const settings = { mode, size: mode === 'elder' ? 22 : 18, theme: 'light', lang: 'zh' };
    await phone.page.evaluate(
      (text) => localStorage.setItem('linli.settings', text),
      JSON.stringify(settings),
    );
    await phone.page.reload();
    await phone.page.locator('main h1').first().waitFor();
    await shoot(phone.page, `${mode}-guest`);
    await phone.go('#/enrol');
    await shoot(phone.page, `${mode}-enrol-1`);
    const slip = await world.household();
    await phone.open(`#enrol=${slip.secret}`);
    await phone.button('知道了，继续').waitFor();
    await shoot(phone.page, `${mode}-enrol-2`);
    await phone.button('知道了，继续').click();
    await phone.page.getByRole('button', { name: /^我是/ }).waitFor();
    await shoot(phone.page, `${mode}-enrol-3`);
    await phone.page.getByRole('button', { name: /^我是/ }).click();
    await phone.page.getByRole('heading', { name: '登记好了' }).waitFor();
    await shoot(phone.page, `${mode}-enrol-4`);
    await phone.waitState(/已同步/);
    for (const [name, hash] of Object.entries(RESIDENT)) {
      await phone.go(hash);
      await shoot(phone.page, `${mode}-${name}`);
    }
    await phone.go(`#/notices/${warning}`);
    await shoot(phone.page, `${mode}-warning`);
    await phone.button('求助 581').click();
    await shoot(phone.page, `${mode}-help`);
    await phone.page.keyboard.press('Escape');
    await phone.offline();
    await phone.button('我知道了').click();
    await phone.waitState(/待上传/, 60);
    await shoot(phone.page, `${mode}-offline-answer`);
    await phone.go('#/mine/queue');
    await shoot(phone.page, `${mode}-offline-queue`);
    await phone.online();
    await phone.waitState(/已同步/, 60);
    await phone.go(`#/notices/${warning}`);
    await phone.button('改一下').click();
    await phone.button('我需要帮助').click();
    await phone.button('是，需要帮助').click();
    await phone.go('#/mine/requests');
    await phone.sees('社区已收到求助，正在安排人');
    await shoot(phone.page, `${mode}-requests-help`);
  });
}

test("a volunteer's phone and a lead's", options, async (t) => {
  const phone = await openPhone(t, world);
  const { person } = await phone.enrol(await world.household());
  await asDesk('/teams/shots/members', { person });
  await asDesk(`/teams/shots/members/${person}/role`, { role: 'lead' });
  const [from, to] = [Date.now() - 3_600_000, Date.now() + 3_600_000];
  await asDesk('/shifts', { id: 'shot', team: 'shots', title: '清扫楼道', from, to, need: 2 });
  await phone.go('#/volunteer');
  await phone.page.getByText('清扫楼道').first().waitFor();
  const screens = {
    overview: '',
    today: 'today',
    register: 'register',
    shelters: 'shelters',
    lead: 'lead/shot',
    enter: 'enter/shot',
    checkin: 'checkin/shot',
    teams: 'teams',
    team: 'team/shots',
    new: 'new/shots',
    hours: 'hours',
    claim: 'claim',
  };
  for (const mode of ['normal', 'elder']) {
    await phone.page.evaluate(
      (text) => localStorage.setItem('linli.settings', text),
      JSON.stringify({ mode, size: mode === 'elder' ? 22 : 18, theme: 'light', lang: 'zh' }),
    );
    await phone.page.reload();
    for (const [name, path] of Object.entries(screens)) {
      await phone.go(`#/volunteer/${path}`);
      await shoot(phone.page, `${mode}-volunteer-${name}`);
    }
  }
});

test('the desk', options, async (t) => {
  const { approver } = await world.names();
  const desk = await openDesk(t, world, approver);
  const sections = {
    warnings: '#/warnings',
    reach: `#/warnings/${warning}`,
    notices: '#/notices',
    compose: '#/notices/new',
    notice: `#/notices/${warning}`,
    door: `#/notices/${warning}/print`,
    people: '#/people',
    devices: '#/devices',
    channels: '#/channels',
    access: '#/access',
    'volunteers-hours': '#/volunteers',
    'volunteers-missing': '#/volunteers/missing',
    'volunteers-teams': '#/volunteers/teams',
    'volunteers-team': '#/volunteers/teams/shots',
    'volunteers-certificates': '#/volunteers/certificates',
    'volunteers-verify': '#/volunteers/verify',
    unreached: `#/warnings/${warning}/print`,
    report: `#/warnings/${warning}/report`,
  };
  for (const [name, hash] of Object.entries(sections)) {
    await desk.go(hash);
    await pause(1200);
    // A list that never comes is a fault, too.
    await desk.page.getByText('正在读取').first().waitFor({ state: 'hidden' });
    await shoot(desk.page, `desk-${name}`);
  }
});
