// SPDX-License-Identifier: Apache-2.0

export type ProtocolErrorCode = 'malformed' | 'too_deep' | 'too_large' | 'unsupported_version';

/** What is wrong with bytes of the peer. Thrown in src/protocol only; callers get it as a value. */
export class ProtocolError extends Error {
  constructor(
    readonly code: ProtocolErrorCode,
    detail: string,
  ) {
    super(detail);
    this.name = 'ProtocolError';
  }

  /** Code to close the socket with (docs/PROTOCOL.md §5). */
  get close(): number {
    if (this.code === 'too_large') return 4413;
    return this.code === 'unsupported_version' ? 4426 : 4400;
  }
}

export function malformed(detail: string): never {
  throw new ProtocolError('malformed', detail);
}
