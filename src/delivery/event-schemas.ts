import type { Logger } from 'pino';
import type { JsonSchema } from '../domain/json-schema.js';
import type { PayloadFault } from '../domain/payload-faults.js';
import { compileSchema, type ValidatePayload } from '../domain/payload-validator.js';
import { keepReads } from './kept-reads.js';
import type { KillSwitch } from './kill-switch.js';

export interface EventSchemas {
  /** The faults of a payload by the schema of its event type; empty where it has none. */
  check(type: string, payload: unknown): Promise<PayloadFault[]>;
  /** Forgets an event type that this process has changed; null: any. Other processes are notified by Postgres. */
  changed(name: string | null): void;
}

const MAX_SCHEMAS = 1_000;
const NONE: PayloadFault[] = [];

/**
 * Compiled schemas in memory, and the names that have one, as long as Postgres says that they are what they were: an
 * event type without a schema costs one look-up in a set.
 */
export function createEventSchemas(
  load: { names(): Promise<string[]>; schema(name: string): Promise<JsonSchema | null> },
  control: Pick<KillSwitch, 'onEventType' | 'current'>,
  log: Logger,
): EventSchemas {
  const names = keepReads(control, async () => new Set(await load.names()), 1);
  const schemas = keepReads(
    control,
    (name) => load.schema(name).then((schema) => compile(name, schema)),
    MAX_SCHEMAS,
  );

  function compile(name: string, schema: JsonSchema | null): ValidatePayload | null {
    try {
      return schema && compileSchema(schema);
    } catch (error) {
      // It could be compiled when it was registered: a fault of ours, for which no event may be refused.
      log.error({ err: error, event_type: name }, 'a schema cannot be compiled; its events are not checked');
      return () => NONE;
    }
  }

  const changed = (name: string | null) => {
    names.forget(null);
    schemas.forget(name);
  };
  control.onEventType(changed);
  return {
    changed,
    async check(type, payload) {
      if (!(await names.get('')).has(type)) return NONE;
      const validate = await schemas.get(type);
      return validate ? validate(payload) : NONE;
    },
  };
}
