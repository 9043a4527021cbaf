import { z } from 'zod';
import { headerProblem } from '../webhook/request-headers.js';
import { text } from './text-schemas.js';

const MAX_HEADERS = 32;

/** Runs before `z.record`, which drops `__proto__`. Names that differ only in case are the same header. */
const headerNames = z.unknown().superRefine((value, context) => {
  if (typeof value !== 'object' || value === null) return;
  const names = Object.keys(value);
  if (names.length > MAX_HEADERS)
    return context.addIssue({ code: 'custom', message: `At most ${MAX_HEADERS} headers.` });
  const seen = new Map<string, string>();
  for (const name of names) {
    const lower = name.toLowerCase();
    const other = seen.get(lower);
    seen.set(lower, name);
    const message =
      lower === '__proto__' ? 'A header of this name cannot be kept.' : `Is the same header as ${other}.`;
    if (other !== undefined || lower === '__proto__')
      context.addIssue({ code: 'custom', path: [name], message });
  }
});

export const headers = headerNames
  .pipe(
    z.record(text(256), text(4096)).superRefine((value, context) => {
      for (const [name, content] of Object.entries(value)) {
        const fault = headerProblem(name, content);
        if (fault) context.addIssue({ code: 'custom', path: [name], message: fault });
      }
    }),
  )
  .meta({
    override: {
      ...{ type: 'object', maxProperties: MAX_HEADERS },
      additionalProperties: { type: 'string', maxLength: 4096 },
    },
    description: 'Sent with each request. Headers that Surehook sends itself are refused.',
  });
