// SPDX-License-Identifier: Apache-2.0
// 我需要帮助 on a phone, somebody sent at the desk, and what the phone is told of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDesk } from './harness/desk.mjs';
import { openPhone } from './harness/phone.mjs';
import { canRun, openWorld, SLOW } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 280_000 * SLOW };
let world;
before(async () => canRun && (world = await openWorld('web-requests')));
after(() => world?.close());

test(
  'RAIN-10 a call for help is somebody’s until it is said what came of it, and the caller sees it',
  options,
  async (t) => {
    const { window } = await world.names();
    const warning = await world.send('暴雨红色预警', { severity: 'red', action_line: '上二楼' });
    const phone = await openPhone(t, world);
    const { name, person } = await phone.enrol(await world.household());

    await phone.offline();
    await phone.go(`#/notices/${warning}`);
    await phone.button('我需要帮助').click();
    await phone.button('是，需要帮助').click();
    await phone.go('#/mine/requests');
    await phone.sees('求助还没有传出去。请现在就打 581。');
    const desk = await openDesk(t, world, window);
    await desk.go('#/people');
    await desk.page.getByRole('status').getByText('已同步').waitFor();
    await phone.online();
    await phone.sees('社区已收到求助，正在安排人');
    const heard = Date.now();
    const bar = desk.page.getByRole('link', { name: /^1 人求助，1 人还没有派人/ });
    await bar.waitFor();
    assert.ok(Date.now() - heard < 3000 * SLOW, 'on whatever page the desk is');
    await bar.click();
    const calls = desk.page.locator('section[aria-live=assertive]');
    await calls.getByText('还没有派人').waitFor();

    // Another tap afterwards may be a slip of the hand: somebody looks all the same.
    await phone.go(`#/notices/${warning}`);
    await phone.button('改一下').click();
    await phone.button('我知道了').click();
    await calls.getByText(/又点了别的，请打电话问清/).waitFor();
    await phone.go('#/mine/requests');

    await calls.getByLabel(`选 ${name}`).check();
    await calls.getByRole('button', { name: /^派 1 个/ }).click();
    await calls.getByText(/去$/).waitFor();
    await phone.sees('已经派人，会来找您');

    await desk.page.getByLabel(`${name} 的敲门结果`).selectOption('told');
    await desk.page.getByRole('dialog').getByRole('button', { name: '记录' }).click();
    await calls.waitFor({ state: 'hidden' });
    await phone.sees('已经办了。还需要帮助请打 581。');
    await desk.page.getByText('开一个安置点').click();
    await desk.page.getByLabel(/^叫什么/).fill('社区服务中心二楼');
    await desk.page.getByLabel('在哪里').selectOption({ label: '1网格' });
    await desk.page.getByLabel('能住').fill('40');
    await desk.page.getByRole('button', { name: '开', exact: true }).click();
    await desk.page.getByText('已开：社区服务中心二楼。').waitFor();
    await desk.page.getByRole('rowheader', { name: '社区服务中心二楼' }).waitFor();

    await desk.page.getByRole('link', { name: '五敲门报告' }).click();
    await desk.page.getByRole('heading', { name: '暴雨红色预警 · 五敲门报告' }).waitFor();
    const figure = (what) =>
      desk.page
        .getByRole('row')
        .filter({ has: desk.page.getByRole('cell', { name: what, exact: true }) })
        .locator('td.number')
        .textContent();
    assert.equal(await figure('求助'), '1');
    assert.equal(await figure('当面告知'), '1');
    await desk.page.getByText(name).waitFor();
    const download = desk.page.waitForEvent('download');
    await desk.page.getByRole('button', { name: '存成表格' }).click();
    assert.match((await download).suggestedFilename(), /^report-.*\.csv$/);

    assert.equal((await world.ack_row(warning, person)).state, 'in_person');
    await phone.offline();
    await phone.page.reload();
    await phone.sees('已经办了。还需要帮助请打 581。');
  },
);
