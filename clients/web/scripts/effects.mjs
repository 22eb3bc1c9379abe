// SPDX-License-Identifier: Apache-2.0
// Writes src/replica/effects.gen.ts: of schema/mutators.json only what a phone shows (names, lanes,
// effects), so that no argument schema is shipped. `--check` fails when the file is stale.
import { readFileSync, writeFileSync } from 'node:fs';

const source = new URL('../../../schema/mutators.json', import.meta.url);
const target = new URL('../src/replica/effects.gen.ts', import.meta.url);

const { mutators } = JSON.parse(readFileSync(source, 'utf8'));
const lines = Object.entries(mutators).map(([name, { lane, effects }]) => {
  const shown = effects?.length ? { lane, effects } : { lane };
  const indent = effects?.length ? 2 : undefined;
  const json = JSON.stringify(shown, null, indent).replaceAll('\n', '\n  ');
  return `  ${JSON.stringify(name)}: ${json},`;
});
const text = `// SPDX-License-Identifier: Apache-2.0
// Made by scripts/effects.mjs from schema/mutators.json; do not edit.
import type { MutatorInfo } from './overlay';

export const EFFECTS: Record<string, MutatorInfo> = {
${lines.join('\n')}
};
`;
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('src/replica/effects.gen.ts is stale: node scripts/effects.mjs');
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
