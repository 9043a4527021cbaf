import { z } from 'zod';
import { CLASSIFICATIONS, DELIVERY_STATUSES } from '../../domain/delivery.js';
import { PROBLEM_CODES, type ProblemCode } from '../problem-codes.js';

/** Answered as an ISO 8601 time in UTC. */
export const instant = z.date();
export const count = z.int().min(0);
export const deliveryStatus = z.enum(DELIVERY_STATUSES).meta({ id: 'DeliveryStatus' });
export const classification = z.enum(CLASSIFICATIONS).meta({ id: 'Classification' });
export const headerValues = z.record(z.string(), z.string());

/** A page of a list, newest first. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({
    data: z.array(item),
    next_cursor: z.string().nullable().meta({ description: 'For `?cursor=`; null on the last page.' }),
  });

export const fieldErrors = z.array(
  z.object({
    path: z.string().meta({ description: 'Where in the request: `event_types[0]`, `Idempotency-Key`.' }),
    message: z.string(),
  }),
);

/** A part of an answer that says what was wrong, with one of these codes. */
export const problemPart = (codes: ProblemCode[]) =>
  z.object({ code: z.enum(codes), detail: z.string(), errors: fieldErrors });

export const problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string().meta({ description: 'The name of the status.' }),
    status: z.int(),
    detail: z.string().meta({ description: 'The fault in words.' }),
    code: z
      .enum(Object.keys(PROBLEM_CODES) as [ProblemCode, ...ProblemCode[]])
      .meta({ description: 'The fault for programs. Never changes.' }),
    errors: fieldErrors.meta({ description: 'At most 20.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' });
