import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';

/** Names and types (temporal.api.enums.v1.IndexedValueType) for `temporal workflow list --query`. */
const WANTED = { Tenant: 2, EventType: 2, BatchId: 2, EndpointIds: 7 } as const;
const TYPES = ['?', 'Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList'];

export interface SearchAttributes {
  /** Attributes that the namespace does not provide: workflows start without them. */
  missing(): string[];
  /** Why they are missing, for operators; null if all can be used. */
  reason(): string | null;
  /** Registers missing attributes, and finds out which can be used. Rejects while Temporal is away. */
  check(connection: Pick<NativeConnection, 'operatorService'>): Promise<void>;
}

/**
 * Search attributes only help operators to find workflows, and the namespace may be shared: a name that is registered
 * with another type, or for which there is no room, must not keep a delivery from starting.
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
    // One call for each: a refused attribute would fail the others in its call.
    for (const [name, type] of Object.entries(WANTED).filter(([name]) => !present[name])) {
      await operator
        .addSearchAttributes({ namespace, searchAttributes: { [name]: type } })
        .catch((error: unknown) => (refusals[name] = refusal(error)));
    }
    return faultsOf(await list(), refusals);
  } catch (error) {
    // If Temporal refuses to list attributes, workflows start without any.
    const why = refusal(error);
    return Object.fromEntries(Object.keys(WANTED).map((name) => [name, why]));
  }
}

/** Why attributes cannot be used, by their names; registers none. */
export async function listAttributeFaults(
  operator: Pick<NativeConnection['operatorService'], 'listSearchAttributes'>,
  namespace: string,
): Promise<Record<string, string>> {
  return faultsOf((await operator.listSearchAttributes({ namespace })).customAttributes ?? {});
}

function faultsOf(registered: Record<string, unknown>, refusals: Record<string, string> = {}) {
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
}

/** The type that an attribute has to have, as the Temporal CLI names it. */
export const attributeType = (name: string): string => TYPES[WANTED[name as keyof typeof WANTED]]!;

/**
 * grpc.status: INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, FAILED_PRECONDITION, UNIMPLEMENTED, UNAUTHENTICATED.
 * Every other code means that Temporal is away.
 */
const REFUSED = [3, 5, 7, 9, 12, 16];

function refusal(error: unknown): string {
  const { code, details } = error as { code?: number; details?: string };
  if (code === undefined || !REFUSED.includes(code)) throw error;
  return details || 'refused';
}
