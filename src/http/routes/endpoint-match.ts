import { Router } from 'express';
import { listEndpoints, type StoredEndpoint } from '../../db/endpoints.js';
import { matchFilters, type FilterMatch } from '../../db/filters.js';
import { patternsMatching } from '../../domain/event.js';
import type { AppDeps } from '../app-deps.js';
import { matchBody, matchQuery } from '../event-type-schemas.js';
import { payloadOf } from '../incoming-event.js';
import { readJson } from '../json-body.js';
import { pathText } from '../path-text.js';
import { pageQuery } from '../schemas.js';

/** A dry run: which endpoints of a tenant an event would reach, and why it would not reach the others. Stores nothing. */
export function endpointMatchRoutes({ pool, authorize, eventSchemas }: AppDeps): Router {
  const router = Router();

  router.post('/endpoints/match', authorize('viewer'), async (request, response) => {
    const { text, value } = readJson(request);
    const body = matchBody.parse(value);
    const payload = payloadOf(text, body);
    const { page } = pageQuery(matchQuery.parse(request.query), 'ep');
    const errors = await eventSchemas.check(body.type, body.payload);
    const { data, next_cursor } = await listEndpoints(pool, { tenant: body.tenant }, page);
    const patterns = patternsMatching(body.type);
    const matches = new Map(
      (await matchFilters(pool, payload, data)).map((match) => [match.endpoint_id, match]),
    );
    response.json({
      // False: POST /v1/events would refuse the event, for these errors.
      accepted: errors.length === 0,
      errors,
      data: data.map((endpoint) => explain(endpoint, patterns, matches.get(endpoint.id))),
      next_cursor,
    });
  });

  return router;
}

function explain(
  { id, description, event_types }: StoredEndpoint,
  patterns: string[],
  match: FilterMatch | undefined,
) {
  const pattern = event_types.find((type) => patterns.includes(type)) ?? null;
  const { held = null, filter = 'none', failed = null } = match ?? {};
  const isReached = pattern !== null && filter !== 'fails';
  const reason = isReached
    ? held && `The delivery would be held: ${held}.`
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
