// SPDX-License-Identifier: Apache-2.0
// What others make of a text: npm `sms-segments-calculator` and the ICU of Node.
// In:  a JSON text a line. Out: {"parts": N, "coding": "GSM-7" | "UCS-2",
//      "theirs": [clusters of the calculator], "icu": [clusters of ICU]}
import {createRequire} from 'node:module';
import readline from 'node:readline';

const require = createRequire(new URL('../../tools/package.json', import.meta.url));
const {SegmentedMessage} = require('sms-segments-calculator');
const segmenter = new Intl.Segmenter('zh', {granularity: 'grapheme'});

readline.createInterface({input: process.stdin}).on('line', (line) => {
  const text = JSON.parse(line);
  const message = new SegmentedMessage(text);
  process.stdout.write(JSON.stringify({
    parts: message.segmentsCount,
    coding: message.encodingName,
    theirs: message.graphemes,
    icu: [...segmenter.segment(text)].map((part) => part.segment),
  }) + '\n');
});
