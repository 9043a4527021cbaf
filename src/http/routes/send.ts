import { useAdHocEndpoint } from '../../db/ad-hoc-endpoints.js';
import { acceptedEvent } from '../answers/events.js';
import { assertPublicUrl } from '../assert-public-url.js';
import { newEndpoint } from '../endpoint-input.js';
import { schemaProblem } from '../event-type-rules.js';
import {
  accept,
  acceptedAnswer,
  admit,
  agreed,
  answered,
  digest,
  newEvent,
  payloadOf,
} from '../incoming-event.js';
import { route } from '../route.js';
import { endpointBody } from '../endpoint-schemas.js';
import { sendBody } from '../event-schemas.js';
import { tenantFor } from '../tenancy.js';

const send = route('POST /v1/send', {
  operationId: 'sendWebhook',
  tag: 'Events',
  role: 'publisher',
  summary: 'Send one webhook to a URL without an endpoint',
  idempotent: true,
  body: sendBody,
  example: { url: 'https://shop.example/webhooks', payload: { hello: 'world' }, type: 'greeting' },
  responses: {
    202: { description: 'The event is stored.', schema: acceptedEvent },
    200: { description: 'It was stored before, by a request with the same key.', schema: acceptedEvent },
  },
  problems: [
    'foreign_tenant',
    'address_blocked',
    'port_blocked',
    'reserved_key',
    'reserved_type',
    'schema_violation',
    'encryption_key_unknown',
    'secret_unreadable',
  ],
  async handle({ body: posted, raw, key: given, slot, identity, actor }, deps) {
    const body = { ...posted, tenant: tenantFor(identity, posted.tenant) };
    await admit(slot, body);
    const payload = payloadOf(raw.text, body);
    const key = agreed(body.idempotency_key, given);
    // Headers may be credentials: what is stored of them must not help to guess them.
    const headersText = JSON.stringify(Object.entries(body.headers).sort());
    const about = [body.url, headersText === '[]' ? '' : await deps.keyedDigest(headersText)];
    // The headers are stored with the endpoint made for this event, not with the event.
    const incoming = { ...body, headers: undefined, payload, key, about };
    // Look up the key first: a taken key stores nothing, and a repeated request is not checked again.
    const known = await answered(deps, newEvent(deps, { ...incoming, endpointIds: null }));
    if (known) return acceptedAnswer(known);
    deps.tenantRates.take(body.tenant);
    const refusal = await schemaProblem(deps, body);
    if (refusal) throw refusal;
    await assertPublicUrl(deps.guard, body.url, body.tenant);
    const { url, headers, tenant } = body;
    const settings = endpointBody.parse({ url, headers, event_types: ['*'] });
    const { input } = newEndpoint(deps.secrets, { ...settings, tenant });
    const adHoc = { ...input, event_types: [], ad_hoc_key: digest([body.tenant, ...about]) };
    const endpointId = await useAdHocEndpoint(deps.pool, adHoc, actor);
    return acceptedAnswer(await accept(deps, newEvent(deps, { ...incoming, endpointIds: [endpointId] })));
  },
});

export const sendRoutes = [send];
