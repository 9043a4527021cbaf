import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { LiveCounts } from '../db/live.js';
import type { OpenCounts } from '../db/open-counts.js';
import type { StreamClient } from './event-stream.js';

const EVERY_MS = 2_000;

type Read = LiveCounts & { place: string };

export interface Viewer {
  /** Null: sees all tenants. */
  tenant: string | null;
  client: StreamClient;
  /** Whether its key may see this still. */
  isValid(): Promise<boolean>;
}

export interface Live {
  /** Sends ticks to a viewer until the returned function is called. */
  watch(viewer: Viewer): () => void;
  /** Ends all streams. */
  close(): void;
}

/** One reader for all viewers of a tenant, and one for those of all tenants; none reads without a viewer. */
export function createLive(deps: {
  read(place: string | null, tenant: string | null): Promise<Read>;
  open(): Promise<OpenCounts>;
  log: Logger;
}): Live {
  const scopes = new Map<string | null, Set<Viewer>>();

  async function run(tenant: string | null, viewers: Set<Viewer>): Promise<void> {
    let last: { place: string | null; at: number } = { place: null, at: 0 };
    while (viewers.size > 0) {
      try {
        await refuseInvalid(viewers);
        const [{ place, ...counts }, open]: [Read, OpenCounts | null] = await Promise.all([
          deps.read(last.place, tenant),
          tenant === null ? deps.open() : null,
        ]);
        const at = performance.now();
        const tick = tickOf(counts, last.place === null ? 0 : (at - last.at) / 1_000, open);
        last = { place, at };
        for (const { client } of viewers) client.send('tick', tick);
      } catch (error) {
        // The next tick has what this one misses.
        deps.log.info({ err: error }, 'no live counts: Postgres is away');
      }
      await sleep(EVERY_MS, undefined, { ref: false });
    }
    scopes.delete(tenant);
  }

  return {
    watch(viewer) {
      const { tenant } = viewer;
      let viewers = scopes.get(tenant);
      if (viewers) viewers.add(viewer);
      else {
        scopes.set(tenant, (viewers = new Set([viewer])));
        void run(tenant, viewers);
      }
      return () => viewers.delete(viewer);
    },
    close() {
      for (const viewers of scopes.values()) for (const { client } of viewers) client.end();
    },
  };
}

/** Ends the streams of keys that were revoked or have expired. */
async function refuseInvalid(viewers: Set<Viewer>): Promise<void> {
  await Promise.all(
    [...viewers].map(async ({ client, isValid }) => {
      if (!(await isValid())) client.end();
    }),
  );
}

function tickOf({ arrival_ms, ...counts }: LiveCounts, seconds: number, open: OpenCounts | null) {
  return {
    ...counts,
    seconds,
    arrival_ms: arrival_ms && { p50: arrival_ms[0], p99: arrival_ms[1] },
    open: open && {
      ...open.byStatus,
      overdue: open.overdue,
      oldest_overdue_seconds: open.oldestSeconds,
      workflow_starts_waiting: open.workflowStartsWaiting,
    },
  };
}
