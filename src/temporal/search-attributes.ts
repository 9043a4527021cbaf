import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';

/** Names and types (temporal.api.enums.v1.IndexedValueType) that `temporal workflow list --query` may ask for. */
const WANTED = { Tenant: 2, EventType: 2, BatchId: 2, EndpointIds: 7 } as const;
const TYPES = ['?', 'Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList'];

export interface SearchAttributes {
  /** Those the namespace cannot hold: workflows start without them. */
  missing(): string[];
  /** Why, for operators; null where all can be used. */
  reason(): string | null;
  /** Registers those that are not there, and finds out which can be used. Rejects while Temporal is away. */
  check(connection: Pick<NativeConnection, 'operatorService'>): Promise<void>;
}

/**
 * Search attributes only help operators to find workflows, and the namespace may be another's: a name that is taken by
 * another type, or that finds no room, must not keep a delivery from starting.
 */
export function createSearchAttributes(namespace: string, log: Logger): SearchAttributes {
  let faults: Record<string, string> = {};
  const reason = () => {
    const told = Object.entries(faults).map(([name, why]) => `${name} (${why})`);
    return told.length === 0 ? null : `search attributes left out: ${told.join(', ')}`;
  };
  return {
    missing: () => Object.keys(faults),
    reason,
    async check({ operatorService }) {
      const before = reason();
      faults = await findFaults(operatorService, namespace);
      const now = reason();
      if (now && now !== before) log.warn({ namespace }, now);
    },
  };
}

async function findFaults(
  operator: NativeConnection['operatorService'],
  namespace: string,
): Promise<Record<string, string>> {
  const list = async () => (await operator.listSearchAttributes({ namespace })).customAttributes ?? {};
  const refusals: Record<string, string> = {};
  try {
    const present = await list();
    // Each alone: one that is refused would take the others with it.
    for (const [name, type] of Object.entries(WANTED).filter(([name]) => !present[name])) {
      await operator
        .addSearchAttributes({ namespace, searchAttributes: { [name]: type } })
        .catch((error: unknown) => (refusals[name] = refusal(error)));
    }
    const registered = await list();
    const faulty = Object.entries(WANTED).filter(([name, type]) => Number(registered[name]) !== Number(type));
    return Object.fromEntries(
      faulty.map(([name, type]) => {
        const found = Number(registered[name] ?? 0);
        return [
          name,
          found ? `it is ${TYPES[found]}, not ${TYPES[type]}` : (refusals[name] ?? 'not registered'),
        ];
      }),
    );
  } catch (error) {
    // Who may not even ask goes without.
    const why = refusal(error);
    return Object.fromEntries(Object.keys(WANTED).map((name) => [name, why]));
  }
}

/** grpc.status: invalid, not found, not allowed, not served. Everything else means that Temporal is away. */
const REFUSED = [3, 5, 7, 9, 12, 16];

function refusal(error: unknown): string {
  const { code, details } = error as { code?: number; details?: string };
  if (code === undefined || !REFUSED.includes(code)) throw error;
  return details || 'refused';
}
