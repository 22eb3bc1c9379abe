// SPDX-License-Identifier: Apache-2.0
// What a row says of an attachment, and the bounds of the server (docs/PROTOCOL.md §10).

/** `sha`: SHA-256 of the stored bytes, lower-case hex; `ms`: length of a sound. */
export interface MediaRef {
  sha: string;
  bytes: number;
  type: string;
  ms?: number;
}

export const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/webp'] as const;
export const SOUND_TYPES = [
  'audio/mpeg', 'audio/aac', 'audio/mp4', 'audio/ogg', 'audio/webm',
] as const;

export const SOUND_BYTES_MAX = 1024 * 1024;
/** A notice has no more pictures. */
export const IMAGES_MAX = 4;
export const VOICE_MS_MAX = 60_000;
/** More is told before it is fetched: a phone's data costs money. */
export const ASK_BYTES = 300_000;

/** Whatever a row holds as a reference; undefined where it is none. */
export function refOf(value: unknown): MediaRef | undefined {
  const { sha, bytes, type, ms } = (value ?? {}) as Record<string, unknown>;
  if (typeof sha !== 'string' || !/^[0-9a-f]{64}$/.test(sha)) return undefined;
  if (typeof type !== 'string' || !Number.isSafeInteger(bytes)) return undefined;
  const known = { sha, type, bytes: bytes as number };
  return Number.isSafeInteger(ms) ? { ...known, ms: ms as number } : known;
}

/** The pictures and the voice note of a notice, as far as they can be shown. */
export function refsOf(row: { images?: unknown; voice?: unknown }): {
  images: MediaRef[];
  voice?: MediaRef;
} {
  const all = Array.isArray(row.images) ? row.images : [];
  const isKnown = (types: readonly string[]) => (ref?: MediaRef): ref is MediaRef =>
    ref !== undefined && types.includes(ref.type);
  const images = all.map(refOf).filter(isKnown(IMAGE_TYPES)).slice(0, IMAGES_MAX);
  const voice = refOf(row.voice);
  return isKnown(SOUND_TYPES)(voice) ? { images, voice } : { images };
}

/** SHA-256 in lower-case hex. */
export async function shaOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Plain http in a village hall has no WebCrypto.
  const subtle = globalThis.crypto?.subtle;
  const digest = subtle
    ? new Uint8Array(await subtle.digest('SHA-256', bytes))
    : (await import('@noble/hashes/sha2.js')).sha256(bytes);
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
