// SPDX-License-Identifier: Apache-2.0
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { shellPlugin } from './build_shell';

/** `project(linli VERSION x.y.z` of the top folder. */
const CMAKE = readFileSync(new URL('../../CMakeLists.txt', import.meta.url), 'utf8');
const OF_CMAKE = /VERSION\s+([\d.]+)/.exec(CMAKE.slice(CMAKE.indexOf('project(')))?.[1];
const VERSION = process.env.LINLI_VERSION ?? OF_CMAKE ?? '0';

// The same files serve every community: all addresses are relative to /c/<slug>/.
export default defineConfig({
  base: './',
  define: { __LINLI_VERSION__: JSON.stringify(VERSION) },
  plugins: [svelte(), shellPlugin()],
  build: {
    target: ['chrome99', 'safari15'],
    outDir: 'dist',
    modulePreload: { polyfill: false },
    rollupOptions: { input: ['index.html', 'desk.html'] },
  },
  worker: { format: 'es' },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
