// SPDX-License-Identifier: Apache-2.0
// A grid worker at the doors, without a net.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { faultsOf, looks, wear } from './harness/looks_walk.mjs';
import { openPhone } from './harness/phone.mjs';
import { canRun, openWorld, SLOW, waitFor } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 280_000 * SLOW };
let world;
before(async () => canRun && (world = await openWorld('web-field')));
after(() => world?.close());

test('ENR-8 an elder without a phone is registered at the door, offline', options, async (t) => {
  const { door } = await world.household('g1');
  const phone = await openPhone(t, world);
  const { secret, name } = await world.grid_worker_slip('g1');
  await phone.enrol({ secret, name });
  const { page } = phone;
  await phone.go('#/volunteer/register');
  await page.getByRole('textbox', { name: '哪一户' }).fill(door);
  await page.getByRole('button', { name: door, exact: true }).waitFor();
  await phone.offline();

  await page.getByRole('button', { name: '登记', exact: true }).click();
  await phone.sees('请先选门牌');
  for (const look of looks) {
    await wear(phone, look);
    await page.getByRole('textbox', { name: '哪一户' }).fill(door);
    await page.getByRole('button', { name: door, exact: true }).waitFor();
    assert.deepEqual(await faultsOf(phone, look), [], look.name);
  }
  const begun = Date.now();
  await page.getByRole('button', { name: door, exact: true }).click();
  await page.getByLabel('姓名').fill('赵奶奶');
  await page.getByLabel('哪年出生').fill('1940');
  await page.getByLabel('座机').fill('037112000009');
  await page.getByLabel('能叫上门的邻居').fill('王桂芝');
  await page.getByLabel('谁有钥匙').fill('居委会');
  await page.getByText('独自居住').click();
  await page.getByText('用拐杖').click();
  await page.getByRole('button', { name: '登记', exact: true }).click();
  await phone.sees('已记下：');
  assert.ok(Date.now() - begun < 60_000, 'less than a minute');

  await phone.go('#/mine/queue');
  await phone.sees('登记：赵奶奶');
  await phone.online();
  const stored = async () =>
    Object.values(await world.rows('person')).find((row) => row.name === '赵奶奶');
  await waitFor(stored, 'the record', 30);
  const { landline, neighbour, keyholder, mobility, no_phone, living_alone, birth_year } =
    await stored();
  assert.deepEqual(
    { landline, neighbour, keyholder, mobility, no_phone, living_alone, birth_year },
    {
      landline: '037112000009',
      neighbour: '王桂芝',
      keyholder: '居委会',
      mobility: 'stick',
      no_phone: true,
      living_alone: true,
      birth_year: 1940,
    },
  );
});
