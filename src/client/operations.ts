import type { operations } from './schema.js';

/** Types of the API's operations, by their `operationId` in the OpenAPI document. */
type Operations = operations;
export type OperationId = keyof Operations;

type Json<R> = R extends { content: { 'application/json': infer Body } } ? Body : never;
type Responses<Id extends OperationId> = Operations[Id]['responses'];

/** The body of a 2xx answer. */
export type Answer<Id extends OperationId> = {
  [Status in keyof Responses<Id> & (200 | 201 | 202)]: Json<Responses<Id>[Status]>;
}[keyof Responses<Id> & (200 | 201 | 202)];

export type Body<Id extends OperationId> = Json<NonNullable<Operations[Id]['requestBody']>>;

/** The filters of a list; `cursor`: the page to begin with. */
export type Filters<Id extends OperationId> = NonNullable<Operations[Id]['parameters']['query']>;

/** A row of a list. */
export type Row<Id extends OperationId> = Answer<Id> extends { data: (infer R)[] } ? R : never;
