import type { Logger } from 'pino';
import {
  cancelPageOf,
  idsEnd,
  nextOpen,
  type BulkCancel,
  type OpenFilter,
  type OpenMatch,
  type OpenStatus,
} from '../db/cancel-deliveries.js';
import { isDatabaseAway, type Pool } from '../db/pool.js';
import { TemporalAwayError, type Workflows } from './workflows.js';

export interface CancelReport {
  dry_run: boolean;
  /** Open deliveries that the filter matched. */
  matched: number;
  cancelled: number;
  /** False: more of them may be open, the same request goes on. */
  complete: boolean;
  by_status: { status: string; count: number }[];
  by_endpoint: { endpoint_id: string; count: number }[];
  by_event_type: { event_type: string; count: number }[];
  /** The first ids. */
  sample: string[];
}

export interface CancelOpen {
  status: OpenStatus[];
  filter: OpenFilter;
  dryRun: boolean;
  by: BulkCancel;
}

interface CancelDeps {
  pool: Pool;
  workflows: Pick<Workflows, 'cancelDeliveries'>;
  log: Logger;
}

/** A client waits no longer for the answer; the same request goes on with the rest. */
const RUN_MS = 20_000;
/** Of each list in a report. */
const LISTED = 100;
const SAMPLE = 10;
const SIGNALS_AT_ONCE = 8;

/** Cancels the open deliveries that match, page by page, each page one commit; a dry run only counts them. */
export async function cancelOpen(deps: CancelDeps, request: CancelOpen): Promise<CancelReport> {
  const until = Date.now() + RUN_MS;
  const end = await idsEnd(deps.pool);
  const matched = new Map<string, OpenMatch>();
  const gone: OpenMatch[] = [];
  let entry: string | null = null;
  let complete = false;
  try {
    // Between two statuses a delivery can be passed over: again, until there is none.
    for (let found = true; found && Date.now() < until;) {
      found = false;
      for (const status of request.status) {
        for (let after: string | null = ''; after !== null && Date.now() < until;) {
          const { matches, last } = await nextOpen(deps.pool, request.filter, { status, after, until: end });
          for (const match of matches) matched.set(match.id, match);
          after = last;
          if (request.dryRun || matches.length === 0) continue;
          const ids = matches.map(({ id }) => id);
          const page = await cancelPageOf(deps.pool, ids, request.by, entry);
          entry = page.entry;
          const ended = new Set(page.cancelled);
          gone.push(...matches.filter(({ id }) => ended.has(id)));
          found ||= ended.size > 0;
        }
      }
    }
    complete = Date.now() < until;
  } catch (error) {
    // What was cancelled before is committed: the answer says how much.
    if (gone.length === 0 || !isDatabaseAway(error)) throw error;
    deps.log.warn({ err: error, cancelled: gone.length }, 'cancelling deliveries stopped half-way');
  }
  void tellWorkflows(deps, gone);
  return report(request.dryRun, [...matched.values()], gone.length, complete);
}

/** The rows have decided: a workflow that does not hear of it finds out at its next attempt. */
async function tellWorkflows({ workflows, log }: CancelDeps, gone: OpenMatch[]): Promise<void> {
  const ids = new Map<string, string[]>();
  for (const { id, workflow_id, carried } of gone) {
    if (carried) ids.set(workflow_id, [...(ids.get(workflow_id) ?? []), id]);
  }
  const waiting = [...ids];
  const tell = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      try {
        await workflows.cancelDeliveries(...next);
      } catch (error) {
        log.info({ err: error, workflow_id: next[0] }, 'workflow not told of the cancellation');
        if (error instanceof TemporalAwayError) waiting.length = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: SIGNALS_AT_ONCE }, tell));
}

function report(dryRun: boolean, matches: OpenMatch[], cancelled: number, complete: boolean): CancelReport {
  const countBy = <K extends 'status' | 'endpoint_id' | 'event_type'>(name: K) => {
    const counts = new Map<string, number>();
    for (const match of matches) counts.set(match[name], (counts.get(match[name]) ?? 0) + 1);
    const sorted = [...counts].sort(([, a], [, b]) => b - a).slice(0, LISTED);
    return sorted.map(
      ([value, count]) => ({ [name]: value, count }) as { [P in K]: string } & { count: number },
    );
  };
  return {
    dry_run: dryRun,
    matched: matches.length,
    cancelled,
    complete,
    by_status: countBy('status'),
    by_endpoint: countBy('endpoint_id'),
    by_event_type: countBy('event_type'),
    sample: matches.slice(0, SAMPLE).map(({ id }) => id),
  };
}
