// SPDX-License-Identifier: Apache-2.0
// What the app does with its browser: several tabs, a newer version, pushes.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openPhone } from './harness/phone.mjs';
import { canRun, DIST, openWorld, SLOW, waitFor } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 240_000 * SLOW };
let world;
let webRoot;
before(async () => {
  if (!canRun) return;
  webRoot = mkdtempSync(join(tmpdir(), 'linli-dist-'));
  cpSync(DIST, webRoot, { recursive: true });
  world = await openWorld('web-app', { webRoot });
});
after(async () => {
  await world?.close();
  if (webRoot) rmSync(webRoot, { recursive: true, force: true });
});

const FOLLOWS = '邻里已在另一个窗口打开，由那边负责收发。';

test(
  'two tabs: one leads, the other takes over, and the same write goes out once',
  options,
  async (t) => {
    const phone = await openPhone(t, world);
    await phone.enrol(await world.household());
    const notice = await world.send('两个窗口', { needs_ack: true });
    await phone.sees('两个窗口');
    const { cid } = await phone.identity();
    await phone.go('#/mine/device');
    assert.equal(await phone.page.getByText(FOLLOWS).count(), 0);

    const second = await phone.browser.context.newPage();
    await second.goto(`${phone.home}#/mine/device`);
    await second.getByText(FOLLOWS).waitFor();
    const before = await phone.line.connections();
    await phone.line.offline();
    // The same tap in both windows; the second one meets an answer that is there already.
    for (const page of [phone.page, second]) {
      await page.bringToFront();
      await page.goto(`${phone.home}#/notices/${notice}`);
      if (page === phone.page) await page.getByRole('button', { name: '我知道了' }).click();
      await page.getByText('已记在手机上，联网后自动上传。').waitFor();
    }
    await phone.page.close();
    phone.page = second;
    await phone.line.online();
    await phone.waitState(/已同步/, 60);
    await second.getByText('社区已收到。').waitFor();
    await phone.go('#/mine/device');
    await second.getByText(FOLLOWS).waitFor({ state: 'hidden' });
    assert.ok((await phone.line.connections()) > before);
    assert.equal(await world.acks(notice), 1);
    assert.deepEqual(
      (await world.results(cid)).filter(([lane]) => lane === 0),
      [[0, 1]],
    );
    const late = await world.send('接管之后', {});
    await phone.go(`#/notices/${late}`);
    await second.getByRole('heading', { name: '接管之后' }).waitFor();
  },
);

/** The thread that leads stands still for `ms`, its lock and its socket in hand; resolves at the
 *  end. */
async function freeze(page, ms) {
  const [worker] = page.workers();
  await worker.evaluate((stay) => {
    // The memory of WebAssembly is shared also where pages may not make one of their own.
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    Atomics.wait(new Int32Array(buffer), 0, 0, stay);
  }, ms);
}

test(
  'a tab whose leader stands still takes over by force, and the one that wakes up writes nothing',
  options,
  async (t) => {
    const phone = await openPhone(t, world);
    await phone.enrol(await world.household());
    const notice = await world.send('停住的窗口', { needs_ack: true });
    await phone.sees('停住的窗口');
    const { cid } = await phone.identity();
    await phone.go('#/mine/device');
    const second = await phone.browser.context.newPage();
    await second.goto(`${phone.home}#/mine/device`);
    await second.getByText(FOLLOWS).waitFor();

    // Longer than BEAT_LOST_MS of the replica, with time left to see what the other one does.
    const awake = freeze(phone.page, 30_000 * SLOW);
    await second.getByText(FOLLOWS).waitFor({ state: 'hidden', timeout: 25_000 * SLOW });
    await second.goto(`${phone.home}#/notices/${notice}`);
    await second.getByRole('button', { name: '我知道了' }).click();
    await second.getByText('社区已收到。').waitFor();

    await awake;
    await phone.page.getByText(FOLLOWS).waitFor();
    const late = await world.send('醒来之后', {});
    for (const page of [second, phone.page]) {
      await page.goto(`${phone.home}#/notices/${late}`);
      await page.getByRole('heading', { name: '醒来之后' }).waitFor();
    }
    assert.equal(await world.acks(notice), 1);
    assert.deepEqual(
      (await world.results(cid)).filter(([lane]) => lane === 0),
      [[0, 1]],
    );
  },
);

