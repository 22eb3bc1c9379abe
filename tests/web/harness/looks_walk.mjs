// SPDX-License-Identifier: Apache-2.0
// The screens of a phone, one after the other, in each look, held to community.md §3.
import { axeFaults, contrastFaults, focusFaults, sizeFaults } from './looks.mjs';

/** How people have their phones set; `zoom`: the browser's own text size. */
export const looks = [
  { name: 'normal 100 %', mode: 'normal', size: 18 },
  { name: 'normal 200 % zoom', mode: 'normal', size: 18, zoom: 2 },
  { name: 'normal 30 px', mode: 'normal', size: 30 },
  { name: '长辈版', mode: 'elder', size: 22 },
  { name: '长辈版 30 px', mode: 'elder', size: 30 },
  { name: 'dark', mode: 'normal', size: 18, theme: 'dark' },
];

export async function wear(phone, { mode, size, theme = 'light', zoom = 1 }) {
  const settings = JSON.stringify({ mode, size, theme, lang: 'zh' });
  await phone.page.evaluate((text) => localStorage.setItem('linli.settings', text), settings);
  await phone.page.reload();
  await phone.page.locator('main h1').first().waitFor();
  // As with a browser whose text is set to twice its size: addresses change below without a load.
  if (zoom !== 1) {
    await phone.page.evaluate(
      (by) => (document.documentElement.style.fontSize = by),
      `${zoom * 100}%`,
    );
  }
}

export async function faultsOf(phone, { mode }) {
  const rules = mode === 'elder' ? { target: 60, text: 18 } : { target: 44, text: 0 };
  const { page } = phone;
  return [
    ...(await sizeFaults(page, rules)),
    ...(await contrastFaults(page)),
    ...(await axeFaults(page)),
    ...(await focusFaults(page)),
  ];
}

export async function walk(t, phone, look, hashes) {
  const faults = [];
  for (const hash of hashes) {
    await phone.go(hash);
    const found = await faultsOf(phone, look);
    faults.push(...found.map((fault) => `${hash} ${fault}`));
  }
  for (const fault of faults) t.diagnostic(fault);
  return faults;
}
