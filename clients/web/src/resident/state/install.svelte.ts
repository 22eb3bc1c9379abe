// SPDX-License-Identifier: Apache-2.0
import { readFeatures, type Features } from '../model/install';

interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

let asked = $state.raw<InstallPrompt>();

addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault();
  asked = event as InstallPrompt;
});
addEventListener('appinstalled', () => {
  asked = undefined;
});

export function features(): Features {
  return readFeatures(asked !== undefined);
}

export async function install(): Promise<void> {
  const prompt = asked;
  asked = undefined;
  await prompt?.prompt();
}
