import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { Answer, Text } from './answer.js';
import type { EventStream } from './event-stream.js';
import type { Actor } from '../db/audit.js';
import type { AppDeps } from './app-deps.js';
import { isOwned, type OwnedPrefix } from '../db/owners.js';
import type { NeededRole, NeededScope } from '../domain/role.js';
import type { Identity } from './auth.js';
import type { Slot } from './fair-limit.js';
import { EXAMPLE_IDS } from './example-ids.js';
import type { ProblemCode } from './problem-codes.js';
import { id } from './schemas.js';

/** The group of requests that a route shares its limits with; see `app.ts`. */
export type Lane = 'usual' | 'control' | 'events' | 'match' | 'import' | 'metrics' | 'free';

export type Tag =
  | 'Events'
  | 'Endpoints'
  | 'Event types'
  | 'Deliveries'
  | 'Statistics'
  | 'Issues'
  | 'Replay batches'
  | 'Control'
  | 'Tenants'
  | 'API keys'
  | 'Portal sessions'
  | 'Sessions'
  | 'Audit'
  | 'Installation'
  | 'Health'
  | 'Reference';

/** Objects that belong to a tenant; a tenant belongs to itself. */
export type Owned = OwnedPrefix | 'tenant';

/** A part of the path, such as `{id}`. A malformed value is answered like an unknown object, with 404. */
export interface Param {
  schema: z.ZodType<string>;
  /** The object that it names, such as `endpoint`. */
  what: string;
  example: string;
  /** The object belongs to a tenant: a key that is bound to another finds nothing. */
  owned: Owned | null;
}

export const idParam = (prefix: keyof typeof EXAMPLE_IDS, what: string): Param => ({
  schema: id(prefix),
  what,
  example: EXAMPLE_IDS[prefix],
  owned: isOwned(prefix) ? prefix : null,
});

export interface Response {
  description: string;
  /** Null: no body. */
  schema: z.ZodType | null;
  /** Default: JSON. */
  type?: string;
  example?: unknown;
}

type Params = Record<string, Param>;
type Responses = Record<number, Response>;

/** A request, parsed and authorized. */
export interface Call<P extends Params = Params, Q = unknown, B = unknown> {
  params: { [Name in keyof P]: string };
  query: Q;
  body: B;
  /** The body before it was parsed by the schema: as text, and as JSON. */
  raw: { text: string; value: unknown };
  /** The header Idempotency-Key of an `idempotent` route. */
  key: string | undefined;
  /** Not of a route with the role `none`. */
  identity: Identity;
  /** The same with the request, for the audit. */
  actor: Actor;
  /** Whether the key of the request is valid still: a stream lasts longer than a look at it. */
  isValid(): Promise<boolean>;
  /** The request's place in its lane. */
  slot: Slot;
  /** Its `x-request-id`. */
  requestId: string;
  /** For limits by address. */
  request: IncomingMessage;
  /** For the headers of limits. */
  response: ServerResponse;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Declaration {
  operationId: string;
  tag: Tag;
  summary: string;
  description?: string;
  /** `none`: needs no API key. */
  role: NeededRole | 'none';
  /** Whether the body stands for an API key, whose rate the answers then tell. */
  keyInBody?: boolean;
  /** The scope with which a portal session may call it; without one, none may. */
  portal?: NeededScope;
  /** Whether API keys that are bound to a tenant are refused. */
  aboveTenants?: boolean;
  /** Whether the body may be empty, which reads as `{}`. */
  optionalBody?: boolean;
  maxBytes?: number;
  /** Reads the header Idempotency-Key; its 200 is the repeated answer of an earlier request. */
  idempotent?: boolean;
  /** Problems besides those that follow from the role, the parameters and the body. */
  problems?: ProblemCode[];
  /** Default: `usual`. */
  lane?: Lane;
  /** A request body for the document; a test sends it. */
  example?: unknown;
}

type BodyOf<S extends z.ZodType | null> = S extends z.ZodType ? z.output<S> | Text | EventStream : undefined;
type AnswerOf<R extends Responses> = {
  [S in keyof R & number]: Answer & { status: S; body?: BodyOf<R[S]['schema']> };
}[keyof R & number];

interface Spec<
  D,
  P extends Params,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends Responses,
> extends Declaration {
  params?: P;
  query?: Q;
  body?: B;
  responses: R;
  handle(call: Call<P, z.output<Q>, z.output<B>>, deps: D): Promise<AnswerOf<R>>;
}

/** One route: everything that the server and the OpenAPI document need to know of it. */
export interface Route<D = AppDeps> extends Declaration {
  method: Lowercase<Method>;
  /** As in OpenAPI: `/v1/endpoints/{id}`. */
  path: string;
  params?: Params;
  query?: z.ZodType;
  body?: z.ZodType;
  responses: Responses;
  handle(call: Call, deps: D): Promise<Answer>;
}

/** The types of the input and of each answer follow from the schemas. `D`: the dependencies of the handler. */
export const routeWith =
  <D>() =>
  <
    P extends Params = Record<never, Param>,
    Q extends z.ZodType = z.ZodUndefined,
    B extends z.ZodType = z.ZodUndefined,
    R extends Responses = Responses,
  >(
    on: `${Method} /${string}`,
    spec: Spec<D, P, Q, B, R>,
  ): Route<D> => {
    const [method, path] = on.split(' ');
    return {
      ...(spec as unknown as Route<D>),
      method: method!.toLowerCase() as Lowercase<Method>,
      path: path!,
    };
  };

/** Declares a route of the API: `route('GET /v1/endpoints/{id}', { … })`. */
export const route = routeWith<AppDeps>();
