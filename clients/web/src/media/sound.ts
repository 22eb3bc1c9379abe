// SPDX-License-Identifier: Apache-2.0
// A voice note: recorded here, or a file that somebody chose. At most 60 s and 1 MiB, in a format
// that the server takes (docs/PROTOCOL.md §10).
import { SOUND_BYTES_MAX, VOICE_MS_MAX } from './ref';

/** What every phone plays first. */
const FORMATS = [
  'audio/mp4;codecs=mp4a.40.2', 'audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4',
  'audio/webm',
];
/** Speech; a minute is 240 KB. */
const BITS_PER_SECOND = 32_000;

export type SoundCode = 'unsupported_media' | 'too_large' | 'too_long' | 'empty' | 'no_microphone';

export class SoundProblem extends Error {
  constructor(readonly code: SoundCode) {
    super(code);
    this.name = 'SoundProblem';
  }
}

export interface Sound {
  blob: Blob;
  ms: number;
}

/** The best format that `takes`; undefined where there is none. */
export function formatOf(takes: (format: string) => boolean): string | undefined {
  return FORMATS.find(takes);
}

/** Undefined in a browser that cannot record: then a file may be chosen. */
export function recordingFormat(): string | undefined {
  if (typeof MediaRecorder === 'undefined' || !navigator.mediaDevices?.getUserMedia) {
    return undefined;
  }
  return formatOf((format) => MediaRecorder.isTypeSupported(format));
}

/** `audio/webm;codecs=opus` -> `audio/webm`. */
export function plainType(type: string): string {
  return type.split(';')[0]!.trim().toLowerCase();
}

export class Recording {
  private readonly parts: Blob[] = [];
  private readonly startedAt = performance.now();
  private readonly ended: Promise<Sound>;

  private constructor(
    private readonly recorder: MediaRecorder,
    private readonly stream: MediaStream,
  ) {
    this.ended = new Promise((done, failed) => {
      recorder.ondataavailable = ({ data }) => void this.parts.push(data);
      recorder.onerror = () => failed(new SoundProblem('no_microphone'));
      recorder.onstop = () => done(this.made());
    });
    this.ended.catch(() => undefined);
  }

  /** Asks for the microphone; ends by itself after a minute. Errors: no_microphone. */
  static async start(onEnd: (sound: Promise<Sound>) => void): Promise<Recording> {
    const mimeType = recordingFormat();
    if (!mimeType) throw new SoundProblem('no_microphone');
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      throw new SoundProblem('no_microphone');
    }
    const options = { mimeType, audioBitsPerSecond: BITS_PER_SECOND };
    const recording = new Recording(new MediaRecorder(stream, options), stream);
    recording.recorder.start();
    const timer = setTimeout(() => recording.stop(), VOICE_MS_MAX);
    void recording.ended.catch(() => undefined).then(() => {
      clearTimeout(timer);
      for (const track of stream.getTracks()) track.stop();
      onEnd(recording.ended);
    });
    return recording;
  }

  get ms(): number {
    return Math.min(VOICE_MS_MAX, Math.round(performance.now() - this.startedAt));
  }

  stop(): void {
    if (this.recorder.state !== 'inactive') this.recorder.stop();
    else for (const track of this.stream.getTracks()) track.stop();
  }

  private made(): Sound {
    const type = plainType(this.recorder.mimeType);
    return { blob: new Blob(this.parts, { type }), ms: Math.max(1, this.ms) };
  }
}

/** ms; decoding tells it even for a recording that does not say how long it is. */
async function lengthOf(blob: Blob): Promise<number> {
  const context = new OfflineAudioContext(1, 1, 8_000);
  try {
    const decoded = await context.decodeAudioData(await blob.arrayBuffer());
    return Math.round(decoded.duration * 1000);
  } catch {
    throw new SoundProblem('unsupported_media');
  }
}

/** Errors: too_large, too_long, empty, unsupported_media (the browser cannot play it). */
export async function chosenSound(
  file: Blob,
  measure: (blob: Blob) => Promise<number> = lengthOf,
): Promise<Sound> {
  if (file.size === 0) throw new SoundProblem('empty');
  if (file.size > SOUND_BYTES_MAX) throw new SoundProblem('too_large');
  const ms = await measure(file);
  if (ms > VOICE_MS_MAX) throw new SoundProblem('too_long');
  return { blob: file, ms: Math.max(1, ms) };
}
