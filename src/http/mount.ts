import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { ZodObject } from 'zod';
import { send } from './answer.js';
import { actorOf, identityOf, requireAccess, type Identity } from './auth.js';
import { headerKey } from './idempotency-key.js';
import { MAX_EVENT_BYTES, readJson } from './json-body.js';
import { slotOf } from './limit-fairly.js';
import { notFound, Problem } from './problem.js';
import type { Call, Lane, Owned, Route } from './route.js';
import { requireAboveTenants, seenTenant } from './tenancy.js';

export interface Guards {
  lanes: Record<Lane, RequestHandler[]>;
  /** The tenant that an object belongs to; null: none. */
  tenantOf(owned: Owned, id: string): Promise<string | null>;
}

/**
 * The steps of a request are role, path, room in its lane, body, input, tenant of the object, handler: each costs less than
 * those after it.
 */
export function mount<D>(
  app: Express,
  routes: Route<D>[],
  deps: D,
  { lanes, tenantOf }: Guards,
  /** For requests of portal sessions. */
  portalDeps = deps,
): void {
  for (const path of pathsOf(routes)) {
    const ofPath = routes.filter((route) => route.path === path);
    for (const route of ofPath) {
      app[route.method](
        expressPath(path),
        authorize(route),
        ...lanes[route.lane ?? 'usual'],
        ...(route.body ? [express.raw({ type: () => true, limit: route.maxBytes ?? MAX_EVENT_BYTES })] : []),
        async (request, response) => {
          const call = readCall(route, request, response);
          await requireOwn(route, call, tenantOf);
          const isPortal = call.identity?.role === 'portal';
          send(response, await route.handle(call, isPortal ? portalDeps : deps));
        },
      );
    }
    app.all(expressPath(path), refuseMethod(ofPath));
  }
}

/** Paths without a parameter come first: `/v1/deliveries/cancel` is no delivery, whatever the method. */
const pathsOf = (routes: Pick<Route, 'path'>[]) =>
  [...new Set(routes.map(({ path }) => path))].sort(
    (a, b) => Number(a.includes('{')) - Number(b.includes('{')),
  );

const expressPath = (path: string) => path.replaceAll(/\{(\w+)\}/g, ':$1');

const authorize =
  ({
    role,
    portal,
    params = {},
    aboveTenants,
  }: Pick<Route, 'role' | 'portal' | 'params' | 'aboveTenants'>): RequestHandler =>
  (request, response, next) => {
    if (role !== 'none') requireAccess(identityOf(response), { role, portal });
    if (aboveTenants) requireAboveTenants(identityOf(response));
    for (const [name, { schema, what }] of Object.entries(params)) {
      const value = request.params[name];
      if (!schema.safeParse(value).success) throw notFound(what, JSON.stringify(value));
    }
    next();
  };

function readCall(
  route: Pick<Route, 'query' | 'body' | 'optionalBody' | 'idempotent'>,
  request: Request,
  response: Response,
): Call {
  const query = route.query?.parse(queryOf(route, request, identityOf(response)));
  const raw = readBody(route, request);
  const body = route.body?.parse(raw.value);
  return {
    params: request.params as Record<string, string>,
    query,
    body,
    raw,
    key: route.idempotent ? headerKey(request) : undefined,
    identity: identityOf(response),
    actor: actorOf(response),
    isValid: response.locals.isValid as Call['isValid'],
    slot: slotOf(response),
    requestId: String(response.getHeader('x-request-id')),
    request,
    response,
  };
}

/** A list that can be limited to a tenant is limited to that of the key. */
function queryOf({ query }: Pick<Route, 'query'>, request: Request, identity: Identity): Request['query'] {
  if (!(query instanceof ZodObject) || !('tenant' in query.shape)) return request.query;
  const tenant = seenTenant(identity, request.query.tenant as string | undefined);
  return tenant === undefined ? request.query : { ...request.query, tenant };
}

/** An object of another tenant is answered as one that does not exist. */
async function requireOwn(
  { params = {} }: Pick<Route, 'params'>,
  call: Call,
  tenantOf: Guards['tenantOf'],
): Promise<void> {
  if (call.identity?.tenant == null) return;
  for (const [name, { owned, what }] of Object.entries(params)) {
    const id = call.params[name]!;
    if (owned && (await tenantOf(owned, id)) !== call.identity.tenant) throw notFound(what, id);
  }
}

function readBody(
  { body, optionalBody }: Pick<Route, 'body' | 'optionalBody'>,
  request: Request,
): Call['raw'] {
  const bytes: unknown = request.body;
  const isEmpty = !Buffer.isBuffer(bytes) || bytes.length === 0;
  return !body || (optionalBody && isEmpty) ? { text: '', value: {} } : readJson(request);
}

/** Answers other methods on a known path with 405 and the allowed methods (RFC 9110 section 15.5.6). */
function refuseMethod(ofPath: Pick<Route, 'method'>[]): RequestHandler {
  const allow = ofPath.map(({ method }) => method.toUpperCase()).join(', ');
  return (request) => {
    const detail = `${request.method} is not possible here, only ${allow}.`;
    throw new Problem(405, 'method_not_allowed', detail, [], { allow });
  };
}
