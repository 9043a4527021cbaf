import { z } from 'zod';

/** Checks the length first: no other check runs on a text that is too long. */
export const text = (max: number) =>
  z.string().max(max, { error: `At most ${max} characters.`, abort: true });

/** No control characters: Postgres rejects NUL, and a URL parser drops or hides what it should refuse. */
export const line = (max: number, min = 0) =>
  text(max)
    .min(min)
    .refine((value) => !/\p{Cc}/u.test(value) && value.isWellFormed(), 'Must be one line of text.');
