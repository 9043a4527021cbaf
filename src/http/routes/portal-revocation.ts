import { revokePortalSession, revokePortalSessions } from '../../db/end-portal-sessions.js';
import { getPortalSession } from '../../db/portal-sessions.js';
import { answer } from '../answer.js';
import { portalSession, revokedSessions } from '../answers/portal-sessions.js';
import type { Identity } from '../auth.js';
import { revokeAllBody } from '../portal-schemas.js';
import { notFound } from '../problem.js';
import { idParam, route } from '../route.js';
import { reasonBody } from '../schemas.js';
import { seenTenant } from '../tenancy.js';

const tag = 'Portal sessions';

const revoke = route('POST /v1/portal-sessions/{id}/revoke', {
  operationId: 'revokePortalSession',
  tag,
  role: 'operator',
  summary: 'Revoke a portal session, or its link',
  description: 'Within a second, every process refuses its token. Revoking it again changes nothing.',
  params: { id: idParam('pos', 'portal session') },
  body: reasonBody,
  optionalBody: true,
  example: { reason: 'sent to the wrong address' },
  responses: { 200: { description: 'The session.', schema: portalSession } },
  async handle({ params: { id }, body: { reason = null }, actor }, { pool }) {
    const session = await revokePortalSession(pool, id, { actor, reason });
    if (!session) throw notFound('portal session', id);
    return answer(200, session);
  },
});

const revokeAll = route('POST /v1/portal-sessions/revoke', {
  operationId: 'revokePortalSessions',
  tag,
  role: 'operator',
  summary: 'Revoke all portal sessions and links of a tenant',
  description: 'Within a second, every process refuses their tokens. The audit has one entry.',
  body: revokeAllBody,
  example: { tenant: 'acme', reason: 'a lost laptop' },
  responses: { 200: { description: 'How many it has ended.', schema: revokedSessions } },
  problems: ['foreign_tenant'],
  async handle({ body: { tenant, reason = null }, identity, actor }, { pool }) {
    seenTenant(identity, tenant);
    return answer(200, { revoked: await revokePortalSessions(pool, tenant, { actor, reason }) });
  },
});

/** The actor's name of a session is its id behind a prefix. */
const ownId = ({ id }: Identity) => id.slice('portal:'.length);

const current = route('GET /v1/portal-sessions/current', {
  operationId: 'getCurrentPortalSession',
  tag,
  role: 'session',
  portal: 'any',
  summary: 'Get the portal session that asks',
  responses: { 200: { description: 'The session of the token.', schema: portalSession } },
  async handle({ identity }, { pool }) {
    const session = await getPortalSession(pool, ownId(identity));
    if (!session) throw notFound('portal session', ownId(identity));
    return answer(200, session);
  },
});

const revokeCurrent = route('POST /v1/portal-sessions/current/revoke', {
  operationId: 'revokeCurrentPortalSession',
  tag,
  role: 'session',
  portal: 'any',
  summary: 'End the portal session that asks',
  description: 'For logging out. Within a second, every process refuses its token.',
  body: reasonBody,
  optionalBody: true,
  example: {},
  responses: { 200: { description: 'The session.', schema: portalSession } },
  async handle({ body: { reason = null }, identity, actor }, { pool }) {
    const session = await revokePortalSession(pool, ownId(identity), { actor, reason });
    if (!session) throw notFound('portal session', ownId(identity));
    return answer(200, session);
  },
});

export const portalRevocationRoutes = [current, revokeCurrent, revoke, revokeAll];
