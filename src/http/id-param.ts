import type { RequestParamHandler } from 'express';
import { notFound } from './problem.js';
import { isId, type IdPrefix } from '../lib/ids.js';

/** Answers malformed ids with 404 before they reach the database, which rejects NUL, for example. */
export function requireIdParam(prefix: IdPrefix, what: string): RequestParamHandler {
  return (_request, _response, next, id: string) => {
    if (!isId(prefix, id)) throw notFound(what, JSON.stringify(id));
    next();
  };
}
