import { Router } from 'express';
import { useAdHocEndpoint } from '../../db/ad-hoc-endpoints.js';
import type { AppDeps } from '../app-deps.js';
import { actorOf } from '../auth.js';
import { newEndpoint } from '../endpoint-input.js';
import { slotOf } from '../limit-fairly.js';
import { readJson } from '../json-body.js';
import { headerKey } from '../idempotency-key.js';
import {
  accept,
  admit,
  agreed,
  answer,
  answered,
  digest,
  newEvent,
  payloadOf,
  schemaProblem,
} from '../incoming-event.js';
import { assertPublicUrl } from '../assert-public-url.js';
import { endpointBody, sendBody } from '../schemas.js';

export function sendRoutes(deps: AppDeps): Router {
  const { pool, authorize } = deps;
  const router = Router();

  router.post('/send', authorize('publisher'), async (request, response) => {
    const { text, value } = readJson(request);
    const body = sendBody.parse(value);
    await admit(slotOf(response), body);
    const payload = payloadOf(text, body);
    const key = agreed(body.idempotency_key, headerKey(request));
    // Headers may be credentials: what is stored of them must not help to guess them.
    const headersText = JSON.stringify(Object.entries(body.headers).sort());
    const about = [body.url, headersText === '[]' ? '' : await deps.keyedDigest(headersText)];
    // The headers are stored with the endpoint made for this event, not with the event.
    const incoming = { ...body, headers: undefined, payload, key, about };
    // Look up the key first: a taken key stores nothing, and a repeated request is not checked again.
    const known = await answered(deps, newEvent(deps, { ...incoming, endpointIds: null }));
    if (known) return answer(response, known);
    deps.tenantRates.take(body.tenant);
    const refusal = await schemaProblem(deps, body);
    if (refusal) throw refusal;
    await assertPublicUrl(deps.guard, body.url, body.tenant);
    const { url, headers, tenant } = body;
    const { input } = newEndpoint(
      deps.secrets,
      endpointBody.parse({ url, headers, tenant, event_types: ['*'] }),
    );
    const adHoc = { ...input, event_types: [], ad_hoc_key: digest([body.tenant, ...about]) };
    const endpointId = await useAdHocEndpoint(pool, adHoc, actorOf(response));
    answer(response, await accept(deps, newEvent(deps, { ...incoming, endpointIds: [endpointId] })));
  });

  return router;
}
