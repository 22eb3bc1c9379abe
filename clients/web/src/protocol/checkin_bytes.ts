// SPDX-License-Identifier: Apache-2.0
// Writing and reading the fields of check-in codes: big-endian, lengths in front.
import { utf8, type Bytes } from './bytes';

/** `value` is at most 2^53 - 1. */
export function uint(value: number, bytes: number): Bytes {
  const out = new Uint8Array(bytes);
  for (let i = bytes - 1, rest = value; i >= 0; --i, rest = Math.floor(rest / 256)) {
    out[i] = rest % 256;
  }
  return out;
}

/** One byte of length, then UTF-8. */
export function shortText(text: string): Bytes {
  const bytes = utf8(text);
  const out = new Uint8Array(1 + bytes.length);
  out[0] = bytes.length;
  out.set(bytes, 1);
  return out;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Never throws: whoever reads past the end, or no UTF-8, finds `isDone` false. */
export class ByteReader {
  private at = 0;
  private isBad = false;

  constructor(private readonly bytes: Bytes) {}

  /** True when every byte was read and each fitted. */
  get isDone(): boolean {
    return !this.isBad && this.at === this.bytes.length;
  }

  take(count: number): Bytes {
    if (this.isBad || this.bytes.length - this.at < count) {
      this.isBad = true;
      return new Uint8Array(count);
    }
    const out = this.bytes.slice(this.at, this.at + count);
    this.at += count;
    return out;
  }

  number(count: number): number {
    return this.take(count).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  short(max: number): Bytes {
    return this.sized(1, max);
  }

  text(lengthBytes: number, max: number): string {
    try {
      return decoder.decode(this.sized(lengthBytes, max));
    } catch {
      this.isBad = true;
      return '';
    }
  }

  private sized(lengthBytes: number, max: number): Bytes {
    const length = this.number(lengthBytes);
    if (length > max) this.isBad = true;
    return this.take(this.isBad ? 0 : length);
  }
}
