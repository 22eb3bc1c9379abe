// SPDX-License-Identifier: Apache-2.0
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// The same files serve every community: all addresses are relative to /c/<slug>/.
export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: {
    target: ['chrome99', 'safari15'],
    outDir: 'dist',
    modulePreload: { polyfill: false },
    rollupOptions: { input: ['index.html', 'desk.html'] },
  },
  worker: { format: 'es' },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
