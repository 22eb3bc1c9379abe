// SPDX-License-Identifier: Apache-2.0
// How this phone shows things. Kept beside the replica: it has to be known before anything is
// drawn.

export const SIZES = [16, 18, 20, 22, 26, 30] as const;
export type Size = (typeof SIZES)[number];
/** Smallest body text of the 长辈版, px (MIIT: 18 dp). */
export const ELDER_SIZE_MIN = 18;

export interface Settings {
  mode: 'normal' | 'elder';
  /** Body text, px. */
  size: Size;
  lang: 'zh' | 'en';
  theme: 'auto' | 'light' | 'dark';
}

export const DEFAULTS: Settings = { mode: 'normal', size: 18, lang: 'zh', theme: 'auto' };
export const ELDER_SIZE: Size = 22;

function oneOf<T>(all: readonly T[], wanted: unknown, otherwise: T): T {
  return all.includes(wanted as T) ? (wanted as T) : otherwise;
}

/** Anything that was stored, by whatever version, as settings. */
export function parseSettings(stored: string | null): Settings {
  let raw: Partial<Settings> = {};
  try {
    raw = (JSON.parse(stored ?? '{}') ?? {}) as Partial<Settings>;
  } catch {
    // A broken entry is no entry.
  }
  return {
    mode: oneOf(['normal', 'elder'] as const, raw.mode, DEFAULTS.mode),
    size: oneOf(SIZES, raw.size, DEFAULTS.size),
    lang: oneOf(['zh', 'en'] as const, raw.lang, DEFAULTS.lang),
    theme: oneOf(['auto', 'light', 'dark'] as const, raw.theme, DEFAULTS.theme),
  };
}

export function effectiveSize({ mode, size }: Settings): number {
  return mode === 'elder' ? Math.max(size, ELDER_SIZE_MIN) : size;
}

/** Into the 长辈版 text grows at least to ELDER_SIZE; back out what was chosen stays. */
export function withMode(settings: Settings, mode: Settings['mode']): Settings {
  const size = mode === 'elder' && settings.size < ELDER_SIZE ? ELDER_SIZE : settings.size;
  const isUntouched = mode === 'normal' && settings.size === ELDER_SIZE;
  return { ...settings, mode, size: isUntouched ? DEFAULTS.size : size };
}
