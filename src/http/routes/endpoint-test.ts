import { audit } from '../../db/audit.js';
import { getEndpoint } from '../../db/endpoints.js';
import { sampleType, testEndpoint } from '../../delivery/test-endpoint.js';
import { answer } from '../answer.js';
import { endpointTest } from '../answers/endpoint-test.js';
import { foundEndpoint } from '../found-endpoint.js';
import { payloadOf } from '../incoming-event.js';
import { notFound, Problem } from '../problem.js';
import { idParam, route } from '../route.js';
import { testBody } from '../endpoint-schemas.js';

const test = route('POST /v1/endpoints/{id}/test', {
  operationId: 'testEndpoint',
  tag: 'Endpoints',
  role: 'operator',
  portal: 'endpoints',
  summary: 'Send one signed sample to an endpoint, or show the request',
  description:
    'The sample is no event and no delivery. The answer tells in words how it went. With `preview`, nothing is sent.',
  params: { id: idParam('ep', 'endpoint') },
  body: testBody,
  optionalBody: true,
  example: { event_type: 'order.created', payload: { order_id: '1001' }, preview: true },
  responses: { 200: { description: 'The request, and how it went.', schema: endpointTest } },
  problems: ['paused', 'sends_nothing', 'too_many_tests', 'secret_unreadable'],
  async handle({ params: { id }, body: { preview, ...body }, raw, actor }, deps) {
    const { pool, control } = deps;
    const endpoint = foundEndpoint(await getEndpoint(pool, id), id);
    const payload = body.payload === undefined ? undefined : payloadOf(raw.text, { payload: body.payload });
    const event_type = body.event_type ?? sampleType(endpoint);
    const refuse = () => {
      const reason = control.paused(endpoint.tenant);
      if (reason === null) return;
      const detail = `Nothing is sent, no test either: ${deps.shownReason(reason)}. A preview is possible.`;
      throw new Problem(409, 'paused', detail);
    };
    if (!preview) refuse();
    if (!preview && !deps.sendsHere) {
      const detail = 'This process sends nothing (SUREHOOK_ATTEMPTS=false). A preview is possible.';
      throw new Problem(409, 'sends_nothing', detail);
    }
    const result = await deps.testLimit.run(endpoint, async () => {
      const action = preview ? 'endpoint.preview' : 'endpoint.test';
      const { tenant } = endpoint;
      await audit(pool, { actor, action, object: id, tenant, after: { event_type } });
      return testEndpoint(deps, endpoint, { event_type, payload, preview });
    });
    if (!result) throw notFound('endpoint', id);
    // Paused while the test waited: it was withdrawn.
    if (!result.sent && !preview) refuse();
    return answer(200, result);
  },
});

export const endpointTestRoutes = [test];
