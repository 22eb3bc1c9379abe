// SPDX-License-Identifier: Apache-2.0
// A photo of any camera becomes a picture of at most 300 KB, drawn anew: place, time and device
// that the camera wrote beside it stay behind.

export const PHOTO_BYTES_MAX = 300_000;
/** Longest side, px. */
export const PHOTO_SIDE_MAX = 1600;
/** Tried in this order at each size. */
const QUALITIES = [0.82, 0.7, 0.58];
/** Next size when none of them is small enough. */
const SHRINK = 0.75;
const SIDE_MIN = 320;
/** More is no photo of a phone, and would take a browser's memory. */
export const PHOTO_FILE_MAX = 40_000_000;

export class PhotoProblem extends Error {
  constructor(readonly code: 'unsupported_media' | 'too_large') {
    super(code);
    this.name = 'PhotoProblem';
  }
}

export interface Size {
  width: number;
  height: number;
}

/** Fits `side` without growing; whole pixels, at least one. */
export function fitted({ width, height }: Size, side: number): Size {
  const factor = Math.min(1, side / Math.max(width, height));
  const whole = (length: number) => Math.max(1, Math.round(length * factor));
  return { width: whole(width), height: whole(height) };
}

/** One try: the picture in that size and quality. */
export type Encode = (size: Size, quality: number) => Promise<Blob>;

/** The first of the tries that fits PHOTO_BYTES_MAX. Errors: too_large when not even the last. */
export async function smallEnough(original: Size, encode: Encode): Promise<Blob> {
  for (let side = PHOTO_SIDE_MAX; side >= SIDE_MIN; side = Math.floor(side * SHRINK)) {
    const size = fitted(original, side);
    for (const quality of QUALITIES) {
      const made = await encode(size, quality);
      if (made.size <= PHOTO_BYTES_MAX) return made;
    }
  }
  throw new PhotoProblem('too_large');
}

function toBlob(canvas: HTMLCanvasElement, type: string, quality: number): Promise<Blob> {
  return new Promise((done, failed) =>
    canvas.toBlob(
      (blob) => (blob ? done(blob) : failed(new PhotoProblem('too_large'))), type, quality,
    ),
  );
}

/** WebP where the browser writes it: others answer with PNG, and get JPEG. */
async function encoded(canvas: HTMLCanvasElement, quality: number): Promise<Blob> {
  const made = await toBlob(canvas, 'image/webp', quality);
  return made.type === 'image/webp' ? made : toBlob(canvas, 'image/jpeg', quality);
}

async function decoded(file: Blob): Promise<ImageBitmap | HTMLImageElement> {
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    // Older Safari: no options, or a format that only <img> reads.
  }
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return image;
  } catch {
    throw new PhotoProblem('unsupported_media');
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Errors: unsupported_media (this browser cannot read it), too_large. */
export async function shrinkPhoto(file: Blob): Promise<Blob> {
  if (file.size > PHOTO_FILE_MAX) throw new PhotoProblem('too_large');
  const picture = await decoded(file);
  const { width, height } = picture;
  const canvas = document.createElement('canvas');
  const draw: Encode = async (size, quality) => {
    Object.assign(canvas, size);
    const context = canvas.getContext('2d');
    if (!context) throw new PhotoProblem('unsupported_media');
    // JPEG has no transparency: it would become black.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, size.width, size.height);
    context.drawImage(picture, 0, 0, size.width, size.height);
    return encoded(canvas, quality);
  };
  try {
    return await smallEnough({ width, height }, draw);
  } finally {
    if ('close' in picture) picture.close();
  }
}
