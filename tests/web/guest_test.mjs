// SPDX-License-Identifier: Apache-2.0
// What a phone shows to somebody who is not enrolled (ENR-3, NTC-9).
import { after, before, test } from 'node:test';
import { openPhone } from './harness/phone.mjs';
import { canRun, openWorld, pause, SLOW } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 120_000 * SLOW };
let world;
before(async () => canRun && (world = await openWorld('web-guest')));
after(() => world?.close());

test(
  'public notices are shown without enrolment, and again without a server',
  options,
  async (t) => {
    const notice = await world.send('人人可看的停水通知', {});
    const phone = await openPhone(t, world);
    await phone.open();
    await phone.page.getByRole('link', { name: '人人可看的停水通知' }).waitFor();
    await phone.shellKept();
    await phone.offline();
    await phone.page.reload();
    await phone.page.getByRole('link', { name: '人人可看的停水通知' }).click();
    await phone.page.getByRole('heading', { name: '人人可看的停水通知' }).waitFor();
    t.diagnostic(`read ${notice} offline`);
  },
);

test('a warning comes to the open page of somebody who is not enrolled', options, async (t) => {
  const phone = await openPhone(t, world);
  await phone.page.clock.install();
  await phone.open();
  await phone.page.getByRole('link', { name: '人人可看的停水通知' }).waitFor();
  await world.send('暴雨红色预警', { severity: 'red' });
  // The server's own copy of the list is a second old at most, an open page looks each minute.
  await pause(1500);
  await phone.page.clock.runFor(61_000);
  await phone.page.getByText('暴雨红色预警').first().waitFor();
});
