// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { fitted, PHOTO_BYTES_MAX, smallEnough, type Size } from './photo';
import { refOf, refsOf, shaOf, SOUND_BYTES_MAX } from './ref';
import { chosenSound, formatOf, plainType } from './sound';

const ref = { sha: 'ab'.repeat(32), bytes: 5, type: 'image/webp' };

describe('a photo', () => {
  it('fits 1600 px on its longest side and never grows', () => {
    expect(fitted({ width: 4000, height: 3000 }, 1600)).toEqual({ width: 1600, height: 1200 });
    expect(fitted({ width: 10, height: 4000 }, 1600)).toEqual({ width: 4, height: 1600 });
    expect(fitted({ width: 100, height: 50 }, 1600)).toEqual({ width: 100, height: 50 });
    expect(fitted({ width: 1, height: 40_000 }, 1600).width).toBe(1);
  });

  it('is tried worse and smaller until it has 300 KB', async () => {
    const tried: [number, number][] = [];
    const encode = async ({ width, height }: Size, quality: number) => {
      tried.push([width, quality]);
      return { size: width * height * quality * 0.5 } as Blob;
    };
    const made = await smallEnough({ width: 4000, height: 3000 }, encode);
    expect(made.size).toBeLessThanOrEqual(PHOTO_BYTES_MAX);
    expect(tried.map(([width]) => width)).toEqual([1600, 1600, 1600, 1200, 1200, 1200, 900]);
  });

  it('is refused when nothing helps', async () => {
    const encode = async () => ({ size: PHOTO_BYTES_MAX + 1 }) as Blob;
    await expect(smallEnough({ width: 9, height: 9 }, encode)).rejects.toMatchObject({
      code: 'too_large',
    });
  });
});

describe('a sound', () => {
  it('is recorded in what every phone plays, where the browser can', () => {
    expect(formatOf(() => true)).toBe('audio/mp4;codecs=mp4a.40.2');
    expect(formatOf((format) => format.includes('webm'))).toBe('audio/webm;codecs=opus');
    expect(formatOf(() => false)).toBeUndefined();
    expect(plainType('audio/webm;codecs=opus')).toBe('audio/webm');
  });

  it('that is chosen has at most a minute and 1 MiB', async () => {
    const file = (bytes: number) => ({ size: bytes }) as Blob;
    const lasts = (ms: number) => async () => ms;
    expect((await chosenSound(file(9), lasts(60_000))).ms).toBe(60_000);
    const refused = (bytes: number, ms: number, code: string) =>
      expect(chosenSound(file(bytes), lasts(ms))).rejects.toMatchObject({ code });
    await refused(9, 60_001, 'too_long');
    await refused(SOUND_BYTES_MAX + 1, 1, 'too_large');
    await refused(0, 1, 'empty');
  });
});

describe('a reference', () => {
  it('is believed only in its form', () => {
    expect(refOf(ref)).toEqual(ref);
    for (const bad of [null, 'x', { ...ref, sha: '../x' }, { ...ref, bytes: 1.5 }, {}]) {
      expect(refOf(bad)).toBeUndefined();
    }
  });

  it('of a notice is a picture or a sound, four pictures at most', () => {
    const voice = { ...ref, type: 'audio/webm', ms: 9000 };
    const script = { ...ref, type: 'text/html' };
    expect(refsOf({ images: [ref, script, ref, ref, ref, ref], voice })).toEqual({
      images: [ref, ref, ref, ref], voice,
    });
    expect(refsOf({ images: 'x', voice: script })).toEqual({ images: [] });
  });

  it('names the bytes by their sum', async () => {
    const abc = new TextEncoder().encode('abc') as Uint8Array<ArrayBuffer>;
    expect(await shaOf(abc)).toMatch(/^ba7816bf8f01cfea414140de5dae2223/);
  });
});
