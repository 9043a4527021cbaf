/** Longest event type, subscription or tenant. */
export const MAX_NAME = 128;

const SEPARATORS = './:';
/** Printable ASCII, because the type is sent in a header; `*` is reserved for wildcards. */
const SEGMENT = '(?:(?![*./:])[!-~])+';
/** Non-empty segments separated by `.`, `/` or `:`: `order.created`, `orders/create`, `order:created`. */
export const EVENT_TYPE = new RegExp(`^${SEGMENT}([./:]${SEGMENT})*$`);
/** An exact type; a prefix with `*` as last segment (`order.*`) for all types with that prefix; `*` for all types. */
export const EVENT_TYPE_PATTERN = new RegExp(`^(\\*|${SEGMENT}([./:]${SEGMENT})*([./:]\\*)?)$`);
/** Printable ASCII; not `.` or `..`, which a URL path cannot name. */
export const TENANT = /^(?!\.{1,2}$)[!-~]+$/;
/** Longest idempotency key, in Unicode code points. */
export const MAX_KEY = 255;
/** Control and format characters (keys that look equal would differ), lone surrogates, white space except the space. */
export const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

export const MAX_PAYLOAD_BYTES = 256 * 1024;
/** For the example of an event type. */
export const MAX_EXAMPLE_BYTES = 64 * 1024;
/** Levels of nested arrays and objects: receivers' parsers fail, or worse, not far beyond. */
export const MAX_PAYLOAD_DEPTH = 1_000;
/** Hours from acceptance for which an idempotency key is remembered. */
export const IDEMPOTENCY_WINDOW_HOURS = 72;

/**
 * An event with more deliveries has a parent workflow with one child workflow per part. A part's ids must fit into the
 * search attribute EndpointIds: Temporal accepts 2 KiB, 53 ids.
 */
export const DELIVERIES_PER_WORKFLOW = 50;

/** `~` is never part of a key in a workflow id. */
export const partWorkflowId = (workflowId: string, part: number) => `${workflowId}~p${part}`;

/** Every pattern that matches an event type: `a.b/c` is matched by `a.b/c`, `a.b/*`, `a.*` and `*`. */
export function patternsMatching(type: string): string[] {
  const patterns = [type, '*'];
  for (let at = 1; at < type.length; at++) {
    if (SEPARATORS.includes(type.charAt(at))) patterns.push(`${type.slice(0, at + 1)}*`);
  }
  return patterns;
}
