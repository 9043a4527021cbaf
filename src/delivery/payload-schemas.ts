import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Work } from '../domain/check-work.js';
import type { JsonSchema } from '../domain/json-schema.js';
import type { PayloadFault } from '../domain/payload-faults.js';
import { compileSchema, type ValidatePayload } from '../domain/payload-validator.js';
import { keepLast, keepReads } from './kept-reads.js';
import type { KillSwitch } from './kill-switch.js';

export interface PayloadSchemas {
  /**
   * The faults of a payload by the schema of its event type; empty where it has none. `request`: the work that is left
   * for all payloads of a request. Null: none is left, and the payload has not been checked.
   */
  check(type: string, payload: unknown, request?: Work): Promise<PayloadFault[] | null>;
  /** Forgets an event type that this process has changed; null: any. Other processes are notified by Postgres. */
  changed(name: string | null): void;
}

const MAX_SCHEMAS = 1_000;
/** Time of checks in one turn of the event loop: those of a batch may take a second together. */
const MAX_TURN_MS = 50;
const NONE: PayloadFault[] = [];

/**
 * Compiled schemas in memory, and the names that have one, as long as Postgres says that they are what they were: an
 * event type without a schema costs one look-up in a set.
 */
export function createPayloadSchemas(
  load: { names(): Promise<string[]>; schema(name: string): Promise<JsonSchema | null> },
  control: Pick<KillSwitch, 'onEventType' | 'current'>,
  log: Logger,
): PayloadSchemas {
  // No event waits for a database that hangs, only to be refused after that.
  const stale = { mayBeStale: true };
  const names = keepReads(control, async () => new Set(await load.names()), 1, stale);
  const schemas = keepReads(
    control,
    (name) => load.schema(name).then((schema) => compile(name, schema)),
    MAX_SCHEMAS,
    stale,
  );

  // Compiling takes up to a second. It must not be repeated for each read, which would block the event loop for so long
  // that the kill switch is never current again.
  const compiled = new Map<string, { text: string; validate: ValidatePayload }>();

  function compile(name: string, schema: JsonSchema | null): ValidatePayload | null {
    if (schema === null) return null;
    const text = JSON.stringify(schema);
    const before = compiled.get(name);
    const validate = before?.text === text ? before.validate : compileAnew(name, schema);
    keepLast(compiled, name, { text, validate }, MAX_SCHEMAS);
    return validate;
  }

  function compileAnew(name: string, schema: JsonSchema): ValidatePayload {
    try {
      return compileSchema(schema);
    } catch (error) {
      // The schema could be compiled when it was registered: no event may be refused for a fault of ours.
      log.error({ err: error, event_type: name }, 'a schema cannot be compiled; its events are not checked');
      return () => NONE;
    }
  }

  let turnMs = 0;
  let turn: Promise<void> | undefined;

  async function validateInTurn(validate: ValidatePayload, payload: unknown, request?: Work) {
    while (turnMs > MAX_TURN_MS)
      await (turn ??= nextTurn().then(() => {
        turnMs = 0;
        turn = undefined;
      }));
    if (request && request.left <= 0) return null;
    const began = performance.now();
    try {
      return validate(payload, 'payload', request);
    } finally {
      turnMs += performance.now() - began;
    }
  }

  const changed = (name: string | null) => {
    names.forget(null);
    schemas.forget(name);
  };
  control.onEventType(changed);
  return {
    changed,
    async check(type, payload, request) {
      if (!(await names.get('')).has(type)) return NONE;
      const validate = await schemas.get(type);
      return validate ? validateInTurn(validate, payload, request) : NONE;
    },
  };
}
