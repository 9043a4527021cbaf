import { createDocument, type ZodOpenApiOverride, type ZodOpenApiPathsObject } from 'zod-openapi';
import { problem } from '../answers/common.js';
import type { Route } from '../route.js';
import { describeApi } from './introduction.js';
import { operationOf } from './operation.js';
import { problemComponents } from './problem-responses.js';
import { responseHeaders } from './response-headers.js';
import { webhooks } from './webhooks.js';

/** The OpenAPI 3.1 document of these routes. */
export function createOpenApi(routes: Route<never>[], version: string): ReturnType<typeof createDocument> {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) };
  }
  const components = {
    securitySchemes: {
      bearer: {
        type: 'http' as const,
        scheme: 'bearer',
        description: 'An API key, or the token of a portal session.',
      },
    },
    headers: responseHeaders,
    responses: problemComponents(routes),
    schemas: { Problem: problem },
  };
  const security = [{ bearer: [] }];
  return createDocument(
    { openapi: '3.1.1', ...describeApi(version), security, paths, webhooks, components },
    { override: simplify },
  );
}

const simplify: ZodOpenApiOverride = ({ jsonSchema, zodSchema, io }) => {
  const { type } = zodSchema._zod.def;
  if (type === 'date') jsonSchema.format = 'date-time';
  // The format says the same.
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minLength === 0) delete jsonSchema.minLength;
  if (type === 'record') delete jsonSchema.propertyNames;
  // Clients have to expect further fields: adding one is not a breaking change.
  if (type === 'object' && io === 'output' && jsonSchema.additionalProperties === false)
    delete jsonSchema.additionalProperties;
};