/** Whole at once, as the server may read it at any moment. */
function replace(file, text) {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Puts another index.html into the folder, as a newer version would. */
function release(mark) {
  const file = join(webRoot, 'index.html');
  const before = readFileSync(file, 'utf8');
  const next = before.replace(
    /<meta name="version"[^>]*>|(?=<title>)/,
    `<meta name="version" content="${mark}">`,
  );
  replace(file, next);
  const worker = join(webRoot, 'sw.js');
  const hash = createHash('sha256').update(next).digest('hex').slice(0, 16);
  const text = readFileSync(worker, 'utf8');
  const changed = text.replace(/(index\.html[`'"],\s*[`'"])[0-9a-f]{16}/, `$1${hash}`);
  assert.notEqual(changed, text);
  replace(worker, changed);
}

const lookForUpdate = (page) =>
  page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
const versionOf = (page) =>
  page.evaluate(() => document.querySelector('meta[name=version]')?.content ?? '');
/** What the page shows and what its registration knows, for whoever reads a failure. */
const stateOf = (page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    const workers = ['installing', 'waiting', 'active'].map(
      (name) => `${name}: ${registration?.[name]?.state ?? '-'}`,
    );
    const bar = document.querySelector('.bar')?.textContent ?? '';
    return `${workers.join(', ')}; shows version "${
      document.querySelector('meta[name=version]')?.content ?? ''
    }", bar "${bar.trim()}"`;
  });

test(
  'a newer version waits for the person and never reloads a half-filled form',
  options,
  async (t) => {
    const phone = await openPhone(t, world);
    await phone.open('#/enrol');
    await phone.shellKept();
    await phone.page.reload();
    await phone.page.evaluate(() => (globalThis.isSamePage = true));
    await phone.page.getByLabel('门牌').fill('6号院2号楼');
    release('two');
    await lookForUpdate(phone.page);
    await waitFor(
      () =>
        phone.page.evaluate(async () => {
          return Boolean((await navigator.serviceWorker.getRegistration()).waiting);
        }),
      'the newer worker to wait',
    );
    assert.equal(
      await phone.page.getByText('邻里有新版本').count(),
      0,
      'not while a form is dirty',
    );

    // Another window takes the new version; this one keeps its form.
    const other = await phone.browser.context.newPage();
    await other.goto(phone.home);
    await other.getByRole('button', { name: '重新打开' }).click();
    let seen = '';
    await waitFor(
      async () => {
        // The page is between two documents for a moment.
        seen = await stateOf(other).catch((error) => String(error));
        return (await versionOf(other).catch(() => '')) === 'two';
      },
      () => `the newer version; ${seen}`,
    );
    assert.equal(await phone.page.evaluate(() => globalThis.isSamePage), true);
    assert.equal(await phone.page.getByLabel('门牌').inputValue(), '6号院2号楼');
    await other.close();
    await phone.offline();
    await phone.page.reload();
    assert.equal(await versionOf(phone.page), 'two', 'kept for offline starts as well');
  },
);

test(
  'NTC-5 a push shows a notification with the tag of its notice, a second one replaces it',
  options,
  async (t) => {
    const phone = await openPhone(t, world, { permissions: ['notifications'] });
    await phone.open();
    await phone.shellKept();
    const cdp = await phone.browser.context.newCDPSession(phone.page);
    const registered = new Promise((done) => {
      cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        const ours = registrations.find(({ scopeURL }) => scopeURL.startsWith(phone.line.origin));
        if (ours) done(ours.registrationId);
      });
    });
    await cdp.send('ServiceWorker.enable');
    const registrationId = await registered;
    const push = (data) =>
      cdp.send('ServiceWorker.deliverPushMessage', {
        origin: phone.line.origin,
        registrationId,
        data: JSON.stringify(data),
      });
    const shown = () =>
      phone.page.evaluate(async () => {
        const registration = await navigator.serviceWorker.ready;
        return (await registration.getNotifications()).map(({ title, body, tag }) => ({
          title,
          body,
          tag,
        }));
      });
    // Chromium drops a notification that is asked about while it is being shown (9 of 40, with this
    // machine busy), so the worker counts them and they are asked about afterwards.
    const [worker] = phone.browser.context.serviceWorkers();
    await worker.evaluate(() => {
      const { registration } = globalThis;
      const show = registration.showNotification.bind(registration);
      globalThis.shownSoFar = 0;
      registration.showNotification = async (...all) => {
        await show(...all);
        globalThis.shownSoFar += 1;
      };
    });
    const isShown = async (count) => {
      const enough = () => worker.evaluate((n) => globalThis.shownSoFar === n, count);
      await waitFor(enough, () => `notification ${count}`);
    };
    const payload = {
      v: 1,
      id: 'n1',
      rev: 1,
      kind: 'notice',
      sev: 'red',
      tag: 'n1',
      title: '暴雨红色预警',
      line: '今晚别出门',
      silent: false,
    };
    await push(payload);
    await isShown(1);
    assert.deepEqual(await shown(), [{ title: '暴雨红色预警', body: '今晚别出门', tag: 'n1' }]);
    await push({ ...payload, rev: 2, line: '已转移到二楼' });
    await isShown(2);
    assert.deepEqual(
      (await shown()).map(({ body }) => body),
      ['已转移到二楼'],
      'the newer text alone',
    );
    await push({ ...payload, id: 'n2', tag: 'n2', title: '停水' });
    await isShown(3);
    assert.equal((await shown()).length, 2);
    await cdp.send('ServiceWorker.deliverPushMessage', {
      origin: phone.line.origin,
      registrationId,
      data: 'not JSON',
    });
    await isShown(4);
    assert.ok((await shown()).some(({ body }) => body === '社区有新通知'));
  },
);
