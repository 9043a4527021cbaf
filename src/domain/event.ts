/** Longest event type, subscription or tenant. */
export const MAX_NAME = 128;

const SEPARATORS = './:';
/** Printable ASCII, which a header carries; `*` is kept for wildcards. */
const SEGMENT = '(?:(?![*./:])[!-~])+';
/** Segments parted by `.`, `/` or `:`, none of them empty: `order.created`, `orders/create`, `order:created`. */
export const EVENT_TYPE = new RegExp(`^${SEGMENT}([./:]${SEGMENT})*$`);
/** An exact type; one whose last segment is `*`, for every type that begins with what stands before it; `*` for all. */
export const EVENT_TYPE_PATTERN = new RegExp(`^(\\*|${SEGMENT}([./:]${SEGMENT})*([./:]\\*)?)$`);
/** Printable ASCII; not `.` and `..`, which no URL path can name. */
export const TENANT = /^(?!\.{1,2}$)[!-~]+$/;
/** Longest idempotency key, in Unicode code points. */
export const MAX_KEY = 255;
/** Control and format characters (two keys that look the same would differ), lone surrogates, white space but the space. */
export const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

export const MAX_PAYLOAD_BYTES = 256 * 1024;
/** Arrays and objects in one another: receivers' parsers give up, or worse, not far beyond. */
export const MAX_PAYLOAD_DEPTH = 1_000;
/** How long an idempotency key is remembered, in hours, from acceptance. */
export const IDEMPOTENCY_WINDOW_HOURS = 72;

/**
 * A workflow carries this many deliveries; an event with more has one for each part of them, under one for all. Its
 * search attribute EndpointIds holds as many: Temporal takes 2 KiB, 53 ids.
 */
export const DELIVERIES_PER_WORKFLOW = 50;

/** `~` is never part of a key in a workflow id. */
export const partWorkflowId = (workflowId: string, part: number) => `${workflowId}~p${part}`;
export const wholeWorkflowId = (workflowId: string) => workflowId.replace(/~p\d+$/, '');

/** Every pattern that matches an event type: `a.b/c` is matched by `a.b/c`, `a.b/*`, `a.*` and `*`. */
export function patternsMatching(type: string): string[] {
  const patterns = [type, '*'];
  for (let at = 1; at < type.length; at++) {
    if (SEPARATORS.includes(type.charAt(at))) patterns.push(`${type.slice(0, at + 1)}*`);
  }
  return patterns;
}
