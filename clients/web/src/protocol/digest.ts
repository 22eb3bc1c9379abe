// SPDX-License-Identifier: Apache-2.0
// Hashes of docs/PROTOCOL.md §1 and §2. Synchronous: WebCrypto costs eight times as much per row.
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, utf8, type Bytes } from './bytes';
import type { Digest, Held } from './frames';

const ROW = utf8('linli.row.1');
const ZERO = new Uint8Array(1);
const MASK = (1n << 64n) - 1n;

export const EMPTY_DIGEST: Digest = { n: 0, s: 0n };

function uint(value: number, bytes: number): Bytes {
  const out = new Uint8Array(bytes);
  for (let i = bytes - 1, rest = value; i >= 0; --i, rest = Math.floor(rest / 256)) {
    out[i] = rest % 256;
  }
  return out;
}

export function rowHash(tbl: string, key: string, ver: number, data: string): bigint {
  const table = utf8(tbl);
  const name = utf8(key);
  const hash = sha256(
    concat(ROW, uint(table.length, 1), table, uint(name.length, 2), name, uint(ver, 8), data),
  );
  return new DataView(hash.buffer, hash.byteOffset).getBigUint64(0);
}

/** `sign` 1 adds a live entry, -1 takes it away. */
export function addHash(digest: Digest, h: bigint, sign: 1 | -1): Digest {
  return { n: digest.n + sign, s: (digest.s + BigInt(sign) * h) & MASK };
}

export function isSameDigest(a: Digest, b: Digest): boolean {
  return a.n === b.n && a.s === b.s;
}

/** What `R.h` tells of a mutation. */
export function mutationHash(name: string, args: string): Bytes {
  return sha256(concat(name, ZERO, args)).slice(0, 16);
}

/** Over all buckets held, in any order. */
export function bucketSetHash(held: Held[]): Bytes {
  const sorted = [...held].sort((x, y) => x[0] - y[0]);
  return sha256(concat(...sorted.flatMap(([b, gen]) => [uint(b, 4), uint(gen, 8)])));
}
