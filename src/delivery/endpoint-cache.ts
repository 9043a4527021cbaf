import type { EndpointTarget } from '../db/endpoint-targets.js';
import { batchReads } from '../db/batch-reads.js';
import { keepReads } from './kept-reads.js';
import type { KillSwitch } from './kill-switch.js';

export interface EndpointCache {
  /** As it was at most a second ago; null where there is none. */
  get(id: string): Promise<EndpointTarget | null>;
}

const MAX_ENDPOINTS = 10_000;
/** A wide event asks for thousands at once. */
const MAX_WAITING = 32_768;

/** Endpoints in memory, as long as Postgres says that they are what they were; one read for all that ask meanwhile. */
export function createEndpointCache(
  /** In the order of the ids. */
  load: (ids: string[]) => Promise<(EndpointTarget | null)[]>,
  control: Pick<KillSwitch, 'onEndpoint' | 'current'>,
): EndpointCache {
  const endpoints = keepReads(control, batchReads(load, MAX_WAITING), MAX_ENDPOINTS);
  control.onEndpoint((id) => endpoints.forget(id));
  return { get: async (id) => endpoints.get(id) };
}
