// SPDX-License-Identifier: Apache-2.0
// The page of channels at the office, while a provider is away.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { openDesk } from './harness/desk.mjs';
import { canRun, openWorld, SLOW } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 280_000 * SLOW };
const folder = mkdtempSync(`${tmpdir()}/linli-channels-`);
writeFileSync(`${folder}/password`, 'secret');
// Nobody listens on the port of discard.
const CHANNELS = `
[[channel]]
name = "sms"
kind = "smpp"
host = "127.0.0.1"
port = 9
system_id = "linli"
password_file = "${folder}/password"
source = "10690000"
`;
let world;
before(async () => canRun && (world = await openWorld('web-channels', { channels: CHANNELS })));
after(async () => {
  await world?.close();
  rmSync(folder, { recursive: true });
});

test('RAIN-14 the office sees what waits for a channel and for how long', options, async (t) => {
  await world.send('暴雨红色预警', { severity: 'red', action_line: '上二楼' });
  const { approver } = await world.names();
  const desk = await openDesk(t, world, approver);
  await desk.go('#/channels');
  const row = desk.page.getByRole('row').filter({ hasText: 'sms' }).first();
  await row.getByText(/最久等了 \d+ 秒/).waitFor({ timeout: 60_000 });
  const cells = await row.locator('td.number').allTextContents();
  assert.match(cells[1].trim(), /^[1-9]\d*\s/, 'how many wait');
  await desk.go('#/channels/deliveries?state=all');
  await desk.page.getByRole('cell', { name: /^(待发|等渠道恢复)$/ }).first().waitFor();
});
