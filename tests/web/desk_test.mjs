// SPDX-License-Identifier: Apache-2.0
// Two members of staff at two computers, and a resident's phone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser } from './harness/browser.mjs';
import { openDesk } from './harness/desk.mjs';
import { openPhone } from './harness/phone.mjs';
import { canRun, openWorld, SLOW, waitFor } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 280_000 * SLOW };
let world;
before(async () => canRun && (world = await openWorld('web-desk')));
after(() => world?.close());

/** The number in the line of the funnel's table that begins with `name`. */
async function part(page, name) {
  const row = page.getByRole('row').filter({ hasText: name }).first();
  return Number((await row.locator('td.number').first().textContent()).trim());
}

test(
  'NTC-3 RAIN-7 RAIN-13 composed by one, approved by another, answered and counted',
  options,
  async (t) => {
    const { editor, approver } = await world.names();
    const phone = await openPhone(t, world);
    await phone.enrol(await world.household());

    const author = await openDesk(t, world, editor);
    await author.go('#/notices/new');
    const { page } = author;
    await page.getByLabel('类别').selectOption('weather');
    await page.getByLabel('级别').selectOption('orange');
    await page.getByLabel('标题').fill('暴雨橙色预警');
    await page.getByRole('button', { name: '提交审批' }).click();
    await page.getByText('紧急通知要写行动提示：做什么、去哪里、找谁。').first().waitFor();
    await page.getByLabel(/^行动提示/).fill('今晚别出门，需要帮助拨 581');
    await page.getByLabel('正文').fill('今晚有暴雨。');
    await page.locator('.tree').getByLabel('淮南社区', { exact: true }).check();
    await page.getByTestId('audience-count').waitFor();
    await page.getByRole('button', { name: '提交审批' }).click();
    await page.getByText(/不能由您审批/).waitFor();
    assert.equal(await page.getByRole('button', { name: '批准' }).count(), 0, 'the author cannot');
    const id = /notices\/([^/?]+)/.exec(page.url())[1];
    await author.browser.context.close();

    const second = await openDesk(t, world, approver);
    await second.go(`#/notices/${id}`);
    const yes = second.page.getByRole('button', { name: '批准' });
    await yes.click();
    await second.page.getByRole('dialog').getByRole('button', { name: '批准' }).click();
    await second.elevate();
    await second.page.getByRole('link', { name: '送达情况' }).waitFor({ timeout: 60_000 });

    const banner = phone.page.getByRole('article', { name: '暴雨橙色预警' });
    await banner.waitFor();
    await second.go(`#/warnings/${id}`);
    await second.page.getByText('= 受众').waitFor();
    await waitFor(async () => (await part(second.page, '本人已回应')) === 0, 'the funnel');
    await banner.getByRole('button', { name: '我知道了' }).click();
    await banner.getByText('社区已收到。').waitFor();
    await waitFor(
      async () => (await part(second.page, '本人已回应')) === 1,
      'the answer at the desk',
      20,
    );
    assert.equal(await second.page.getByText('= 受众').count(), 1, 'the parts sum to the audience');
    // Opened anew, on another computer too, the curve begins with the sending.
    await second.page.reload();
    const curve = second.page.getByRole('img', { name: '到现在的变化' });
    await curve.waitFor();
    const path = await curve.locator('path').last().getAttribute('d');
    assert.match(path, /^M0 90( H[\d.]+ V[\d.]+)+$/, 'from nobody on');
  },
);

test('a desk that was never enrolled shows nothing but the gate', options, async (t) => {
  const browser = await openBrowser(t, { viewport: { width: 1440, height: 900 } });
  const page = browser.context.pages()[0];
  await page.goto(`${world.origin}/c/${world.slug}/desk#/people`);
  await page.getByLabel('登记链接').waitFor();
  assert.equal(await page.getByRole('navigation').count(), 0);
});
