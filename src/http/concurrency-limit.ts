import type { ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { Problem } from './problem.js';

/** Bounds the requests under way, each of which may hold a body of the maximum size. */
export interface ConcurrencyLimit {
  /** Throws a 503 Problem at the limit: a queue of waiting senders would only add to the overload. */
  enter(response: ServerResponse): void;
}

export function createConcurrencyLimit(most: number): ConcurrencyLimit {
  let underWay = 0;
  const leave = () => (underWay -= 1);
  return {
    enter(response) {
      if (underWay >= most) throw overloaded();
      underWay += 1;
      response.once('close', leave);
    },
  };
}

export function overloaded(): Problem {
  const message = 'Too many requests at once; nothing was stored. Try again.';
  return new Problem(503, 'overloaded', message, [], { 'retry-after': '1' });
}

export const limitConcurrency =
  ({ enter }: ConcurrencyLimit): RequestHandler =>
  (_request, response, next) => {
    enter(response);
    next();
  };
