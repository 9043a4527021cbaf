interface CodeMeaning {
  status: number;
  /** For the OpenAPI document. */
  meaning: string;
}

/** The stable `code` of every problem, with its status. */
export const PROBLEM_CODES = {
  bad_request: { status: 400, meaning: 'Path, headers or body cannot be read.' },
  malformed_json: { status: 400, meaning: 'The body is not JSON in UTF-8.' },
  validation_failed: {
    status: 400,
    meaning: 'A field, parameter or header is not valid; `errors` names each.',
  },
  unauthorized: {
    status: 401,
    meaning: 'There is no API key, or it is not valid; or the code is not known.',
  },
  link_expired: { status: 401, meaning: 'The link was not used in time: make another.' },
  link_revoked: { status: 401, meaning: 'The portal session was revoked.' },
  link_used: { status: 401, meaning: 'The link was used before, and works once: make another.' },
  forbidden: {
    status: 403,
    meaning:
      'The role of the API key, or the scope of the portal session, does not allow this; or the page of another origin asks.',
  },
  foreign_tenant: { status: 403, meaning: 'The API key is bound to another tenant than the one named.' },
  not_found: { status: 404, meaning: 'There is no such object.' },
  method_not_allowed: { status: 405, meaning: 'The path has other methods; the header `allow` lists them.' },
  idempotency_conflict: {
    status: 409,
    meaning: 'The idempotency key was used for a different request, or what it created is gone.',
  },
  cursor_ahead: { status: 409, meaning: 'The cursor is of another database: begin again.' },
  extra_signature_needs_secret: {
    status: 409,
    meaning: 'The second signature uses the secret that is replaced: give it one of its own.',
  },
  event_type_exists: { status: 409, meaning: 'There is this event type already: change it with PATCH.' },
  id_taken: { status: 409, meaning: 'The id belongs to another endpoint, or to a deleted one.' },
  tenant_exists: { status: 409, meaning: 'There is this tenant already: change it with PATCH.' },
  tenant_in_use: { status: 409, meaning: 'The tenant has endpoints, open deliveries or API keys.' },
  too_many_secrets: { status: 409, meaning: 'As many secrets sign as may sign at the same time.' },
  paused: { status: 409, meaning: 'Deliveries of the tenant are paused: nothing is sent.' },
  sends_nothing: { status: 409, meaning: 'The process that answers sends no requests to receivers.' },
  endpoint_disabled: { status: 409, meaning: 'The endpoint is disabled: enable it first.' },
  endpoint_deleted: { status: 409, meaning: 'The endpoint of the delivery is deleted.' },
  delivery_ended: { status: 409, meaning: 'The delivery has ended.' },
  delivery_ending: { status: 409, meaning: 'The last attempt of the delivery is under way: try again.' },
  delivery_held: { status: 409, meaning: 'The delivery is held by a pause: resume that instead.' },
  batch_state: { status: 409, meaning: 'The state of the batch does not allow this.' },
  name_taken: { status: 409, meaning: 'An API key with this name exists.' },
  not_paused: { status: 409, meaning: 'Nothing is paused for this scope.' },
  paused_above: {
    status: 409,
    meaning: 'The tenant was paused by a key that is not bound to it, and only such a key changes that.',
  },
  payload_too_large: { status: 413, meaning: 'The body or the payload is too large.' },
  unsupported_encoding: { status: 415, meaning: 'The content encoding of the body is not known.' },
  address_blocked: { status: 422, meaning: 'The host of the URL is, or resolves to, a forbidden address.' },
  port_blocked: { status: 422, meaning: 'The port of the URL is not one that requests may go to.' },
  event_type_archived: {
    status: 422,
    meaning: 'The event type is archived: nothing new may subscribe to it.',
  },
  quota_exceeded: { status: 422, meaning: 'The tenant has as many endpoints as it may have.' },
  reserved_key: { status: 422, meaning: 'Only Surehook uses this idempotency key in this tenant.' },
  reserved_type: { status: 422, meaning: 'Only Surehook publishes events of this type to this tenant.' },
  schema_violation: {
    status: 422,
    meaning: 'The schema of the event type refuses the payload; `errors` names where.',
  },
  unknown_endpoint: { status: 422, meaning: 'A named endpoint is not one of the tenant.' },
  rate_limited: {
    status: 429,
    meaning:
      'Too many requests of this API key or session, events of the tenant in a second, or unknown keys and codes from this address.',
  },
  schema_work_exceeded: {
    status: 429,
    meaning: 'The events before it in the batch used up the work for schemas: send it in a smaller batch.',
  },
  too_many_sessions: {
    status: 429,
    meaning: 'The tenant has 1,000 portal sessions and links that can be used: revoke some, or wait.',
  },
  too_many_tests: { status: 429, meaning: 'Too many tests of endpoints: try again.' },
  internal_error: { status: 500, meaning: 'A fault of Surehook; it is logged under the request id.' },
  encryption_key_unknown: {
    status: 503,
    meaning: 'The encryption key of this process is not known to the database; nothing was stored.',
  },
  overloaded: { status: 503, meaning: 'Too many requests at once, nothing was stored: try again.' },
  secret_unreadable: { status: 503, meaning: 'No encryption key of this process opens the secret.' },
  unavailable: { status: 503, meaning: 'Postgres does not answer: try again.' },
} as const satisfies Record<string, CodeMeaning>;

export type ProblemCode = keyof typeof PROBLEM_CODES;
