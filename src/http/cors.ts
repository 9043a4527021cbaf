import cors from 'cors';
import type { RequestHandler } from 'express';

const DAY_S = 24 * 60 * 60;

/**
 * Lets pages of these origins call the API with an API key. Without `credentials`, browsers let none of them read an answer
 * to the dashboard's cookie; `x-surehook-page`, which changes need with the cookie, is not allowed to them.
 */
export const allowOrigins = (origins: string[]): RequestHandler =>
  cors({
    origin: origins,
    methods: ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'x-request-id'],
    exposedHeaders: ['x-request-id', 'idempotent-replayed', 'retry-after', 'ratelimit', 'ratelimit-policy'],
    maxAge: DAY_S,
  });
