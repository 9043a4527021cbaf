import { z } from 'zod';
import { line } from './text-schemas.js';

const MAX_MEMBERS = 50;
const MAX_VALUE = 500;

/** `z.record` would drop `__proto__`, and reads every member before it counts them. */
export const metadata = z
  .unknown()
  .superRefine((value, context) => {
    if (typeof value !== 'object' || value === null) return;
    const names = Object.keys(value);
    if (names.length > MAX_MEMBERS)
      context.addIssue({ code: 'custom', message: `At most ${MAX_MEMBERS} members.` });
    else if (names.includes('__proto__'))
      context.addIssue({ code: 'custom', path: ['__proto__'], message: 'Cannot be kept under this name.' });
  })
  .pipe(z.record(line(40, 1), line(MAX_VALUE)))
  .meta({
    override: {
      ...{ type: 'object', maxProperties: MAX_MEMBERS },
      additionalProperties: { type: 'string', maxLength: MAX_VALUE },
    },
    description: 'Names of 1 to 40 characters.',
  });
