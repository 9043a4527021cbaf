import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ErrorRequestHandler } from 'express';
import type { Logger } from 'pino';
import { ZodError } from 'zod';
import { DatabaseAwayError, isDatabaseAway } from '../db/pool.js';
import { MAX_PAYLOAD_DEPTH } from '../domain/event.js';
import { TooDeepError } from '../domain/raw-json.js';
import { AfterCommitError } from '../db/after-commit.js';
import { UNKNOWN_KEY } from '../db/encryption-check.js';
import { QuotaExceededError } from '../db/tenant-quotas.js';
import { RateExceededError } from '../delivery/tenant-rates.js';
import { UnreadableSecretError } from '../lib/secret-cipher.js';
import { rateLimited } from './rate-limited.js';
import { pathText } from './path-text.js';
import { badField, Problem } from './problem.js';
import { MAX_EVENT_BYTES } from './json-body.js';

/** Per answer: a request of a few megabytes may hold a million faults. */
const MAX_ERRORS = 20;
function fromZod({ issues }: ZodError, most: number): Problem {
  const found = issues.slice(0, most + 1).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.slice(0, most + 1).map((key) => ({
          path: pathText([...issue.path, key]),
          message: 'This field is not known.',
        }))
      : [{ path: pathText(issue.path) || 'body', message: issue.message }],
  );
  const errors = found.slice(0, most);
  const told = errors.map(({ path, message }) => `${path}: ${message}`);
  const detail = (found.length > most ? [...told, 'and more'] : told).join('; ');
  return new Problem(400, 'validation_failed', detail, errors);
}

/** A key of this process does not go with the database: an operator has to act, and the request may be sent again. */
function keyProblem(error: unknown): Problem | null {
  const { message, code } = (error ?? {}) as Partial<Error & { code: unknown }>;
  if (error instanceof UnreadableSecretError)
    return new Problem(503, 'secret_unreadable', `This cannot be shown: ${message}.`);
  return code === UNKNOWN_KEY
    ? new Problem(503, 'encryption_key_unknown', `Nothing was stored: ${message}. See /readyz.`)
    : null;
}

/** The one table from errors to answers: 4xx say why, 5xx reveal no internals and are logged. */
export function toProblem(error: unknown, most = MAX_ERRORS): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof ZodError) return fromZod(error, most);
  if (error instanceof TooDeepError)
    return badField('payload', `At most ${MAX_PAYLOAD_DEPTH} arrays and objects in one another.`);
  if (error instanceof QuotaExceededError) return badField('tenant', error.message, 422, 'quota_exceeded');
  if (error instanceof RateExceededError) return rateLimited(error);
  const key = keyProblem(error instanceof AfterCommitError ? error.cause : error);
  if (key) return key;
  if (error instanceof AfterCommitError && error.cause instanceof Problem) return error.cause;
  if (error instanceof AfterCommitError) {
    const [status, code] = isDatabaseAway(error.cause)
      ? ([503, 'unavailable'] as const)
      : ([500, 'internal_error'] as const);
    const detail =
      'This, or an earlier request with its key, was stored; only what came after failed. Look it up before you try again.';
    return new Problem(status, code, detail);
  }
  if (isDatabaseAway(error)) {
    const detail =
      error instanceof DatabaseAwayError
        ? 'The database is away; nothing was accepted. Try again.'
        : 'The database did not answer: it is not known whether this was stored. Look it up, or try again: with the same idempotency key nothing is stored twice.';
    return new Problem(503, 'unavailable', detail, [], { 'retry-after': '1' });
  }
  const { type, status, limit } = (error ?? {}) as { type?: string; status?: number; limit?: number };
  if (type === 'entity.too.large')
    return new Problem(413, 'payload_too_large', 'The request is too large.', [
      limit === MAX_EVENT_BYTES
        ? { path: 'payload', message: 'At most 256 KiB.' }
        : { path: 'body', message: `At most ${limit} bytes.` },
    ]);
  if (status === 415)
    return new Problem(
      415,
      'unsupported_encoding',
      'The body may be sent with the encodings gzip, deflate and br.',
    );
  if (error instanceof URIError) return new Problem(400, 'bad_request', 'The path is not valid.');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem(status, 'bad_request', 'The request could not be read.', [
      { path: 'body', message: type ?? 'unreadable' },
    ]);
  }
  return new Problem(500, 'internal_error', 'Something failed here; it is logged under this request id.');
}

/** Answers with the error; false if an answer has already begun. */
export type WriteProblem = (error: unknown, request: IncomingMessage, response: ServerResponse) => boolean;

export function createProblemWriter(log: Logger): WriteProblem {
  return (error, { method, url }, response) => {
    const { status, code, message: detail, errors, headers } = toProblem(error);
    if (status >= 500) {
      const about = { method, path: url?.split('?')[0], request_id: response.getHeader('x-request-id') };
      log.error({ err: error, ...about }, 'request failed');
    }
    if (response.headersSent) return false;
    const body = JSON.stringify({
      ...{ type: 'about:blank', title: STATUS_CODES[status], status, detail, code, errors },
    });
    const type = 'application/problem+json; charset=utf-8';
    response.writeHead(status, {
      ...headers,
      'content-type': type,
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
    return true;
  };
}

export const createErrorHandler =
  (refuse: WriteProblem): ErrorRequestHandler =>
  (error: unknown, request, response, next) => {
    if (refuse(error, request, response)) return;
    // Cuts an answer that has begun. Without the error, which Express would print.
    response.destroy();
    next();
  };
