import { answer } from '../answer.js';
import { updateEndpoint } from '../../db/update-endpoint.js';
import { endpoint } from '../answers/endpoints.js';
import { foundEndpoint } from '../found-endpoint.js';
import { idParam, route } from '../route.js';
import { reasonBody } from '../schemas.js';

const tag = 'Endpoints';
const params = { id: idParam('ep', 'endpoint') };

// Both use one status field: `paused` is for a while, `disabled` until somebody decides otherwise.
const verbs = (
  [
    ['pause', 'paused', 'Pause an endpoint: its deliveries are held'],
    ['resume', 'enabled', 'Resume an endpoint'],
    ['enable', 'enabled', 'Enable an endpoint'],
    ['disable', 'disabled', 'Disable an endpoint: its deliveries are held'],
  ] as const
).map(([verb, status, summary]) =>
  route(`POST /v1/endpoints/{id}/${verb}`, {
    operationId: `${verb}Endpoint`,
    tag,
    role: 'operator',
    portal: 'endpoints',
    summary,
    params,
    body: reasonBody,
    optionalBody: true,
    example: { reason: 'maintenance until 14:00' },
    responses: { 200: { description: 'The endpoint.', schema: endpoint } },
    problems: verb === 'pause' ? ['endpoint_disabled'] : [],
    async handle({ params: { id }, body: { reason = null }, actor }, { pool }) {
      const by = { actor, action: `endpoint.${verb}`, reason };
      return answer(200, foundEndpoint(await updateEndpoint(pool, id, { status }, by), id));
    },
  }),
);

export const endpointActions = verbs;
