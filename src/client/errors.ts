import type { components } from './schema.js';

export type Problem = components['schemas']['Problem'];

/** Every error that this client throws itself. */
export class SurehookError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** No answer: the connection failed or broke off. */
export class ConnectionError extends SurehookError {}

/** No answer in time. */
export class TimeoutError extends ConnectionError {}

/** An answer that is not 2xx. */
export class ApiError extends SurehookError {
  constructor(
    readonly status: number,
    /** The body, where it is `application/problem+json` (RFC 9457). */
    readonly problem: Problem | null,
    readonly headers: Headers,
  ) {
    super(problem?.detail ?? problem?.title ?? messageOf(status, headers.get('location')));
  }

  /** Stable name of the problem, such as `address_blocked`. */
  get code(): string | null {
    return this.problem?.code ?? null;
  }

  /** Each field that was refused, and why. */
  get errors(): { path: string; message: string }[] {
    return this.problem?.errors ?? [];
  }

  /** Names the request in the logs of the server. */
  get requestId(): string | null {
    return this.headers.get('x-request-id');
  }
}

const messageOf = (status: number, location: string | null): string =>
  location === null || status >= 400
    ? `The answer has status ${status}.`
    : `The server redirects to ${location} with status ${status}: give the client the URL of the API itself.`;

export class BadRequestError extends ApiError {}
export class AuthenticationError extends ApiError {}
export class PermissionDeniedError extends ApiError {}
export class NotFoundError extends ApiError {}
export class ConflictError extends ApiError {}
export class PayloadTooLargeError extends ApiError {}
export class UnprocessableError extends ApiError {}
export class RateLimitError extends ApiError {}
export class ServerError extends ApiError {}

const BY_STATUS: Record<number, typeof ApiError> = {
  400: BadRequestError,
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  413: PayloadTooLargeError,
  422: UnprocessableError,
  429: RateLimitError,
};

export function apiError({ status, headers }: Response, text: string): ApiError {
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json');
  const kind = BY_STATUS[status] ?? (status >= 500 ? ServerError : ApiError);
  return new kind(status, isProblem ? problemOf(text) : null, headers);
}

/** Null: the body cannot be read, and the status has to say it. */
function problemOf(text: string): Problem | null {
  try {
    return JSON.parse(text) as Problem | null;
  } catch {
    return null;
  }
}
