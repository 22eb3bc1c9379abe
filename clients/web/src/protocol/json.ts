// SPDX-License-Identifier: Apache-2.0
// A strict, bounded reader of one JSON text. Why not JSON.parse: it takes fractions, integers that
// it cannot hold, members that come twice, and any depth (docs/PROTOCOL.md, head).
import { malformed, ProtocolError } from './errors';

export const DEPTH_MAX = 16;

/** An object of the wire: its members, and which of them came more than once. */
export class WireMap {
  readonly members = new Map<string, WireValue>();
  repeated?: Set<string>;
}
export type WireValue = null | boolean | number | string | WireValue[] | WireMap;

const LITERALS: [string, WireValue][] = [['true', true], ['false', false], ['null', null]];
const NUMBER = /-?(?:0|[1-9][0-9]*)/y;
const AFTER_NUMBER = /[0-9.eE]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

class Reader {
  private at = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  whole(): WireValue {
    const value = this.value();
    this.blanks();
    if (this.at !== this.text.length) malformed('something follows the JSON text');
    return value;
  }

  private blanks(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x09 && code !== 0x0d) return;
      ++this.at;
    }
  }

  /** Next letter that is no blank, not taken; empty at the end. */
  private peek(): string {
    this.blanks();
    return this.text.charAt(this.at);
  }

  private take(letter: string): void {
    if (this.peek() !== letter) malformed(`'${letter}' is missing`);
    ++this.at;
  }

  private value(): WireValue {
    const first = this.peek();
    if (first === '"') return this.string();
    if (first === '{') return this.nested(() => this.map());
    if (first === '[') return this.nested(() => this.array());
    for (const [word, value] of LITERALS) {
      if (!this.text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return value;
    }
    return this.integer();
  }

  private nested<T>(read: () => T): T {
    if (++this.depth > DEPTH_MAX) throw new ProtocolError('too_deep', 'nesting');
    const value = read();
    --this.depth;
    return value;
  }

  private map(): WireMap {
    const out = new WireMap();
    this.take('{');
    if (this.peek() === '}') return ++this.at, out;
    for (;;) {
      if (this.peek() !== '"') malformed('name of a member');
      const name = this.string();
      this.take(':');
      if (out.members.has(name)) (out.repeated ??= new Set()).add(name);
      out.members.set(name, this.value());
      if (this.peek() === '}') return ++this.at, out;
      this.take(',');
    }
  }

  private array(): WireValue[] {
    const out: WireValue[] = [];
    this.take('[');
    if (this.peek() === ']') return ++this.at, out;
    for (;;) {
      out.push(this.value());
      if (this.peek() === ']') return ++this.at, out;
      this.take(',');
    }
  }

  private integer(): number {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text)?.[0];
    if (found === undefined) return malformed('a value is missing');
    this.at += found.length;
    if (AFTER_NUMBER.test(this.text.charAt(this.at))) malformed('a number is no integer');
    const value = Number(found);
    if (!Number.isSafeInteger(value)) malformed('an integer is out of range');
    return value === 0 ? 0 : value;
  }

  private string(): string {
    const from = this.at++;
    let hasEscape = false;
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code === 0x22) break;
      if (Number.isNaN(code) || code < 0x20) malformed('a text does not end');
      if (code === 0x5c) {
        hasEscape = true;
        ++this.at;
      }
      ++this.at;
    }
    const literal = this.text.slice(from, ++this.at);
    return hasEscape ? unescape(literal) : literal.slice(1, -1);
  }
}

function unescape(literal: string): string {
  let value: string;
  try {
    value = JSON.parse(literal) as string;
  } catch {
    return malformed('an escape');
  }
  if (LONE_SURROGATE.test(value)) malformed('a lone surrogate');
  return value;
}

/** Throws ProtocolError. */
export function readJson(text: string): WireValue {
  return new Reader(text).whole();
}
