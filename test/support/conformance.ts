import { Ajv2020, type AnySchema, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { createOpenApi } from '../../src/http/openapi/document.js';
import { allRoutes } from '../../src/http/routes/index.js';

interface Content {
  [type: string]: { schema: AnySchema; example?: unknown };
}
export interface DescribedAnswer {
  description: string;
  headers?: Record<string, unknown>;
  content?: Content;
}
export interface Operation {
  operationId: string;
  security?: [];
  'x-roles'?: string[];
  'x-portal-scope'?: string;
  parameters?: { in: string; name: string; schema: AnySchema; example?: unknown; required?: boolean }[];
  requestBody?: { required: boolean; content: Content };
  responses: Record<string, { $ref: string } | DescribedAnswer>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, { post: Operation }>;
  components: { responses: Record<string, DescribedAnswer> };
}

/** The OpenAPI document that a service serves. */
export const openApi = createOpenApi(allRoutes, '0.0.0') as unknown as Document;

export const operations = Object.entries(openApi.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

/** The query that an operation cannot be without. */
export const neededQuery = ({ parameters = [] }: Operation): string =>
  parameters
    .filter((one) => one.in === 'query' && one.required)
    .map(({ name, example }, nth) => `${nth === 0 ? '?' : '&'}${name}=${encodeURIComponent(String(example))}`)
    .join('');

/** A field that is not declared is a fault: only the documented schema leaves room for further ones. */
function strict(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strict);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, strict(inner)]));
  if (copy.type === 'object' && copy.properties && copy.additionalProperties === undefined)
    copy.additionalProperties = false;
  return copy;
}

const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
const validators = new Map<AnySchema, ValidateFunction>();
ajv.addSchema({ $id: 'openapi', components: strict(openApi.components) });

/** Returns what is wrong with a value by a schema of the document; empty: nothing. */
export function faultsOf(schema: AnySchema, value: unknown): string {
  let validate = validators.get(schema);
  if (!validate) {
    const text = JSON.stringify(strict(schema)).replaceAll('"#/components/', '"openapi#/components/');
    validate = ajv.compile(JSON.parse(text) as AnySchema);
    validators.set(schema, validate);
  }
  return validate(value) ? '' : ajv.errorsText(validate.errors, { separator: '\n' });
}

/** The operation of a request; of two paths that fit, the one without a parameter there comes first. */
function operationOf(method: string, path: string): Operation | 'unknown path' | 'unknown method' {
  const fitting = operations
    .filter(({ path: template }) =>
      new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`, 'i').test(path),
    )
    .sort((a, b) => Number(a.path.includes('{')) - Number(b.path.includes('{')));
  if (fitting.length === 0) return 'unknown path';
  const [{ path: template }] = fitting as [(typeof fitting)[number]];
  const found = fitting.find((one) => one.path === template && one.method === method);
  return found?.operation ?? 'unknown method';
}

export function answerOf({ responses }: Operation, status: number): DescribedAnswer | undefined {
  const response = responses[String(status)];
  return response && '$ref' in response
    ? openApi.components.responses[response.$ref.split('/').at(-1)!]
    : response;
}

/** Throws unless the document says that this request may get this answer: status, content type, headers, every field. */
export function checkAnswer(
  request: { method: string; path: string },
  answer: { status: number; headers: Headers; body: unknown },
): void {
  const { status, headers, body } = answer;
  const path = request.path.split('?')[0]!;
  const fault = (what: string) =>
    new Error(`${request.method} ${path} ${status}: ${what}\n${JSON.stringify(body)}`);
  const operation = operationOf(request.method, path);
  if (typeof operation === 'string') {
    // Without a key, nothing under /v1 is told apart.
    const allowed = operation === 'unknown path' ? [401, 404] : [401, 404, 405];
    if (!allowed.includes(status)) throw fault(`the OpenAPI document does not have it: ${operation}`);
    return;
  }
  const response = answerOf(operation, status);
  if (!response) throw fault('the status is not declared');
  for (const name of [
    'idempotent-replayed',
    'retry-after',
    'ratelimit',
    'ratelimit-policy',
    'www-authenticate',
  ]) {
    if (headers.has(name) && !(response.headers && name in response.headers))
      throw fault(`the header ${name} is not declared`);
  }
  if (!headers.get('x-request-id')) throw fault('it has no x-request-id');
  const type = headers.get('content-type')?.split(';')[0];
  if (type === undefined) {
    if (response.content) throw fault('it has no body');
    return;
  }
  const content = response.content?.[type];
  if (!content) throw fault(`the content type ${type} is not declared`);
  const faults = faultsOf(content.schema, body);
  if (faults) throw fault(faults);
}
