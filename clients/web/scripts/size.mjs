// SPDX-License-Identifier: Apache-2.0
// Prints what the replica alone adds to a page, gzip: its chunk of the page and its worker. Fails
// when both together are above the budget.
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const BUDGET_KIB = 60;

const root = fileURLToPath(new URL('..', import.meta.url));
const { output } = await build({
  root,
  base: './',
  configFile: false,
  logLevel: 'error',
  worker: { format: 'es' },
  build: {
    write: false,
    target: ['chrome99', 'safari15'],
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: `${root}/src/replica/client.ts`,
      preserveEntrySignatures: 'strict',
    },
  },
});
const chunks = new Map(output.map((file) => [file.fileName, file]));
const first = new Set();
const take = (name) => {
  if (first.has(name)) return;
  first.add(name);
  for (const other of chunks.get(name).imports ?? []) take(other);
};
for (const file of output) {
  if (file.isEntry || /worker-/.test(file.fileName)) take(file.fileName);
}
let sum = 0;
for (const file of output) {
  const bytes = gzipSync(file.type === 'chunk' ? file.code : file.source).length;
  const isFirst = first.has(file.fileName);
  if (isFirst) sum += bytes;
  const when = isFirst ? '' : ', loaded when it is needed';
  console.log(`${file.fileName}: ${(bytes / 1024).toFixed(1)} KiB gzip${when}`);
}
console.log(`page and worker: ${(sum / 1024).toFixed(1)} KiB gzip of ${BUDGET_KIB}`);
if (sum > BUDGET_KIB * 1024) process.exit(1);
