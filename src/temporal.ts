import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { TemporalAwayError } from './delivery/workflows.js';

const INDEXED_VALUE_TYPE = { Tenant: 2, EventType: 2, BatchId: 2, EndpointIds: 7 } as const;
/** temporal.api.enums.v1.TaskQueueType. */
const ACTIVITY_QUEUE = 2;

export interface TemporalOptions {
  address: string;
  namespace: string;
  tls: boolean;
  apiKey: string | null;
}

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** The SDK's warnings and errors go into our log; its chatter does not. Once a process, before anything else of it. */
export function installTemporalLogger(log: Logger): void {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) =>
    log[LEVELS[level]](meta ?? {}, message),
  );
  Runtime.install({ logger, shutdownSignals: [] });
}

/** One connection for the client and the worker of a process. */
export interface Reached {
  connection: NativeConnection;
  client: Client;
}

export interface TemporalLink {
  /** Temporal once it answered for the first time; a connection that breaks later mends itself. */
  reached: Promise<Reached>;
  /** The same at once; throws while it never answered. */
  now(): Reached;
  close(): Promise<void>;
}

const RECONNECT_MS = 1_000;

/** Tries until Temporal answers: a process that accepts events must be able to start without it. */
export function linkTemporal(options: TemporalOptions, log: Logger): TemporalLink {
  let current: Reached | null = null;
  let closed = false;

  async function reach(): Promise<Reached> {
    for (let tries = 0; !closed; tries++) {
      try {
        return (current = await connect(options));
      } catch (error) {
        const level = tries === 0 ? 'warn' : 'debug';
        log[level]({ err: error, address: options.address }, 'Temporal does not answer; trying on');
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
      }
    }
    throw new Error('closed');
  }

  const reached = reach();
  reached.catch(() => {});
  return {
    reached,
    now() {
      if (!current) throw new TemporalAwayError(`Temporal at ${options.address} does not answer.`);
      return current;
    },
    async close() {
      closed = true;
      // One that never answered is not waited for: should it answer yet, it is let go then.
      const closing = reached.then(({ connection }) => connection.close()).catch(() => {});
      if (current) await closing;
    },
  };
}

async function connect(options: TemporalOptions): Promise<Reached> {
  const connection = await NativeConnection.connect({
    address: options.address,
    // The SDK's gzip costs both sides CPU, for messages of a kilobyte.
    grpcCompression: { codec: 'none' },
    ...(options.tls || options.apiKey ? { tls: true } : {}),
    ...(options.apiKey ? { apiKey: options.apiKey } : {}),
  });
  return { connection, client: new Client({ connection, namespace: options.namespace }) };
}

/** Registers what `temporal workflow list --query` may ask for; those already there are left alone. */
export async function registerSearchAttributes(
  connection: NativeConnection,
  namespace: string,
): Promise<void> {
  const present = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.fromEntries(
    Object.entries(INDEXED_VALUE_TYPE).filter(([name]) => !present.customAttributes?.[name]),
  );
  if (Object.keys(missing).length === 0) return;
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: missing });
}

/** Rejects where no worker asks for this queue's activities. */
export async function requirePollers({ client }: Reached, taskQueue: string): Promise<void> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: ACTIVITY_QUEUE,
  });
  if (!pollers?.length) throw new Error(`No worker polls the task queue ${taskQueue}.`);
}
