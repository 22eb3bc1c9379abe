// SPDX-License-Identifier: Apache-2.0
// Errors of the HTTP interface as values (RFC 9457), and those that happen before an answer.

/** `code` as in base/errc.h, or ours: `offline` (no answer came), `deadline`, `bad_answer`. */
export class ApiProblem extends Error {
  readonly code: string;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** The operation's own words, English, for whoever looks after the server. */
  readonly reason: string;
  readonly requestId: string;
  /** Whether the same request may succeed later unchanged. */
  readonly isRetryable: boolean;
  /** ms; 0 = the server named no time. */
  readonly retryAfterMs: number;

  constructor(parts: {
    code: string;
    sentence: string;
    status?: number;
    reason?: string;
    requestId?: string;
    isRetryable?: boolean;
    retryAfterMs?: number;
  }) {
    super(parts.sentence);
    this.name = 'ApiProblem';
    this.code = parts.code;
    this.status = parts.status ?? 0;
    this.reason = parts.reason ?? '';
    this.requestId = parts.requestId ?? '';
    this.isRetryable = parts.isRetryable ?? false;
    this.retryAfterMs = parts.retryAfterMs ?? 0;
  }

  /** Nobody knows whether the server took the request: only its key tells on a repeat. */
  get isUnanswered(): boolean {
    return this.status === 0;
  }
}

function text(body: Record<string, unknown>, member: string): string {
  const value = body[member];
  return typeof value === 'string' ? value : '';
}

/** `body` is whatever JSON came; anything that is no problem becomes `bad_answer`. */
export function problemOf(status: number, body: unknown, retryAfter: string | null): ApiProblem {
  const seconds = Number(retryAfter ?? '');
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
  if (typeof body !== 'object' || body === null || !text(body as never, 'code')) {
    return new ApiProblem({
      code: 'bad_answer',
      sentence: `服务器的回答看不懂（${status}）。`,
      status,
      isRetryable: status >= 500,
      retryAfterMs,
    });
  }
  const fields = body as Record<string, unknown>;
  return new ApiProblem({
    code: text(fields, 'code'),
    sentence: text(fields, 'detail') || text(fields, 'title'),
    status,
    reason: text(fields, 'reason'),
    requestId: text(fields, 'request_id'),
    isRetryable: fields.retryable === true,
    retryAfterMs,
  });
}

/** Whatever was thrown as a problem; the replica rejects with {code, message}. */
export function asProblem(thrown: unknown): ApiProblem {
  if (thrown instanceof ApiProblem) return thrown;
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown) {
    const { code, message } = thrown as { code: unknown; message?: unknown };
    const isRetryable = code === 'unavailable' || code === 'timed_out';
    return new ApiProblem({ code: String(code), sentence: String(message ?? code), isRetryable });
  }
  return new ApiProblem({
    code: 'internal',
    sentence: '页面出了错，请刷新后再试。',
    reason: thrown instanceof Error ? thrown.message : String(thrown),
  });
}
