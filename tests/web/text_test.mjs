// SPDX-License-Identifier: Apache-2.0
// Text of a notice is text, whatever is in it (community.md §3, CSP).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sizeFaults } from './harness/looks.mjs';
import { openPhone } from './harness/phone.mjs';
import { canRun, openWorld, SLOW } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 240_000 * SLOW };
let world;
before(async () => canRun && (world = await openWorld('web-text')));
after(() => world?.close());

const HOSTILE = {
  markup: '<img src=x onerror="globalThis.wasRun=1"><b>粗</b>',
  script: '<script>globalThis.wasRun=1</script>{{7*7}}${7*7}&lt;b&gt;',
};
const BIDI = '\u202e反过来的标题\u2066\u200f';
const WORD_CHARS = 100_000;

test(
  'a notice of HTML, scripts, bidi controls and a word of 100 kB is text and breaks nothing',
  options,
  async (t) => {
    const phone = await openPhone(t, world);
    await phone.enrol(await world.household());
    const { page } = phone;
    for (const [name, title] of Object.entries(HOSTILE)) {
      const id = await world.send(title, {
        body: `${title}\n${'长'.repeat(300)}`,
        needs_ack: true,
      });
      await phone.go(`#/notices/${id}`);
      const heading = page.locator('main h1');
      await heading.filter({ hasText: '<' }).waitFor();
      assert.equal(await heading.textContent(), title);
      assert.equal(await page.locator('main img, main b, main script').count(), 0);
      assert.deepEqual(await sizeFaults(page, { target: 44, text: 0 }), [], name);
      await phone.go('#/');
      assert.deepEqual(await sizeFaults(page, { target: 44, text: 0 }), [], `${name} at home`);
    }

    // The server takes neither of these; a phone has to stand them all the same.
    await assert.rejects(world.send(BIDI, {}), /not shown/);
    const id = await world.send('平常', {});
    await phone.go(`#/notices/${id}`);
    await page.getByRole('heading', { name: '平常' }).waitFor();
    await phone.offline();
    const word = 'W'.repeat(WORD_CHARS);
    await phone.plant(id, { title: BIDI + word.slice(0, 200), action_line: word, body: word });
    await page.reload();
    const heading = page.locator('main h1');
    await heading.filter({ hasText: '反过来的标题' }).waitFor();
    assert.ok(!/[\u202a-\u202e\u2066-\u2069]/.test(await heading.textContent()));
    await page
      .getByText(/^看全文/)
      .first()
      .click();
    assert.ok((await page.locator('.body').textContent()).includes(word));
    assert.deepEqual(await sizeFaults(page, { target: 44, text: 0 }), [], 'a long word');
    for (const hash of ['#/', '#/notices']) {
      await phone.go(hash);
      assert.deepEqual(await sizeFaults(page, { target: 44, text: 0 }), [], hash);
    }
    assert.equal(await page.evaluate(() => globalThis.wasRun), undefined);
  },
);
