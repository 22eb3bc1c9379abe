// SPDX-License-Identifier: Apache-2.0
// The server draws the QR codes of slips as a page of its own; the desk prints them in its own
// page, so only the drawing is taken from there, and never as markup.

export interface Qr {
  /** Modules a side, quiet zone included. */
  side: number;
  /** An SVG path of unit modules: M, h, v, z and integers only. */
  path: string;
}

/** Drawings of the sheet in its order; anything that is not the expected form is left out. */
export function qrsOf(sheet: string): Qr[] {
  const out: Qr[] = [];
  for (const [svg] of sheet.matchAll(/<svg [^>]*>.*?<\/svg>/gs)) {
    const side = /viewBox="0 0 (\d+) \1"/.exec(svg);
    const path = /<path d="([Mhvz0-9 -]*)"/.exec(svg);
    if (side && path) out.push({ side: Number(side[1]), path: path[1] });
  }
  return out;
}

/** `12345678` -> `1234 5678`. */
export function groupedCode(code: string): string {
  return `${code.slice(0, 4)} ${code.slice(4)}`;
}

/** Sheets of eight. */
export function sheetsOf<T>(slips: readonly T[], perSheet = 8): T[][] {
  const out: T[][] = [];
  for (let at = 0; at < slips.length; at += perSheet) out.push(slips.slice(at, at + perSheet));
  return out;
}
