// SPDX-License-Identifier: Apache-2.0

/** Modules of white around, ISO/IEC 18004. */
const QUIET = 4;
/** Pixels of a module: enough for a screen's camera and for paper. */
const DOT = 6;

/** Draws `text` as a QR code: black on white in every theme, or cameras fail. The encoder is
 *  fetched when it is first needed. `isWanted` is asked after that: another text may be shown. */
export async function drawQr(
  canvas: HTMLCanvasElement, text: string, ecc: 'low' | 'medium', isWanted = () => true,
): Promise<void> {
  const { default: encodeQR } = await import('qr');
  const context = canvas.getContext('2d');
  if (!context || !isWanted()) return;
  const rows = encodeQR(text, 'raw', { ecc, border: QUIET });
  canvas.width = canvas.height = rows.length * DOT;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = '#000';
  rows.forEach((row, y) =>
    row.forEach((isDark, x) => isDark && context.fillRect(x * DOT, y * DOT, DOT, DOT)),
  );
}
