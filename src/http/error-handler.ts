import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { ZodError } from 'zod';
import { DatabaseAwayError, isDatabaseAway } from '../db/pool.js';
import { MAX_EVENT_BYTES } from './body.js';
import { Problem } from '../errors.js';

/** `['event_types', 0]` as `event_types[0]`. */
const pathText = (path: PropertyKey[]) =>
  path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i ? '.' : ''}${String(part)}`)).join('');

function fromZod(error: ZodError): Problem {
  const errors = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          path: pathText([...issue.path, key]),
          message: 'This field is not known.',
        }))
      : [{ path: pathText(issue.path) || 'body', message: issue.message }],
  );
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return new Problem(400, 'validation_failed', detail, errors);
}

/** The one table from errors to answers: 4xx say why, 5xx say nothing and log everything. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof ZodError) return fromZod(error);
  if (isDatabaseAway(error)) {
    const detail =
      error instanceof DatabaseAwayError
        ? 'The database is away; nothing was accepted. Try again.'
        : 'The database did not answer: it is not known whether this was stored. Try again; an event with the same idempotency key is not stored twice.';
    return new Problem(503, 'unavailable', detail, [], { 'retry-after': '1' });
  }
  const { type, status, limit } = (error ?? {}) as { type?: string; status?: number; limit?: number };
  if (type === 'entity.too.large')
    return new Problem(413, 'payload_too_large', 'The request is too large.', [
      limit === MAX_EVENT_BYTES
        ? { path: 'payload', message: 'At most 256 KiB.' }
        : { path: 'body', message: `At most ${limit} bytes.` },
    ]);
  if (error instanceof URIError) return new Problem(400, 'bad_request', 'The path is not valid.');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem(status, 'bad_request', 'The request could not be read.', [
      { path: 'body', message: type ?? 'unreadable' },
    ]);
  }
  return new Problem(500, 'internal_error', 'Something failed here; it is logged under this request id.');
}

export function sendProblem(response: Response, problem: Problem): void {
  const { status, code, message, errors, headers } = problem;
  response
    .status(status)
    .set(headers)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: 'about:blank',
        title: STATUS_CODES[status],
        status,
        detail: message,
        code,
        errors,
      }),
    );
}

export function createErrorHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const problem = toProblem(error);
    if (problem.status >= 500) {
      log.error(
        { err: error, method: request.method, path: request.path, request_id: response.get('x-request-id') },
        'request failed',
      );
    }
    if (response.headersSent) return next(error);
    sendProblem(response, problem);
  };
}
