// SPDX-License-Identifier: Apache-2.0
// UX-1: the screens of volunteers and leads, by the rules of the resident app.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPhone } from './harness/phone.mjs';
import { looks, walk, wear } from './harness/looks_walk.mjs';
import { canRun, openWorld, SLOW, waitFor } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 400_000 * SLOW };
const HOUR_MS = 3_600_000;
let world;
before(async () => canRun && (world = await openWorld('web-looks-volunteer')));
after(() => world?.close());

const asDesk = (path, value) => world.as_staff('孙浩', 'POST', path, { value });

/** A lead with a shift that goes on, a call-out, a walk-up, a door to knock at and a shelter. */
async function lead(t) {
  await asDesk('/teams', { id: 'looks', name: '样子队', area: 'hn' });
  const phone = await openPhone(t, world);
  const { person } = await phone.enrol(await world.household());
  await asDesk('/teams/looks/members', { person });
  await asDesk(`/teams/looks/members/${person}/role`, { role: 'lead' });
  const [from, to] = [Date.now() - HOUR_MS, Date.now() + HOUR_MS];
  const shift = { team: 'looks', title: '清扫楼道', from, to, need: 2 };
  await asDesk('/shifts', { id: 'look', ...shift });
  await asDesk('/shifts', { id: 'call', ...shift, title: '装沙袋', is_callout: true });
  await phone.go('#/volunteer');
  await phone.page.getByText('装沙袋').first().waitFor();
  await phone.go('#/volunteer/enter/look');
  await phone.page.getByLabel('姓名').fill('老张');
  await phone.page.getByLabel('手机号后四位').fill('1234');
  await phone.page.getByLabel('原因').fill('没有手机');
  await phone.button('代为登记').click();
  await phone.sees('老张 已登记');
  await phone.waitState(/已同步/);
  await waitFor(
    async () => Object.values(await world.rows('walkup')).length === 1,
    'the walk-up at the server',
  );
  return phone;
}

const screens = [
  '',
  '/today',
  '/shelters',
  '/lead/look',
  '/enter/look',
  '/checkin/look',
  '/checkout/look',
  '/teams',
  '/team/looks',
  '/new/looks',
  '/hours',
  '/claim',
  '/certificate/none',
].map((path) => `#/volunteer${path}`);

test('UX-1 every screen of volunteers keeps the rules', options, async (t) => {
  const phone = await lead(t);
  const faults = [];
  for (const look of looks) {
    await wear(phone, look);
    const found = await walk(t, phone, look, [...screens, '#/certificate']);
    faults.push(...found.map((fault) => `${look.name}: ${fault}`));
  }
  assert.deepEqual(faults, []);
});
