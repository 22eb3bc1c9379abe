// SPDX-License-Identifier: Apache-2.0
// The console of a member of staff on a computer of its own.
import { OFFICE, openBrowser } from './browser.mjs';
import { pause } from './world.mjs';

export class StaffDesk {
  #elevations = 0;

  constructor({ world, browser, page, who }) {
    Object.assign(this, { world, browser, page, who });
  }

  async go(hash) {
    await this.page.evaluate((to) => (location.hash = to), hash);
  }

  /** Answers the question for passphrase and code. A code works once: it may take half a minute. */
  async elevate() {
    const { passphrase, secret } = await this.world.credentials(this.who);
    const box = this.page.getByRole('dialog').filter({ hasText: '请输入口令和动态码' });
    await box.waitFor();
    await box.getByLabel('口令', { exact: true }).fill(passphrase);
    for (;;) {
      await box.getByLabel('动态码（6 位）').fill(await this.world.totp(secret));
      await box.getByRole('button', { name: '确认' }).click();
      const refused = box.locator('.notice-box.bad, [role=alert]').first();
      const gone = box.waitFor({ state: 'hidden' }).then(() => true);
      const again = refused.waitFor().then(() => false);
      if (await Promise.any([gone, again])) return;
      if (++this.#elevations > 3) throw new Error('no code was accepted');
      await pause(30_000 - (Date.now() % 30_000) + 200);
    }
  }
}

/** Enrolled with a slip of its own; a second computer beside that of the harness. */
export async function openDesk(t, world, who, options = {}) {
  const browser = await openBrowser(t, { viewport: OFFICE, ...options });
  const page = browser.context.pages()[0] ?? (await browser.context.newPage());
  const { secret } = await world.staff_slip(who);
  await page.goto(`${world.origin}/c/${world.slug}/desk#enrol=${secret}`);
  await page
    .getByRole('button', { name: /^我是/ })
    .or(page.getByRole('navigation'))
    .first()
    .waitFor();
  const isMe = page.getByRole('button', { name: /^我是/ });
  if (await isMe.count()) await isMe.click();
  await page.getByRole('navigation').waitFor();
  await page.getByText(who, { exact: false }).first().waitFor();
  return new StaffDesk({ world, browser, page, who });
}
