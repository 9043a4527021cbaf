import type { RequestParamHandler } from 'express';
import { notFound } from './problem.js';
import { isId, type IdPrefix } from '../lib/ids.js';

/** What does not look like an id is not found, and never reaches the database (which refuses NUL, for one). */
export function requireIdParam(prefix: IdPrefix, what: string): RequestParamHandler {
  return (_request, _response, next, id: string) => {
    if (!isId(prefix, id)) throw notFound(what, JSON.stringify(id));
    next();
  };
}
