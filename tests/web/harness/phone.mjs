// SPDX-License-Identifier: Apache-2.0
// A resident's phone: what a person does with the app, by what is written on the screen.
import { openBrowser, PHONE } from './browser.mjs';
import { openLine, waitFor } from './world.mjs';

export class Phone {
  constructor({ world, line, browser, page }) {
    Object.assign(this, { world, line, browser, page });
  }

  get home() {
    return `${this.line.origin}/c/${this.world.slug}/`;
  }

  async open(hash = '') {
    await this.page.goto(this.home + hash);
    await this.page.locator('main h1').first().waitFor();
  }

  /** An address inside the app, without loading it anew. */
  async go(hash) {
    await this.page.evaluate((to) => (location.hash = to), hash);
    await this.page.locator('main h1').first().waitFor();
  }

  button(name) {
    return this.page.getByRole('button', { name });
  }

  text(text) {
    return this.page.getByText(text).first();
  }

  async sees(text) {
    await this.text(text).waitFor();
  }

  /** The chip with one of the five states. */
  async state() {
    return this.page.locator('header a span').last().textContent({ timeout: 2000 });
  }

  async waitState(wanted, limit = 30) {
    let seen = '';
    const isThere = async () => wanted.test((seen = await this.state().catch(() => '')));
    await waitFor(isThere, () => `the state ${wanted}; it is ${seen}`, limit);
  }

  /** From an open slip link to 登记好了. */
  async finishEnrolment(name) {
    await this.button('知道了，继续').click();
    await this.page.getByRole('button', { name: /^我是/ }).first().click();
    await this.page.getByRole('heading', { name: '登记好了' }).waitFor();
    await this.sees(`${name}，您好`);
  }

  /** The shell is kept and answers this page: it opens without a server from now on. */
  async shellKept() {
    await this.page.evaluate(async () => {
      await navigator.serviceWorker.ready;
      while (!navigator.serviceWorker.controller) {
        await new Promise((done) => setTimeout(done, 50));
      }
    });
  }

  async enrol(slip) {
    await this.open(`#enrol=${slip.secret}`);
    await this.finishEnrolment(slip.name);
    await this.page.getByRole('link', { name: '去首页' }).click();
    await this.waitState(/已同步/);
    await this.shellKept();
    return slip;
  }

  async offline() {
    this.isOffline = true;
    await this.line.offline();
    await this.browser.context.setOffline(true);
  }

  async online() {
    this.isOffline = false;
    await this.line.online();
    await this.browser.context.setOffline(false);
  }

  /** Killed and started again on the same profile. */
  async restart() {
    await this.browser.kill();
    await this.browser.start();
    this.page = this.browser.context.pages()[0] ?? (await this.browser.context.newPage());
    if (this.isOffline) await this.browser.context.setOffline(true);
  }

  /** cid, account and person, as the store has them. */
  async identity() {
    const { identity } = await this.#stored('identity');
    const { cid, account, person } = identity;
    return { cid, account, person };
  }

  countRows() {
    return this.#stored('count');
  }

  /** Changes members of a notice in the store itself, as no server of ours would. */
  plant(notice, members) {
    return this.page.evaluate(
      async ({ name, key, members: planted }) => {
        const opened = (request) =>
          new Promise((done, failed) => {
            request.onsuccess = () => done(request.result);
            request.onerror = () => failed(request.error);
          });
        const db = await opened(indexedDB.open(name));
        const entries = () => db.transaction('entries', 'readwrite').objectStore('entries');
        for (const entry of await opened(entries().getAll())) {
          if (entry.tbl !== 'notice' || entry.key !== key) continue;
          const data = JSON.stringify({ ...JSON.parse(entry.data), ...planted });
          await opened(entries().put({ ...entry, data }));
        }
        db.close();
      },
      { name: `linli:${this.world.slug}`, key: notice, members },
    );
  }

  /** Read past the app, from its own IndexedDB: `identity` or `count`. */
  #stored(what) {
    return this.page.evaluate(
      async ({ name, what }) => {
        const opened = (request) =>
          new Promise((done, failed) => {
            request.onsuccess = () => done(request.result);
            request.onerror = () => failed(request.error);
          });
        const db = await opened(indexedDB.open(name));
        const requests = {
          identity: () => db.transaction('meta').objectStore('meta').get('state'),
          count: () => db.transaction('entries').objectStore('entries').count(),
        };
        const found = await opened(requests[what]());
        db.close();
        return found;
      },
      { name: `linli:${this.world.slug}`, what },
    );
  }
}

export async function openPhone(t, world, options = {}) {
  const line = options.line ?? (await openLine(world));
  const browser = await openBrowser(t, { isPhone: true, viewport: PHONE, ...options });
  const page = browser.context.pages()[0] ?? (await browser.context.newPage());
  return new Phone({ world, line, browser, page });
}
