// SPDX-License-Identifier: Apache-2.0
// Reads QR codes from the camera: with the browser's own detector where there is one, else with a
// decoder that is fetched only then.

type Decode = (video: HTMLVideoElement) => Promise<string | undefined>;
interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}
interface DetectorClass {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

const EVERY_MS = 200;
/** Wider frames cost time and find no more codes of this size. */
const WIDTH_MAX = 640;

async function nativeDecoder(): Promise<Decode | undefined> {
  const { BarcodeDetector } = globalThis as { BarcodeDetector?: DetectorClass };
  const formats = await BarcodeDetector?.getSupportedFormats().catch((): string[] => []);
  if (!BarcodeDetector || !formats?.includes('qr_code')) return undefined;
  const detector = new BarcodeDetector({ formats: ['qr_code'] });
  return async (video) => (await detector.detect(video))[0]?.rawValue;
}

async function ownDecoder(): Promise<Decode> {
  const { default: decodeQR } = await import('qr/decode.js');
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  return async (video) => {
    const scale = Math.min(1, WIDTH_MAX / video.videoWidth);
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    try {
      return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height));
    } catch {
      return undefined; // No code in this frame.
    }
  };
}

/** Shows the rear camera in `video` and calls `found` with each text read, until the answer is
 *  called. Rejects when there is no camera or no permission. */
export async function scan(
  video: HTMLVideoElement, found: (text: string) => void,
): Promise<() => void> {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: 'environment' },
    audio: false,
  });
  let isOver = false;
  const stop = () => {
    isOver = true;
    for (const track of stream.getTracks()) track.stop();
  };
  try {
    video.srcObject = stream;
    await video.play();
    const decode = (await nativeDecoder()) ?? (await ownDecoder());
    const look = async () => {
      if (isOver) return;
      const text = video.videoWidth > 0 ? await decode(video).catch(() => undefined) : undefined;
      if (text && !isOver) found(text);
      setTimeout(look, EVERY_MS);
    };
    void look();
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}

export function canScan(): boolean {
  return typeof navigator.mediaDevices?.getUserMedia === 'function';
}
