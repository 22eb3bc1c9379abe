// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium as somebody's phone or office computer. Its profile outlives it, so that it can
// be killed and started again. Everything that the Content-Security-Policy stopped, and every error
// on the console, is gathered and has to be nothing at the end.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SLOW, waitFor, within } from './world.mjs';

const require = createRequire(new URL('../../tools/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const CHROMIUM = '/usr/bin/chromium';
const STEP_MS = 20_000 * SLOW;

export const PHONE = { width: 360, height: 740 };
export const OFFICE = { width: 1440, height: 900 };

/** What a browser says by itself of a server that is away or refuses; the app tells people, too.
 *  A missing file or a failing server is none of that. */
const NO_SERVER = /net::ERR_|WebSocket connection to|with a status of 4(0[0139]|22|29)/;

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--lang=zh-CN',
  // Chromium's own traffic: this machine speaks to the test's server only.
  '--disable-background-networking',
  '--disable-component-update',
  '--no-pings',
];

/** Empty where what was asked for has ended meanwhile. */
function names(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function content(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

export class Browser {
  #profile = mkdtempSync(join(tmpdir(), 'linli-browser-'));
  #options;
  #troubles = [];
  context;

  constructor(options) {
    this.#options = options;
  }

  async start() {
    const { isPhone, viewport, permissions = [], colorScheme = 'light' } = this.#options;
    this.context = await chromium.launchPersistentContext(this.#profile, {
      executablePath: CHROMIUM,
      headless: true,
      args: ARGUMENTS,
      timeout: 60_000 * SLOW,
      viewport,
      hasTouch: isPhone,
      isMobile: isPhone,
      locale: 'zh-CN',
      permissions,
      colorScheme,
      serviceWorkers: 'allow',
      acceptDownloads: true,
    });
    this.context.setDefaultTimeout(STEP_MS);
    this.context.on('page', (page) => this.#watch(page));
    this.context.on('weberror', (error) => this.#troubles.push(String(error.error())));
    for (const page of this.context.pages()) this.#watch(page);
    await this.context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`CSP: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
      });
    });
    return this;
  }

  #watch(page) {
    page.on('console', (message) => {
      const text = message.text();
      const isBad = message.type() === 'error' || /Content.Security.Policy/i.test(text);
      // What a browser asks for by itself on a page that is no HTML.
      const isExpected =
        /status of 404/.test(text) && /\/favicon\.ico$/.test(message.location().url);
      if (isBad && !NO_SERVER.test(text) && !isExpected)
        this.#troubles.push(`${page.url()}: ${text}`);
    });
    page.on('crash', () => this.#troubles.push(`${page.url()} crashed`));
  }

  /** CSP violations and errors since the last call. */
  troubles() {
    return this.#troubles.splice(0);
  }

  /** kill -9: what was not on the disk is gone. */
  async kill() {
    const closed = new Promise((done) => this.context.once('close', done));
    for (const pid of this.#processes()) process.kill(pid, 'SIGKILL');
    await within(closed, STEP_MS);
    await waitFor(() => this.#processes().length === 0, 'the browser to be gone');
  }

  /** Those that were started with this profile, which nobody else knows. */
  #processes() {
    const ours = `--user-data-dir=${this.#profile}`;
    return names('/proc')
      .filter((name) => /^[0-9]+$/.test(name))
      .filter((pid) => content(`/proc/${pid}/cmdline`).split('\0').includes(ours))
      .map(Number);
  }

  /** Milliseconds on a processor of all dedicated workers so far. */
  workerCpuMs() {
    let ns = 0;
    for (const pid of this.#family()) {
      for (const task of names(`/proc/${pid}/task`)) {
        const folder = `/proc/${pid}/task/${task}`;
        // The name of "DedicatedWorker thread" as the kernel cuts it.
        if (content(`${folder}/comm`).trim() !== 'DedicatedWorker') continue;
        ns += Number(content(`${folder}/schedstat`).split(' ')[0] || 0);
      }
    }
    return ns / 1e6;
  }

  /** The processes with this profile and what they started. */
  #family() {
    const parents = new Map(
      names('/proc')
        .filter((name) => /^[0-9]+$/.test(name))
        .map((pid) => [Number(pid), Number(/\) \S (\d+)/.exec(content(`/proc/${pid}/stat`))?.[1])]),
    );
    const family = new Set(this.#processes());
    for (let size = 0; size !== family.size; ) {
      size = family.size;
      for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
    }
    return family;
  }

  /** LINLI_KEEP: what was on the screens at the end, to see why a test failed. */
  async #keepPictures() {
    for (const page of this.context.pages()) {
      const path = join(tmpdir(), `linli-end-${process.pid}-${Date.now()}.png`);
      await page.screenshot({ path }).then(
        () => console.log(`# kept: ${path}`),
        () => {},
      );
    }
  }

  async end() {
    if (process.env.LINLI_KEEP && this.context) await this.#keepPictures();
    await this.context?.close().catch(() => {});
    this.context = undefined;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
    assert.deepEqual(this.troubles(), [], 'neither the policy nor a script had to complain');
  }
}

const browsersOf = new WeakMap();

/** All of a test's browsers, though one of them has something to complain of: one left open would
 *  keep the whole program alive. */
async function endAll(browsers) {
  const ends = await Promise.allSettled(browsers.map((browser) => browser.end()));
  const failed = ends.find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
}

export async function openBrowser(t, options) {
  const browser = new Browser(options);
  const others = browsersOf.get(t);
  if (others) {
    others.push(browser);
  } else {
    const browsers = [browser];
    browsersOf.set(t, browsers);
    t.after(() => endAll(browsers));
  }
  return browser.start();
}
