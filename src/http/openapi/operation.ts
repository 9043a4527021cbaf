import { z } from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { HOLDERS } from '../../domain/role.js';
import type { Response, Route } from '../route.js';
import { idempotencyKey } from '../schemas.js';
import { problemRefs } from './problem-responses.js';
import { headerRefs, KEYED_HEADERS } from './response-headers.js';

const JSON_TYPE = 'application/json';

/** A route as the document shows it. `x-roles`: the roles that may call it, `x-portal-scope`: the scope of a portal session. */
export function operationOf(route: Route<never>): ZodOpenApiOperationObject {
  const { operationId, tag, summary, description, role, portal } = route;
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(role === 'none' ? { security: [] } : { 'x-roles': [...HOLDERS[role]] }),
    ...(portal === undefined ? {} : { 'x-portal-scope': portal }),
    requestParams: parametersOf(route),
    ...bodyOf(route),
    responses: { ...answersOf(route), ...problemRefs(route) },
  };
}

function parametersOf({ params = {}, query, idempotent }: Route<never>) {
  const path = Object.entries(params).map(
    ([name, { schema, example }]) => [name, schema.meta({ param: { example } })] as const,
  );
  const key = idempotencyKey.optional().meta({
    description: 'A request with the same key within 72 hours has no further effect.',
  });
  return {
    ...(path.length > 0 ? { path: z.object(Object.fromEntries(path)) } : {}),
    ...(query ? { query: query as z.ZodObject } : {}),
    ...(idempotent ? { header: z.object({ 'Idempotency-Key': key }) } : {}),
  };
}

function bodyOf({ body, optionalBody = false, example }: Route<never>) {
  if (!body) return {};
  const content = { [JSON_TYPE]: { schema: body, ...withExample(example) } };
  return { requestBody: { required: !optionalBody, content } };
}

function answersOf({ role, keyInBody, responses, idempotent }: Route<never>): ZodOpenApiResponsesObject {
  const always = role === 'none' && !keyInBody ? (['x-request-id'] as const) : KEYED_HEADERS;
  const answer = ([status, response]: [string, Response]) => {
    const { description, schema, type = JSON_TYPE, example } = response;
    const replay = idempotent && status === '200' ? (['idempotent-replayed'] as const) : [];
    return [
      status,
      {
        description,
        headers: headerRefs([...always, ...replay]),
        ...(schema && { content: { [type]: { schema, ...withExample(example) } } }),
      },
    ];
  };
  return Object.fromEntries(Object.entries(responses).map(answer)) as ZodOpenApiResponsesObject;
}

const withExample = (example: unknown) => (example === undefined ? {} : { example });
