import type { ProblemCode } from './problem-codes.js';

export interface FieldError {
  /** Location in the request: `event_types[0]`, `headers.x-a`, `Idempotency-Key`. */
  path: string;
  message: string;
}

/** An error that is answered as RFC 9457 problem details. `code` is stable. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: ProblemCode,
    detail: string,
    readonly errors: FieldError[] = [],
    readonly headers: Record<string, string> = {},
  ) {
    super(detail);
  }
}

export const notFound = (what: string, id: string) =>
  new Problem(404, 'not_found', `There is no ${what} ${id}.`);

export const badField = (
  path: string,
  message: string,
  status = 400,
  code: ProblemCode = 'validation_failed',
) => new Problem(status, code, `${path}: ${message}`, [{ path, message }]);
