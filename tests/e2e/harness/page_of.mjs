// SPDX-License-Identifier: Apache-2.0
// Usage: page_of.mjs URL. Prints the document once a heading is drawn, and on standard error what
// the browser complained about.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../tools/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const DRAWN_MS = 60_000;
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(error.message));
  page.on('console', (line) => line.type() === 'error' && console.error(line.text()));
  await page.goto(process.argv[2]);
  await page.locator('h1').first().waitFor({ timeout: DRAWN_MS });
  console.log(await page.content());
} finally {
  await browser.close();
}
