// SPDX-License-Identifier: Apache-2.0
// The clerk registers a daughter for her mother, and takes it back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDesk } from './harness/desk.mjs';
import { openPhone } from './harness/phone.mjs';
import { canRun, openWorld, SLOW } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 280_000 * SLOW };
let world;
before(async () => canRun && (world = await openWorld('web-family')));
after(() => world?.close());

test('ENR-7 a daughter receives for her mother by consent before a witness', options, async (t) => {
  const { window } = await world.names();
  const mother = await world.household('g1');
  const phone = await openPhone(t, world);
  const daughter = await phone.enrol(await world.household('g2'));
  await phone.go('#/mine/family');

  const desk = await openDesk(t, world, window);
  await desk.go(`#/people/person/${mother.person}`);
  const { page } = desk;
  const card = page.getByRole('region', { name: '家人代收' });
  await card.getByLabel('姓名（开头几个字）').fill(daughter.name);
  await card.getByRole('button', { name: '查找' }).click();
  const found = card.getByLabel('选一位');
  await found.selectOption({ value: daughter.person });
  await card.getByLabel(`${mother.name} 怎么同意的`).selectOption('oral');
  const go = card.getByRole('button', { name: '登记' });
  assert.equal(await go.isDisabled(), true, 'an oral consent names its witness');
  await card.getByLabel('见证人').fill('赵师傅');
  await go.click();
  await card.getByText('已生效').waitFor();
  await card.getByText('赵师傅').waitFor();
  await phone.page.getByText(mother.name).first().waitFor();

  const notice = await world.send('停水通知', { needs_ack: true });
  await phone.go(`#/notices/${notice}`);
  const hers = phone.page.getByRole('group', { name: mother.name });
  await hers.getByRole('button', { name: '我知道了' }).click();
  await hers.getByText('社区已收到。').waitFor();
  assert.equal((await world.ack_row(notice, mother.person)).via, 'proxy');

  await card.getByRole('button', { name: '不再代收' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '不再代收' }).click();
  await card.getByText('没有人替本人收').waitFor();
  await hers.waitFor({ state: 'hidden' });
});

test('GEN-5 a replaced value stays beside the record and can be put back', options, async (t) => {
  const { window } = await world.names();
  const { person } = await world.household('g1');
  const desk = await openDesk(t, world, window);
  await desk.go(`#/people/person/${person}`);
  const { page } = desk;
  const write = async (keyholder) => {
    await page.getByRole('button', { name: '修改' }).click();
    await page.getByLabel('钥匙', { exact: true }).fill(keyholder);
    await page.getByRole('button', { name: '保存' }).click();
    await page.locator('dd').filter({ hasText: keyholder }).waitFor();
  };
  await write('赵师傅');
  await write('居委会');
  const lost = page.getByRole('region', { name: '改过的内容' });
  await lost.getByText('赵师傅').waitFor();
  await lost.getByRole('button', { name: '用这个值' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '用这个值' }).click();
  await page.locator('dd').filter({ hasText: '赵师傅' }).waitFor();
  await lost.getByText('居委会').waitFor();
});
