import { afterCommit } from '../../db/after-commit.js';
import type { Db } from '../../db/pool.js';
import {
  getPortalSession,
  insertPortalSession,
  listPortalSessions,
  MAX_LIVE,
} from '../../db/portal-sessions.js';
import type { PortalScope } from '../../domain/role.js';
import { answer, replayed } from '../answer.js';
import { pageOf } from '../answers/common.js';
import { newPortalSession, portalSession, repeatedPortalSession } from '../answers/portal-sessions.js';
import { forbidden, keyHash, newCredential, type Identity } from '../auth.js';
import { portalSessionExample } from '../examples.js';
import { createOnce, requestKey } from '../once.js';
import { portalSessionBody, portalSessionsQuery } from '../portal-schemas.js';
import { notFound, Problem } from '../problem.js';
import { idParam, route } from '../route.js';
import { pageQuery } from '../schemas.js';
import { seenTenant } from '../tenancy.js';

const tag = 'Portal sessions';
const params = { id: idParam('pos', 'portal session') };

const create = route('POST /v1/portal-sessions', {
  operationId: 'createPortalSession',
  tag,
  role: 'operator',
  summary: 'Make a link that gives a customer access to its tenant',
  description:
    'The link works once, within 10 minutes. Only this answer has it. The scope `endpoints` needs a key with the role admin.',
  idempotent: true,
  body: portalSessionBody,
  example: { tenant: 'acme', scopes: ['read', 'replay'], return_url: 'https://shop.example/settings' },
  responses: {
    201: {
      description: 'The session with its link.',
      schema: newPortalSession,
      example: portalSessionExample,
    },
    200: {
      description: 'The session that an earlier request made, without its link.',
      schema: repeatedPortalSession,
    },
  },
  problems: ['foreign_tenant', 'too_many_sessions'],
  async handle({ body, raw, key: given, identity, actor }, { pool, publicUrl }) {
    const { tenant, scopes } = body;
    seenTenant(identity, tenant);
    requireGrantable(identity, scopes);
    const code = newCredential('shc');
    const key = requestKey(given, { tenant, route: 'portal-sessions', about: raw.value });
    const make = (db: Db) => insertPortalSession(db, body, keyHash(code), actor);
    const result = await createOnce(pool, key, make, (made) => (made === 'too_many' ? null : made.id));
    if ('knownId' in result) {
      const known = await afterCommit(getPortalSession(pool, result.knownId));
      return replayed({ ...known!, url: null, code: null });
    }
    if (result.made === 'too_many')
      throw new Problem(429, 'too_many_sessions', `The tenant ${tenant} has ${MAX_LIVE} sessions and links.`);
    // Behind the #: browsers send it to no server, so it is in no log.
    return answer(201, { ...result.made, url: `${publicUrl()}/portal#${code}`, code });
  },
});

/** A session may do nothing that its maker may not: the maker has the link, and can use it. */
function requireGrantable(identity: Identity, scopes: PortalScope[]): void {
  if (identity.role === 'admin' || !scopes.includes('endpoints')) return;
  const message = 'The scope endpoints needs a key with the role admin.';
  throw forbidden(identity, `has the role ${identity.role}; the scope endpoints needs admin`, [
    { path: 'scopes', message },
  ]);
}

const list = route('GET /v1/portal-sessions', {
  operationId: 'listPortalSessions',
  tag,
  role: 'viewer',
  summary: 'List portal sessions',
  query: portalSessionsQuery,
  responses: {
    200: { description: 'Newest first, until 30 days after their end.', schema: pageOf(portalSession) },
  },
  async handle({ query }, { pool }) {
    const { page, filter } = pageQuery(query, 'pos');
    return answer(200, await listPortalSessions(pool, filter, page));
  },
});

const get = route('GET /v1/portal-sessions/{id}', {
  operationId: 'getPortalSession',
  tag,
  role: 'viewer',
  summary: 'Get a portal session',
  params,
  responses: { 200: { description: 'The session, without its link.', schema: portalSession } },
  async handle({ params: { id } }, { pool }) {
    const session = await getPortalSession(pool, id);
    if (!session) throw notFound('portal session', id);
    return answer(200, session);
  },
});

export const portalSessionRoutes = [create, list, get];
