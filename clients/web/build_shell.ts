// SPDX-License-Identifier: Apache-2.0
// Vite plugin: writes sw.js with the list of the resident shell's files and their hashes. The shell
// is index.html, everything it reaches, and what lies in public/; the staff console is not in it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build, type Plugin, type Rollup } from 'vite';

const HASH_CHARS = 16;

type Output = Rollup.OutputChunk | Rollup.OutputAsset;

function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, HASH_CHARS);
}

/** File names that the entry for `html` needs, now or later, with their styles and workers. */
function reach(bundle: Rollup.OutputBundle, html: string): string[] {
  const found = new Set<string>();
  const visit = (name: string) => {
    const output: Output | undefined = bundle[name];
    if (!output || found.has(name)) return;
    found.add(name);
    if (output.type !== 'chunk') return;
    for (const next of [...output.imports, ...output.dynamicImports]) visit(next);
    output.viteMetadata?.importedCss.forEach(visit);
    output.viteMetadata?.importedAssets.forEach(visit);
    for (const other of Object.keys(bundle)) {
      // A worker's file is named in the code that starts it.
      if (output.code.includes(other.split('/').pop()!)) visit(other);
    }
  };
  const text = String((bundle[html] as Rollup.OutputAsset | undefined)?.source ?? '');
  found.add(html);
  for (const name of Object.keys(bundle)) if (text.includes(name)) visit(name);
  return [...found].filter((name) => bundle[name] && !name.endsWith('.map'));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

export function shellPlugin(): Plugin {
  let root = '';
  let publicDir = '';
  return {
    name: 'linli-shell',
    apply: 'build',
    configResolved(config) {
      ({ root, publicDir } = config);
    },
    generateBundle: {
      order: 'post',
      async handler(_, bundle) {
        const files = reach(bundle, 'index.html').map((name): [string, string] => {
          const output = bundle[name]!;
          return [name, hashOf(output.type === 'chunk' ? output.code : output.source)];
        });
        for (const path of filesBelow(publicDir))
          files.push([relative(publicDir, path), hashOf(readFileSync(path))]);
        files.sort(([a], [b]) => (a < b ? -1 : 1));
        this.emitFile({ type: 'asset', fileName: 'sw.js', source: await worker(root, files) });
      },
    },
  };
}

/** sw.ts as one classic script: module workers are younger than our oldest browser. */
async function worker(root: string, files: [string, string][]): Promise<string> {
  const result = await build({
    root, configFile: false, publicDir: false, logLevel: 'warn',
    define: { __LINLI_FILES__: JSON.stringify(files) },
    build: {
      write: false, target: ['chrome99', 'safari15'],
      lib: { entry: join(root, 'src/sw/sw.ts'), formats: ['iife'], name: 'sw' },
    },
  });
  const [first] = result as Rollup.RollupOutput[];
  return (first!.output[0] as Rollup.OutputChunk).code;
}
