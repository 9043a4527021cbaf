import { Router, type Request } from 'express';
import { audit } from '../../db/audit.js';
import { getEndpoint } from '../../db/endpoints.js';
import { sampleType, testEndpoint } from '../../delivery/test-endpoint.js';
import type { AppDeps } from '../app-deps.js';
import { actorOf } from '../auth.js';
import { requireIdParam } from '../id-param.js';
import { payloadOf } from '../incoming-event.js';
import { readJson } from '../json-body.js';
import { notFound, Problem } from '../problem.js';
import { testBody } from '../schemas.js';
import { createTestLimit } from '../test-limit.js';

/** One signed sample to an endpoint, outside of all deliveries. */
export function endpointTestRoutes(deps: AppDeps): Router {
  const router = Router();
  router.param('id', requireIdParam('ep', 'endpoint'));
  const { pool, control } = deps;
  const limit = createTestLimit();

  router.post(
    '/endpoints/:id/test',
    deps.authorize('operator'),
    async (request: Request<{ id: string }>, response) => {
      const { id } = request.params;
      const hasBody = Buffer.isBuffer(request.body) && request.body.length > 0;
      const { text, value } = hasBody ? readJson(request) : { text: '{}', value: {} };
      const { preview, ...body } = testBody.parse(value);
      const endpoint = await getEndpoint(pool, id);
      if (!endpoint) throw notFound('endpoint', id);
      const payload = body.payload === undefined ? undefined : payloadOf(text, { payload: body.payload });
      const event_type = body.event_type ?? sampleType(endpoint);
      const refuse = () => {
        const reason = control.paused(endpoint.tenant);
        if (reason !== null)
          throw new Problem(
            409,
            'paused',
            `Nothing is sent, no test either: ${reason}. A preview is possible.`,
          );
      };
      if (!preview) refuse();
      if (!preview && !deps.sendsHere)
        throw new Problem(
          409,
          'sends_nothing',
          'This process sends nothing (SUREHOOK_ATTEMPTS=false). A preview is possible.',
        );
      const answer = await limit.run(id, async () => {
        const action = preview ? 'endpoint.preview' : 'endpoint.test';
        const { tenant } = endpoint;
        await audit(pool, { actor: actorOf(response), action, object: id, tenant, after: { event_type } });
        return testEndpoint(deps, endpoint, { event_type, payload, preview });
      });
      if (!answer) throw notFound('endpoint', id);
      // Paused while the test waited: it was withdrawn.
      if (!answer.sent && !preview) refuse();
      response.json(answer);
    },
  );

  return router;
}
