import { ZodObject } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';
import { PROBLEM_CODES, type ProblemCode } from '../problem-codes.js';
import type { Route } from '../route.js';
import { headerRefs, KEYED_HEADERS, type ResponseHeader } from './response-headers.js';

type Problems = Pick<Route<never>, 'role' | 'params' | 'query' | 'body' | 'idempotent' | 'problems'>;

/** Every code that a route may answer with. */
export function codesOf({ role, params, query, body, idempotent, problems = [] }: Problems): ProblemCode[] {
  const codes: ProblemCode[] = [...problems, 'internal_error'];
  if (role !== 'none') codes.push('unauthorized', 'forbidden', 'rate_limited', 'overloaded', 'unavailable');
  if (query instanceof ZodObject && 'tenant' in query.shape) codes.push('foreign_tenant');
  if (params) codes.push('not_found', 'bad_request');
  if (query ?? body ?? idempotent) codes.push('validation_failed');
  if (body) codes.push('malformed_json', 'bad_request', 'payload_too_large', 'unsupported_encoding');
  if (idempotent) codes.push('idempotency_conflict');
  return [...new Set(codes)].sort();
}

/** The codes by status: one response each. */
function byStatus(route: Problems): [status: string, codes: ProblemCode[]][] {
  const codes = codesOf(route);
  const statuses = [...new Set(codes.map((code) => String(PROBLEM_CODES[code].status)))];
  return statuses.map((status) => [
    status,
    codes.filter((code) => String(PROBLEM_CODES[code].status) === status),
  ]);
}

const nameOf = (status: string, codes: ProblemCode[]) => [status, ...codes].join('.');

export const problemRefs = (route: Problems) =>
  Object.fromEntries(
    byStatus(route).map(([status, codes]) => [
      status,
      { $ref: `#/components/responses/${nameOf(status, codes)}` },
    ]),
  );

/** The responses that `problemRefs` refers to. */
export function problemComponents(routes: Problems[]): Record<string, ZodOpenApiResponseObject> {
  const sets = routes.flatMap(byStatus).sort(([a], [b]) => Number(a) - Number(b));
  return Object.fromEntries(sets.map(([status, codes]) => [nameOf(status, codes), responseOf(codes)]));
}

const HEADERS: Partial<Record<ProblemCode, ResponseHeader[]>> = {
  unauthorized: ['www-authenticate'],
  link_expired: ['www-authenticate'],
  link_revoked: ['www-authenticate'],
  link_used: ['www-authenticate'],
  overloaded: ['retry-after'],
  unavailable: ['retry-after'],
  rate_limited: ['retry-after', 'ratelimit', 'ratelimit-policy'],
  too_many_tests: ['retry-after'],
};

function responseOf(codes: ProblemCode[]): ZodOpenApiResponseObject {
  const headers = codes.flatMap((code) => HEADERS[code] ?? []);
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEM_CODES[code].meaning}`).join('\n\n'),
    headers: headerRefs([...KEYED_HEADERS, ...headers]),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [{ $ref: '#/components/schemas/Problem' }],
          properties: { code: { enum: codes } },
        },
      },
    },
  };
}
