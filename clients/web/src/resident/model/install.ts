// SPDX-License-Identifier: Apache-2.0
// What this browser can do, by trying, never by its name.

/** What the guesses are made from; window and navigator in the app. */
export interface Features {
  hasServiceWorker: boolean;
  hasPush: boolean;
  permission: 'granted' | 'denied' | 'default' | 'unknown';
  /** Opened from the home screen. */
  isStandalone: boolean;
  /** Knows `navigator.standalone`: installs by the share menu, pushes only when installed. */
  hasShareInstall: boolean;
  /** `beforeinstallprompt` came. */
  canPrompt: boolean;
}

export type InstallWay = 'done' | 'prompt' | 'share' | 'menu' | 'online_only';
export type PushWay = 'ready' | 'denied' | 'home_screen_first' | 'none';

export function installWay(features: Features): InstallWay {
  if (!features.hasServiceWorker) return 'online_only';
  if (features.isStandalone) return 'done';
  if (features.canPrompt) return 'prompt';
  return features.hasShareInstall ? 'share' : 'menu';
}

export function pushWay(features: Features): PushWay {
  if (!features.hasServiceWorker) return 'none';
  if (features.hasShareInstall && !features.isStandalone) return 'home_screen_first';
  if (!features.hasPush) return 'none';
  return features.permission === 'denied' ? 'denied' : 'ready';
}

export function readFeatures(canPrompt: boolean): Features {
  const nav = navigator as Navigator & { standalone?: boolean };
  const hasNotification = 'Notification' in window;
  return {
    hasServiceWorker: 'serviceWorker' in nav,
    hasPush: 'PushManager' in window && hasNotification,
    permission: hasNotification ? Notification.permission : 'unknown',
    isStandalone:
      nav.standalone === true || window.matchMedia('(display-mode: standalone)').matches,
    hasShareInstall: 'standalone' in nav,
    canPrompt,
  };
}
