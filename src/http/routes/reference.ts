import { z } from 'zod';
import { answer, Text } from '../answer.js';
import { DOCS_PAGE } from '../docs-page.js';
import { routeWith } from '../route.js';

export interface ReferenceDeps {
  /** The OpenAPI document, as JSON. */
  document: string;
}

const route = routeWith<ReferenceDeps>();
const tag = 'Reference';
const role = 'none';
const lane = 'free';

const document = route('GET /openapi.json', {
  operationId: 'getOpenApi',
  tag,
  role,
  lane,
  summary: 'This document',
  responses: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.string() }) } },
  async handle(_call, deps) {
    return answer(200, new Text(deps.document));
  },
});

const page = route('GET /docs', {
  operationId: 'getDocs',
  tag,
  role,
  lane,
  summary: 'This document as a page',
  responses: { 200: { description: 'The page.', schema: z.string(), type: 'text/html' } },
  async handle() {
    return answer(200, new Text(DOCS_PAGE, 'text/html; charset=utf-8'));
  },
});

export const referenceRoutes = [document, page];
