// SPDX-License-Identifier: Apache-2.0
// A camera that sees what another phone's screen shows: the stream is drawn from that screen's
// pixels, so the app's own decoder has to read the code.

import { waitFor } from './world.mjs';

/** Before the page is opened. */
export async function giveCamera(phone) {
  await phone.page.addInitScript(() => {
    const seen = document.createElement('canvas');
    seen.width = seen.height = 480;
    let picture;
    const draw = () => {
      const context = seen.getContext('2d');
      context.fillStyle = '#777';
      context.fillRect(0, 0, 480, 480);
      if (picture) context.drawImage(picture, 20, 20, 440, 440);
    };
    setInterval(draw, 100);
    globalThis.lookAt = async (png) => {
      const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
      picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    };
    Object.defineProperty(navigator, 'mediaDevices', {
      value: { getUserMedia: async () => (draw(), seen.captureStream(10)) },
    });
  });
}

/** `phone` sees the QR code on the screen of `other`. */
export async function lookAt(phone, other) {
  const code = other.page.locator('main canvas');
  await code.waitFor();
  // Drawn, not only there.
  const isDrawn = () => code.evaluate((canvas) => canvas.width === canvas.height);
  await waitFor(isDrawn, 'a code on the screen');
  const png = await code.evaluate((canvas) => canvas.toDataURL('image/png').split(',')[1]);
  await phone.page.evaluate((picture) => globalThis.lookAt(picture), png);
}
