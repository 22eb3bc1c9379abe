// SPDX-License-Identifier: Apache-2.0
import { ReplicaProblem } from './problem';

/** Of `name` and `args` together, docs/PROTOCOL.md §4. */
export const MUTATION_BYTES_MAX = 64 * 1024;
/** Unanswered mutations of one phone (decision: replay of more would be felt). */
export const PENDING_MAX = 2000;

const NAME = /^[A-Za-z0-9_.:-]{1,64}$/;

/**
 * `args` serialised once, as it goes over the wire and is hashed.
 * Errors: invalid_argument, too_large.
 */
export function encodeArgs(name: string, args: Record<string, unknown>): string {
  if (!NAME.test(name)) throw new ReplicaProblem('invalid_argument', 'name of the mutation');
  if (args === null || typeof args !== 'object' || Array.isArray(args)) {
    throw new ReplicaProblem('invalid_argument', 'args is no object');
  }
  let text: string;
  try {
    text = JSON.stringify(args);
  } catch {
    throw new ReplicaProblem('invalid_argument', 'args is no JSON');
  }
  const bytes = new TextEncoder().encode(text).length + name.length;
  if (bytes > MUTATION_BYTES_MAX) throw new ReplicaProblem('too_large');
  return text;
}
