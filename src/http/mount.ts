import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { send } from './answer.js';
import { actorOf, identityOf, requireRole } from './auth.js';
import { headerKey } from './idempotency-key.js';
import { MAX_EVENT_BYTES, readJson } from './json-body.js';
import { slotOf } from './limit-fairly.js';
import { notFound, Problem } from './problem.js';
import type { Call, Lane, Route } from './route.js';

/** The steps of a request are role, path, room in its lane, body, input, handler: each is cheaper than those after it. */
export function mount<D>(
  app: Express,
  routes: Route<D>[],
  deps: D,
  lanes: Record<Lane, RequestHandler[]>,
): void {
  for (const path of pathsOf(routes)) {
    const ofPath = routes.filter((route) => route.path === path);
    for (const route of ofPath) {
      app[route.method](
        expressPath(path),
        authorize(route),
        ...lanes[route.lane ?? 'usual'],
        ...(route.body ? [express.raw({ type: () => true, limit: route.maxBytes ?? MAX_EVENT_BYTES })] : []),
        async (request, response) =>
          send(response, await route.handle(readCall(route, request, response), deps)),
      );
    }
    app.all(expressPath(path), refuseMethod(ofPath));
  }
}

/** Those without a parameter come first: `/v1/deliveries/cancel` is no delivery, whatever the method. */
const pathsOf = (routes: Pick<Route, 'path'>[]) =>
  [...new Set(routes.map(({ path }) => path))].sort(
    (a, b) => Number(a.includes('{')) - Number(b.includes('{')),
  );

const expressPath = (path: string) => path.replaceAll(/\{(\w+)\}/g, ':$1');

const authorize =
  ({ role, params = {} }: Pick<Route, 'role' | 'params'>): RequestHandler =>
  (request, response, next) => {
    if (role !== 'none') requireRole(identityOf(response), role);
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
  const query = route.query?.parse(request.query);
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
    slot: slotOf(response),
  };
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
