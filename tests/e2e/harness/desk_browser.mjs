// SPDX-License-Identifier: Apache-2.0
// node desk_browser.mjs JSON: two members of staff at the desk in a real browser, from an enrolment
// link to the funnel. Prints one JSON line with what they saw; ends with 1 when something is not
// there in time.
import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../tools/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const { origin, slug, program, editor, approver, patience } = JSON.parse(process.argv[2]);
const address = `${origin}/c/${slug}/desk`;
const kPassphrase = 'correct horse battery staple';

/** RFC 6238 with SHA-1, 30 s, 6 digits. */
function totp(secret) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((c) => letters.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac('sha1', key).update(step).digest();
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff;
  return String(number % 1e6).padStart(6, '0');
}

const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });

async function sit({ name, slip }, faults) {
  const context = await browser.newContext({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(`${address}#enrol=${slip}`);
  await page.getByRole('button', { name: /^我是/ }).click();
  await page.getByText(name).first().waitFor();
  await page.getByRole('button', { name: '输入口令' }).waitFor();
  return page;
}

async function unlock(page, code) {
  await page.goto(`${address}#/setup`);
  await page.getByLabel('设置码').fill(code);
  await page.getByLabel('新口令').fill(kPassphrase);
  await page.getByLabel('再写一遍').fill(kPassphrase);
  await page.getByRole('button', { name: '下一步' }).click();
  const secret = (await page.locator('.key').innerText()).replaceAll(' ', '');
  await page.getByLabel('动态码（6 位）').fill(totp(secret));
  await page.getByRole('button', { name: '完成' }).click();
  await page.getByText('设置好了').waitFor();
  return secret;
}

async function compose(page, text) {
  await page.goto(`${address}#/notices/new`);
  await page.getByLabel('类别').first().selectOption('weather');
  await page.getByLabel('级别').selectOption('red');
  await page.getByLabel('标题').fill(text.title);
  await page.getByLabel(/行动提示/).fill('急'.repeat(41));
  const tooLong = await page.getByText('超出 1 字').isVisible();
  await page.getByLabel(/行动提示/).fill(text.line);
  const count = await page.getByTestId('audience-count').innerText();
  await page.getByRole('button', { name: '提交审批' }).click();
  const author = await page.getByText('不能由您审批').innerText();
  const mayApprove = await page.getByRole('button', { name: '批准', exact: true }).count();
  return { id: page.url().split('/').pop(), tooLong, count, author, mayApprove };
}

async function approve(page, id, secret) {
  await page.goto(`${address}#/notices/${id}`);
  await page.getByRole('button', { name: '批准', exact: true }).click();
  await page.locator('dialog').getByRole('button', { name: '批准' }).click();
  await page.getByLabel('口令', { exact: true }).fill(kPassphrase);
  // The step that set the authenticator up opens nothing: wait for another one when it is refused.
  for (let tries = 0; tries < 3; tries += 1) {
    await page.getByLabel('动态码（6 位）').fill(totp(secret));
    await page.getByRole('button', { name: '确认' }).click();
    const refused = page.locator('dialog [role=alert]');
    const out = page.getByRole('link', { name: '送达情况' });
    await refused.or(out).first().waitFor();
    if (await out.isVisible()) return;
    await page.waitForTimeout(30_000 - (Date.now() % 30_000) + 200);
  }
}

async function funnel(page, id) {
  await page.goto(`${address}#/warnings/${id}`);
  await page.getByText('= 受众').waitFor();
  const table = page.locator('section[aria-labelledby=funnel-head] table');
  // Sending counts in the background: all of the 40 first.
  await table.locator('tfoot td:nth-child(3)').filter({ hasText: '40' }).waitFor();
  const cells = await table.locator('tbody td:nth-child(3)').allInnerTexts();
  const sum = await table.locator('tfoot td:nth-child(3)').innerText();
  const unreached = page.locator('section[aria-labelledby=unreached-head] tbody tr');
  await unreached.first().waitFor();
  const rows = await unreached.count();
  return { parts: cells.map(Number), sum: Number(sum), rows };
}

try {
  const faults = [];
  const first = await sit(editor, faults);
  const draft = await compose(first, { title: '暴雨红色预警', line: '今晚别出门，需要帮助拨581。' });
  const second = await sit(approver, faults);
  const secret = await unlock(second, approver.code);
  await approve(second, draft.id, secret);
  console.log(JSON.stringify({ draft, funnel: await funnel(second, draft.id), faults }));
} finally {
  await browser.close();
}
