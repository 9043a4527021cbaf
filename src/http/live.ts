import type { Logger } from 'pino';
import { ALL, type LiveCounts, type LiveRead } from '../db/live.js';
import type { OpenCounts } from '../db/open-counts.js';
import { isTooSlow } from '../db/pool.js';
import { startPollLoop, type PollLoop } from '../lib/poll-loop.js';
import { overloaded } from './concurrency-limit.js';
import type { StreamClient } from './event-stream.js';

const EVERY_MS = 2_000;
/** Streams of one API key, or of all portal sessions of a tenant. */
const MAX_OF_HOLDER = 16;
/** Streams of those who see one tenant, and of those who see all: customers leave room for operators. */
const MAX = { ofTenants: 192, ofAll: 64 };

export interface Viewer {
  /** The API key, or the tenant of a portal session. */
  holder: string;
  /** Null: sees all tenants. */
  tenant: string | null;
  client: StreamClient;
  /** Whether its key may see this still. */
  isValid(): Promise<boolean>;
}

export interface Live {
  /** Throws a 503 Problem where there are too many viewers. */
  requireRoom(viewer: Pick<Viewer, 'holder' | 'tenant'>): void;
  /** Sends ticks to a viewer until the returned function is called. */
  watch(viewer: Viewer): () => void;
  /** Ends all streams. */
  close(): Promise<void>;
}

/** One reader for all viewers of a process, whatever they watch; it reads nothing without one. */
export function createLive(deps: {
  read(place: string | null, scopes: string[]): Promise<LiveRead>;
  open(): Promise<OpenCounts>;
  log: Logger;
}): Live {
  const viewers = new Set<Viewer>();
  let loop: PollLoop | null = null;
  let last: { place: string; at: number } | null = null;
  let isClosed = false;

  async function tick(): Promise<void> {
    const scopes = [...new Set([...viewers].map(scopeOf))];
    const [{ place, at, counts }, open] = await Promise.all([
      deps.read(last?.place ?? null, scopes),
      // Counting takes long where much is open: the rest is told all the same.
      scopes.includes(ALL) ? deps.open().catch(() => null) : null,
      endInvalid(viewers),
    ]);
    const now = performance.now();
    const seconds = last ? (now - last.at) / 1_000 : 0;
    last = { place, at: now };
    // Written once for all who see the same.
    const texts = new Map(
      scopes.map((scope) => {
        const shown = tickOf(counts[scope]!, scope === ALL ? open : null);
        return [scope, JSON.stringify({ at, seconds, ...shown })];
      }),
    );
    for (const viewer of viewers) {
      const text = texts.get(scopeOf(viewer));
      if (text !== undefined) viewer.client.send('tick', text);
    }
  }

  async function look(): Promise<number> {
    if (viewers.size === 0) last = null;
    else {
      // The next tick has what a failed one misses, unless that is too much.
      await tick().catch((error: unknown) => {
        if (isTooSlow(error)) last = null;
        deps.log.info({ err: error }, 'live counts not read');
      });
    }
    return EVERY_MS;
  }

  return {
    requireRoom({ holder, tenant }) {
      const all = [...viewers];
      const ofKind = all.filter((one) => (one.tenant === null) === (tenant === null)).length;
      const ofHolder = all.filter((one) => one.holder === holder).length;
      if (ofHolder >= MAX_OF_HOLDER || ofKind >= (tenant === null ? MAX.ofAll : MAX.ofTenants))
        throw overloaded();
    },
    watch(viewer) {
      if (isClosed) {
        viewer.client.end();
        return () => {};
      }
      viewers.add(viewer);
      if (loop === null) loop = startPollLoop(look);
      // The first need not wait for a tick that nobody saw.
      else if (viewers.size === 1) loop.wake();
      return () => viewers.delete(viewer);
    },
    async close() {
      isClosed = true;
      for (const { client } of [...viewers]) client.end();
      await loop?.close();
    },
  };
}

const scopeOf = ({ tenant }: Viewer) => tenant ?? ALL;

/** Ends the streams of keys that were revoked or have expired. */
async function endInvalid(viewers: Set<Viewer>): Promise<void> {
  await Promise.all([...viewers].map(async ({ client, isValid }) => (await isValid()) || client.end()));
}

function tickOf({ arrival_ms, ...counts }: LiveCounts, open: OpenCounts | null) {
  return {
    ...counts,
    arrival_ms: arrival_ms && { p50: arrival_ms[0], p99: arrival_ms[1] },
    open: open && {
      ...open.byStatus,
      overdue: open.overdue,
      oldest_overdue_seconds: open.oldestSeconds,
      workflow_starts_waiting: open.workflowStartsWaiting,
    },
  };
}
