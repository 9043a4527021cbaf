import type { Logger } from 'pino';
import { isDatabaseAway, type Pool } from '../db/pool.js';
import { tryAccept } from '../db/try-accept.js';
import type { Accept } from '../delivery/accept-events.js';
import type { WatchedWorkflows } from '../delivery/start-faults.js';
import type { RunningWorker } from '../temporal/worker.js';
import { sharedAnswer } from '../lib/shared-answer.js';
import { requirePollers, type TemporalLink, type TemporalOptions } from '../temporal/connection.js';

export interface Readiness {
  postgres: { ok: boolean };
  /** `reason`: why Temporal is not ok, or which search attributes it lacks. */
  temporal: {
    ok: boolean;
    address: string;
    namespace: string;
    ui_url: string | null;
    reason: string | null;
  };
  workers: { ok: boolean };
  /** `reason`: why the encryption keys of this process do not go with the database. */
  encryption: { ok: boolean; reason: string | null };
}

/** Bounds the probes: `/readyz` needs no key. */
const FRESH_MS = 1_000;
const ANSWER_MS = 2_000;

/** Returns a function that probes Postgres, Temporal and the workers; callers share each result for 1 s. */
export function createReadiness(options: {
  acceptance: Acceptance;
  encryption: { fault(): Promise<string | null> };
  temporal: TemporalOptions & { uiUrl: string | null };
  link: TemporalLink;
  workflows: Pick<WatchedWorkflows, 'startFault'>;
  taskQueue: string;
  /** Null: workers run in other processes. */
  worker: RunningWorker | null;
}): () => Promise<Readiness> {
  const { acceptance, encryption, link, workflows, taskQueue, worker } = options;
  const { address, namespace, uiUrl } = options.temporal;
  /** Postgres may be away: the last answer stands. */
  let keyFault: string | null = null;
  const readKeyFault = async () => void (keyFault = await encryption.fault());
  return sharedAnswer(FRESH_MS, async () => {
    const [postgres, engine, workers] = await Promise.all([
      acceptance.possible(),
      answers(link.reached.then(({ connection }) => connection.workflowService.getSystemInfo({}))),
      worker ? worker.running() : answers(link.reached.then((to) => requirePollers(to, taskQueue))),
      answers(readKeyFault()),
    ]);
    return {
      postgres: { ok: postgres },
      temporal: {
        ok: engine && workflows.startFault() === null,
        ...{ address, namespace, ui_url: uiUrl },
        reason: engine ? (workflows.startFault() ?? link.attributes.reason()) : 'Temporal does not answer.',
      },
      workers: { ok: workers },
      encryption: { ok: keyFault === null, reason: keyFault },
    };
  });
}

/** Tells whether events can be accepted. */
export interface Acceptance {
  /** Wraps `accept` to learn from the outcome of real events. */
  watch(accept: Accept): Accept;
  possible(): Promise<boolean>;
}

/** A failed accept counts for this long, unless a later event was accepted. */
const FAILED_MS = 2_000;

/** Without a recent outcome, tries to accept an event; `pool` is for these trials alone. */
export function createAcceptance(pool: Pool, log: Logger): Acceptance {
  let acceptedAt = -Infinity;
  let failedAt = -Infinity;
  const trial = () =>
    tryAccept(pool).catch((error: unknown) => {
      log.warn({ err: error }, 'no event can be accepted now');
      throw error;
    });
  const within = (at: number, ms: number) => performance.now() - at < ms;
  return {
    watch: (accept) => async (event) => {
      try {
        const accepted = await accept(event);
        // A duplicate was only read: it does not prove that Postgres can write.
        if (accepted.kind === 'accepted') acceptedAt = performance.now();
        return accepted;
      } catch (error) {
        if (isDatabaseAway(error)) failedAt = performance.now();
        throw error;
      }
    },
    possible: async () =>
      within(acceptedAt, FRESH_MS) ||
      (!(failedAt > acceptedAt && within(failedAt, FAILED_MS)) && answers(trial())),
  };
}

const answers = (question: Promise<unknown>): Promise<boolean> =>
  Promise.race([
    question.then(
      () => true,
      () => false,
    ),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(false), ANSWER_MS).unref()),
  ]);
