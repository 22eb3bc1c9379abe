// SPDX-License-Identifier: Apache-2.0
// The demo community on a server of its own, by way of tests/web/world_process.py.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';

/** The one with Debian's python3-websockets. */
const PYTHON = process.env.PYTHON ?? '/usr/bin/python3';
const PROGRAM = fileURLToPath(new URL('../world_process.py', import.meta.url));
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const DIST = `${ROOT}clients/web/dist`;

/** Deadlines are multiplied by it: sanitizers, or a machine with much else to do. */
export const SLOW = Number(process.env.LINLI_SLOW ?? 1);

/** False, with a word about it, where the app was not built or Chromium is missing. */
export const canRun =
  existsSync(`${DIST}/index.html`) &&
  existsSync('/usr/bin/chromium') &&
  existsSync(`${ROOT}tests/tools/node_modules/playwright-core`);
if (!canRun) console.log('# skipped: needs clients/web/dist, Chromium, and npm ci in tests/tools');

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** `promise`, or undefined after `ms`. No timer is left behind: it would keep the program alive. */
export async function within(promise, ms) {
  let timer;
  const late = new Promise((done) => (timer = setTimeout(done, ms)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function fail(limit, what) {
  const text = typeof what === 'function' ? what() : what;
  assert.fail(`waited ${limit * SLOW} s in vain for ${text}`);
}

/** The first true answer of `ready`, within `limit` seconds. */
export async function waitFor(ready, what, limit = 15) {
  const end = performance.now() + limit * 1000 * SLOW;
  for (;;) {
    const answer = await ready();
    if (answer) return answer;
    if (performance.now() > end) fail(limit, what);
    await pause(50);
  }
}

/**
 * Every method of `Remote` in world_process.py, as `await world.send('title', {severity: 'red'})`:
 * a last argument that is an object becomes Python's keyword arguments.
 */
export async function openWorld(name, { people = 40, webRoot = DIST, channels = '' } = {}) {
  const child = spawn(PYTHON, [PROGRAM, name, String(people), webRoot, channels], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LINLI_ROOT: ROOT },
  });
  let said = '';
  child.stderr.on('data', (piece) => (said = (said + piece).slice(-8000)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (what) => {
    const { value } = await lines.next();
    assert.ok(value, `world_process.py ended during ${what}:\n${said}`);
    const { ok, error } = JSON.parse(value);
    assert.equal(error, undefined, `${what}: ${error}\n${said}`);
    return ok;
  };
  const about = await next('the start');
  let last = Promise.resolve();
  const ask = (method, args) => {
    const isMore = (value) => value?.constructor === Object;
    const more = isMore(args.at(-1)) ? args.at(-1) : {};
    const plain = isMore(args.at(-1)) ? args.slice(0, -1) : args;
    const call = async () => {
      child.stdin.write(`${JSON.stringify({ do: method, args: plain, more })}\n`);
      return next(method);
    };
    return (last = last.catch(() => {}).then(call));
  };
  const close = async () => {
    const ended = new Promise((done) => child.once('exit', done));
    child.stdin.end();
    await within(ended, 15_000 * SLOW);
    if (child.exitCode === null) child.kill('SIGKILL');
  };
  return new Proxy(
    { ...about, close },
    {
      get: (own, method) =>
        method in own || method === 'then' ? own[method] : (...args) => ask(String(method), args),
    },
  );
}

/** A spoiled line of its own: `await line.spoil({refuse: true})`. */
export async function openLine(world) {
  const { line, origin } = await world.line();
  const spoil = (how) => world.spoil(line, how);
  return {
    origin,
    spoil,
    cut: () => world.cut(line),
    connections: () => world.connections(line),
    /** No radio: what is open breaks, what is new is refused. */
    async offline() {
      await spoil({ refuse: true });
      await world.cut(line);
    },
    online: () => spoil({ refuse: false }),
  };
}
