import { listEndpoints, type StoredEndpoint } from '../../db/endpoints.js';
import { matchFilters, type FilterMatch } from '../../db/filters.js';
import { patternsMatching } from '../../domain/event.js';
import { answer } from '../answer.js';
import { matchedEndpoints } from '../answers/endpoint-match.js';
import { matchBody, matchQuery } from '../event-type-schemas.js';
import { payloadOf } from '../incoming-event.js';
import { pathText } from '../path-text.js';
import { route } from '../route.js';
import { pageQuery } from '../schemas.js';
import { tenantFor } from '../tenancy.js';

const match = route('POST /v1/endpoints/match', {
  operationId: 'matchEndpoints',
  tag: 'Endpoints',
  role: 'viewer',
  portal: 'read',
  summary: 'Find out which endpoints an event would reach, and why not the others',
  description: 'Stores nothing, and sends nothing.',
  lane: 'match',
  query: matchQuery,
  body: matchBody,
  example: { type: 'order.created', payload: { order_id: '1001', total: 49.9 } },
  responses: {
    200: { description: 'The endpoints of the tenant, newest first.', schema: matchedEndpoints },
  },
  problems: ['foreign_tenant'],
  async handle({ identity, body, query, raw }, { pool, payloadSchemas, shownReason }) {
    const tenant = tenantFor(identity, body.tenant);
    const payload = payloadOf(raw.text, body);
    const { page } = pageQuery(query, 'ep');
    const errors = (await payloadSchemas.check(body.type, body.payload)) ?? [];
    const { data, next_cursor } = await listEndpoints(pool, { tenant }, page);
    const patterns = patternsMatching(body.type);
    const matches = new Map((await matchFilters(pool, payload, data)).map((one) => [one.endpoint_id, one]));
    return answer(200, {
      accepted: errors.length === 0,
      errors,
      data: data.map((endpoint) => explain(endpoint, patterns, matches.get(endpoint.id), shownReason)),
      next_cursor,
    });
  },
});

function explain(
  { id, description, event_types }: StoredEndpoint,
  patterns: string[],
  found: FilterMatch | undefined,
  shownReason: (reason: string) => string,
) {
  const pattern = event_types.find((type) => patterns.includes(type)) ?? null;
  const { held = null, filter = 'none', failed = null } = found ?? {};
  const isReached = pattern !== null && filter !== 'fails';
  const reason = isReached
    ? held && `The delivery would be held: ${shownReason(held)}.`
    : pattern === null
      ? 'No event type of the endpoint matches.'
      : `The filter does not let the payload pass${failed ? `, at ${pathText(failed)}` : ''}.`;
  return {
    endpoint_id: id,
    description,
    reached: isReached,
    held: isReached && held !== null,
    pattern,
    filter,
    failed_condition: failed && pathText(failed),
    reason: filter === 'not_evaluated' && isReached ? NOT_EVALUATED : reason,
  };
}

const NOT_EVALUATED =
  'The filter cannot be evaluated for this payload, so the event would go to the endpoint.';

export const endpointMatchRoutes = [match];
