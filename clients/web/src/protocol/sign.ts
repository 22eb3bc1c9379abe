// SPDX-License-Identifier: Apache-2.0
// Device keys and what they sign (docs/PROTOCOL.md §2, §6, §7).
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, toHex, type Bytes } from './bytes';

const ZERO = new Uint8Array(1);

export class DeviceKey {
  readonly pub: Bytes;
  /** 32 hex digits. */
  readonly cid: string;

  /** `seed` has 32 bytes. */
  constructor(readonly seed: Bytes) {
    this.pub = ed25519.getPublicKey(seed);
    this.cid = toHex(sha256(this.pub).slice(0, 16));
  }

  sign(message: Bytes): Bytes {
    return ed25519.sign(message, this.seed);
  }
}

export interface HelloParts {
  origin: string;
  subprotocol: string;
  serverId: Bytes;
  nonce: Bytes;
  body: Bytes;
}

export function helloMessage({ origin, subprotocol, serverId, nonce, body }: HelloParts): Bytes {
  const opening = concat('linli.hello.1', ZERO, origin, ZERO, subprotocol, ZERO);
  return concat(opening, serverId, nonce, sha256(body));
}

export function enrolMessage(slug: string, nonce: Bytes, pub: Bytes): Bytes {
  return concat('linli.enrol.1', ZERO, slug, ZERO, nonce, pub);
}

export function tokenMessage(origin: string, serverId: Bytes, nonce: Bytes): Bytes {
  return concat('linli.token.1', ZERO, origin, ZERO, serverId, nonce);
}

export function rekeyMessage(slug: string, pub: Bytes): Bytes {
  return concat('linli.rekey.1', ZERO, slug, ZERO, pub);
}
