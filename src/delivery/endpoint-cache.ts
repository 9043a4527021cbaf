import type { EndpointTarget } from '../db/endpoints.js';
import type { KillSwitch } from './kill-switch.js';

export interface EndpointCache {
  /** As it was at most a second ago; null where there is none. */
  get(id: string): Promise<EndpointTarget | null>;
}

const MOST = 10_000;

/** Endpoints in memory, as long as Postgres says that they are what they were; one read for all that ask meanwhile. */
export function createEndpointCache(
  load: (id: string) => Promise<EndpointTarget | null>,
  control: Pick<KillSwitch, 'onEndpoint' | 'current'>,
): EndpointCache {
  const known = new Map<string, EndpointTarget>();
  const reading = new Map<string, Promise<EndpointTarget | null>>();
  control.onEndpoint((id) => {
    // What has changed while it was read may be what was read.
    for (const of of [known, reading]) {
      if (id === null) of.clear();
      else of.delete(id);
    }
  });

  function read(id: string): Promise<EndpointTarget | null> {
    const current = control.current();
    const under = load(id)
      .then((target) => {
        if (known.size >= MOST) known.clear();
        if (target && current && reading.get(id) === under) known.set(id, target);
        return target;
      })
      .finally(() => {
        if (reading.get(id) === under) reading.delete(id);
      });
    reading.set(id, under);
    return under;
  }

  return {
    async get(id) {
      const target = control.current() ? known.get(id) : undefined;
      return target ?? reading.get(id) ?? read(id);
    },
  };
}
