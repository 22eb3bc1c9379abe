// SPDX-License-Identifier: Apache-2.0
// VOL-6, VOL-12: the records of 90 days at the desk, and a certificate from there to whoever is
// shown it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { openDesk } from './harness/desk.mjs';
import { openPhone } from './harness/phone.mjs';
import { canRun, openWorld, SLOW } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 280_000 * SLOW };
/** The demo's teams need all of its people. */
const PEOPLE = 5480;
const HOUR_MS = 3_600_000;
let world;
before(async () => canRun && (world = await openWorld('web-service', { people: PEOPLE })));
after(() => world?.close());

/** What the browser saved after `act`. */
async function saved(page, act) {
  const [download] = await Promise.all([page.waitForEvent('download'), act()]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** A server with more to walk: one answer more before those of its own. */
async function walkLonger(page) {
  const walk = '0'.repeat(32);
  let isFirst = true;
  await page.context().route('**/attendance/verify', async (route) => {
    const isMade = route.request().postDataJSON().walk === walk;
    if (!isFirst) return route.continue(isMade ? { postData: '{}' } : {});
    isFirst = false;
    return route.fulfill({ json: { walk, walked: 3, records: 3580 } });
  });
}

async function verify(desk, verdict) {
  await desk.go('#/volunteers/verify');
  await desk.page.getByRole('button', { name: '核对记录链' }).click();
  await desk.page.getByText(verdict).waitFor({ timeout: 120_000 * SLOW });
}

test('VOL-6 a button walks every chain and names what was forged', options, async (t) => {
  const { approver } = await world.names();
  const desk = await openDesk(t, world, approver);
  await walkLonger(desk.page);
  const isWalking = desk.page.getByRole('button', { name: '核对中：3 / 3580' }).waitFor();
  await verify(desk, /^\d+ 条记录，全部对得上。\s*每日签名也核对过。$/);
  await isWalking;
  await desk.page.context().unrouteAll();

  const { id } = (await world.rows('attendance_log'))['0000000300'];
  const row = (await world.rows('attendance'))[id];
  await world.kill_server();
  await world.forge('attendance', id, { device_at: row.device_at + HOUR_MS });
  await world.start_server();
  await desk.page.reload();
  await desk.page.getByRole('navigation').waitFor();
  await verify(desk, /^\d+ 条记录里有 \d+ 处不对。第一处：/);
  const box = desk.page.locator('.notice-box.bad');
  assert.match(await box.innerText(), new RegExp(`第 300 条\\s*${id}`));

  await world.kill_server();
  await world.forge('attendance', id, { device_at: row.device_at });
  await world.start_server();
});

test('VOL-12 a certificate is issued, saved as PDF, checked, revoked', options, async (t) => {
  const { approver } = await world.names();
  const desk = await openDesk(t, world, approver);
  const { page } = desk;
  await desk.go('#/volunteers');
  await page.getByLabel('状态').selectOption('final');
  await page.getByRole('button', { name: '开证明' }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: '开证明' }).click();
  await page.getByText(/核验码：/).waitFor();
  const [number] = /ZY\d{10}/.exec(await page.locator('.sheet').innerText()) ?? [];
  assert.ok(number, 'the certificate has a number');
  const code = /核验码：(\S+)/.exec(await page.locator('.sheet').innerText())[1];

  const pdf = await saved(page, () => page.getByRole('button', { name: '存成 PDF' }).click());
  assert.equal(pdf.name, `${number}.pdf`);
  assert.equal(pdf.bytes.subarray(0, 5).toString(), '%PDF-');

  const stranger = await openPhone(t, world);
  await stranger.open('#/certificate');
  const check = async (digits, verdict) => {
    await stranger.page.getByLabel('编号').fill(number);
    await stranger.page.getByLabel('核验码').fill(digits);
    await stranger.button('核验').click();
    await stranger.sees(verdict);
  };
  await check(code, '是真的，现在有效。');
  await check(`${code.slice(0, -1)}${code.endsWith('7') ? '8' : '7'}`, '对不上，或者已经撤销。');
  const body = await stranger.page.locator('main').innerText();
  assert.ok(!body.includes('小时'), 'yes or no and nothing else');

  await page.getByRole('button', { name: '撤销' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('原因').fill('开错了');
  await dialog.getByRole('button', { name: '撤销' }).click();
  await page.locator('.sheet').getByText('已撤销').waitFor();
  await check(code, '对不上，或者已经撤销。');
});
