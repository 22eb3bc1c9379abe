// SPDX-License-Identifier: Apache-2.0
import { setLang } from '../../text/text.svelte';
import { DEFAULTS, effectiveSize, parseSettings, type Settings } from '../model/settings';

const KEY = 'linli.settings';

let current = $state.raw<Settings>(DEFAULTS);

export function settings(): Settings {
  return current;
}

/** Reads and applies what was chosen before; called once, before anything is drawn. */
export function startSettings(): void {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(KEY);
  } catch {
    // Storage is forbidden: the defaults hold.
  }
  current = parseSettings(stored);
  apply();
}

export function changeSettings(next: Settings): void {
  current = next;
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // As above: it holds until the page closes.
  }
  apply();
}

function apply(): void {
  const root = document.documentElement;
  root.dataset.mode = current.mode;
  root.dataset.size = String(effectiveSize(current));
  root.dataset.theme = current.theme;
  setLang(current.lang).catch(() => {
    // The other language was not fetched yet and there is no connection: stay with this one.
  });
}
