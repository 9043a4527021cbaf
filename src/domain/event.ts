/** `[a-zA-Z0-9_]+` parts joined by full stops, as in Standard Webhooks: `order.created`. */
export const EVENT_TYPE = /^[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)*$/;
/** An exact type, `order.*` for everything below `order.`, or `*` for everything. */
export const EVENT_TYPE_PATTERN = /^(\*|[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)*(\.\*)?)$/;
export const TENANT = /^[a-zA-Z0-9_-]{1,64}$/;
/** 1-255 printable characters: no control characters, no lone surrogates, no white space but the space. */
export const IDEMPOTENCY_KEY = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,255}$/u;

export const MAX_PAYLOAD_BYTES = 256 * 1024;
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

/** Every pattern that matches an event type: `a.b.c` is matched by `a.b.c`, `a.b.*`, `a.*` and `*`. */
export function patternsMatching(type: string): string[] {
  const parts = type.split('.');
  const prefixes = parts.slice(1).map((_, i) => `${parts.slice(0, i + 1).join('.')}.*`);
  return [type, ...prefixes, '*'];
}
