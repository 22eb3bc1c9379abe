// SPDX-License-Identifier: Apache-2.0
// The few questions that a resident's phone asks outside the replica. Addresses are relative to
// /c/<slug>/. Each call ends after CALL_MS; no screen waits for one, but for a file that was asked
// for.
import type { Problem, Replica } from '../../replica/api';

const CALL_MS = 8_000;
/** A file is made while the person waits; the server gives up after 30 s. */
const FILE_MS = 40_000;

/** Resolves with the parsed body; rejects with a Problem, code `offline` when nobody answered. */
export async function getJson<T>(path: string, replica?: Replica): Promise<T> {
  return get(path, 'application/json', CALL_MS, async (got) => (await got.json()) as T, replica);
}

/** The same for a file, in the type asked for. */
export async function getFile(path: string, type: string, replica: Replica): Promise<Blob> {
  return get(path, type, FILE_MS, (response) => response.blob(), replica);
}

async function get<T>(
  path: string,
  accept: string,
  ms: number,
  read: (response: Response) => Promise<T>,
  replica?: Replica,
): Promise<T> {
  const headers: Record<string, string> = { Accept: accept };
  if (replica) headers.Authorization = `Bearer ${await replica.token()}`;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ms);
  try {
    const response = await fetch(path, { headers, signal: abort.signal, cache: 'no-store' });
    if (!response.ok) throw await refusalOf(response);
    return await read(response);
  } catch (thrown) {
    if (isProblem(thrown)) throw thrown;
    throw { code: 'offline', message: '' } satisfies Problem;
  } finally {
    clearTimeout(timer);
  }
}

function isProblem(thrown: unknown): thrown is Problem {
  return typeof (thrown as Problem | undefined)?.code === 'string';
}

/** application/problem+json (RFC 9457), or only the status where something else answered. */
async function refusalOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => ({}));
  const { code, detail, title } = body as { code?: string; detail?: string; title?: string };
  return { code: code ?? `http_${response.status}`, message: detail ?? title ?? '' };
}
