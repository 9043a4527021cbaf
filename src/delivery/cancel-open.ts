import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import {
  cancelPageOf,
  idsEnd,
  isFanningOut,
  nextOpen,
  type BulkCancel,
  type OpenFilter,
  type OpenMatch,
  type OpenStatus,
} from '../db/cancel-deliveries.js';
import { isDatabaseAway, type Pool } from '../db/pool.js';
import type { WorkflowMode } from '../domain/delivery.js';
import { TemporalAwayError, type WorkflowGateway } from './workflow-gateway.js';

export interface CancelReport {
  dry_run: boolean;
  /** Open deliveries that the filter matched. */
  matched: number;
  cancelled: number;
  /** False: more of them may be open, the same request goes on. */
  complete: boolean;
  by_status: { status: OpenStatus; count: number }[];
  by_endpoint: { endpoint_id: string; count: number }[];
  by_event_type: { event_type: string; count: number }[];
  /** The first ids. */
  sample: string[];
}

export interface CancelOpen {
  filter: OpenFilter;
  dryRun: boolean;
  by: BulkCancel;
}

interface CancelDeps {
  pool: Pool;
  workflows: Pick<WorkflowGateway, 'cancelDeliveries'>;
  workflowMode: WorkflowMode;
  log: Logger;
}

/** A client waits no longer for the answer; the same request continues with the rest. */
const RUN_MS = 20_000;
/** Maximum length of each list in a report. */
const LISTED = 100;
const SAMPLE = 10;
const SIGNALS_AT_ONCE = 8;
/** Between two looks at an event that is still fanned out. */
const FAN_OUT_MS = 50;

/** Cancels the open deliveries that match, page by page, each page one commit; a dry run only counts them. */
export async function cancelOpen(deps: CancelDeps, request: CancelOpen): Promise<CancelReport> {
  const until = Date.now() + RUN_MS;
  const end = await idsEnd(deps.pool);
  const tally = createTally();
  const byWorkflow = new Map<string, string[]>();
  let cancelled = 0;
  let complete = false;
  try {
    // An event that is still fanned out gets deliveries below ids already read: again, until there is none.
    for (let again = true; again && Date.now() < until;) {
      let found = false;
      // Ask before reading: the last page may be committed between the two.
      const isFilling = !request.dryRun && (await isFanningOut(deps.pool, request.filter, end));
      for (let after: string | null = ''; after !== null && Date.now() < until;) {
        const { matches, last } = await nextOpen(deps.pool, request.filter, { after, until: end });
        matches.forEach(tally.add);
        after = last;
        if (request.dryRun || matches.length === 0) continue;
        const ended = new Set(await cancelPageOf(deps.pool, matches, request.by));
        cancelled += ended.size;
        for (const { id, workflow_id, workflow_started } of matches) {
          if (!workflow_started || !ended.has(id)) continue;
          byWorkflow.set(workflow_id, [...(byWorkflow.get(workflow_id) ?? []), id]);
        }
        found ||= ended.size > 0;
      }
      if (isFilling && !found) await sleep(FAN_OUT_MS);
      again = isFilling || found;
    }
    complete = Date.now() < until;
  } catch (error) {
    // Earlier pages are committed: the answer says how many were cancelled.
    if (cancelled === 0 || !isDatabaseAway(error)) throw error;
    deps.log.warn({ err: error, cancelled }, 'cancelling deliveries stopped half-way');
  }
  if (deps.workflowMode !== 'none') void cancelInWorkflows(deps, byWorkflow);
  return { dry_run: request.dryRun, matched: tally.matched(), cancelled, complete, ...tally.report() };
}

/** The rows have decided: a workflow that gets no signal reads them before its next attempt. */
async function cancelInWorkflows(
  { workflows, log }: CancelDeps,
  byWorkflow: Map<string, string[]>,
): Promise<void> {
  const waiting = [...byWorkflow];
  const signal = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      try {
        await workflows.cancelDeliveries(...next);
      } catch (error) {
        log.info({ err: error, workflow_id: next[0] }, 'cancellation not signalled to the workflow');
        if (error instanceof TemporalAwayError) waiting.length = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: SIGNALS_AT_ONCE }, signal));
}

/** Counts each delivery once. Millions may match: only the ids are remembered. */
function createTally() {
  const seen = new Set<string>();
  const counts = {
    status: new Map<string, number>(),
    endpoint_id: new Map<string, number>(),
    event_type: new Map<string, number>(),
  };
  const names = Object.keys(counts) as (keyof typeof counts)[];
  const most = <K extends keyof typeof counts>(name: K) => {
    const sorted = [...counts[name]].sort(([, a], [, b]) => b - a).slice(0, LISTED);
    return sorted.map(
      ([value, count]) => ({ [name]: value, count }) as { [P in K]: string } & { count: number },
    );
  };
  return {
    add(match: OpenMatch): void {
      if (seen.has(match.id)) return;
      seen.add(match.id);
      for (const name of names) counts[name].set(match[name], (counts[name].get(match[name]) ?? 0) + 1);
    },
    report: () => ({
      by_status: most('status') as CancelReport['by_status'],
      by_endpoint: most('endpoint_id'),
      by_event_type: most('event_type'),
      sample: [...seen].slice(0, SAMPLE),
    }),
    matched: () => seen.size,
  };
}
