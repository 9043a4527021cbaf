import type { EndpointTarget } from '../db/endpoints.js';
import type { Control } from './control.js';

export interface EndpointCache {
  /** Those of `ids` that are there, at most a second old. */
  get(ids: string[]): Promise<Map<string, EndpointTarget>>;
}

const MOST = 10_000;

/** Endpoints in memory, as long as Postgres says that they are what they were. */
export function createEndpointCache(
  load: (ids: string[]) => Promise<EndpointTarget[]>,
  control: Pick<Control, 'onEndpoint' | 'current'>,
): EndpointCache {
  const known = new Map<string, EndpointTarget>();
  let changes = 0;
  control.onEndpoint((id) => {
    changes += 1;
    if (id === null) known.clear();
    else known.delete(id);
  });
  return {
    async get(ids) {
      const found = new Map<string, EndpointTarget>();
      const current = control.current();
      const missing = new Set<string>();
      for (const id of ids) {
        const target = current ? known.get(id) : undefined;
        if (target) found.set(id, target);
        else missing.add(id);
      }
      if (missing.size === 0) return found;
      const before = changes;
      for (const target of await load([...missing])) {
        found.set(target.endpoint.id, target);
        // What has changed while it was read may be what was read.
        if (current && changes === before) known.set(target.endpoint.id, target);
      }
      if (known.size > MOST) known.clear();
      return found;
    },
  };
}
