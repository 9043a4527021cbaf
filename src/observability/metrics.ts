import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { OpenCounts } from '../db/open-counts.js';
import type { StartFault } from '../delivery/start-faults.js';
import type { Classification } from '../domain/delivery.js';
import { sharedAnswer } from '../lib/shared-answer.js';

/** The metrics of a process, as data. */
export type Counts = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** Access to the metrics of all processes behind the same port. */
export interface PeerCounts {
  /** Registers the function that reads the metrics of this process. */
  onCount(count: () => Promise<Counts>): void;
  /** The metrics of all processes, added up, in the Prometheus text format. */
  counted(): Promise<string>;
}

/** Prometheus metrics of a process. No label has unbounded values: no tenant, no endpoint. */
export interface Metrics {
  attempt(classification: Classification): void;
  event(result: 'accepted' | 'duplicate'): void;
  /** Counts an event with a filter that was not evaluated. */
  unfiltered(): void;
  /** Counts a failed try to start a workflow. */
  notStarted(fault: StartFault): void;
  /** Text exposition format, with values that Postgres gave lately; without them while Postgres is away. */
  expose(): Promise<{ contentType: string; text: string }>;
}

/** Bounds the work: `/metrics` needs no key. */
const FRESH_MS = 1_000;

/** `openCounts`: as of a moment ago. With `peers`, any process exposes the sum over all processes. */
export function createMetrics(openCounts: () => Promise<OpenCounts>, peers?: PeerCounts): Metrics {
  const counted = new Registry();
  let registers = [counted];
  collectDefaultMetrics({ register: counted });
  peers?.onCount(() => counted.getMetricsAsJSON());
  const attempts = new Counter({
    name: 'surehook_attempts_total',
    help: 'Attempts made here, by classification.',
    labelNames: ['classification'],
    registers,
  });
  const events = new Counter({
    name: 'surehook_events_total',
    help: 'Events answered with 2xx here: accepted, or a duplicate of an accepted one.',
    labelNames: ['result'],
    registers,
  });
  const unfiltered = new Counter({
    name: 'surehook_unfiltered_events_total',
    help: 'Events with a filter that could not be evaluated here, whose endpoints got them all the same.',
    registers,
  });
  const notStarted = new Counter({
    name: 'surehook_workflow_start_failures_total',
    help: 'Tries of this process to start a workflow that failed, by fault: Temporal away, or the start refused.',
    labelNames: ['fault'],
    registers,
  });
  // Values for the whole system, not added up: only the process that answers asks Postgres.
  const system = new Registry();
  registers = [system];
  const open = new Gauge({
    name: 'surehook_open_deliveries',
    help: 'Deliveries that have not ended, by status, in the whole system.',
    labelNames: ['status'],
    registers,
  });
  const overdue = new Gauge({
    name: 'surehook_overdue_deliveries',
    help: 'Deliveries due for over 10 s and not held, and claims past their end, in the whole system.',
    registers,
  });
  const oldest = new Gauge({
    name: 'surehook_overdue_oldest_seconds',
    help: 'How long the longest of them has been due.',
    registers,
  });
  const starts = new Gauge({
    name: 'surehook_workflow_starts_waiting',
    help: 'Workflows that the backfill has not started yet, in the whole system.',
    registers,
  });

  async function ask(): Promise<void> {
    for (const gauge of [open, overdue, oldest, starts]) gauge.reset();
    const counts = await openCounts();
    for (const [status, count] of Object.entries(counts.byStatus)) open.set({ status }, count);
    overdue.set(counts.overdue);
    oldest.set(counts.oldestSeconds);
    starts.set(counts.workflowStartsWaiting);
  }

  return {
    attempt: (classification) => attempts.inc({ classification }),
    event: (result) => events.inc({ result }),
    unfiltered: () => unfiltered.inc(),
    notStarted: (fault) => notStarted.inc({ fault }),
    expose: sharedAnswer(FRESH_MS, async () => {
      const asked = await ask().then(
        () => true,
        () => false,
      );
      if (!asked) for (const gauge of [overdue, oldest, starts]) gauge.remove();
      const texts = await Promise.all([peers ? peers.counted() : counted.metrics(), system.metrics()]);
      return { contentType: counted.contentType, text: texts.join('') };
    }),
  };
}

/** Adds up the metrics of several processes. */
export const addUp = (all: Counts[]): Promise<Counts> => AggregatorRegistry.aggregate(all).getMetricsAsJSON();
export const inText = (all: Counts[]): Promise<string> => AggregatorRegistry.aggregate(all).metrics();

/** Only metrics that never fall: those still count after their process has ended. */
export const countersOf = (counts: Counts): Counts =>
  counts.filter(({ type }) => ['counter', 'histogram'].includes(String(type)));
