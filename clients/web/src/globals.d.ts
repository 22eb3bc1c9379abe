// SPDX-License-Identifier: Apache-2.0

/** Of package.json or the build's `LINLI_VERSION`; filled in by vite.config.ts. */
declare const __LINLI_VERSION__: string;
