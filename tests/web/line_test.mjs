// SPDX-License-Identifier: Apache-2.0
// A resident's phone on lines that are slow, half-open, gone for a while, or cut off for good.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPhone } from './harness/phone.mjs';
import { canRun, openWorld, SLOW, waitFor } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 240_000 * SLOW };
const OLD = 200;
let world;
before(async () => canRun && (world = await openWorld('web-line')));
after(() => world?.close());

test('RAIN-8 GEN-12 a red warning overtakes 200 old notices on a slow line', options, async (t) => {
  await world.send_many(OLD, 400);
  const phone = await openPhone(t, world);
  const slip = await world.household();
  await phone.open(`#enrol=${slip.secret}`);
  await phone.shellKept();
  await phone.button('知道了，继续').click();
  const choice = phone.page.getByRole('button', { name: /^我是/ });
  await choice.waitFor();
  await phone.line.spoil({ down_rate: 8000 });
  await choice.click();
  await phone.page.getByRole('heading', { name: '登记好了' }).waitFor();
  await phone.go('#/');
  await phone.sees('正在取回社区的通知，先到的先显示。');
  const began = performance.now();
  const warning = await world.send('暴雨红色预警', {
    severity: 'red',
    action_line: '今晚别出门，去二楼',
  });
  const sent = performance.now();
  const banner = phone.page.getByRole('article', { name: '暴雨红色预警' });
  await banner.waitFor();
  const shown = performance.now();
  t.diagnostic(`warning on the screen ${Math.round(shown - sent)} ms after the sending ended`);
  assert.ok(shown - began < 10_000 * SLOW, `${shown - began} ms`);
  await phone.sees('正在取回社区的通知，先到的先显示。');
  await banner.getByRole('button', { name: '我知道了' }).click();
  const tapped = performance.now();
  await waitFor(async () => (await world.acks(warning)) === 1, 'the answer at the office', 5);
  const arrived = performance.now();
  await banner.getByText('社区已收到。').waitFor();
  t.diagnostic(
    `answer at the office after ${Math.round(arrived - tapped)} ms, confirmed on the phone after ` +
      `${Math.round(performance.now() - tapped)} ms`,
  );
  await phone.sees('正在取回社区的通知，先到的先显示。');
  await phone.line.spoil({ down_rate: 0 });
  await phone.waitState(/已同步/, 60);
  await phone.go('#/notices');
  const count = await phone.page.getByText(/^共 [0-9]+ 条$/).textContent();
  assert.ok(Number(/[0-9]+/.exec(count)[0]) >= OLD, count);
});

test('NTC-4 correction and withdrawal reach a phone that was offline', options, async (t) => {
  const phone = await openPhone(t, world);
  await phone.enrol(await world.household());
  const water = await world.send('周三停水', { body: '周三八点停水。' });
  const fair = await world.send('周六义诊', { body: '广场义诊。' });
  await phone.go(`#/notices/${water}`);
  await phone.sees('周三八点停水。');
  await phone.go('#/');
  await phone.page.getByRole('link', { name: '周六义诊' }).first().waitFor();

  await phone.offline();
  const { approver } = await world.names();
  await world.as_staff(approver, 'POST', `/notices/${water}/correct`, {
    value: { body: '改为周四八点停水。' },
  });
  await world.as_staff(approver, 'POST', `/notices/${fair}/withdraw`, {
    value: { reason: '医生来不了' },
  });
  await phone.page.reload();
  await phone.page.getByRole('link', { name: '周六义诊' }).first().waitFor();
  await phone.online();
  await phone.page.getByRole('link', { name: '周六义诊' }).first().waitFor({ state: 'hidden' });
  await phone.go(`#/notices/${water}`);
  await phone.sees('改为周四八点停水。');
  await phone.sees('已更正');
  await phone.go(`#/notices/${fair}`);
  assert.equal(await phone.page.getByText('广场义诊。').count(), 0);
});

test('ENR-5 a revoked phone loses its rows, keeps its work and can save it', options, async (t) => {
  const phone = await openPhone(t, world);
  await phone.enrol(await world.household());
  const notice = await world.send('下午消杀', { body: '请关窗。', needs_ack: true });
  await phone.sees('下午消杀');
  await phone.offline();
  await phone.go(`#/notices/${notice}`);
  await phone.button('我知道了').click();
  await phone.waitState(/待上传 1/);
  await world.revoke((await phone.identity()).cid);
  await phone.online();
  await phone.sees('这台手机已被停用。看看怎么办');
  await phone.waitState(/有问题/);
  await phone.go('#/notices');
  await phone.page.getByRole('heading', { name: '通知' }).waitFor();
  await phone.page.getByText('下午消杀').waitFor({ state: 'hidden' });
  await phone.go('#/mine/queue');
  const download = phone.page.waitForEvent('download');
  await phone.button('存成文件').click();
  const saved = await (await (await download).createReadStream()).toArray();
  const kept = JSON.parse(Buffer.concat(saved).toString());
  assert.deepEqual(
    kept.pending.map(({ name }) => name),
    ['notice.acknowledge'],
  );
  assert.equal(await world.acks(notice), 0);
  await phone.page.reload();
  await phone.sees('这台手机已被停用。看看怎么办');
});

test('GEN-7 a half-open line looks like no line and heals by itself', options, async (t) => {
  const phone = await openPhone(t, world);
  await phone.enrol(await world.household());
  const notice = await world.send('半开之前', { needs_ack: true });
  await phone.sees('半开之前');
  await phone.go(`#/notices/${notice}`);
  await phone.line.spoil({ swallow: true });
  await phone.button('我知道了').click();
  await phone.sees('已记在手机上，联网后自动上传。');
  const spinner = await phone.page.locator('[aria-busy=true]:visible').count();
  assert.equal(spinner, 0, 'no screen waits for the net');
  // Ten seconds without a byte, then twenty for the answer to a ping. What was opened counts too.
  await phone.waitState(/待上传 [12]/, 45);
  await phone.page.reload();
  await phone.sees('已记在手机上，联网后自动上传。');
  assert.equal(await world.acks(notice), 0);
  await phone.line.spoil({ swallow: false });
  await phone.line.cut();
  await phone.waitState(/已同步/, 60);
  await phone.sees('社区已收到。');
  assert.equal(await world.acks(notice), 1);
});

test('GEN-9 wiped site storage is said, and everything comes down again', options, async (t) => {
  const phone = await openPhone(t, world);
  const slip = await phone.enrol(await world.household());
  const notice = await world.send('清空之前', {});
  await phone.sees('清空之前');
  const { cid } = await phone.identity();
  await phone.page.goto('about:blank');
  await phone.page.goto(`${phone.home}manifest.webmanifest`);
  await phone.page.evaluate(async (name) => {
    await new Promise((done, failed) => {
      const request = indexedDB.deleteDatabase(name);
      request.onsuccess = done;
      request.onerror = failed;
    });
  }, `linli:${world.slug}`);
  await phone.open();
  await phone.sees('手机上的数据被清掉过，正在重新取回');
  const next = await world.slip_of(slip.household);
  await phone.open(`#enrol=${next.secret}`);
  await phone.finishEnrolment(slip.name);
  await phone.go(`#/notices/${notice}`);
  await phone.page.getByRole('heading', { name: '清空之前' }).waitFor();
  assert.notEqual((await phone.identity()).cid, cid);
});
