// SPDX-License-Identifier: Apache-2.0
// What one phone draws, the decoder of another phone reads.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import encodeQR from 'qr';
import decodeQR from 'qr/decode.js';

const golden = JSON.parse(
  readFileSync(new URL('../../../../tests/protocol/checkin.json', import.meta.url), 'utf8'),
);

function pixels(text: string, dot: number) {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: 4 });
  const side = rows.length * dot;
  const data = new Uint8Array(side * side * 4).fill(255);
  for (let y = 0; y < side; ++y) {
    for (let x = 0; x < side; ++x) {
      const at = (y * side + x) * 4;
      if (rows[Math.floor(y / dot)]![Math.floor(x / dot)]) data.fill(0, at, at + 3);
    }
  }
  return { width: side, height: side, data };
}

it('VOL-2: lead\'s code, receipt and station\'s code go through a QR code unchanged', () => {
  const texts = [
    golden.codes.lead[0].text, golden.entries[0].text, golden.codes.station.text,
  ];
  for (const text of texts) expect(decodeQR(pixels(text, 4))).toBe(text);
}, 30_000);
