// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const CSS = readFileSync(new URL('./theme.css', import.meta.url), 'utf8');

/** Text on its ground: at least 4.5:1. */
const TEXT = [
  ['ink', 'ground'], ['ink', 'card'], ['ink', 'brand-soft'], ['ink', 'danger-soft'],
  ['ink-soft', 'ground'], ['ink-soft', 'card'], ['ink-soft', 'brand-soft'],
  ['ink-soft', 'danger-soft'],
  ['brand', 'ground'], ['brand', 'card'], ['brand', 'brand-soft'], ['on-brand', 'brand'],
  ['danger', 'ground'], ['danger', 'card'], ['danger', 'danger-soft'], ['card', 'danger'],
  ['on-warning', 'blue'], ['on-warning', 'orange'], ['on-warning', 'red'],
  ['on-yellow', 'yellow'],
] as const;
/** What shows where a control or the focus is: at least 3:1 (WCAG 1.4.11). */
const SHAPES = [
  ['edge', 'ground'], ['edge', 'card'], ['focus', 'ground'], ['focus', 'card'], ['brand', 'card'],
] as const;

function coloursOf(selector: string): Record<string, string> {
  const at = CSS.indexOf(`${selector} {`);
  const block = CSS.slice(at, CSS.indexOf('}', at));
  const found = block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g);
  return Object.fromEntries([...found].map((match) => [match[1], match[2]]));
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

const light = coloursOf(':root');
const dark = { ...light, ...coloursOf(":root[data-theme='dark']") };

describe.each([['light', light], ['dark', dark]])('theme %s', (_, colours) => {
  it.each(TEXT)('%s on %s can be read', (text, ground) => {
    expect(contrast(colours[text]!, colours[ground]!)).toBeGreaterThanOrEqual(4.5);
  });
  it.each(SHAPES)('%s stands out from %s', (shape, ground) => {
    expect(contrast(colours[shape]!, colours[ground]!)).toBeGreaterThanOrEqual(3);
  });
});

describe('theme', () => {
  it('knows black on white', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
  });
  it('is the same whether dark is chosen or the phone is dark', () => {
    expect(coloursOf(":root[data-theme='auto']")).toEqual(coloursOf(":root[data-theme='dark']"));
  });
  it('has targets of 44 px, and 60 px in the 长辈版', () => {
    expect(CSS).toMatch(/:root \{[^}]*--target: 44px/);
    expect(CSS).toMatch(/\[data-mode='elder'\] \{[^}]*--target: 60px/);
  });
  it('reaches 30 px of body text', () => {
    const percent = Number(/data-size='30'\] \{ font-size: ([\d.]+)%/.exec(CSS)?.[1]);
    const rem = Number(/--text: ([\d.]+)rem/.exec(CSS)?.[1]);
    expect((percent / 100) * 16 * rem).toBeCloseTo(30, 1);
  });
});
